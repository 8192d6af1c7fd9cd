/* The iterations of a run without its games, for tools/scaling: what each rank plays is replaced by the time it takes, and the
 * reduction is the project's own code on visits as many as were measured. Built with SimGrid's smpicc (SIMULATED) it runs as many
 * ranks as wanted in simulated time; built with mpicc it measures what the simulation must be told of this machine.
 *
 *   scaling_model run INPUT VARIANT   times of the iterations, JSON; VARIANT: packed, dense, two_level, overlap or every:N
 *   scaling_model local INPUT         one rank: seconds of each iteration's reduction but for messages, the least of some, a line each
 *   scaling_model link                two ranks: latency and bandwidth between them, and how long one addition takes; JSON,
 *                                     seconds and bytes
 *
 * INPUT, binary: int64 n_iterations, n_ranks, n_visits, n_rows, n_actions, by_cells (are the rows of a rank far from full?);
 * double seconds of an addition; by iteration doubles: rows and cells visited by anyone, seconds of the local part of the reduction; then
 * double seconds of games, [iteration][rank]. */
#include <math.h>
#include <mpi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int model_allreduce(void *items, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm);

/* The reduction as it is, with a choice of what its sums over ranks do. */
#undef MPI_Allreduce
#define MPI_Allreduce(in, items, n, type, op, comm) model_allreduce(items, n, type, op, comm)
#include "../src/run/reduce.c"
#undef MPI_Allreduce

enum { MOST_RANKS = 1 << 16, MOST_VISITS = 8, SLICES = 100, /* looks after messages while it plays, in overlap */ REPEATS = 15 };
enum variant { PACKED, DENSE, TWO_LEVEL, OVERLAP, EVERY, VARIANTS };
static const char *const variant_name[VARIANTS] = {"packed", "dense", "two_level", "overlap", "every"};

/* A node's ranks, and the first ranks of all nodes; by rank, since simulated ranks share their globals. */
static struct levels {
    MPI_Comm node, leaders;
    int node_rank;
} levels_of[MOST_RANKS];
static bool two_level;

struct model {
    struct {
        int64_t n_iterations, n_ranks, n_visits, n_rows, n_actions, by_cells;
        double add_seconds;
    } about;
    double *rows, *cells, *local, *games; /* [iteration]; games: of this rank */
    int rank, size, every;
    enum variant variant;
    struct visits visits[MOST_VISITS];
    double *whole, *reduce; /* [iteration], as the trainer takes them */
};

static void pass_time(double seconds) {
#ifdef SIMULATED
    if (seconds > 0) smpi_execute(seconds);
#else
    (void)seconds;
#endif
}

/* Sums of counts, which take the time of their additions. Simulated ranks share it: each makes one, and all are alike. */
static MPI_Op sum_of_counts;
static double add_seconds;

static void add_counts(int64_t *sum, const int64_t *more, int64_t n) {
    for (int64_t i = 0; i < n; i++) sum[i] += more[i];
}

static void add_in_time(void *more, void *sum, int *n, MPI_Datatype *type) {
    (void)type;
    add_counts(sum, more, *n);
    pass_time(*n * add_seconds);
}

static int allreduce_once(void *items, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
    return MPI_Allreduce(MPI_IN_PLACE, items, n, type, op, comm);
}

static int model_allreduce(void *items, int n, MPI_Datatype type, MPI_Op op, MPI_Comm comm) {
    int rank;
    if (op == MPI_SUM && type == MPI_INT64_T && n > 1) op = sum_of_counts;
    if (!two_level) return allreduce_once(items, n, type, op, comm);
    MPI_Comm_rank(comm, &rank);
    const struct levels *levels = &levels_of[rank];
    MPI_Reduce(levels->node_rank == 0 ? MPI_IN_PLACE : items, items, n, type, op, 0, levels->node);
    if (levels->node_rank == 0) allreduce_once(items, n, type, op, levels->leaders);
    return MPI_Bcast(items, n, type, 0, levels->node);
}

static void levels_create(int rank) {
    struct levels *levels = &levels_of[rank];
    MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &levels->node);
    MPI_Comm_rank(levels->node, &levels->node_rank);
    MPI_Comm_split(MPI_COMM_WORLD, levels->node_rank == 0 ? 0 : MPI_UNDEFINED, rank, &levels->leaders);
    MPI_Barrier(MPI_COMM_WORLD);
    two_level = true;
}

/* ---- Visits ---- */

/* As many rows and cells as were visited by anyone, and together all: each rank has a quarter of the rows or, by cells, of the cells. */
static void visit(struct model *m, int64_t iteration) {
    int64_t rows = (int64_t)m->rows[iteration], cells = (int64_t)m->cells[iteration], c = 0;
    for (int64_t v = 0; v < m->about.n_visits; v++) visits_clear(&m->visits[v]);
    for (int64_t row = 0; row < rows; row++)
        for (int64_t a = 0, n = cells / rows + (row < cells % rows); a < n; a++, c++) {
            if (m->size >= 4 && ((m->about.by_cells ? c : row) + m->rank) % 4 != 0) continue;
            visits_at(&m->visits[row / m->about.n_rows], (uint64_t)(row % m->about.n_rows))[a] = 1;
        }
}

/* After the reduction every rank has what anyone visited. */
static void expect_union(const struct model *m, int64_t iteration) {
    int64_t n = 0;
    for (int64_t v = 0; v < m->about.n_visits; v++)
        for (uint64_t i = 0; i < m->visits[v].slots.n_known; i++)
            for (int64_t a = 0; a < m->about.n_actions; a++) n += visits_count(&m->visits[v], i)[a] != 0;
    if (n == (int64_t)m->cells[iteration]) return;
    fprintf(stderr, "scaling_model: %lld cells were reduced, expected %lld\n", (long long)n, (long long)m->cells[iteration]);
    abort();
}

/* ---- Ways to reduce ---- */

static void reduce_dense(struct model *m) {
    int n = (int)(m->about.n_visits * m->about.n_rows * m->about.n_actions);
    int64_t *dense = memory_zeros((size_t)n, sizeof *dense);
    model_allreduce(dense, n, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
    free(dense);
}

/* A sum over ranks, a power of 2 of them, that goes on whenever it is looked at: first of the bits, by doubling; then of the
 * counts, by halving and doubling: half of what is left goes to the next rank, a quarter to the next but one, and back. */
struct background {
    char *own, *other;
    int bytes[2], phase, stage, stages; /* stages: log2 of the ranks */
    bool running;
    MPI_Request request[2];
};

static int background_distance(const struct background *b) {
    return b->stage < b->stages ? b->stage : 2 * b->stages - 1 - b->stage;
}

static int background_bytes(const struct background *b) {
    return b->phase == 0 ? b->bytes[0] : b->bytes[1] >> (background_distance(b) + 1);
}

static void background_send(struct background *b, const struct model *m) {
    int partner = m->rank ^ 1 << background_distance(b), n = background_bytes(b);
    MPI_Irecv(b->other, n, MPI_BYTE, partner, b->stage, MPI_COMM_WORLD, &b->request[0]);
    MPI_Isend(b->own, n, MPI_BYTE, partner, b->stage, MPI_COMM_WORLD, &b->request[1]);
}

static void background_next(struct background *b, const struct model *m) {
    if (b->phase == 1 && b->stage < b->stages) pass_time(background_bytes(b) / (double)sizeof(int64_t) * m->about.add_seconds);
    b->stage++;
    if (b->stage == (b->phase + 1) * b->stages) b->stage = 0, b->phase++;
    b->running = b->phase < 2;
    if (b->running) background_send(b, m);
}

static void background_look(struct background *b, const struct model *m) {
    int done = 1;
    while (b->running && done) {
        MPI_Testall(2, b->request, &done, MPI_STATUSES_IGNORE);
        if (done) background_next(b, m);
    }
}

static void background_finish(struct background *b, const struct model *m) {
    while (b->running) {
        MPI_Waitall(2, b->request, MPI_STATUSES_IGNORE);
        background_next(b, m);
    }
}

static void background_start(struct background *b, const struct model *m, int64_t iteration) {
    double bits = (double)(m->about.n_visits * m->about.n_rows), counts = m->rows[iteration] * (double)m->about.n_actions;
    if (m->about.by_cells) bits += counts, counts = m->cells[iteration];
    b->bytes[0] = (int)(bits / CHAR_BIT) + 1;
    b->bytes[1] = (int)counts * (int)sizeof(int64_t);
    b->phase = b->stage = b->stages = 0;
    while (1 << b->stages < m->size) b->stages++;
    b->running = m->size > 1;
    if (b->running) background_send(b, m);
}

/* ---- Iterations, as src/run/trainer.c has them ---- */

static void iterate(struct model *m, int64_t i) {
    double began = MPI_Wtime();
    pass_time(m->games[i]);
    double played = MPI_Wtime();
    if ((i + 1) % m->every == 0) {
        pass_time(m->local[i]);
        visit(m, i);
        if (m->variant == DENSE) reduce_dense(m);
        else reduce_visits(m->visits, (int)m->about.n_visits, MPI_COMM_WORLD);
    }
    m->reduce[i] = MPI_Wtime() - played;
    m->whole[i] = MPI_Wtime() - began;
    if (m->rank == 0 && m->variant != DENSE && (i + 1) % m->every == 0) expect_union(m, i);
    if ((i + 1) % m->every == 0) reduce_verdict((struct verdict){0}, MPI_COMM_WORLD);
}

/* Games are played under the distilled policy of the iteration before the last: its sum is on its way meanwhile. */
static void iterate_overlapped(struct model *m, int64_t i, struct background *b) {
    double began = MPI_Wtime();
    for (int slice = 0; slice < SLICES; slice++) {
        pass_time(m->games[i] / SLICES);
        background_look(b, m);
    }
    double played = MPI_Wtime();
    background_finish(b, m);
    pass_time(m->local[i]);
    background_start(b, m, i);
    m->reduce[i] = MPI_Wtime() - played;
    m->whole[i] = MPI_Wtime() - began;
}

/* What MPI makes at the first sum of a kind, as the communicators within nodes (1.2 ms at 1024 ranks), is no part of an iteration. */
static void set_up_messages(struct model *m) {
    visit(m, 0);
    reduce_visits(m->visits, (int)m->about.n_visits, MPI_COMM_WORLD);
    reduce_verdict((struct verdict){0}, MPI_COMM_WORLD);
}

static double run_iterations(struct model *m) {
    size_t room = (size_t)(m->about.n_visits * m->about.n_rows * m->about.n_actions) * sizeof(int64_t);
    struct background background = {0};
    if (m->variant == OVERLAP) background.own = memory_zeros(room, 1), background.other = memory_zeros(room, 1);
    if (m->variant == TWO_LEVEL) levels_create(m->rank);
    set_up_messages(m);
    MPI_Barrier(MPI_COMM_WORLD);
    double began = MPI_Wtime();
    for (int64_t i = 0; i < m->about.n_iterations; i++)
        if (m->variant == OVERLAP) iterate_overlapped(m, i, &background);
        else iterate(m, i);
    background_finish(&background, m);
    double seconds = MPI_Wtime() - began;
    free(background.own);
    free(background.other);
    return seconds;
}

/* The time, and its parts as training_times has them. */
static void print_times(const struct model *m, double seconds) {
    int n = (int)m->about.n_iterations;
    double *least = memory_zeros((size_t)n, sizeof *least), sum[3] = {0}, all[3];
    MPI_Allreduce(m->reduce, least, n, MPI_DOUBLE, MPI_MIN, MPI_COMM_WORLD);
    for (int i = 0; i < n; i++) {
        sum[0] += (m->whole[i] - m->reduce[i]) / m->size;
        sum[1] += (m->reduce[i] - least[i]) / m->size;
        sum[2] += least[i] / m->size;
    }
    MPI_Allreduce(&seconds, &all[0], 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    double longest = all[0];
    MPI_Allreduce(sum, all, 3, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
    if (m->rank == 0)
        printf("{\"seconds\": %.9g, \"games\": %.9g, \"waiting\": %.9g, \"reduction\": %.9g}\n", longest, all[0], all[1], all[2]);
    free(least);
}

/* ---- What the simulation is told ---- */

static void measure_local(struct model *m) {
    struct distilled distilled;
    if (!distilled_create(&distilled, (uint64_t)m->about.n_rows, (int)m->about.n_actions)) abort();
    for (int64_t i = 0; i < m->about.n_iterations; i++) {
        double least = INFINITY;
        uint64_t n_counts = (uint64_t)m->rows[i] * (uint64_t)m->about.n_actions;
        int64_t *counts = memory_zeros(n_counts + 1, sizeof *counts);
        for (uint64_t c = 0; c < (uint64_t)m->cells[i]; c++) counts[c] = 1;
        for (int repeat = 0; repeat < REPEATS; repeat++) {
            visit(m, i);
            double began = MPI_Wtime();
            reduce_visits(m->visits, (int)m->about.n_visits, MPI_COMM_SELF);
            if (m->about.by_cells) sum_cells(counts, n_counts, MPI_COMM_SELF); /* which a rank alone does not need */
            for (int64_t v = 0; v < m->about.n_visits; v++) distilled_update(&distilled, &m->visits[v], 0.1);
            least = fmin(least, MPI_Wtime() - began);
        }
        free(counts);
        printf("%.9g\n", least);
    }
    distilled_destroy(&distilled);
}

/* Seconds one way: the least of some turns, since ranks that share cores wait for them. */
static double one_way(int rank, char *bytes, int n) {
    enum { TURNS = 20, TIMES = 25 };
    double least = INFINITY;
    for (int turn = 0; turn < TURNS; turn++) {
        MPI_Barrier(MPI_COMM_WORLD);
        double began = MPI_Wtime();
        for (int i = 0; i < TIMES; i++) {
            if (rank == 0) MPI_Send(bytes, n, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
            if (rank < 2) MPI_Recv(bytes, n, MPI_BYTE, 1 - rank, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
            if (rank == 1) MPI_Send(bytes, n, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
        }
        least = fmin(least, (MPI_Wtime() - began) / TIMES / 2);
    }
    return least;
}

static double addition(void) {
    enum { N = 20000, TIMES = 200 };
    int64_t *sum = memory_zeros(N, sizeof *sum), *more = memory_zeros(N, sizeof *more);
    double seconds = INFINITY;
    for (int i = 0; i < TIMES; i++) {
        double began = MPI_Wtime();
        more[i] = sum[i] + 1;
        add_counts(sum, more, N);
        seconds = fmin(seconds, (MPI_Wtime() - began) / N);
    }
    free(sum);
    free(more);
    return seconds;
}

static void measure_link(void) {
    static const double most_bandwidth = 1e11; /* both are noisy: the difference may come out as nothing */
    enum { LARGE = 1 << 17 };
    int rank;
    char *bytes = memory_zeros(LARGE, 1);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    double latency = one_way(rank, bytes, 8), large = one_way(rank, bytes, LARGE);
    if (rank == 0)
        printf("{\"latency\": %.9g, \"bandwidth\": %.9g, \"add_seconds\": %.9g}\n", latency, LARGE / fmax(large - latency, LARGE / most_bandwidth),
               addition());
    free(bytes);
}

/* ---- Input ---- */

static bool read_input(struct model *m, const char *path) {
    FILE *file = fopen(path, "rb");
    bool ok = file && fread(&m->about, sizeof m->about, 1, file) == 1 && m->about.n_ranks >= m->size && m->size <= MOST_RANKS && m->about.n_visits <= MOST_VISITS;
    size_t n = ok ? (size_t)m->about.n_iterations : 0;
    double **by_iteration[] = {&m->rows, &m->cells, &m->local, &m->games, &m->whole, &m->reduce};
    for (int i = 0; i < 6; i++) *by_iteration[i] = memory_zeros(n, sizeof(double));
    for (int i = 0; ok && i < 3; i++) ok = fread(*by_iteration[i], sizeof(double), n, file) == n;
    add_seconds = m->about.add_seconds;
    long games = ok ? ftell(file) : 0;
    for (size_t i = 0; ok && i < n; i++)
        ok = fseek(file, games + (long)((i * (size_t)m->about.n_ranks + (size_t)m->rank) * sizeof(double)), SEEK_SET) == 0 &&
             fread(&m->games[i], sizeof(double), 1, file) == 1;
    for (int64_t v = 0; ok && v < m->about.n_visits; v++)
        ok = visits_create(&m->visits[v], (uint64_t)m->about.n_rows, (int)m->about.n_actions);
    if (file) fclose(file);
    return ok;
}

static bool read_variant(struct model *m, const char *text) {
    m->every = 1;
    for (int v = 0; v < VARIANTS; v++) {
        size_t length = strlen(variant_name[v]);
        if (strncmp(text, variant_name[v], length) != 0) continue;
        m->variant = (enum variant)v;
        if (v != EVERY) return text[length] == '\0' && (v != OVERLAP || (m->size & (m->size - 1)) == 0);
        m->every = text[length] == ':' ? atoi(text + length + 1) : 0;
        return m->every > 0;
    }
    return false;
}

int main(int argc, char **argv) {
    struct model m = {0};
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &m.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &m.size);
    const char *what = argc > 1 ? argv[1] : "";
    MPI_Op_create(add_in_time, 1, &sum_of_counts);
    bool ok = false;
    if (argc == 2 && strcmp(what, "link") == 0) {
        measure_link();
        ok = true;
    } else if (argc > 2 && read_input(&m, argv[2])) {
        ok = strcmp(what, "local") == 0 || (argc == 4 && strcmp(what, "run") == 0 && read_variant(&m, argv[3]));
        if (ok && argc == 3) measure_local(&m);
        else if (ok) print_times(&m, run_iterations(&m));
    }
    if (!ok && m.rank == 0) fputs("scaling_model: expected run INPUT VARIANT, local INPUT or link\n", stderr);
    MPI_Finalize();
    return ok ? 0 : 2;
}
