#include "multidistral/learn/table.h"

#include "multidistral/base/memory.h"

bool table_create(struct table *table, uint64_t n_rows) {
    *table = (struct table){.n_rows = n_rows,
                            .row = memory_sparse(n_rows, sizeof *table->row),
                            .known = memory_sparse(n_rows, sizeof *table->known)};
    if (table->row && table->known) return true;
    table_destroy(table);
    return false;
}

void table_destroy(struct table *table) {
    memory_sparse_free(table->row, table->n_rows, sizeof *table->row);
    memory_sparse_free(table->known, table->n_rows, sizeof *table->known);
    *table = (struct table){0};
}
