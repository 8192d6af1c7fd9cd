#include "multidistral/world/cells.h"

#include <stdlib.h>

#include "multidistral/base/memory.h"

static void mark_free(const struct cells *cells, const struct task *task) {
    for (int place = 0; place < task->rows * task->columns; place++)
        if (!task->wall[place])
            cells->number[place / task->columns * cells->columns + place % task->columns] = 0;
}

static void number_marked(struct cells *cells) {
    int places = cells->rows * cells->columns;
    for (int place = 0; place < places; place++)
        if (cells->number[place] == 0) cells->number[place] = cells->n++;
    cells->row = memory_zeros((size_t)cells->n, sizeof *cells->row);
    cells->column = memory_zeros((size_t)cells->n, sizeof *cells->column);
    for (int place = 0; place < places; place++) {
        int number = cells->number[place];
        if (number < 0) continue;
        cells->row[number] = place / cells->columns;
        cells->column[number] = place % cells->columns;
    }
}

bool cells_create(struct cells *cells, const struct task *tasks, int n_tasks, struct fault *why) {
    *cells = (struct cells){0};
    for (int i = 0; i < n_tasks; i++) {
        if (tasks[i].rows > cells->rows) cells->rows = tasks[i].rows;
        if (tasks[i].columns > cells->columns) cells->columns = tasks[i].columns;
    }
    int places = cells->rows * cells->columns;
    cells->number = memory_zeros((size_t)places, sizeof *cells->number);
    for (int place = 0; place < places; place++) cells->number[place] = -1;
    for (int i = 0; i < n_tasks; i++) mark_free(cells, &tasks[i]);
    number_marked(cells);
    if (cells->n <= TASK_CELLS) return true;
    fault_set(why, "the maps of all tasks have %d free cells together, expected at most %d", cells->n, TASK_CELLS);
    cells_destroy(cells);
    return false;
}

void cells_destroy(struct cells *cells) {
    free(cells->number);
    free(cells->row);
    free(cells->column);
    *cells = (struct cells){0};
}

int cells_number(const struct cells *cells, const struct task *task, int place) {
    return cells->number[place / task->columns * cells->columns + place % task->columns];
}

bool cells_cover(const struct cells *cells, const struct task *task, struct fault *why) {
    for (int place = 0; place < task->rows * task->columns; place++) {
        int row = place / task->columns, column = place % task->columns;
        bool on_map = row < cells->rows && column < cells->columns;
        if (task->wall[place] || (on_map && cells_number(cells, task, place) >= 0)) continue;
        return fault_set(why, "task %s: the cell in row %d, column %d (counted from 0) is free, expected a wall as in all "
                              "tasks of the run, whose policies know no such cell",
                         task->name, row, column);
    }
    return true;
}
