#include "multidistral/learn/table.h"

#include "multidistral/base/memory.h"

bool table_create(struct table *table, uint64_t n_rows, int n_wide) {
    *table = (struct table){.n_wide = n_wide};
    if (!slots_create(&table->slots, n_rows)) return false;
    table->row = memory_sparse(slots_most(&table->slots), sizeof *table->row);
    if (n_wide > 0) table->wide = memory_sparse(slots_most(&table->slots), (size_t)n_wide * sizeof *table->wide);
    bool created = table->row && (n_wide == 0 || table->wide);
    if (!created) table_destroy(table);
    return created;
}

void table_destroy(struct table *table) {
    memory_sparse_free(table->row, slots_most(&table->slots), sizeof *table->row);
    memory_sparse_free(table->wide, slots_most(&table->slots), (size_t)table->n_wide * sizeof *table->wide);
    slots_destroy(&table->slots);
    *table = (struct table){0};
}
