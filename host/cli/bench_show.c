/* SPDX-License-Identifier: Apache-2.0 */
/* What a bench prints. Owns: the columns of the table and the schema of --json (DESIGN section 7). */
#include <jansson.h>
#include <string.h>

#include "bench.h"
#include "json.h"
#include "session.h"
#include "table.h"

static const char *mode_name(const via_bench_row *row)
{
    return row->job.mode == VIA_BENCH_THROUGHPUT ? "throughput" : "latency";
}

static const char *wake_name(const via_bench_row *row)
{
    static const char *const names[] = {"blocking", "polling", "hybrid"};
    return names[row->job.wake];
}

/* ---- table -------------------------------------------------------------------------------------------------- */

struct texts {
    char size[32], p50[32], p90[32], p99[32], p999[32], max[32], messages[32], bytes[40];
};

static void format_latency(const via_bench_result *result, struct texts *texts)
{
    via_cli_format_ns(result->p50, texts->p50, sizeof texts->p50);
    via_cli_format_ns(result->p90, texts->p90, sizeof texts->p90);
    via_cli_format_ns(result->p99, texts->p99, sizeof texts->p99);
    via_cli_format_ns(result->p999, texts->p999, sizeof texts->p999);
    via_cli_format_ns(result->max, texts->max, sizeof texts->max);
}

static void format_throughput(const via_bench_row *row, struct texts *texts)
{
    char rate[32];
    via_cli_format_rate(row->result.messages_per_s, texts->messages, sizeof texts->messages);
    via_cli_format_rate(row->result.messages_per_s * (double)row->job.size, rate, sizeof rate);
    (void)snprintf(texts->bytes, sizeof texts->bytes, "%sB", rate);
}

static const via_bench_row *find_other(const via_bench_row *rows, size_t count, const via_bench_row *row)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].job.mode == VIA_BENCH_THROUGHPUT && rows[i].job.size == row->job.size &&
            rows[i].address == row->address)
            return &rows[i];
    return NULL;
}

/* The columns of what was not measured are left out. */
enum { NAMES = 3, LATENCIES = 5, RATES = 2, ALL = NAMES + LATENCIES + RATES };

static size_t pick(const char *const all[ALL], bool has_latency, bool has_throughput, const char *picked[ALL])
{
    size_t count = 0;
    for (size_t i = 0; i < ALL; i++) {
        bool is_latency = i >= NAMES && i < NAMES + LATENCIES, is_rate = i >= NAMES + LATENCIES;
        if ((!is_latency || has_latency) && (!is_rate || has_throughput))
            picked[count++] = all[i];
    }
    return count;
}

/* Latency and throughput of one address and size share a line. */
static void add_line(via_table *table, const via_bench_row *latency, const via_bench_row *throughput)
{
    const char *picked[ALL];
    struct texts texts;
    memset(&texts, 0, sizeof texts);
    const via_bench_row *any = latency ? latency : throughput;
    via_cli_format_size(any->job.size, texts.size, sizeof texts.size);
    if (latency)
        format_latency(&latency->result, &texts);
    if (throughput)
        format_throughput(throughput, &texts);
    (void)pick((const char *[]){any->address, via_cli_pattern_name(any->job.pattern), texts.size, texts.p50, texts.p90,
                                texts.p99, texts.p999, texts.max, texts.messages, texts.bytes},
               latency, throughput, picked);
    via_table_add(table, picked);
}

bool via_bench_print_table(const via_bench_row *rows, size_t count)
{
    static const char *const all[ALL] = {"ADDRESS", "PATTERN", ">SIZE", ">P50",        ">P90",
                                         ">P99",    ">P99.9",  ">MAX",  ">MESSAGES/S", ">BYTES/S"};
    const char *head[ALL];
    via_table table;
    bool has_latency = count > 0 && rows[0].job.mode == VIA_BENCH_LATENCY;
    bool has_throughput = count > 0 && rows[count - 1].job.mode == VIA_BENCH_THROUGHPUT;
    via_table_init(&table, head, pick(all, has_latency, has_throughput, head));
    for (size_t i = 0; i < count; i++) {
        if (rows[i].job.mode == VIA_BENCH_LATENCY)
            add_line(&table, &rows[i], find_other(rows, count, &rows[i]));
        else if (!has_latency)
            add_line(&table, NULL, &rows[i]);
    }
    bool printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return printed;
}

/* ---- the table of --peers ----------------------------------------------------------------------------------- */

static const char yardstick[] = "peer:ring";

/* How many times the hand-written ring's figure, in the same wait at the same size; "" if that was not measured. */
static void format_ratio(const via_bench_row *rows, size_t count, const via_bench_row *row, char *buffer,
                         size_t capacity)
{
    buffer[0] = '\0';
    for (size_t i = 0; row && i < count; i++) {
        const via_bench_row *ring = &rows[i];
        bool is_latency = row->job.mode == VIA_BENCH_LATENCY;
        double own = is_latency ? row->result.p50 : row->result.messages_per_s;
        double other = is_latency ? ring->result.p50 : ring->result.messages_per_s;
        if (strcmp(ring->address, yardstick) == 0 && ring->job.mode == row->job.mode &&
            ring->job.size == row->job.size && ring->job.wake == row->job.wake && other > 0)
            (void)snprintf(buffer, capacity, "%.2f", own / other);
    }
}

static const via_bench_row *find_mode(const via_bench_row *rows, size_t count, const via_bench_row *row, uint32_t mode)
{
    for (size_t i = 0; i < count; i++)
        if (rows[i].job.mode == mode && rows[i].job.size == row->job.size && rows[i].job.wake == row->job.wake &&
            rows[i].address == row->address)
            return &rows[i];
    return NULL;
}

/* A percentile needs as many samples as it divides by, or it is just the largest. */
enum { SAMPLES_P99 = 100, SAMPLES_P999 = 1000 };

static void add_peer(via_table *table, const via_bench_row *rows, size_t count, const via_bench_row *latency,
                     const via_bench_row *throughput)
{
    struct texts texts;
    char times[16], rates[16], name[80];
    const via_bench_row *any = latency ? latency : throughput;
    bool is_doubtful = (latency && latency->is_doubtful) || (throughput && throughput->is_doubtful);
    memset(&texts, 0, sizeof texts);
    (void)snprintf(name, sizeof name, "%s%s", any->address, is_doubtful ? " *" : "");
    via_cli_format_size(any->job.size, texts.size, sizeof texts.size);
    if (latency)
        format_latency(&latency->result, &texts);
    if (throughput)
        format_throughput(throughput, &texts);
    format_ratio(rows, count, latency, times, sizeof times);
    format_ratio(rows, count, throughput, rates, sizeof rates);
    via_table_add(table, (const char *[]){name, wake_name(any), texts.size, texts.p50, times,
                                          latency && latency->result.count < SAMPLES_P99 ? "-" : texts.p99,
                                          latency && latency->result.count < SAMPLES_P999 ? "-" : texts.p999,
                                          texts.messages, texts.bytes, rates});
}

bool via_bench_print_peers(const via_bench_row *rows, size_t count)
{
    static const char *const head[] = {"NAME", "WAKE",   ">SIZE",       ">P50",     ">/RING",
                                       ">P99", ">P99.9", ">MESSAGES/S", ">BYTES/S", ">/RING"};
    via_table table;
    via_table_init(&table, head, sizeof head / sizeof head[0]);
    for (size_t i = 0; i < count; i++) {
        bool is_latency = rows[i].job.mode == VIA_BENCH_LATENCY;
        const via_bench_row *latency = find_mode(rows, count, &rows[i], VIA_BENCH_LATENCY);
        if (is_latency)
            add_peer(&table, rows, count, &rows[i], find_mode(rows, count, &rows[i], VIA_BENCH_THROUGHPUT));
        else if (!latency)
            add_peer(&table, rows, count, NULL, &rows[i]);
    }
    bool printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return printed;
}

/* ---- JSON --------------------------------------------------------------------------------------------------- */

static json_t *latency_as_json(const via_bench_row *row)
{
    const via_bench_result *result = &row->result;
    if (row->job.mode == VIA_BENCH_THROUGHPUT)
        return json_null();
    return json_pack("{sf sf sf sf sf}", "p50", result->p50, "p90", result->p90, "p99", result->p99, "p999",
                     result->p999, "max", result->max);
}

json_t *via_bench_row_as_json(const via_bench_row *row)
{
    double rate = row->result.messages_per_s;
    return json_pack("{so ss ss ss sI sI so sf sf}", "address", via_cli_json_text(row->address), "pattern",
                     via_cli_pattern_name(row->job.pattern), "mode", mode_name(row), "wake", wake_name(row),
                     "size_bytes", (json_int_t)row->job.size, "count", (json_int_t)row->result.count, "latency_ns",
                     latency_as_json(row), "messages_per_s", rate, "bytes_per_s", rate * (double)row->job.size);
}

bool via_bench_print_json(const via_bench_row *rows, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        (void)json_array_append_new(list, via_bench_row_as_json(&rows[i]));
    return via_cli_json_print(list);
}
