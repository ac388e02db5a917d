/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that line up; see table.h. Owns: widths and padding. */
#include "table.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool grow(via_table *table)
{
    if (table->rows < table->capacity)
        return true;
    size_t capacity = table->capacity ? table->capacity * 2 : 16;
    char **cells = realloc(table->cells, capacity * table->columns * sizeof *cells);
    if (!cells)
        return false;
    table->cells = cells;
    table->capacity = capacity;
    return true;
}

void via_table_add(via_table *table, const char *const *cells)
{
    if (table->failed || !grow(table)) {
        table->failed = true;
        return;
    }
    char **row = table->cells + table->rows * table->columns;
    for (size_t i = 0; i < table->columns; i++) {
        row[i] = strdup(cells[i] ? cells[i] : "");
        if (!row[i])
            table->failed = true;
    }
    table->rows++;
}

void via_table_init(via_table *table, const char *const *head, size_t columns)
{
    const char *names[VIA_TABLE_COLUMNS_MAX];
    *table = (via_table){.columns = columns};
    for (size_t i = 0; i < columns; i++) {
        table->right[i] = head[i][0] == '>';
        names[i] = head[i] + table->right[i];
    }
    via_table_add(table, names);
}

static void pad(FILE *out, size_t columns)
{
    for (size_t i = 0; i < columns; i++)
        (void)fputc(' ', out);
}

static bool is_rest_empty(char *const *row, size_t from, size_t columns)
{
    for (size_t i = from; i < columns; i++)
        if (row[i][0])
            return false;
    return true;
}

static void print_row(const via_table *table, char *const *row, const size_t *widths, FILE *out)
{
    for (size_t i = 0; i < table->columns; i++) {
        size_t gap = widths[i] - via_cli_text_width(row[i]);
        if (table->right[i])
            pad(out, gap);
        via_cli_put_text(out, row[i]);
        if (is_rest_empty(row, i + 1, table->columns))
            break;
        pad(out, (table->right[i] ? 0 : gap) + 2);
    }
    (void)fputc('\n', out);
}

bool via_table_print(const via_table *table, FILE *out)
{
    size_t widths[VIA_TABLE_COLUMNS_MAX] = {0};
    if (table->failed)
        return false;
    for (size_t i = 0; i < table->rows * table->columns; i++) {
        size_t width = via_cli_text_width(table->cells[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t row = 0; row < table->rows; row++)
        print_row(table, table->cells + row * table->columns, widths, out);
    return true;
}

void via_table_fini(via_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (via_table){0};
}
