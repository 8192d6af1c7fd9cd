#include "multidistral/learn/table.h"

#include <stdlib.h>
#include <string.h>

#include "multidistral/base/memory.h"

void table_create(struct table *table, uint64_t n_rows) {
    table->n_rows = n_rows;
    table->value = memory_zeros(n_rows * TABLE_STRIDE, sizeof *table->value);
}

void table_clear(struct table *table) { memset(table->value, 0, table_bytes(table->n_rows)); }

void table_destroy(struct table *table) {
    free(table->value);
    *table = (struct table){0};
}

uint64_t table_bytes(uint64_t n_rows) { return n_rows * TABLE_STRIDE * sizeof(float); }
