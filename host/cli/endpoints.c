/* SPDX-License-Identifier: Apache-2.0 */
/* `via endpoints`: every endpoint that was found, and every endpoint file that was refused. Owns: how the list looks. */
#include <jansson.h>

#include "commands.h"
#include "json.h"
#include "session.h"
#include "table.h"

static bool is_refused(const via_endpoint_info *info)
{
    return info->error.status != VIA_OK;
}

/* ---- JSON --------------------------------------------------------------------------------------------------- */

static json_t *endpoint_as_json(const via_endpoint_info *info)
{
    json_t *endpoint = json_pack("{so ss so so so si si}", "name", via_cli_json_text(info->name), "pattern",
                                 via_cli_pattern_name(info->pattern), "address", via_cli_json_text(info->address),
                                 "summary", via_cli_json_text(info->summary), "file", via_cli_json_text(info->file),
                                 "line", (int)info->line, "column", (int)info->column);
    if (endpoint && is_refused(info))
        (void)json_object_set_new(endpoint, "error", via_cli_json_error(&info->error));
    return endpoint;
}

static int print_json(via_host *host)
{
    json_t *list = json_array();
    via_endpoint_info info = {.size = sizeof info};
    for (size_t cursor = 0; via_endpoint_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info)
        (void)json_array_append_new(list, endpoint_as_json(&info));
    return via_cli_json_print(list) ? VIA_EXIT_OK : via_cli_out_of_memory();
}

/* ---- table -------------------------------------------------------------------------------------------------- */

static void add_refusal(via_table *table, const via_endpoint_info *info, const char *place)
{
    char cell[700];
    (void)snprintf(cell, sizeof cell, "refused: %s", info->error.what);
    via_table_add(table, (const char *[]){info->name[0] ? info->name : "-", "", "", place, cell});
    (void)snprintf(cell, sizeof cell, "mend:    %s", info->error.mend);
    if (info->error.mend[0])
        via_table_add(table, (const char *[]){"", "", "", "", cell});
}

static void add_endpoint(via_table *table, const via_endpoint_info *info)
{
    char place[600];
    const uint32_t line = is_refused(info) && info->error.line ? info->error.line : info->line;
    const uint32_t column = is_refused(info) && info->error.line ? info->error.column : info->column;
    if (line)
        (void)snprintf(place, sizeof place, "%s:%u:%u", info->file, line, column);
    else
        (void)snprintf(place, sizeof place, "%s", info->file);
    if (is_refused(info))
        add_refusal(table, info, place);
    else
        via_table_add(table, (const char *[]){info->name, via_cli_pattern_name(info->pattern),
                                              info->address[0] ? info->address : "(chosen)", place, info->summary});
}

static int print_table(via_host *host)
{
    static const char *const head[] = {"NAME", "PATTERN", "ADDRESS", "WHERE", "SUMMARY"};
    via_table table;
    via_endpoint_info info = {.size = sizeof info};
    via_table_init(&table, head, 5);
    for (size_t cursor = 0; via_endpoint_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info)
        add_endpoint(&table, &info);
    int result = VIA_EXIT_OK;
    if (table.rows == 1)
        result = via_cli_complain(VIA_EXIT_FAILED, "name the file that defines them: via endpoints --endpoints FILE",
                                  "no endpoint was found in any file of the search");
    else if (!via_table_print(&table, stdout))
        result = via_cli_out_of_memory();
    via_table_fini(&table);
    return result;
}

int via_cli_run_endpoints(const via_cli_args *args)
{
    via_host *host;
    int result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK)
        return result;
    result = args->json ? print_json(host) : print_table(host);
    via_host_close(host);
    return result;
}
