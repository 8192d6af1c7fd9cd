#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/seal.h"
#include "runfile_write.h"

/* ---- Which rows ---- */

/* Rows whose values were learned: reached and forgotten ones are as good as never reached. */
static void add_learned(struct writing *w, const struct learner *learner, int player) {
    const struct table *table = &learner->table[player];
    for (uint64_t i = 0; i < table->slots.n_known; i++) {
        float q[POLICY_MOST];
        bool learned = false;
        learner_values(learner, player, table->slots.known[i], q);
        for (int a = 0; a < learner->n_actions; a++) learned |= q[a] != 0;
        if (learned) w->row[w->n_rows++] = table->slots.known[i];
    }
}

/* Rows where pi_0 is not uniform, now or as the prior of the last iteration: the latter make the policies of its M-step.
 * Uniform rows are as good as unknown ones, and a resumed run does not know them. */
static void add_distilled(struct writing *w, const struct distilled *distilled) {
    static const float nothing[POLICY_MOST];
    const struct slots *now = &distilled->pi0.slots, *then = &distilled->prior.slots;
    size_t bytes = (size_t)distilled->n_actions * sizeof *nothing;
    for (uint64_t i = 0; i < now->n_known; i++)
        if (!policy_is_uniform(distilled->n_actions, distilled_row(distilled, now->known[i])))
            w->row[w->n_rows++] = now->known[i];
    for (uint64_t i = 0; i < then->n_known; i++)
        if (memcmp(distilled_prior(distilled, then->known[i]), nothing, bytes) != 0) w->row[w->n_rows++] = then->known[i];
}

/* Room for every list of every table of this rank, and for their union over ranks. */
static uint64_t most_listed(const struct writing *w) {
    const struct trainer *t = w->trainer;
    uint64_t most = w->plan->senses.rows.n;
    for (int64_t u = 0; u < t->layout.replicas.n * t->layout.tasks.n; u++)
        for (int p = 0; p < plan_n_players(w->plan); p++) most += t->learner[u].table[p].slots.n_known;
    for (int64_t d = 0; d < t->layout.replicas.n * plan_n_distilled(w->plan); d++)
        most += t->distilled[d].pi0.slots.n_known + t->distilled[d].prior.slots.n_known;
    return most;
}

static bool find_rows(struct writing *w, const char *path, struct fault *why) {
    const struct trainer *t = w->trainer;
    w->row_room = most_listed(w);
    w->row = memory_sparse(w->row_room, sizeof *w->row);
    bool listed = w->row || fault_set(why, "%s: cannot be written: no memory to list its rows", path);
    if (!reduce_fault(listed, why, t->world) || !w->row) return false; /* the latter is in the former */
    for (int64_t u = 0; u < t->layout.replicas.n * t->layout.tasks.n; u++)
        for (int p = 0; p < plan_n_players(w->plan); p++) add_learned(w, &t->learner[u], p);
    for (int64_t d = 0; d < t->layout.replicas.n * plan_n_distilled(w->plan); d++) add_distilled(w, &t->distilled[d]);
    w->n_rows = (int64_t)reduce_rows(w->row, (uint64_t)w->n_rows, w->plan->senses.rows.n, t->world);
    return true;
}

/* ---- The file as a whole ---- */

static bool say_untouched(struct fault *why) {
    struct fault reason = *why;
    return fault_set(why, "%s; a complete run file that was there before is untouched", reason.text);
}

/* A new file for each writing, since a rank that another run left behind on a host out of reach may have the old one open,
 * and write into it later. On rank 0. */
static bool clear_part(const char *part, const char *path, const struct output *place, struct fault *why) {
    if (place && !output_is_held(place, why)) return false;
    if (unlink(part) != 0 && errno != ENOENT) return fault_set(why, "%s: cannot be replaced: %s", part, strerror(errno));
    return output_has_room(path, why) || say_untouched(why);
}

/* Reads the file again, since a disk may say that it took what it did not. */
static bool seal(const struct writing *w, const char *part, struct fault *why) {
    return h5_seal(&w->h5, part, why) && (seal_look(part, why) == SEAL_WHOLE || fault_at(why, "%s: cannot be sealed", part));
}

/* Sealed and to the disk; it may take minutes, and the place be lost meanwhile. */
static bool finish_part(const struct writing *w, const char *part, const struct output *place, struct fault *why) {
    struct fault lost;
    bool finished = seal(w, part, why) && output_flush(part, why);
    bool held = !place || output_is_held(place, finished ? why : &lost);
    if (held && !finished) unlink(part); /* a disk may be full because of it */
    return held && finished;
}

/* What cannot be put in place is whole all the same. */
static bool put_in_place(const char *part, const char *path, int keep, struct fault *why) {
    if (output_replace(part, path, keep, why)) return true;
    struct fault reason = *why;
    return access(part, F_OK) == 0 && fault_set(why, "%s; the new file is %s", reason.text, part);
}

/* False: the file cannot be opened. What fails later ends the job. */
static bool write_all(struct writing *w, const char *part, const struct provenance *provenance, struct fault *why) {
    if (!h5_create(&w->h5, part, w->trainer->world, why)) return say_untouched(why);
    h5_attribute_text(&w->h5, "/", "format", "multidistral run");
    h5_attribute_integer(&w->h5, "/", "format_version", RUNFILE_VERSION);
    h5_attribute_integer(&w->h5, "/", "iterations_done", w->trainer->iteration);
    write_plan(w);
    write_state(w);
    write_provenance(w, provenance);
    h5_close(&w->h5);
    return true;
}

/* Ranks whose part cannot be read back as written, or a disk that has no room, fail it for all. Each host flushes what went through
 * it; that of rank 0 does so with the seal. */
static bool verify_part(struct writing *w, const char *part, const char *path, struct fault *why) {
    bool own = (w->h5.rank == 0 || output_flush(part, why)) && h5_verify(&w->h5, part, why);
    bool ok = reduce_fault(own, why, w->trainer->world);
    bool full = output_disk_is_full(part);
    MPI_Barrier(w->trainer->world); /* all have looked before it is removed */
    if (!ok && w->h5.rank == 0) unlink(part);
    if (ok) return true;
    if (full) fault_write(why, "%s: cannot be written: no space is left on the device", path);
    else fault_write_at(why, "%s: cannot be written", path);
    return say_untouched(why);
}

bool runfile_write(const char *path, const struct output *place, const struct trainer *trainer,
                   const struct provenance *provenance, struct fault *why) {
    struct writing w = {.trainer = trainer, .plan = trainer->plan};
    char *part = output_beside(path, ".part");
    int rank;
    MPI_Comm_rank(trainer->world, &rank);
    bool ok = reduce_fault(rank != 0 || clear_part(part, path, place, why), why, trainer->world);
    if (ok) {
        ok = find_rows(&w, path, why) && write_all(&w, part, provenance, why) && verify_part(&w, part, path, why);
        bool placed = ok && (rank != 0 || (finish_part(&w, part, place, why) && put_in_place(part, path, place ? place->keep : 1, why)));
        ok = ok && reduce_fault(placed, why, trainer->world);
        h5_forget(&w.h5);
        memory_sparse_free(w.row, w.row_room, sizeof *w.row);
        memory_give_back();
    }
    free(part);
    return ok;
}
