/* SPDX-License-Identifier: Apache-2.0 */
/* `via plugins`: every plugin that was found, good or bad. Owns: how the list looks. Runs no plugin's code. */
#include <jansson.h>

#include "commands.h"
#include "json.h"
#include "plugins_watch.h"
#include "session.h"
#include "table.h"

static const char *status_name(uint32_t status)
{
    static const char *const names[] = {"unknown", "ready", "loaded", "refused", "shadowed", "disabled"};
    return status < sizeof names / sizeof names[0] ? names[status] : names[0];
}

static const char *stage_of(const via_plugin_info *info)
{
    return info->error.status == VIA_OK ? "" : via_cli_stage_name(info->error.stage);
}

/* ---- JSON --------------------------------------------------------------------------------------------------- */

static json_t *schemes_of(const char *schemes)
{
    json_t *list = json_array();
    char word[256];
    int length;
    for (; sscanf(schemes, "%255s%n", word, &length) == 1; schemes += length)
        (void)json_array_append_new(list, json_string(word));
    return list;
}

static json_t *plugin_as_json(const via_plugin_info *info)
{
    return json_pack("{so so so so ss ss so so so so}", "name", via_cli_json_text(info->name), "version",
                     via_cli_json_text(info->version), "kind", via_cli_json_text(info->kind), "schemes",
                     schemes_of(info->schemes), "status", status_name(info->status), "stage", stage_of(info), "reason",
                     via_cli_json_text(info->error.what), "mend", via_cli_json_text(info->error.mend), "manifest",
                     via_cli_json_text(info->manifest), "library", via_cli_json_text(info->library));
}

static int print_json(via_host *host)
{
    json_t *list = json_array();
    via_plugin_info info = {.size = sizeof info};
    for (size_t cursor = 0; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info)
        (void)json_array_append_new(list, plugin_as_json(&info));
    return via_cli_json_print(list) ? VIA_EXIT_OK : via_cli_out_of_memory();
}

/* ---- table -------------------------------------------------------------------------------------------------- */

static void add_detail(via_table *table, const char *name, const char *text)
{
    char cell[700];
    if (text[0] == '\0')
        return;
    (void)snprintf(cell, sizeof cell, "%-9s %s", name, text);
    via_table_add(table, (const char *[]){"", "", "", "", "", cell});
}

static void add_place(via_table *table, const via_error *error)
{
    char place[600];
    if (error->line)
        (void)snprintf(place, sizeof place, "%s:%u:%u", error->file, error->line, error->column);
    else
        (void)snprintf(place, sizeof place, "%s", error->file);
    add_detail(table, "at:", place);
}

static void add_plugin(via_table *table, const via_plugin_info *info)
{
    char why[700] = "";
    if (info->error.status != VIA_OK)
        (void)snprintf(why, sizeof why, "%s: %s", via_cli_stage_name(info->error.stage), info->error.what);
    via_table_add(
        table, (const char *[]){info->name, info->version, info->kind, info->schemes, status_name(info->status), why});
    if (info->error.status == VIA_OK)
        return;
    add_place(table, &info->error);
    add_detail(table, "mend:", info->error.mend);
}

static int print_table(via_host *host)
{
    static const char *const head[] = {"NAME", "VERSION", "KIND", "SCHEMES", "STATUS", "WHY"};
    via_table table;
    via_plugin_info info = {.size = sizeof info};
    via_table_init(&table, head, 6);
    for (size_t cursor = 0; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info)
        add_plugin(&table, &info);
    int result = VIA_EXIT_OK;
    if (table.rows == 1)
        result = via_cli_complain(VIA_EXIT_FAILED, "name the folder that holds them: via plugins --plugins DIR",
                                  "no plugin was found in any folder of the search");
    else if (!via_table_print(&table, stdout))
        result = via_cli_out_of_memory();
    via_table_fini(&table);
    return result;
}

int via_cli_run_plugins(const via_cli_args *args)
{
    via_host *host;
    int result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK)
        return result;
    if (args->watch)
        result = via_cli_plugins_watch(args, host);
    else
        result = args->json ? print_json(host) : print_table(host);
    via_host_close(host);
    return result;
}
