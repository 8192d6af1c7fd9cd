#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/base/text.h"
#include "multidistral/cli/command.h"
#include "multidistral/cli/options.h"
#include "multidistral/cli/task_folder.h"
#include "multidistral/world/distance.h"
#include "multidistral/world/generate.h"
#include "multidistral/world/movingai.h"

enum number { AGENTS, FIRST, COUNT, MIN_STEPS, SEED, NUMBERS };
enum { MOST_TASKS = 9999 };

struct numbers {
    int64_t agents, first, count, min_steps, seed;
};

static const struct setting number_table[NUMBERS] = {
    [AGENTS] = {"agents", SETTING_INTEGER, "2", 1, TASK_AGENTS, "", "", offsetof(struct numbers, agents)},
    [FIRST] = {"first", SETTING_INTEGER, "1", 1, INT32_MAX, "", "", offsetof(struct numbers, first)},
    [COUNT] = {"count", SETTING_INTEGER, "1", 1, MOST_TASKS, "", "", offsetof(struct numbers, count)},
    [MIN_STEPS] = {"min-steps", SETTING_INTEGER, "1", 1, TASK_CELLS, "", "", offsetof(struct numbers, min_steps)},
    [SEED] = {"seed", SETTING_INTEGER, "1", 0, UINT32_MAX, "", "", offsetof(struct numbers, seed)},
};

/* What is asked for, by options that both ways of making tasks have, and each has some of. */
struct request {
    char *folder, *number[NUMBERS]; /* as given, or NULL */
    int overwrite;
    struct numbers numbers;
};

static bool read_numbers(struct request *request, struct fault *why) {
    setting_defaults(number_table, NUMBERS, &request->numbers);
    for (int i = 0; i < NUMBERS; i++)
        if (request->number[i] && !setting_read(&number_table[i], request->number[i], &request->numbers, why))
            return fault_at(why, "option");
    return true;
}

static void request_destroy(struct request *request) {
    free(request->folder);
    for (int i = 0; i < NUMBERS; i++) free(request->number[i]);
}

/* ---- What both share ---- */

static bool give_name(struct task *task, const char *name, struct fault *why) {
    if (!task_name_fits(name))
        return fault_set(why, "\"%.80s\" is no name for a task, expected 1 to %d letters, digits, '_', '-' or '.'",
                         name, TASK_NAME - 1);
    memcpy(task->name, name, strlen(name) + 1);
    return true;
}

static int longest_way(const struct task *tasks, int n) {
    struct distances distances;
    int longest = 0;
    distances_create(&distances, tasks);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < tasks[i].n_agents; j++) {
            distances_from(&distances, &tasks[i], tasks[i].start[j]);
            int steps = distances.to[tasks[i].goal[j]];
            if (steps > longest) longest = steps;
        }
    }
    distances_destroy(&distances);
    return longest;
}

static void say_what_is_written(const struct task *tasks, int n, const char *folder) {
    int agents = tasks[0].n_agents;
    printf("%d task%s of %d agent%s in %s: %s", n, n > 1 ? "s" : "", agents, agents > 1 ? "s" : "", folder,
           tasks[0].name);
    if (n > 1) printf(" to %s", tasks[n - 1].name);
    int steps = longest_way(tasks, n);
    printf("; the longest way has %d step%s\n", steps, steps == 1 ? "" : "s");
}

/* Tasks that share the walls of one map. */
static bool write_tasks(const struct request *request, const struct task *tasks, struct fault *why) {
    int n = (int)request->numbers.count;
    if (!task_folder_write(request->folder, tasks, n, request->overwrite, why)) return false;
    say_what_is_written(tasks, n, request->folder);
    return true;
}

/* ---- import ---- */

/* `maps/room-32-32-4.map.scen`: room-32-32-4 */
static void stem(const char *path, char *out, size_t size) {
    static const char *const endings[] = {".scen", ".map"};
    const char *slash = strrchr(path, '/');
    snprintf(out, size, "%s", slash ? slash + 1 : path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (text_ends_with(out, endings[i])) out[strlen(out) - strlen(endings[i])] = '\0';
}

/* The agents of one task: the scenarios from *next on that go together. *next becomes the first one behind; the number
 * (from 1) of the task's first scenario, or 0 when there are not enough. */
static int import_agents(const struct movingai *movingai, int n_agents, int *next, struct task *task) {
    int first = 0;
    *task = movingai->map;
    while (task->n_agents < n_agents && *next < movingai->n) {
        struct fault reason;
        if (!movingai_add_agent(movingai, (*next)++, task, &reason))
            fprintf(stderr, "multidistral tasks import: skipped %s\n", reason.text);
        else if (task->n_agents == 1)
            first = *next;
    }
    return task->n_agents == n_agents ? first : 0;
}

static bool import_tasks(const struct movingai *movingai, const struct numbers *numbers, struct task *tasks,
                         struct fault *why) {
    char base[256], name[300];
    int next = (int)numbers->first - 1;
    stem(movingai->path, base, sizeof base);
    for (int i = 0; i < numbers->count; i++) {
        int first = import_agents(movingai, (int)numbers->agents, &next, &tasks[i]);
        if (first == 0)
            return fault_set(why, "%s: its %d scenarios make %d such task%s from number %lld on, expected %lld",
                             movingai->path, movingai->n, i, i == 1 ? "" : "s", (long long)numbers->first,
                             (long long)numbers->count);
        snprintf(name, sizeof name, "%s_%d", base, first);
        if (!give_name(&tasks[i], name, why)) return fault_at(why, "%s", movingai->path);
    }
    return true;
}

static bool import(const char *path, struct request *request, struct fault *why) {
    struct movingai movingai;
    if (!movingai_read(&movingai, path, why)) return false;
    struct task *tasks = memory_zeros((size_t)request->numbers.count, sizeof *tasks);
    bool made = import_tasks(&movingai, &request->numbers, tasks, why) && write_tasks(request, tasks, why);
    free(tasks);
    movingai_destroy(&movingai);
    return made;
}

/* ---- generate ---- */

static bool generate_tasks(struct generator *generator, const struct request *request, struct task *tasks,
                           struct fault *why) {
    for (int i = 0; i < request->numbers.count; i++) {
        char name[TASK_NAME + 16];
        snprintf(name, sizeof name, "%s-g%03d", generator->map->name, i + 1);
        if (!generator_next(generator, &tasks[i], why) || !give_name(&tasks[i], name, why)) return false;
    }
    return true;
}

static bool generate(const char *path, struct request *request, struct fault *why) {
    const struct numbers *numbers = &request->numbers;
    struct generator generator;
    struct task map;
    if (!task_read(&map, path, why)) return false;
    if (map.world != ENV_grid) {
        task_destroy(&map);
        return fault_set(why, "%s: is a matrix game, expected a task with a map to draw starts and goals on", path);
    }
    int n_agents = request->number[AGENTS] ? (int)numbers->agents : map.n_agents;
    struct task *tasks = memory_zeros((size_t)numbers->count, sizeof *tasks);
    generator_create(&generator, &map, n_agents, (int)numbers->min_steps, (uint32_t)numbers->seed);
    bool made = generate_tasks(&generator, request, tasks, why) || fault_at(why, "%s", path);
    made = made && write_tasks(request, tasks, why);
    generator_destroy(&generator);
    free(tasks);
    task_destroy(&map);
    return made;
}

/* ---- The command ---- */

/* A way of making tasks. */
struct way {
    const char *name, *input, *about;
    bool (*make)(const char *path, struct request *request, struct fault *why);
    struct {
        enum number number;
        const char *help;
    } option[NUMBERS + 1]; /* ended by one without help */
};

static const struct way ways[] = {
    {"import",
     "SCEN",
     "Makes tasks of a MovingAI benchmark: each takes the next scenarios of a .scen file that go together.\n"
     "The map is looked for beside that file. A task is called like the file, with the number of its first scenario.",
     import,
     {{AGENTS, "scenarios that make a task (2)"},
      {FIRST, "the scenario to begin with (1)"},
      {COUNT, "how many tasks (1)"}}},
    {"generate",
     "MAP.task",
     "Draws tasks on the map of a task file: starts all different, goals all different, no task twice.\n"
     "They keep the rules of that task; the same seed draws the same tasks.",
     generate,
     {{AGENTS, "agents of each task (as many as on the map)"},
      {COUNT, "how many tasks (1)"},
      {MIN_STEPS, "least number of moves from a start to its goal (1)"},
      {SEED, "of all draws (1)"}}},
};
enum { N_WAYS = sizeof ways / sizeof *ways };

enum { OTHER_OPTIONS = 4 }; /* output, overwrite, help, and the end */

static void list_options(const struct way *way, struct request *request, struct poptOption *option) {
    *option++ = (struct poptOption){
        "output", 'o', POPT_ARG_STRING, &request->folder, 0, "where the task files go; made if missing", "FOLDER"};
    for (int i = 0; way->option[i].help; i++) {
        enum number number = way->option[i].number;
        *option++ = (struct poptOption){number_table[number].name, '\0', POPT_ARG_STRING, &request->number[number], 0,
                                        way->option[i].help,       "N"};
    }
    *option++ = (struct poptOption){
        "overwrite", '\0', POPT_ARG_NONE, &request->overwrite, 0, "replace task files that are there already", NULL};
    *option++ = (struct poptOption){"help", 'h', POPT_ARG_NONE, NULL, 'h', "show this help", NULL};
    *option = (struct poptOption)POPT_TABLEEND;
}

static bool make(const struct way *way, const struct arguments *arguments, struct request *request, struct fault *why) {
    if (arguments->n_positional != 1) return fault_set(why, "expected one %s", way->input);
    if (!request->folder) return fault_set(why, "no folder is named, expected -o FOLDER");
    return read_numbers(request, why) && way->make(arguments->positional[0], request, why);
}

static int run(const struct way *way, int argc, const char **argv) {
    struct request request = {0};
    struct poptOption options[NUMBERS + OTHER_OPTIONS];
    struct arguments arguments;
    struct fault why;
    char usage[64];
    snprintf(usage, sizeof usage, "[OPTION...] %s -o FOLDER", way->input);
    list_options(way, &request, options);
    bool ok = arguments_read(&arguments, argc, argv, options, false, usage, way->about, true, &why);
    if (ok && !arguments.help) ok = make(way, &arguments, &request, &why);
    if (!ok) fprintf(stderr, "multidistral tasks %s: %s\n", way->name, why.text);
    arguments_destroy(&arguments);
    request_destroy(&request);
    return ok ? STATUS_DONE : STATUS_USAGE;
}

static int help(FILE *out) {
    fputs("usage: multidistral tasks import [OPTION...] SCEN -o FOLDER          tasks of a MovingAI benchmark\n"
          "       multidistral tasks generate [OPTION...] MAP.task -o FOLDER    random starts and goals on a map\n\n"
          "  --help behind either lists its options\n",
          out);
    return out == stdout ? STATUS_DONE : STATUS_USAGE;
}

static int unknown(const char *name) {
    struct text_nearest nearest = {.wanted = name};
    for (int i = 0; i < N_WAYS; i++) text_nearest_offer(&nearest, ways[i].name);
    fprintf(stderr, "multidistral tasks: unknown command %s; ", name);
    if (nearest.best)
        fprintf(stderr, "did you mean %s?\n", nearest.best);
    else
        fputs("expected import or generate\n", stderr);
    return STATUS_USAGE;
}

int cmd_tasks(int argc, const char **argv) {
    if (argc < 2) return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) return help(stdout);
    for (int i = 0; i < N_WAYS; i++) {
        char name[1024];
        if (strcmp(argv[1], ways[i].name) != 0) continue;
        snprintf(name, sizeof name, "%s %s", argv[0], ways[i].name);
        argv[1] = name; /* as main does for commands */
        return run(&ways[i], argc - 1, argv + 1);
    }
    return unknown(argv[1]);
}
