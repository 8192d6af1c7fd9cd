/* The commands of the program: arguments in, exit status out. */
#ifndef MULTIDISTRAL_CLI_COMMAND_H
#define MULTIDISTRAL_CLI_COMMAND_H

#include <stdbool.h>

/* Exit statuses. */
enum {
    STATUS_DONE = 0,
    STATUS_FAILED = 1,  /* the run failed */
    STATUS_USAGE = 2,   /* bad input or usage */
    STATUS_STOPPED = 75 /* stopped early with everything saved: resume */
};

/* When the program began, by log_seconds. */
extern double command_began;

/* argv[0] is the program, as it was called, and the command: `build/multidistral train`. */
int cmd_train(int argc, const char **argv);    /* collective over MPI_COMM_WORLD */
int cmd_sweep(int argc, const char **argv);    /* likewise */
int cmd_evaluate(int argc, const char **argv); /* likewise */
int cmd_solve(int argc, const char **argv);    /* local */
int cmd_replay(int argc, const char **argv);   /* local */
int cmd_info(int argc, const char **argv);     /* local */
int cmd_tasks(int argc, const char **argv);    /* local */

#endif
