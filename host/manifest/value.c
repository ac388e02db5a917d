/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading numbers with units.
 *
 * Owns: the table of units. Must never accept what it would have to guess: no fractions, no bare durations, no "K".
 */
#include "manifest/value.h"

#include <viaduct/plugin.h>

#include <stdio.h>
#include <string.h>

typedef struct unit {
    const char *name;
    int64_t factor;
} unit;

static const unit size_units[] = {
    {"", 1},
    {"B", 1},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

static const unit duration_units[] = {
    {"ns", 1},
    {"us", 1000},
    {"ms", 1000000},
    {"s", INT64_C(1000000000)},
    {"min", INT64_C(60000000000)},
    {"h", INT64_C(3600000000000)},
    {NULL, 0},
};

/* Digits of `base`; leaves *text behind them. */
static bool read_digits(const char **text, int base, int64_t *number)
{
    const char *c = *text;
    int64_t n = 0;

    for (; *c >= '0' && *c < '0' + base; c++) {
        if (__builtin_mul_overflow(n, (int64_t)base, &n) || __builtin_add_overflow(n, (int64_t)(*c - '0'), &n))
            return false;
    }
    if (c == *text)
        return false;
    *text = c;
    *number = n;
    return true;
}

static bool read_with_unit(const char *text, const unit *units, int64_t *number)
{
    int64_t n;

    if (!read_digits(&text, 10, &n))
        return false;
    for (const unit *u = units; u->name; u++) {
        if (strcmp(text, u->name) == 0)
            return !__builtin_mul_overflow(n, u->factor, number);
    }
    return false;
}

static bool read_bool(const char *text, int64_t *number)
{
    *number = strcmp(text, "true") == 0;
    return *number || strcmp(text, "false") == 0;
}

static bool read_int(const char *text, int64_t *number)
{
    bool negative = *text == '-';
    const char *digits = text + (negative ? 1 : 0);

    if (!read_digits(&digits, 10, number) || *digits)
        return false;
    if (negative)
        *number = -*number;
    return true;
}

static bool read_duration(const char *text, int64_t *number)
{
    if (strcmp(text, "forever") == 0) {
        *number = -1;
        return true;
    }
    if (strcmp(text, "0") == 0) {
        *number = 0;
        return true;
    }
    return read_with_unit(text, duration_units, number);
}

static bool read_mode(const char *text, int64_t *number)
{
    return strlen(text) <= 4 && strlen(text) >= 3 && read_digits(&text, 8, number) && !*text && *number <= 0777;
}

bool via_value_read(uint32_t type, const char *text, int64_t *number)
{
    switch (type) {
    case VIA_OPTION_BOOL:
        return read_bool(text, number);
    case VIA_OPTION_INT:
        return read_int(text, number);
    case VIA_OPTION_SIZE:
        return read_with_unit(text, size_units, number);
    case VIA_OPTION_DURATION:
        return read_duration(text, number);
    case VIA_OPTION_MODE:
        return read_mode(text, number);
    default:
        return false;
    }
}

typedef struct type_words {
    const char *name;
    const char *expected;
} type_words;

static const type_words types[] = {
    [VIA_OPTION_BOOL] = {"bool", "true or false"},
    [VIA_OPTION_INT] = {"int", "a whole number"},
    [VIA_OPTION_SIZE] = {"size", "a size such as 512, 64KiB or 1GiB (units B, KiB, MiB, GiB, TiB)"},
    [VIA_OPTION_DURATION] = {"duration", "a duration such as 500ms, 2s or forever (units ns, us, ms, s, min, h)"},
    [VIA_OPTION_STRING] = {"string", "text"},
    [VIA_OPTION_ENUM] = {"enum", "one of the listed values"},
    [VIA_OPTION_PATH] = {"path", "a path"},
    [VIA_OPTION_MODE] = {"mode", "permission bits in octal such as 0600, at most 0777"},
};

enum { TYPE_COUNT = sizeof(types) / sizeof(types[0]) };

const char *via_value_expected(uint32_t type)
{
    return type < TYPE_COUNT && types[type].expected ? types[type].expected : "a value";
}

void via_value_write_size(uint64_t bytes, char *text, size_t capacity)
{
    static const char *const names[] = {"", "KiB", "MiB", "GiB", "TiB"};
    size_t step = 0;

    while (bytes && bytes % 1024 == 0 && step + 1 < sizeof(names) / sizeof(names[0])) {
        bytes /= 1024;
        step++;
    }
    (void)snprintf(text, capacity, "%llu%s", (unsigned long long)bytes, names[step]);
}

const char *via_value_type_name(uint32_t type)
{
    return type < TYPE_COUNT ? types[type].name : NULL;
}

uint32_t via_value_type(const char *name)
{
    for (uint32_t type = 1; type < TYPE_COUNT; type++) {
        if (strcmp(types[type].name, name) == 0)
            return type;
    }
    return 0;
}

bool via_value_is_ordered(uint32_t type)
{
    return type == VIA_OPTION_INT || type == VIA_OPTION_SIZE || type == VIA_OPTION_DURATION;
}
