#include "multidistral/learn/table.h"

#include "multidistral/base/memory.h"

bool table_create(struct table *table, uint64_t n_rows) {
    *table = (struct table){0};
    if (!slots_create(&table->slots, n_rows)) return false;
    table->row = memory_sparse(slots_most(&table->slots), sizeof *table->row);
    if (!table->row) table_destroy(table);
    return table->row;
}

void table_destroy(struct table *table) {
    memory_sparse_free(table->row, slots_most(&table->slots), sizeof *table->row);
    slots_destroy(&table->slots);
    *table = (struct table){0};
}
