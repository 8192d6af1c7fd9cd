#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/cli/command.h"
#include "multidistral/cli/options.h"
#include "multidistral/run/runfile.h"

static const char usage[] = "run.h5";
static const char about[] = "Says what a run file holds: tasks, settings, last returns, and where it comes from.";

static void print_provenance(const char *name, const char *value) { printf("  %-18s %s\n", name, value); }

static void print_settings(const struct config *config) {
    puts("\nsettings");
    for (int i = 0; i < config_count(); i++) {
        char value[SETTING_TEXT];
        config_write(config, i, value);
        printf("  %-22s %s\n", config_setting(i)->name, value);
    }
}

/* Mean over replicas of the last iteration. */
static void print_last(const struct runfile_curve *curve, const struct task *tasks) {
    int64_t last = curve->n_iterations - 1;
    printf("\nmean return of iteration %lld\n", (long long)(last + 1));
    for (int64_t i = 0; i < curve->n_tasks; i++) {
        printf("  %-22s", tasks[i].name);
        for (int64_t j = 0; j < curve->width; j++) {
            double sum = 0;
            for (int64_t r = 0; r < curve->n_replicas; r++)
                sum += curve->values[((r * curve->n_iterations + last) * curve->n_tasks + i) * curve->width + j];
            printf("  %8.2f", sum / (double)curve->n_replicas);
        }
        putchar('\n');
    }
}

static bool print_all(const char *path, struct fault *why) {
    struct config config;
    struct task *tasks;
    struct runfile_curve curve;
    int n_tasks;
    int64_t done;
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, &done, why)) return false;
    printf("%s: %lld of %lld iterations; tasks: %d, agents: %d, replicas: %lld\n", path, (long long)done,
           (long long)config.run.iterations, n_tasks, tasks[0].n_agents, (long long)config.run.replicas);
    bool read = runfile_read_curve(path, CURVE_return, &curve, why);
    if (read && curve.n_tasks == n_tasks && curve.n_iterations > 0) print_last(&curve, tasks);
    if (read) free(curve.values);
    print_settings(&config);
    puts("\nprovenance");
    read = read && runfile_read_provenance(path, print_provenance, why);
    for (int i = 0; i < n_tasks; i++) task_destroy(&tasks[i]);
    free(tasks);
    return read;
}

int cmd_info(int argc, const char **argv) {
    struct poptOption table[] = {{"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL}, POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    bool ok = arguments_read(&arguments, argc, argv, table, false, usage, about, true, &why);
    if (ok && !arguments.help) {
        ok = arguments.n_positional == 1 || fault_set(&why, "expected one run file");
        ok = ok && print_all(arguments.positional[0], &why);
    }
    if (!ok) fprintf(stderr, "multidistral info: %s\n", why.text);
    arguments_destroy(&arguments);
    return ok ? STATUS_DONE : STATUS_USAGE;
}
