/* All settings of a run, from every room's table: defaults, then an INI file, then options. */
#ifndef MULTIDISTRAL_RUN_CONFIG_H
#define MULTIDISTRAL_RUN_CONFIG_H

#include <stdbool.h>

#include "multidistral/base/fault.h"
#include "multidistral/base/setting.h"
#include "multidistral/learn/learner.h"
#include "multidistral/world/rules.h"

enum sharing { SHARING_AGENT, SHARING_TEAM, SHARING_NONE };

/* Fields: settings.def. */
struct run_settings {
#define SETTING_TABLE "multidistral/run/settings.def"
#include "multidistral/base/setting_fields.h"
};

struct config {
    struct run_settings run;
    struct learning learning;
    struct rules rules;
    struct senses senses;
};

/* Settings in their order, over all tables: i in [0, config_count()). */
int config_count(void);
const struct setting *config_setting(int i);
const char *config_section(int i);                             /* of the INI file and the help */
void *config_values(struct config *config, int i);             /* what setting i's offset counts from */
void config_write(const struct config *config, int i, char text[SETTING_TEXT]);

/* The place of a setting by name; -1, with a reason that offers the nearest name, if there is none. */
int config_find(const char *name, struct fault *why);

void config_defaults(struct config *config);

/* Sets one setting from text; a reason names the setting. */
bool config_set(struct config *config, int i, const char *text, struct fault *why);

/* Are all settings but iterations the same as those of a run that is there? A reason names the first that is not. */
bool config_goes_on(const struct config *there, const struct config *wanted, struct fault *why);

/* Task files named in an INI file: `tasks = a.task "b c.task"`, relative to the folder of the INI file. */
struct config_tasks {
    char **path; /* [n] */
    int *line;   /* [n] where the INI file names it; 0: named elsewhere */
    int n;
};
void config_tasks_add(struct config_tasks *tasks, const char *folder, const char *path, int line);
void config_tasks_destroy(struct config_tasks *tasks);

/* Reads settings, and task files' names, from an INI file or from text that stands for one (`source` in messages).
 * [sections] are for the reader's eye only; `tasks` alone may go on over indented lines. A reason says `file:line: ...`. */
bool config_read_ini(struct config *config, struct config_tasks *tasks, const char *path, struct fault *why);
bool config_parse_ini(struct config *config, struct config_tasks *tasks, const char *source, const char *text,
                      struct fault *why);

/* The INI text that repeats the run; the caller owns it: free(). task_name [n_tasks] become files NAME.task. */
char *config_write_ini(const struct config *config, const char *const *task_name, int n_tasks);

#endif
