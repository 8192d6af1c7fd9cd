#include "multidistral/world/choke.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

/* Depth-first search after Hopcroft and Tarjan 1973: a cell is a choke point if a part of the search that began behind it
 * found no way back to before it. */
struct visit {
    int entered; /* when, from 1; 0: not yet */
    int lowest;  /* earliest cell that it or what began behind it touches */
    int from;    /* the cell that the search came from; -1: none */
    int next;    /* of the four neighbours, which to look at next */
};

static int neighbour(const struct task *task, int place, int direction) {
    int row = place / task->columns, column = place % task->columns;
    switch (direction) {
    case 0: return row + 1 < task->rows ? place + task->columns : place;
    case 1: return row > 0 ? place - task->columns : place;
    case 2: return column > 0 ? place - 1 : place;
    default: return column + 1 < task->columns ? place + 1 : place;
    }
}

static int lower(int a, int b) { return a < b ? a : b; }

/* The search goes back from `place`, whose part is done; the root is a choke point if more than one part began at it. */
static void go_back(struct visit *visit, int place, int *parts_of_root, bool *choke) {
    int from = visit[place].from;
    if (from < 0) return;
    visit[from].lowest = lower(visit[from].lowest, visit[place].lowest);
    if (visit[from].from < 0) choke[from] = ++*parts_of_root > 1;
    else if (visit[place].lowest >= visit[from].entered) choke[from] = true;
}

static void search(const struct task *task, struct visit *visit, int root, int *time, bool *choke) {
    int parts_of_root = 0;
    visit[root] = (struct visit){.entered = ++*time, .lowest = *time, .from = -1};
    for (int here = root; here >= 0;) {
        if (visit[here].next == 4) {
            go_back(visit, here, &parts_of_root, choke);
            here = visit[here].from;
            continue;
        }
        int to = neighbour(task, here, visit[here].next++);
        if (task->wall[to] || to == here || to == visit[here].from) continue;
        if (visit[to].entered) {
            visit[here].lowest = lower(visit[here].lowest, visit[to].entered);
            continue;
        }
        visit[to] = (struct visit){.entered = ++*time, .lowest = *time, .from = here};
        here = to;
    }
}

void choke_find(const struct task *task, bool *choke) {
    int places = task->rows * task->columns, time = 0;
    struct visit *visit = memory_zeros((size_t)places, sizeof *visit);
    for (int place = 0; place < places; place++) choke[place] = false;
    for (int place = 0; place < places; place++)
        if (!task->wall[place] && !visit[place].entered) search(task, visit, place, &time, choke);
    free(visit);
}

/* From the cells in the queue, of which those from `first` on have not been looked around from, to all that are free and not
 * closed. Returns how many there are then. */
static int spread(const struct task *task, const bool *closed, int *part, int *queue, int first, int n) {
    for (; first < n; first++)
        for (int direction = 0; direction < 4; direction++) {
            int to = neighbour(task, queue[first], direction);
            if (task->wall[to] || part[to] >= 0 || (closed && closed[to])) continue;
            part[to] = part[queue[first]];
            queue[n++] = to;
        }
    return n;
}

void choke_parts(const struct task *task, const bool *choke, int *part) {
    int places = task->rows * task->columns, n_parts = 0, n = 0;
    int *queue = memory_zeros((size_t)places, sizeof *queue);
    for (int place = 0; place < places; place++) part[place] = -1;
    for (int place = 0; place < places; place++) {
        if (task->wall[place] || choke[place] || part[place] >= 0) continue;
        part[place] = n_parts++;
        queue[n] = place;
        n = spread(task, choke, part, queue, n, n + 1);
    }
    spread(task, NULL, part, queue, 0, n);
    free(queue);
}
