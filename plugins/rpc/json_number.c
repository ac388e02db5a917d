/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers as JSON text.
 *
 * Owns: that a floating point number reads back as the same one, and as one: 1.0 is not written as 1. Must never let the locale of
 * the process choose the decimal point.
 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t rpc_json_write_unsigned(uint64_t value, char text[RPC_JSON_NUMBER_BYTES])
{
    char digits[20];
    size_t size = 0;

    do {
        digits[sizeof(digits) - ++size] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    memcpy(text, digits + sizeof(digits) - size, size);
    return size;
}

/* What printf writes is JSON, but for the decimal point, which may be any text, and for a number that looks like an integer. */
static size_t make_json(char *text)
{
    bool is_float = strpbrk(text, "e") != NULL;
    size_t size = 0;

    for (const char *at = text; *at;) {
        size_t plain = strspn(at, "0123456789+-e");

        memmove(text + size, at, plain);
        size += plain;
        at += plain;
        if (!*at)
            break;
        at += strcspn(at, "0123456789");
        text[size++] = '.';
        is_float = true;
    }
    if (!is_float) {
        text[size++] = '.';
        text[size++] = '0';
    }
    return size;
}

/* Most numbers that people write are whole; printing and reading all the others costs ten times as much. */
static bool write_whole(double value, char *text, size_t *size)
{
    size_t sign = value < 0;

    if (!(fabs(value) < 0x1p53) || value != (double)(int64_t)value || (value == 0 && signbit(value)))
        return false;
    text[0] = '-';
    *size = sign + rpc_json_write_unsigned((uint64_t)fabs(value), text + sign);
    text[(*size)++] = '.';
    text[(*size)++] = '0';
    return true;
}

size_t rpc_json_write_float(double value, char text[RPC_JSON_NUMBER_BYTES])
{
    size_t size;

    if (write_whole(value, text, &size))
        return size;
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, RPC_JSON_NUMBER_BYTES, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    return make_json(text);
}

/* The reader may read a double and make it a single. */
size_t rpc_json_write_single(float value, char text[RPC_JSON_NUMBER_BYTES])
{
    size_t size;

    if (write_whole(value, text, &size))
        return size;
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(text, RPC_JSON_NUMBER_BYTES, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value && (float)strtod(text, NULL) == value)
            break;
    }
    return make_json(text);
}

bool rpc_json_read_digits(const char *text, size_t size, uint64_t *value)
{
    uint64_t number = 0;

    if (size == 0 || (text[0] == '0' && size > 1))
        return false;
    for (size_t i = 0; i < size; i++) {
        uint64_t digit = (uint64_t)(unsigned char)text[i] - '0';

        if (digit > 9 || number > UINT64_MAX / 10 || digit > UINT64_MAX - number * 10)
            return false;
        number = number * 10 + digit;
    }
    *value = number;
    return true;
}
