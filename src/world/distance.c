#include "multidistral/world/distance.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

void distances_create(struct distances *distances, const struct task *task) {
    size_t places = (size_t)task->rows * (size_t)task->columns;
    *distances = (struct distances){.to = memory_zeros(places, sizeof *distances->to),
                                    .order = memory_zeros(places, sizeof *distances->order)};
}

void distances_destroy(struct distances *distances) {
    free(distances->to);
    free(distances->order);
    *distances = (struct distances){0};
}

void distances_from(struct distances *distances, const struct task *task, int place) {
    int places = task->rows * task->columns, *to = distances->to, *order = distances->order, n = 1;
    for (int i = 0; i < places; i++) to[i] = DISTANCE_NONE;
    to[place] = 0;
    order[0] = place;
    for (int done = 0; done < n; done++) {
        int here = order[done], row = here / task->columns, column = here % task->columns;
        const int next[4] = {row + 1 < task->rows ? here + task->columns : here, row > 0 ? here - task->columns : here,
                             column > 0 ? here - 1 : here, column + 1 < task->columns ? here + 1 : here};
        for (int i = 0; i < 4; i++) {
            if (task->wall[next[i]] || to[next[i]] != DISTANCE_NONE) continue;
            to[next[i]] = to[here] + 1;
            order[n++] = next[i];
        }
    }
    distances->n = n;
}
