/* SPDX-License-Identifier: Apache-2.0 */
/* `via ps`: every channel and listener that is open in this user's programs. Owns: how the list looks. */
#include <string.h>

#include "commands.h"
#include "json.h"
#include "observe.h"
#include "table.h"

static bool is_alive(const json_t *process)
{
    return !via_cli_observed_is(process, "state", "ended");
}

static void add_channel(via_table *table, const json_t *process, const json_t *channel)
{
    char pid[24], peers[24], backlog[32], sent[24], received[24], state[VIA_CLI_STATE_SIZE];
    (void)snprintf(pid, sizeof pid, "%llu", (unsigned long long)via_cli_observed_number(process, "pid"));
    (void)snprintf(peers, sizeof peers, "%llu", (unsigned long long)via_cli_observed_number(channel, "peers"));
    (void)snprintf(sent, sizeof sent, "%llu", (unsigned long long)via_cli_observed_number(channel, "sent_messages"));
    (void)snprintf(received, sizeof received, "%llu",
                   (unsigned long long)via_cli_observed_number(channel, "received_messages"));
    via_cli_format_size(via_cli_observed_number(channel, "backlog_bytes"), backlog, sizeof backlog);
    via_cli_observed_state(process, channel, state, sizeof state);
    via_table_add(table,
                  (const char *[]){pid, via_cli_observed_text(process, "program"), via_cli_observed_role(channel),
                                   via_cli_observed_text(channel, "address"), peers, backlog, sent, received, state});
}

static void add_process(via_table *table, const json_t *process)
{
    size_t index;
    json_t *channel;
    if (!is_alive(process))
        return;
    json_array_foreach(json_object_get(process, "channels"), index, channel)
    {
        add_channel(table, process, channel);
    }
}

static int print_table(const json_t *processes)
{
    static const char *const head[] = {">PID",     "PROGRAM", "ROLE",      "ADDRESS", ">PEERS",
                                       ">BACKLOG", ">SENT",   ">RECEIVED", "STATE"};
    via_table table;
    size_t index;
    json_t *process;
    int result = VIA_EXIT_OK;
    via_table_init(&table, head, sizeof head / sizeof head[0]);
    json_array_foreach(processes, index, process)
    {
        add_process(&table, process);
    }
    if (table.rows > 1 && !via_table_print(&table, stdout))
        result = via_cli_out_of_memory();
    if (table.rows == 1)
        (void)fputs("via: no program of this user has anything open\n", stderr);
    via_table_fini(&table);
    return result;
}

/* The dead are left out here too: `via stats PID` tells of them. */
static int print_json(json_t *processes)
{
    for (size_t i = json_array_size(processes); i > 0; i--) {
        if (!is_alive(json_array_get(processes, i - 1)))
            (void)json_array_remove(processes, i - 1);
    }
    return via_cli_json_print(processes) ? VIA_EXIT_OK : via_cli_out_of_memory();
}

int via_cli_run_ps(const via_cli_args *args)
{
    json_t *processes = NULL;
    int result = via_cli_observe(0, &processes);
    if (result != VIA_EXIT_OK)
        return result;
    if (args->json)
        return print_json(processes);
    result = print_table(processes);
    json_decref(processes);
    return result;
}
