/* SPDX-License-Identifier: Apache-2.0 */
/* The methods of the other end; see call.h. Owns: how the list looks. */
#include <stdlib.h>

#include "call.h"
#include "json.h"
#include "rpc_text.h"
#include "table.h"

/* What a writer writes, for free(); NULL = out of memory. */
static char *write_cell(void (*put)(FILE *out, const json_t *method), const json_t *method)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    put(out, method);
    return fclose(out) == 0 ? text : NULL;
}

static void add_method(via_table *table, const char *name, const json_t *method)
{
    char *given = write_cell(via_cli_rpc_put_given, method), *returned = write_cell(via_cli_rpc_put_returned, method);
    const char *summary = json_string_value(json_object_get(method, "summary"));
    if (!given || !returned)
        table->failed = true;
    via_table_add(table, (const char *[]){name, given, returned, summary});
    free(given);
    free(returned);
}

static int print_table(const json_t *interface)
{
    static const char *const head[] = {"METHOD", "PARAMETERS", "RETURNS", "SUMMARY"};
    const char *name;
    json_t *method;
    via_table table;
    via_table_init(&table, head, 4);
    json_object_foreach(json_object_get(interface, "methods"), name, method)
    {
        add_method(&table, name, method);
    }
    bool made = via_table_print(&table, stdout);
    via_table_fini(&table);
    return made ? VIA_EXIT_OK : via_cli_out_of_memory();
}

int via_cli_call_list(const via_cli_caller *caller)
{
    if (!caller->args->json)
        return print_table(caller->interface);
    return via_cli_json_print(json_incref(caller->interface)) ? VIA_EXIT_OK : via_cli_out_of_memory();
}
