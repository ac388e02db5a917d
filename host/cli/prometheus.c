/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counters as text for Prometheus. Owns: the names of the metrics, which stay. Source: the text exposition format,
 * version 0.0.4.
 */
#include "observe.h"

static const struct {
    const char *key, *name, *type, *help;
} metrics[] = {
    {"sent_messages", "viaduct_sent_messages_total", "counter", "Messages that the transport has accepted."},
    {"sent_bytes", "viaduct_sent_bytes_total", "counter", "Bytes in them."},
    {"received_messages", "viaduct_received_messages_total", "counter", "Messages handed to the program."},
    {"received_bytes", "viaduct_received_bytes_total", "counter", "Bytes in them."},
    {"dropped_oldest", "viaduct_dropped_oldest_total", "counter", "Dropped for newer ones."},
    {"dropped_newest", "viaduct_dropped_newest_total", "counter", "Dropped as they came, for want of room."},
    {"dropped_nobody", "viaduct_dropped_nobody_total", "counter", "Published while nobody was attached."},
    {"dropped_filter", "viaduct_dropped_filter_total", "counter", "Received, but outside the filter."},
    {"dropped_closing", "viaduct_dropped_closing_total", "counter", "Accepted, and lost as the channel ended."},
    {"missed", "viaduct_missed_total", "counter", "Missing in the sequence."},
    {"protocol_errors", "viaduct_protocol_errors_total", "counter", "Others turned away."},
    {"connects", "viaduct_connects_total", "counter", "Connections made or accepted."},
    {"disconnects", "viaduct_disconnects_total", "counter", "Connections that have ended."},
    {"peers", "viaduct_peers", "gauge", "Attached now."},
    {"backlog_bytes", "viaduct_backlog_bytes", "gauge", "Accepted, and still in the process."},
};

/* A label's value: backslash, quote and newline are escaped; the rest is UTF-8 already. */
static void put_label(const char *name, const char *text)
{
    (void)printf(",%s=\"", name);
    for (; *text; text++) {
        if (*text == '\\' || *text == '"')
            (void)putchar('\\');
        (void)(*text == '\n' ? fputs("\\n", stdout) : putchar(*text));
    }
    (void)putchar('"');
}

static void print_one(const char *name, const char *key, const json_t *process, const json_t *channel)
{
    (void)printf("%s{pid=\"%llu\"", name, (unsigned long long)via_cli_observed_number(process, "pid"));
    put_label("program", via_cli_observed_text(process, "program"));
    (void)printf(",channel=\"%llu\"", (unsigned long long)via_cli_observed_number(channel, "number"));
    put_label("address", via_cli_observed_text(channel, "address"));
    put_label("endpoint", via_cli_observed_text(channel, "endpoint"));
    put_label("pattern", via_cli_observed_text(channel, "pattern"));
    put_label("role", via_cli_observed_text(channel, "role"));
    (void)printf("} %llu\n", (unsigned long long)via_cli_observed_number(channel, key));
}

static void print_metric(size_t metric, const json_t *processes)
{
    size_t i, j;
    json_t *process, *channel;
    (void)printf("# HELP %s %s\n# TYPE %s %s\n", metrics[metric].name, metrics[metric].help, metrics[metric].name,
                 metrics[metric].type);
    json_array_foreach(processes, i, process)
    {
        json_array_foreach(json_object_get(process, "channels"), j, channel)
        {
            if (via_cli_observed_is(channel, "kind", "channel") && !via_cli_observed_is(process, "state", "ended"))
                print_one(metrics[metric].name, metrics[metric].key, process, channel);
        }
    }
}

void via_cli_prometheus_print(const json_t *processes)
{
    for (size_t i = 0; i < sizeof metrics / sizeof metrics[0]; i++)
        print_metric(i, processes);
}
