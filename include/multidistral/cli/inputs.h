/* What a command works on, as given on its command line: settings and tasks. Local. */
#ifndef MULTIDISTRAL_CLI_INPUTS_H
#define MULTIDISTRAL_CLI_INPUTS_H

#include "multidistral/cli/options.h"
#include "multidistral/world/task.h"

/* Sets the settings that were given as options. */
bool inputs_apply_settings(struct config *config, const struct arguments *arguments, struct fault *why);

/* Sets the values of a command's own options: text [n] as given, or NULL for the default of table [n]. */
bool inputs_read_options(const struct setting *table, int n, char *const *text, void *values, struct fault *why);

/* Reads the text of --max-time as text_to_seconds does; NULL, not given: 0, no limit. */
#define INPUTS_LIMIT_HELP "save and stop before so much time has passed: seconds, or as 23:50:00"
bool inputs_read_limit(const char *text, double *seconds, struct fault *why);

/* Reads `[settings.ini] TASK...`: defaults, the INI file, then options; the tasks named, or else those of the INI file.
 * The caller owns the array and its tasks: task_destroy, free(). False, with no tasks to destroy, when one of them is
 * wrong.
 *   files  in: empty; out: the paths of all files read; the caller owns it: config_tasks_destroy, also after a failure */
bool inputs_read(const struct arguments *arguments, struct config *config, struct task **tasks, int *n_tasks,
                 struct config_tasks *files, struct fault *why);

/* Columns for the names of tasks in a table: of the longest, and some for other words. */
int inputs_name_width(const struct task *tasks, int n);

#endif
