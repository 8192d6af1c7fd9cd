#include "multidistral/run/prior.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"
#include "multidistral/run/reduce.h"
#include "multidistral/run/runfile.h"

static bool senses_agree(const struct senses *old, const struct senses *new, struct fault *why) {
    for (int i = 0; i < senses_count; i++) {
        char was[SETTING_TEXT], is[SETTING_TEXT];
        setting_write(&senses_table[i], old, was);
        setting_write(&senses_table[i], new, is);
        if (strcmp(was, is) != 0)
            return fault_set(why, "was trained with %s = %s, expected %s as here", senses_table[i].name, was, is);
    }
    return true;
}

static bool plans_agree(const struct plan *old, const struct plan *new, struct fault *why) {
    if (old->task[0].world != new->task[0].world)
        return fault_set(why, "%s, expected the same kind of tasks as here", old->task[0].world == ENV_matrix ? "plays matrix games" : "plays on maps");
    if (old->n_agents != new->n_agents)
        return fault_set(why, "has %d agents, expected %d as here", old->n_agents, new->n_agents);
    if (old->config.run.sharing == SHARING_NONE || old->config.run.sharing != new->config.run.sharing)
        return fault_set(why, "shares otherwise than this run, or nothing; expected the same sharing, agent or team");
    if (plan_n_actions(old) != plan_n_actions(new) || plan_n_distilled(old) != plan_n_distilled(new))
        return fault_set(why, "has a learner with other actions, expected learner = %s or one like it",
                         learner_kinds[new->config.run.learner]->name);
    return senses_agree(&old->config.senses, &new->config.senses, why);
}

/* The number here of a cell there; -1 if no task here has it free. */
static int cell_here(const struct cells *here, const struct cells *there, uint32_t cell) {
    int row = there->row[cell], column = there->column[cell];
    return row < here->rows && column < here->columns ? here->number[row * here->columns + column] : -1;
}

/* The row here that says the same; false if there is none. */
static bool row_here(const struct plan *here, const struct plan *there, uint64_t row, uint64_t *out) {
    uint32_t digit[INDEX_DIGITS];
    index_digits(&there->senses.rows, row, digit);
    for (int d = 0; d < there->senses.rows.n_digits; d++) {
        if (there->senses.part[d].kind != PART_CELL) continue;
        int cell = cell_here(&here->cells, &there->cells, digit[d]);
        if (cell < 0) return false;
        digit[d] = (uint32_t)cell;
    }
    *out = index_of(&here->senses.rows, digit);
    return true;
}

/* Returns the number of rows that could be taken. */
static int64_t take(struct trainer *t, int64_t replica, const struct plan *old, const struct runfile_distilled *from) {
    int64_t n_shared = plan_n_distilled(t->plan), taken = 0;
    const float *pi0 = from->pi0;
    for (int64_t d = 0; d < n_shared; d++)
        for (int64_t i = 0; i < from->n_rows; i++, pi0 += from->n_actions) {
            uint64_t row;
            if (policy_is_uniform((int)from->n_actions, pi0)) continue; /* as a row not known */
            if (!row_here(t->plan, old, from->row[i], &row)) continue;
            distilled_set(&t->distilled[replica * n_shared + d], row, pi0);
            taken++;
        }
    return taken;
}

static bool read_replicas(const char *path, struct trainer *t, const struct plan *old, int64_t done, struct fault *why) {
    bool read = true;
    for (int64_t r = 0; read && r < t->layout.replicas.n; r++) {
        struct runfile_distilled from;
        read = runfile_read_distilled(path, old, (t->layout.replicas.first + r) % old->config.run.replicas, &from, why);
        if (!read) break;
        read = runfile_is_same(path, from.iterations, done, why);
        if (read && take(t, r, old, &from) == 0)
            read = fault_set(why, "%s: no row of its distilled policy is of cells that are free here, expected a run on maps with some in common", path);
        free(from.row);
        free(from.pi0);
    }
    return read;
}

static bool has_distilled(const char *path, const struct plan *old, struct fault *why) {
    bool has;
    if (!runfile_has_distilled(path, old, &has, why)) return false;
    return has || fault_set(why, "%s: never distilled a policy: pi_0 is uniform; expected the file of a run that did", path);
}

/* The plan of the run, and how many of its iterations are done: on rank 0, which alone looks at the whole file and its seal. */
static bool read_old(const char *path, const struct plan *new, struct plan *old, int64_t *done, struct fault *why) {
    struct config config;
    struct task *tasks;
    int n_tasks;
    if (new->config.run.update_prior && new->config.run.games_m == 0)
        return fault_set(why, "games_m = 0: with no game to distil from, the first update would forget the prior; expected games, or update_prior = no");
    if (!runfile_read_plan(path, &config, &tasks, &n_tasks, done, why)) return false;
    if (!plan_create(old, &config, tasks, n_tasks, why)) return fault_at(why, "%s", path);
    if ((plans_agree(old, new, why) || fault_at(why, "%s", path)) && has_distilled(path, old, why)) return true;
    plan_destroy(old);
    return false;
}

bool prior_read(const char *path, struct trainer *trainer, struct fault *why) {
    struct plan old;
    int rank;
    int64_t done = 0;
    MPI_Comm_rank(trainer->world, &rank);
    bool ok = rank == 0 && read_old(path, trainer->plan, &old, &done, why);
    if (!reduce_fault(ok || rank > 0, why, trainer->world) || !plan_broadcast(&old, ok, trainer->world, why)) return false;
    MPI_Bcast(&done, 1, MPI_INT64_T, 0, trainer->world);
    ok = read_replicas(path, trainer, &old, done, why);
    if (ok) trainer->prior = (struct trainer_prior){memory_string(path), plan_ini(&old), done};
    plan_destroy(&old);
    return reduce_fault(ok, why, trainer->world);
}
