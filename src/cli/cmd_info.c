#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "multidistral/base/memory.h"
#include "multidistral/cli/command.h"
#include "multidistral/cli/inputs.h"
#include "multidistral/run/runfile.h"
#include "multidistral/run/seal.h"

static const char usage[] = "run.h5";
static const char about[] = "Says what a run file holds: tasks, last returns against the optimum, settings, and where it comes from.";

/* What is said of a run. */
struct info {
    const char *path;
    struct config config;
    struct task *task; /* [n_tasks] */
    int n_tasks;
    int64_t done, bytes;
    struct runfile_curve returns;
    double *optimum; /* [n_tasks]: best sum over agents; NaN: not known */
};

/* ---- For people ---- */

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
static double last_return(const struct runfile_curve *curve, int64_t task, int64_t agent) {
    double sum = 0;
    for (int64_t r = 0; r < curve->n_replicas; r++)
        sum += curve->values[((r * curve->n_iterations + curve->n_iterations - 1) * curve->n_tasks + task) * curve->width + agent];
    return sum / (double)curve->n_replicas;
}

static void print_last(const struct info *info) {
    const struct runfile_curve *curve = &info->returns;
    const int width = inputs_name_width(info->task, info->n_tasks) - 2;
    printf("\nmean return of iteration %lld, by agent%s\n", (long long)curve->n_iterations,
           curve->width > 1 ? "; of all, and the optimum of all" : "; and the optimum");
    for (int64_t i = 0; i < curve->n_tasks; i++) {
        double sum = 0;
        printf("  %-*s", width, info->task[i].name);
        for (int64_t j = 0; j < curve->width; j++) {
            sum += last_return(curve, i, j);
            printf("  %8.2f", last_return(curve, i, j));
        }
        if (curve->width > 1) printf("   %8.2f", sum);
        if (isfinite(info->optimum[i])) printf(" of %8.2f", info->optimum[i]);
        putchar('\n');
    }
}

static void print_size(const struct info *info) {
    double kib = (double)info->bytes / 1024;
    printf("%s: %lld of %lld iterations; tasks: %d, agents: %d, replicas: %lld; %.4g %s\n", info->path, (long long)info->done,
           (long long)info->config.run.iterations, info->n_tasks, info->task[0].n_agents,
           (long long)info->config.run.replicas, kib < 1000 ? kib : kib / 1024, kib < 1000 ? "KiB" : "MiB");
}

static bool print_all(const struct info *info, struct fault *why) {
    print_size(info);
    if (info->returns.n_iterations > 0) print_last(info);
    print_settings(&info->config);
    puts("\nprovenance");
    return runfile_read_provenance(info->path, print_provenance, why);
}

/* ---- JSON ---- */

static void print_json_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') printf("\\%c", *text);
        else if ((unsigned char)*text < ' ') printf("\\u%04x", (unsigned char)*text);
        else putchar(*text);
    }
    putchar('"');
}

static void print_json_number(double x) {
    if (isfinite(x)) printf("%.12g", x);
    else fputs("null", stdout);
}

static void print_json_task(const struct info *info, int task) {
    fputs("{\"name\": ", stdout);
    print_json_text(info->task[task].name);
    fputs(", \"optimum\": ", stdout);
    print_json_number(info->optimum[task]);
    fputs(", \"last_return\": [", stdout);
    for (int64_t j = 0; info->returns.n_iterations > 0 && j < info->returns.width; j++) {
        if (j) fputs(", ", stdout);
        print_json_number(last_return(&info->returns, task, j));
    }
    fputs("]}", stdout);
}

/* Behind the first item that it sees, a comma. */
static void print_json_provenance(const char *name, const char *value) {
    static bool more;
    fputs(more ? ", " : "", stdout);
    more = true;
    print_json_text(name);
    fputs(": ", stdout);
    print_json_text(value);
}

static bool print_json(const struct info *info, struct fault *why) {
    fputs("{\"path\": ", stdout);
    print_json_text(info->path);
    printf(", \"bytes\": %lld, \"iterations_done\": %lld, \"agents\": %d,\n\"tasks\": [", (long long)info->bytes,
           (long long)info->done, info->task[0].n_agents);
    for (int i = 0; i < info->n_tasks; i++) {
        if (i) fputs(",\n  ", stdout);
        print_json_task(info, i);
    }
    fputs("],\n\"settings\": {", stdout);
    for (int i = 0; i < config_count(); i++) {
        char value[SETTING_TEXT];
        config_write(&info->config, i, value);
        printf("%s\"%s\": ", i ? ", " : "", config_setting(i)->name);
        print_json_text(value);
    }
    fputs("},\n\"provenance\": {", stdout);
    bool read = runfile_read_provenance(info->path, print_json_provenance, why);
    fputs("}}\n", stdout);
    return read;
}

/* ---- Integrity ---- */

static void print_part(const struct seal_part *part, bool whole) {
    printf("%-40s %14llu bytes  %s\n", part->name, (unsigned long long)part->bytes, whole ? "as written" : "DAMAGED");
}

/* ---- The command ---- */

static bool curve_fits(const struct info *info, struct fault *why) {
    const struct runfile_curve *curve = &info->returns;
    return (curve->n_tasks == info->n_tasks && curve->n_replicas == info->config.run.replicas &&
            curve->width == info->task[0].n_agents) ||
           fault_set(why, "%s: curves, tasks and settings differ: the file is damaged", info->path);
}

static void see_nothing(const char *name, const char *value) { (void)name, (void)value; }

/* All that can be refused is read before the first word is printed. */
static bool info_read_once(struct info *info, const char *path, struct fault *why) {
    struct stat about_file;
    *info = (struct info){.path = path};
    if (!runfile_read_plan(path, &info->config, &info->task, &info->n_tasks, &info->done, why)) return false;
    if (stat(path, &about_file) == 0) info->bytes = about_file.st_size;
    info->optimum = memory_zeros((size_t)info->n_tasks, sizeof *info->optimum);
    return runfile_read_optima(path, info->n_tasks, info->optimum, why) &&
           runfile_read_curve(path, CURVE_return, &info->returns, why) &&
           runfile_is_same(path, info->returns.n_iterations, info->done, why) && curve_fits(info, why) &&
           runfile_read_provenance(path, see_nothing, why);
}

static void info_destroy(struct info *info) {
    for (int i = 0; i < info->n_tasks; i++) task_destroy(&info->task[i]);
    free(info->task);
    free(info->optimum);
    free(info->returns.values);
}

/* Again, when a run that goes on has put a new file there between two of our looks. */
static bool info_read(struct info *info, const char *path, struct fault *why) {
    enum { TRIES = 10 };
    for (int i = 0; i < TRIES; i++) {
        if (info_read_once(info, path, why)) return true;
        if (!info->returns.values || info->returns.n_iterations == info->done) return false;
        info_destroy(info);
        *info = (struct info){0};
    }
    return false;
}

int cmd_info(int argc, const char **argv) {
    int json = 0, verify = 0;
    struct info info = {0};
    struct poptOption table[] = {{"json", '\0', POPT_ARG_NONE, &json, 0, "print it as JSON", NULL},
                                 {"verify", '\0', POPT_ARG_NONE, &verify, 0, "compare each part with the digest that was stored for it", NULL},
                                 {"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL}, POPT_TABLEEND};
    struct arguments arguments;
    struct fault why;
    bool ok = arguments_read(&arguments, argc, argv, table, false, usage, about, true, &why);
    if (ok && !arguments.help) {
        ok = arguments.n_positional == 1 || fault_set(&why, "expected one run file");
        if (ok && verify) ok = runfile_check(arguments.positional[0], print_part, &why);
        else ok = ok && info_read(&info, arguments.positional[0], &why) && (json ? print_json : print_all)(&info, &why);
        info_destroy(&info);
    }
    if (!ok) fprintf(stderr, "multidistral info: %s\n", why.text);
    arguments_destroy(&arguments);
    return ok ? STATUS_DONE : STATUS_USAGE;
}
