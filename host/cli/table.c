/* SPDX-License-Identifier: Apache-2.0 */
/* Tables that line up; see table.h. Owns: widths, padding and the breaks of long lines. */
#include "table.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

enum { GAP = 2, LEAST_ROOM = 20 /* a narrower last column would be a stack of words */ };

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
    const char *names[VIA_TABLE_COLUMNS_MAX] = {NULL};
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

/* Columns of the screen; 0 = none is known, or it does not matter: what is written goes to a program. */
static size_t screen_width(FILE *out)
{
    struct winsize screen;
    uint64_t columns;
    const char *told = getenv("COLUMNS"); /* NOLINT(concurrency-mt-unsafe): no thread writes variables */
    if (told && via_cli_parse_count(told, &columns))
        return (size_t)columns;
    return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &screen) == 0 ? screen.ws_col : 0;
}

/* ---- the last column ---------------------------------------------------------------------------------------- */

/* Prints as many words as fit into the room, one at least, and answers what is left. */
static char *put_line(FILE *out, char *text, size_t room)
{
    char *end = NULL;
    for (char *space = strchr(text, ' '); space; space = strchr(space + 1, ' ')) {
        *space = '\0';
        bool fits = via_cli_text_width(text) <= room;
        *space = ' ';
        if (end && !fits)
            break;
        end = space;
    }
    if (!end || via_cli_text_width(text) <= room)
        end = text + strlen(text);
    char *rest = *end ? end + 1 : end;
    *end = '\0';
    via_cli_put_text(out, text);
    return rest;
}

/* Uses the text up. */
static void put_wrapped(FILE *out, char *text, size_t indent, size_t screen)
{
    size_t room = screen > indent + LEAST_ROOM ? screen - indent : SIZE_MAX;
    for (char *rest = put_line(out, text, room); *rest; rest = put_line(out, rest, room)) {
        (void)fputc('\n', out);
        pad(out, indent);
    }
}

/* ---- printing ----------------------------------------------------------------------------------------------- */

static bool is_rest_empty(char *const *row, size_t from, size_t columns)
{
    for (size_t i = from; i < columns; i++)
        if (row[i][0])
            return false;
    return true;
}

static void print_row(const via_table *table, char *const *row, const size_t *widths, size_t screen, FILE *out)
{
    size_t indent = 0;
    for (size_t i = 0; i < table->columns; i++) {
        size_t gap = widths[i] - via_cli_text_width(row[i]);
        if (table->right[i])
            pad(out, gap);
        if (i + 1 == table->columns && !table->right[i])
            put_wrapped(out, row[i], indent, screen);
        else
            via_cli_put_text(out, row[i]);
        if (is_rest_empty(row, i + 1, table->columns))
            break;
        pad(out, (table->right[i] ? 0 : gap) + GAP);
        indent += widths[i] + GAP;
    }
    (void)fputc('\n', out);
}

bool via_table_print(via_table *table, FILE *out)
{
    size_t widths[VIA_TABLE_COLUMNS_MAX] = {0};
    size_t screen = screen_width(out);
    if (table->failed)
        return false;
    for (size_t i = 0; i < table->rows * table->columns; i++) {
        size_t width = via_cli_text_width(table->cells[i]);
        if (width > widths[i % table->columns])
            widths[i % table->columns] = width;
    }
    for (size_t row = 0; row < table->rows; row++)
        print_row(table, table->cells + row * table->columns, widths, screen, out);
    return true;
}

void via_table_fini(via_table *table)
{
    for (size_t i = 0; i < table->rows * table->columns; i++)
        free(table->cells[i]);
    free(table->cells);
    *table = (via_table){0};
}
