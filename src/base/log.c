#define _DEFAULT_SOURCE /* TIOCGWINSZ */
#include "multidistral/base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static const double live_seconds = 0.1, plain_seconds = 10;
enum { NARROWEST = 20, LINE_BYTES = 512 };

static struct {
    bool speaks, live, drawn;
    enum log_progress progress;
    int terminal; /* descriptor of the terminal behind standard error, or -1 */
    double shown; /* when progress was last shown */
} state = {.terminal = -1};

/* mpirun gives its processes a pipe as standard error and copies it to its own; whether that one is a terminal is to
 * be seen at the parent process (Linux; elsewhere /proc is missing and progress is plain). */
static int launcher_terminal(void) {
    if (!getenv("OMPI_COMM_WORLD_RANK") && !getenv("PMI_RANK")) return -1;
    char link[64], path[256];
    snprintf(link, sizeof link, "/proc/%ld/fd/2", (long)getppid());
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return -1;
    path[length] = '\0';
    if (strncmp(path, "/dev/pts/", 9) != 0 && strncmp(path, "/dev/tty", 8) != 0) return -1;
    return open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
}

static int columns(void) {
    struct winsize size;
    if (state.terminal >= 0 && ioctl(state.terminal, TIOCGWINSZ, &size) == 0 && size.ws_col >= NARROWEST)
        return size.ws_col;
    return 80;
}

void log_open(bool speaks, enum log_progress progress) {
    if (state.terminal > STDERR_FILENO) close(state.terminal);
    state.speaks = speaks;
    state.progress = progress;
    state.terminal = !speaks ? -1 : isatty(STDERR_FILENO) ? STDERR_FILENO : launcher_terminal();
    state.live = progress == LOG_LIVE || (progress == LOG_AUTO && state.terminal >= 0);
    state.shown = log_seconds();
}

static void clear_live_line(void) {
    if (state.drawn) fputs("\r\033[K", stderr);
    state.drawn = false;
}

void log_line(const char *format, ...) {
    if (!state.speaks) return;
    clear_live_line();
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

bool log_progress_is_due(bool last) {
    bool due = last || log_seconds() - state.shown >= (state.live ? live_seconds : plain_seconds);
    return state.speaks && state.progress != LOG_NONE && due;
}

void log_progress(bool last, const char *format, ...) {
    if (!log_progress_is_due(last)) return;
    state.shown = log_seconds();
    char line[LINE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    clear_live_line();
    if (state.live) fprintf(stderr, "%.*s%s", columns() - 1, line, last ? "\n" : "");
    else fprintf(stderr, "%s\n", line);
    state.drawn = state.live && !last;
    fflush(stderr);
}

void log_from_handler(const char *line) {
    if (!state.speaks) return;
    bool written = (!state.drawn || write(STDERR_FILENO, "\n", 1) == 1) && write(STDERR_FILENO, line, strlen(line)) > 0;
    (void)written; /* there is nobody to tell */
    state.drawn = false;
}

double log_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
