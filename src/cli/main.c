#include <errno.h>
#include <mpi.h>
#include <stdio.h>
#include <string.h>

#include "multidistral/base/log.h"
#include "multidistral/base/text.h"
#include "multidistral/cli/command.h"
#include "multidistral/run/peers.h"
#include "multidistral/version.h"

struct command {
    const char *name, *about;
    int (*run)(int argc, const char **argv);
    bool parallel; /* does it need MPI? */
};

static const struct command commands[] = {
    {"train", "train tasks together, tied by a distilled policy, into one run file", cmd_train, true},
    {"sweep", "train every combination of several values of settings, and compare", cmd_sweep, true},
    {"solve", "say what the agents of each task can reach together: the optimum", cmd_solve, false},
    {"evaluate", "play fresh games with a run's policies, on its tasks or on new ones", cmd_evaluate, true},
    {"replay", "play games of a run again, on the terminal or as JSON", cmd_replay, false},
    {"info", "say what a run file holds", cmd_info, false},
    {"tasks", "make task files: from a benchmark, or by drawing starts and goals", cmd_tasks, false},
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static int help(FILE *out) {
    fputs("MultiDistral: many tasks with several agents each, tied by a distilled policy\n\n"
          "usage: multidistral COMMAND ...\n"
          "       mpirun -np N multidistral train ...  naturally one rank per task\n"
          "       (sweep and evaluate too; all others are for one process)\n\n",
          out);
    for (int i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
    fputs("\n  multidistral COMMAND --help    the command's options and settings\n"
          "  multidistral --version\n\n"
          "Exit status: 0 done; 1 the run failed; 2 bad input or usage;\n"
          "75 stopped early, everything saved.\n",
          out);
    return out == stdout ? STATUS_DONE : STATUS_USAGE;
}

static int unknown(const char *name) {
    struct text_nearest nearest = {.wanted = name};
    for (int i = 0; i < N_COMMANDS; i++) text_nearest_offer(&nearest, commands[i].name);
    if (nearest.best) fprintf(stderr, "multidistral: unknown command %s; did you mean %s?\n", name, nearest.best);
    else fprintf(stderr, "multidistral: unknown command %s; `multidistral --help` lists them\n", name);
    return STATUS_USAGE;
}

/* What was printed must have arrived: a script reads an empty file as an answer. */
static int close_output(int status) {
    bool arrived = fflush(stdout) == 0 && !ferror(stdout);
    if (arrived) return status;
    fprintf(stderr, "multidistral: standard output cannot be written: %s\n", strerror(errno));
    return status == STATUS_DONE ? STATUS_FAILED : status;
}

/* peers_watch has a thread of its own, which leaves MPI to this one. */
static void start_mpi(void) {
    int provided;
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    peers_watch();
}

static int run(const struct command *command, int argc, const char **argv) {
    char name[1024];
    snprintf(name, sizeof name, "%s %s", argv[0], command->name);
    argv[1] = name; /* what the command sees as its own name */
    if (command->parallel) start_mpi();
    int status = close_output(command->run(argc - 1, argv + 1));
    if (command->parallel) MPI_Finalize();
    return status;
}

double command_began;

int main(int argc, char **argv) {
    command_began = log_seconds();
    if (argc < 2) return help(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
        return close_output(help(stdout));
    if (strcmp(argv[1], "--version") == 0) {
        printf("multidistral %s (%s)\n", MULTIDISTRAL_VERSION, multidistral_commit());
        return close_output(STATUS_DONE);
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (strcmp(argv[1], commands[i].name) == 0) return run(&commands[i], argc, (const char **)argv);
    return unknown(argv[1]);
}
