/* SPDX-License-Identifier: Apache-2.0 */
#include "calc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct calc_counter {
    atomic_int next;
};

static atomic_int counters, remembered;

int32_t add(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

uint64_t widest(int8_t a, uint8_t b, int16_t c, uint16_t d, int32_t e, uint32_t f, int64_t g, uint64_t h, size_t i)
{
    return (uint64_t)a + b + (uint64_t)c + d + (uint64_t)e + f + (uint64_t)g + h + i;
}

int8_t negate(int8_t value)
{
    return (int8_t)-value;
}

bool invert(bool value)
{
    return !value;
}

float halve(float value)
{
    return value / 2;
}

double power(double base, int32_t exponent)
{
    double result = 1;

    for (int32_t i = 0; i < exponent; i++)
        result *= base;
    return result;
}

int32_t divide(int32_t a, int32_t b, int32_t *quotient, int32_t *remainder)
{
    if (b == 0)
        return 1;
    if (a == INT32_MIN && b == -1)
        return 2;
    *quotient = a / b;
    if (remainder)
        *remainder = a % b;
    return 0;
}

int64_t sum(const int64_t *values, size_t count)
{
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += (uint64_t)values[i];
    return (int64_t)total;
}

void double_all(double *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] *= 2;
}

/* The length of what would fit, as snprintf. */
size_t join(const char *const *words, size_t count, char *text, size_t room)
{
    size_t length = 0;

    if (room)
        text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        const char *word = words[i] ? words[i] : "-";
        if (length < room)
            (void)snprintf(text + length, room - length, "%s", word);
        length += strlen(word);
    }
    return length;
}

char *greet(const char *name)
{
    size_t size = strlen(name) + 8;
    char *made = malloc(size);

    if (made)
        (void)snprintf(made, size, "hello, %s", name);
    return made;
}

const char *name_of(int32_t number)
{
    static const char *const names[] = {"zero", "one", "two"};

    return number >= 0 && number < 3 ? names[number] : NULL;
}

calc_point mirror(calc_point point)
{
    return (calc_point){-point.x, point.y};
}

calc_line turn(calc_line line)
{
    calc_point first = line.ends[0];

    line.ends[0] = line.ends[1];
    line.ends[1] = first;
    line.is_dashed = !line.is_dashed;
    line.width = (int16_t)-line.width;
    return line;
}

void reverse(const void *bytes, size_t size, void *out, size_t *out_size)
{
    size_t room = *out_size;

    for (size_t i = 0; i < size && i < room; i++)
        ((unsigned char *)out)[i] = ((const unsigned char *)bytes)[size - 1 - i];
    *out_size = size < room ? size : room;
}

int32_t determinant(const int32_t matrix[4])
{
    return (int32_t)((uint32_t)matrix[0] * (uint32_t)matrix[3] - (uint32_t)matrix[1] * (uint32_t)matrix[2]);
}

int32_t each(int32_t count, int32_t (*visit)(void *user, int32_t index, const char *name), void *user)
{
    uint32_t total = 0;

    for (int32_t i = 0; i < count && visit; i++)
        total += (uint32_t)visit(user, i, name_of(i));
    return (int32_t)total;
}

calc_counter *counter_new(int32_t start)
{
    calc_counter *made = start < 0 ? NULL : malloc(sizeof(*made));

    if (made) {
        atomic_init(&made->next, start);
        atomic_fetch_add(&counters, 1);
    }
    return made;
}

int32_t counter_next(calc_counter *counter)
{
    return atomic_fetch_add(&counter->next, 1);
}

void counter_free(calc_counter *counter)
{
    free(counter);
    atomic_fetch_sub(&counters, 1);
}

int calc_counters(void)
{
    return atomic_load(&counters);
}

int64_t who(const via_rpc_context *context, int32_t number)
{
    return context->peer.pid * 10 + number;
}

void remember(int32_t value)
{
    atomic_store(&remembered, value);
}

int32_t recall(void)
{
    return atomic_load(&remembered);
}

/* 0 = it has waited, 1 = its caller gave up. */
int32_t wait_ms(const via_rpc_context *context, uint32_t ms)
{
    const struct timespec pause = {0, 1000000};

    for (uint32_t i = 0; i < ms; i++) {
        if (context->is_cancelled(context))
            return 1;
        (void)nanosleep(&pause, NULL);
    }
    return 0;
}
