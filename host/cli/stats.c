/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via stats [PID]`: what each channel has counted, and what became of what did not arrive.
 *
 * Owns: the words for each reason.
 */
#include <string.h>

#include "commands.h"
#include "json.h"
#include "observe.h"
#include "table.h"

static const struct {
    const char *key, *words;
} reasons[] = {
    {"dropped_oldest", "dropped for newer ones (overflow=drop-oldest)"},
    {"dropped_newest", "dropped as they came, for want of room (overflow=drop-newest or fail)"},
    {"dropped_nobody", "published while nobody was attached"},
    {"dropped_filter", "received, but outside filter="},
    {"dropped_closing", "accepted, and lost because the channel ended"},
    {"missed", "missing in the sequence: lost on the way, or never given to this receiver"},
    {"protocol_errors", "others turned away because they spoke wrongly"},
    {"disconnects", "connections that have ended"},
};

static const char *number(const json_t *object, const char *key, char text[24])
{
    (void)snprintf(text, 24, "%llu", (unsigned long long)via_cli_observed_number(object, key));
    return text;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static void add_channel(via_table *table, const json_t *process, const json_t *channel)
{
    char which[24], sent[24], received[24], peers[24], dropped[24], missed[24], out[32], in[32], backlog[32];
    char state[VIA_CLI_STATE_SIZE];
    (void)snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)via_cli_observed_drops(channel));
    via_cli_format_size(via_cli_observed_number(channel, "sent_bytes"), out, sizeof out);
    via_cli_format_size(via_cli_observed_number(channel, "received_bytes"), in, sizeof in);
    via_cli_format_size(via_cli_observed_number(channel, "backlog_bytes"), backlog, sizeof backlog);
    via_cli_observed_state(process, channel, state, sizeof state);
    via_table_add(table, (const char *[]){number(channel, "number", which), via_cli_observed_text(channel, "address"),
                                          via_cli_observed_role(channel), number(channel, "peers", peers),
                                          number(channel, "sent_messages", sent), out,
                                          number(channel, "received_messages", received), in, dropped,
                                          number(channel, "missed", missed), backlog, state});
}

static bool print_channels(const json_t *process)
{
    static const char *const head[] = {">#",        "ADDRESS", "ROLE",     ">PEERS",  ">SENT",    ">BYTES",
                                       ">RECEIVED", ">BYTES",  ">DROPPED", ">MISSED", ">BACKLOG", "STATE"};
    via_table table;
    size_t index;
    json_t *channel;
    via_table_init(&table, head, sizeof head / sizeof head[0]);
    json_array_foreach(json_object_get(process, "channels"), index, channel)
    {
        add_channel(&table, process, channel);
    }
    bool is_printed = table.rows == 1 || via_table_print(&table, stdout);
    via_table_fini(&table);
    return is_printed;
}

static void print_reasons(const char *whose, const json_t *object)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        uint64_t count = via_cli_observed_number(object, reasons[i].key);
        if (count > 0)
            (void)printf("  %s: %llu %s\n", whose, (unsigned long long)count, reasons[i].words);
    }
}

static void print_all_reasons(const json_t *process)
{
    char whose[24];
    size_t index;
    json_t *channel;
    json_array_foreach(json_object_get(process, "channels"), index, channel)
    {
        (void)snprintf(whose, sizeof whose, "#%llu", (unsigned long long)via_cli_observed_number(channel, "number"));
        print_reasons(whose, channel);
    }
    print_reasons("closed", json_object_get(process, "closed"));
}

static void print_closed(const json_t *process)
{
    const json_t *closed = json_object_get(process, "closed");
    unsigned long long channels = via_cli_observed_number(closed, "channels");
    if (channels > 0)
        (void)printf("closed channels: %llu; they sent %llu messages and received %llu\n", channels,
                     (unsigned long long)via_cli_observed_number(closed, "sent_messages"),
                     (unsigned long long)via_cli_observed_number(closed, "received_messages"));
}

static int print_process(const json_t *process)
{
    (void)printf("%s, pid %llu, %s\n", via_cli_observed_text(process, "program"),
                 (unsigned long long)via_cli_observed_number(process, "pid"),
                 via_cli_observed_is(process, "state", "ended") ? "ended without closing what follows"
                                                                : via_cli_observed_text(process, "state"));
    if (!print_channels(process))
        return via_cli_out_of_memory();
    print_closed(process);
    print_all_reasons(process);
    if (via_cli_observed_number(process, "unseen") > 0)
        (void)printf("not shown: %llu channels that found no room in the page (or on its file system)\n",
                     (unsigned long long)via_cli_observed_number(process, "unseen"));
    return VIA_EXIT_OK;
}

/* ---- the command -------------------------------------------------------------------------------------------- */

static int print(const via_cli_args *args, json_t *processes)
{
    int result = VIA_EXIT_OK;
    size_t index;
    json_t *process;
    if (args->prometheus) {
        via_cli_prometheus_print(processes);
        return VIA_EXIT_OK;
    }
    if (args->json)
        return via_cli_json_print(json_incref(processes)) ? VIA_EXIT_OK : via_cli_out_of_memory();
    json_array_foreach(processes, index, process)
    {
        if (index > 0)
            (void)putchar('\n');
        if (result == VIA_EXIT_OK)
            result = print_process(process);
    }
    if (json_array_size(processes) == 0)
        (void)fputs("via: no program of this user has anything open\n", stderr);
    return result;
}

int via_cli_run_stats(const via_cli_args *args)
{
    json_t *processes = NULL;
    int64_t pid = 0;
    if (args->operands.count > 0 && (!via_cli_parse_int(args->operands.items[0], &pid) || pid <= 0))
        return via_cli_usage(args->command, "via ps lists the processes", "PID is a number above 0, not '%s'",
                             args->operands.items[0]);
    if (args->json && args->prometheus)
        return via_cli_usage(args->command, NULL, "--json and --prometheus are two forms of one output; choose one");
    int result = via_cli_observe(pid, &processes);
    if (result != VIA_EXIT_OK)
        return result;
    result = print(args, processes);
    json_decref(processes);
    return result;
}
