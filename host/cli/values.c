/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as people write them: durations, sizes, counts; and back.
 *
 * Owns: the units of the command line, the same as the manifests'. Every parser takes the whole text or nothing.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {{"", UINT64_C(1000000000)},
                                        {"ns", 1},
                                        {"us", 1000},
                                        {"ms", 1000000},
                                        {"s", UINT64_C(1000000000)},
                                        {"m", UINT64_C(60000000000)},
                                        {"h", UINT64_C(3600000000000)},
                                        {NULL, 0}};
static const struct unit sizes[] = {{"", 1},           {"B", 1},           {"KiB", 1u << 10},
                                    {"MiB", 1u << 20}, {"GiB", 1u << 30},  {"kB", 1000},
                                    {"MB", 1000000},   {"GB", 1000000000}, {NULL, 0}};

/* A number with an optional fraction and a unit, exact to double's 53 bits. */
static bool parse_with_unit(const char *text, const struct unit *units, uint64_t *value)
{
    if (!isdigit((unsigned char)text[0]))
        return false;
    char *end;
    errno = 0;
    double number = strtod(text, &end);
    if (errno != 0 || strspn(text, "0123456789.") != (size_t)(end - text))
        return false;
    for (; units->name; units++) {
        if (strcmp(units->name, end) != 0)
            continue;
        double product = number * (double)units->factor;
        if (!(product < 9.2e18))
            return false;
        *value = (uint64_t)product;
        return true;
    }
    return false;
}

bool via_cli_parse_duration(const char *text, uint64_t *ns)
{
    if (strcmp(text, "forever") == 0) {
        *ns = UINT64_MAX;
        return true;
    }
    return parse_with_unit(text, durations, ns);
}

bool via_cli_parse_size(const char *text, uint64_t *bytes)
{
    return parse_with_unit(text, sizes, bytes);
}

bool via_cli_parse_count(const char *text, uint64_t *count)
{
    char *end;
    if (!isdigit((unsigned char)text[0]))
        return false;
    errno = 0;
    *count = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0';
}

bool via_cli_parse_int(const char *text, int64_t *number)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    *number = value;
    return errno == 0 && end != text && *end == '\0' && value >= INT32_MIN && value <= INT32_MAX;
}

void via_cli_format_size(uint64_t bytes, char *buffer, size_t capacity)
{
    static const char *const names[] = {"", "KiB", "MiB", "GiB"};
    size_t unit = 0;
    while (bytes != 0 && bytes % 1024 == 0 && unit < 3) {
        bytes /= 1024;
        unit++;
    }
    (void)snprintf(buffer, capacity, "%llu%s", (unsigned long long)bytes, names[unit]);
}

/* Three digits that matter, in the largest unit that keeps the number above 1. */
static void format_scaled(double value, double step, const char *const *names, char *buffer, size_t capacity)
{
    size_t unit = 0;
    while (value >= step && names[unit + 1]) {
        value /= step;
        unit++;
    }
    int decimals = value < 10 ? 2 : value < 100 ? 1 : 0;
    (void)snprintf(buffer, capacity, "%.*f %s", decimals, value, names[unit]);
}

void via_cli_format_ns(double ns, char *buffer, size_t capacity)
{
    static const char *const names[] = {"ns", "us", "ms", "s", NULL};
    format_scaled(ns, 1000, names, buffer, capacity);
}

void via_cli_format_rate(double rate, char *buffer, size_t capacity)
{
    static const char *const names[] = {"", "k", "M", "G", NULL};
    format_scaled(rate, 1000, names, buffer, capacity);
}

via_deadline via_cli_deadline(const via_cli_args *args, uint64_t otherwise_ns)
{
    uint64_t wait_ns = via_cli_given(args, VIA_CLI_TIMEOUT) ? args->timeout_ns : otherwise_ns;
    if (wait_ns == UINT64_MAX)
        return VIA_FOREVER;
    return wait_ns == 0 ? VIA_NOW : via_now_ns() + wait_ns;
}
