/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables that line up.
 *
 * Owns: the cells until they are printed. A cell is never cut; the last column is not padded, and where the screen's
 * width is known (a terminal, or COLUMNS) it goes on below itself. Elsewhere a row is a line, for those who search.
 */
#ifndef VIADUCT_CLI_TABLE_H
#define VIADUCT_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { VIA_TABLE_COLUMNS_MAX = 12 };

typedef struct via_table {
    char **cells; /* row after row */
    size_t rows, capacity, columns;
    bool right[VIA_TABLE_COLUMNS_MAX]; /* this column is aligned to the right */
    bool failed;                       /* out of memory; printing answers false */
} via_table;

/* `head` has one word for each column; "" = none. A word that begins with '>' makes the column right-aligned. */
void via_table_init(via_table *table, const char *const *head, size_t columns);
/* Adds a row; the texts are copied. */
void via_table_add(via_table *table, const char *const *cells);
/* Once: it uses the texts up. False: out of memory, nothing was printed. */
bool via_table_print(via_table *table, FILE *out);
void via_table_fini(via_table *table);

#endif
