/* The training loop: iterations until all are done or somebody stops it, saved on the way. */
#ifndef MULTIDISTRAL_RUN_TRAINING_H
#define MULTIDISTRAL_RUN_TRAINING_H

#include "multidistral/run/output.h"
#include "multidistral/run/trainer.h"

/* Where the time of training_run went, in seconds; together they are the whole. */
struct training_times {
    double games;   /* mean over ranks: all they do in iterations by themselves */
    double waiting; /* mean over ranks: for ranks that play longer, before the reduction */
    double reduce;  /* what the rank that came last to each reduction spent in it: it waited for nobody */
    double file;    /* writing the run file */
    double rest;    /* between iterations: agreeing to go on, showing progress */
};

/* How a run goes on in time; nothing here changes its numbers. */
struct training {
    const char *path;         /* of the run file */
    const char *name;         /* the same as the user wrote it: a stop file may be beside either; NULL: nothing else */
    const struct output *place; /* that holds it, on rank 0; NULL: nobody else can be there */
    const char *command;      /* for the provenance */
    double checkpoint_seconds; /* between checkpoints; 0: after each iteration */
    int64_t stop_after;       /* stop early when so many iterations are done */
    double began;             /* when the program did, by log_seconds */
    double max_seconds;       /* stop early, with all saved, before so much time has passed since; 0: no limit */
};

enum training_end { TRAINING_DONE, TRAINING_STOPPED, TRAINING_FAILED };

/* Trains until all iterations are done, or training.stop_after, or there is no time for one more within max_seconds, or a
 * signal or a file PATH.stop asks to stop, or the tables fill the memory (which is a failure, after saving); saves on the
 * way and at the end. PATH.stop is removed when it was heard. Collective, with one outcome for all ranks. */
enum training_end training_run(struct trainer *trainer, const struct training *training, struct fault *why);

/* After training_run; the same on all ranks but for the rest, which is each rank's own. Collective. */
struct training_times training_times(const struct trainer *trainer);

/* From now on SIGINT, SIGTERM, SIGHUP, SIGUSR1 and SIGUSR2 ask training_run to stop after the iteration in hand, or the first
 * one if none has begun; a second signal ends the process at once. Those that are ignored stay so (but UCX takes SIGHUP before main
 * begins: tools/environment). A reader of progress who goes away (SIGPIPE) does not end the run. Local. */
void training_catch_signals(void);

#endif
