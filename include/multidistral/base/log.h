/* What the user sees while the program works: lines on standard error, and on a terminal one live progress line.
 *
 * Only the process that was told to speak (rank 0) does; the functions do nothing elsewhere. Under mpirun the
 * process itself has no terminal; the launcher's is found and used. */
#ifndef MULTIDISTRAL_BASE_LOG_H
#define MULTIDISTRAL_BASE_LOG_H

#include <stdbool.h>

#include "multidistral/base/fault.h"

enum log_progress { LOG_AUTO, LOG_LIVE, LOG_PLAIN, LOG_NONE };

/* Before any other call; without it the process is silent. */
void log_open(bool speaks, enum log_progress progress);

/* One line, after clearing a live progress line; the newline is added. */
void log_line(const char *format, ...) FAULT_PRINTF(1, 2);

/* Reports how far the work is. On a terminal it redraws one line, at most ten times a second; otherwise it prints a
 * plain line every ten seconds. `last` says that the work ends here, and is always shown. */
void log_progress(bool last, const char *format, ...) FAULT_PRINTF(2, 3);

/* Would log_progress show a line now? For those to whom it costs something to say how far the work is. */
bool log_progress_is_due(bool last);

/* One constant line from a signal handler. */
void log_from_handler(const char *line);

/* Seconds of a clock that never jumps. */
double log_seconds(void);

#endif
