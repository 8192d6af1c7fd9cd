#include "multidistral/cli/inputs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"

bool inputs_apply_settings(struct config *config, const struct arguments *arguments, struct fault *why) {
    for (int i = 0; i < config_count(); i++)
        if (arguments->setting[i] && !config_set(config, i, arguments->setting[i], why)) return fault_at(why, "option");
    return true;
}

bool inputs_read_options(const struct setting *table, int n, char *const *text, void *values, struct fault *why) {
    setting_defaults(table, n, values);
    for (int i = 0; i < n; i++)
        if (text[i] && !setting_read(&table[i], text[i], values, why)) return fault_at(why, "option");
    return true;
}

bool inputs_read_limit(const char *text, double *seconds, struct fault *why) {
    *seconds = 0;
    return !text || text_to_seconds(text, seconds) ||
           fault_set(why, "option: max-time = \"%.40s\": expected seconds, or a time such as 50:00, 23:50:00, 2-12 or 2-23:50:00", text);
}

static bool read_tasks(const struct config_tasks *names, const char *ini, struct task **tasks, struct fault *why) {
    *tasks = memory_zeros((size_t)names->n + 1, sizeof **tasks);
    int n = 0;
    while (n < names->n && task_read(&(*tasks)[n], names->path[n], why)) n++;
    if (n == names->n) return true;
    if (names->line[n] && access(names->path[n], R_OK) != 0) fault_write_at(why, "%s:%d", ini, names->line[n]);
    while (n > 0) task_destroy(&(*tasks)[--n]);
    free(*tasks);
    return false;
}

static bool read_names(const struct arguments *arguments, struct config *config, struct config_tasks *names,
                       struct fault *why) {
    config_defaults(config);
    bool tasks_given = false;
    for (int i = 0; i < arguments->n_positional; i++) {
        const char *path = arguments->positional[i];
        bool ini = text_ends_with(path, ".ini");
        if (ini && i > 0) return fault_set(why, "%s: expected one settings file, in front of the tasks", path);
        if (text_ends_with(path, ".h5")) return fault_set(why, "%s: a run file by its name, expected settings (.ini) or a task", path);
        if (ini && !config_read_ini(config, names, path, why)) return false;
        if (!ini && !tasks_given) config_tasks_destroy(names); /* tasks given here go before those of the INI file */
        if (!ini) config_tasks_add(names, "", path, 0);
        tasks_given |= !ini;
    }
    return inputs_apply_settings(config, arguments, why);
}

bool inputs_read(const struct arguments *arguments, struct config *config, struct task **tasks, int *n_tasks,
                 struct config_tasks *files, struct fault *why) {
    if (!read_names(arguments, config, files, why) || !read_tasks(files, arguments->positional[0], tasks, why)) return false;
    *n_tasks = files->n;
    for (int i = 0; i < arguments->n_positional; i++) config_tasks_add(files, "", arguments->positional[i], 0);
    return true;
}

int inputs_name_width(const struct task *tasks, int n) {
    int width = 24;
    for (int i = 0; i < n; i++)
        if ((int)strlen(tasks[i].name) > width) width = (int)strlen(tasks[i].name);
    return width;
}
