/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via top`: what moves, again and again.
 *
 * Owns: the rates: what was counted since the last look, by the time between the two.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "observe.h"
#include "stop.h"
#include "table.h"
#include "wait.h"

typedef struct row {
    const json_t *process, *channel;
    double sent, received, bytes; /* a second */
} row;

typedef struct look {
    json_t *processes;
    uint64_t at_ns;
} look;

/* ---- rates -------------------------------------------------------------------------------------------------- */

static double rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
    uint64_t from = via_cli_observed_number(before, key), to = via_cli_observed_number(now, key);
    return before && to > from && seconds > 0 ? (double)(to - from) / seconds : 0;
}

static void fill_row(row *out, const json_t *process, const json_t *channel, const look *last, double seconds)
{
    const json_t *was = via_cli_observed_find(last->processes, "pid", via_cli_observed_number(process, "pid"));
    const json_t *before =
        via_cli_observed_find(json_object_get(was, "channels"), "number", via_cli_observed_number(channel, "number"));
    *out = (row){.process = process, .channel = channel};
    out->sent = rate(channel, before, "sent_messages", seconds);
    out->received = rate(channel, before, "received_messages", seconds);
    out->bytes = rate(channel, before, "sent_bytes", seconds) + rate(channel, before, "received_bytes", seconds);
}

static size_t count_channels(const json_t *processes)
{
    size_t sum = 0, index;
    json_t *process;
    json_array_foreach(processes, index, process)
    {
        sum += json_array_size(json_object_get(process, "channels"));
    }
    return sum;
}

static int by_rate(const void *a, const void *b)
{
    const row *left = a, *right = b;
    double l = left->sent + left->received, r = right->sent + right->received;
    return (l < r) - (l > r);
}

static size_t make_rows(row *rows, const look *now, const look *last)
{
    double seconds = last->processes ? (double)(now->at_ns - last->at_ns) / 1e9 : 0;
    size_t count = 0, i, j;
    json_t *process, *channel;
    json_array_foreach(now->processes, i, process)
    {
        json_array_foreach(json_object_get(process, "channels"), j, channel)
        {
            if (!via_cli_observed_is(process, "state", "ended"))
                fill_row(&rows[count++], process, channel, last, seconds);
        }
    }
    if (count > 0)
        qsort(rows, count, sizeof *rows, by_rate);
    return count;
}

/* ---- the screen --------------------------------------------------------------------------------------------- */

static void add_row(via_table *table, const row *one)
{
    char pid[24], sent[32], received[32], bytes[32], backlog[32], dropped[24], state[VIA_CLI_STATE_SIZE];
    (void)snprintf(pid, sizeof pid, "%llu", (unsigned long long)via_cli_observed_number(one->process, "pid"));
    (void)snprintf(dropped, sizeof dropped, "%llu", (unsigned long long)via_cli_observed_drops(one->channel));
    via_cli_format_rate(one->sent, sent, sizeof sent);
    via_cli_format_rate(one->received, received, sizeof received);
    via_cli_format_rate(one->bytes, bytes, sizeof bytes);
    via_cli_format_size(via_cli_observed_number(one->channel, "backlog_bytes"), backlog, sizeof backlog);
    via_cli_observed_state(one->process, one->channel, state, sizeof state);
    via_table_add(table, (const char *[]){pid, via_cli_observed_text(one->process, "program"),
                                          via_cli_observed_role(one->channel), via_cli_observed_name(one->channel),
                                          sent, received, bytes, backlog, dropped, state});
}

static bool print_rows(const row *rows, size_t count)
{
    static const char *const head[] = {">PID",        "PROGRAM",  "ROLE",     "CHANNEL",  ">SENT/S",
                                       ">RECEIVED/S", ">BYTES/S", ">BACKLOG", ">DROPPED", "STATE"};
    via_table table;
    via_table_init(&table, head, sizeof head / sizeof head[0]);
    for (size_t i = 0; i < count; i++)
        add_row(&table, &rows[i]);
    if (isatty(STDOUT_FILENO))
        (void)fputs("\033[H\033[2J", stdout);
    bool is_printed = via_table_print(&table, stdout);
    (void)fflush(stdout);
    via_table_fini(&table);
    return is_printed;
}

static bool print_json(const row *rows, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *object = json_deep_copy(rows[i].channel);
        (void)json_object_set(object, "pid", json_object_get(rows[i].process, "pid"));
        (void)json_object_set(object, "program", json_object_get(rows[i].process, "program"));
        (void)json_object_set_new(object, "sent_per_s", json_real(rows[i].sent));
        (void)json_object_set_new(object, "received_per_s", json_real(rows[i].received));
        (void)json_object_set_new(object, "bytes_per_s", json_real(rows[i].bytes));
        (void)json_array_append_new(list, object);
    }
    char *line = json_dumps(list, JSON_COMPACT);
    json_decref(list);
    if (line)
        (void)puts(line);
    free(line);
    (void)fflush(stdout);
    return line != NULL;
}

static int show(const via_cli_args *args, const look *now, const look *last)
{
    row *rows = calloc(count_channels(now->processes) + 1, sizeof *rows);
    if (!rows)
        return via_cli_out_of_memory();
    size_t count = make_rows(rows, now, last);
    bool is_printed = args->json ? print_json(rows, count) : print_rows(rows, count);
    free(rows);
    if (ferror(stdout))
        via_cli_stdout_lost();
    return is_printed ? VIA_EXIT_OK : via_cli_out_of_memory();
}

/* ---- the command -------------------------------------------------------------------------------------------- */

static int look_at(look *now)
{
    now->at_ns = via_now_ns();
    return via_cli_observe(0, &now->processes);
}

int via_cli_run_top(const via_cli_args *args)
{
    const uint64_t interval = via_cli_given(args, VIA_CLI_INTERVAL) ? args->interval_ns : UINT64_C(1000000000);
    look last = {0};
    int result = VIA_EXIT_OK;
    if (interval < 10000000)
        return via_cli_usage(args->command, NULL, "--interval wants 10ms or more");
    if (via_cli_given(args, VIA_CLI_COUNT) && args->count == 0)
        return via_cli_usage(args->command, "ask for at least one: --count 1", "--count 0 would show nothing");
    via_cli_stop_gently();
    for (uint64_t shown = 0; result == VIA_EXIT_OK && (args->count == 0 || shown < args->count); shown++) {
        look now = {0};
        if (shown > 0)
            via_cli_pause_until(last.at_ns + interval);
        if (via_cli_stopped() || via_cli_stdout_closed())
            break;
        result = look_at(&now);
        if (result == VIA_EXIT_OK)
            result = show(args, &now, &last);
        json_decref(last.processes);
        last = now;
    }
    json_decref(last.processes);
    return result;
}
