/* SPDX-License-Identifier: Apache-2.0 */
#include "mixture.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* ---- one kind each: is the result right? -------------------------------------------------------------------- */

static bool add_right(const mixture *calls, uint32_t number)
{
    return calls->add((int32_t)number, -77) == add((int32_t)number, -77);
}

static bool widest_right(const mixture *calls, uint32_t number)
{
    return calls->widest(-128, (uint8_t)number, -3, (uint16_t)number, INT32_MIN, number, -5, UINT64_MAX - number, 9) ==
           widest(-128, (uint8_t)number, -3, (uint16_t)number, INT32_MIN, number, -5, UINT64_MAX - number, 9);
}

static bool power_right(const mixture *calls, uint32_t number)
{
    return calls->power(1.0001, (int32_t)(number % 50)) == power(1.0001, (int32_t)(number % 50));
}

/* Every fifth divisor is 0: an error, and zeroes. */
static bool divide_right(const mixture *calls, uint32_t number)
{
    int32_t quotient = -1, remainder = -1, by = (int32_t)(number / 7 % 5), a = (int32_t)(number & INT32_MAX);
    int32_t code = calls->divide(a, by, &quotient, &remainder);

    if (by == 0)
        return code == 1 && quotient == 0 && remainder == 0 && via_rpc_last_error(calls->channel, NULL) == VIA_EREMOTE;
    return code == 0 && quotient == a / by && remainder == a % by;
}

static bool sum_right(const mixture *calls, uint32_t number)
{
    int64_t values[64] = {0};
    size_t count = number % 65;

    for (size_t i = 0; i < count; i++)
        values[i] = (int64_t)number * (int64_t)i;
    return calls->sum(values, count) == sum(values, count);
}

static bool join_right(const mixture *calls, uint32_t number)
{
    char word[16], text[32];
    const char *words[] = {word, NULL, "ü"};

    (void)snprintf(word, sizeof(word), "%u", number);
    return calls->join(words, 3, text, sizeof(text)) == strlen(word) + 3 && strncmp(text, word, strlen(word)) == 0;
}

static bool greet_right(const mixture *calls, uint32_t number)
{
    char name[16], expected[32];

    (void)snprintf(name, sizeof(name), "%u", number);
    (void)snprintf(expected, sizeof(expected), "hello, %s", name);
    char *greeting = calls->greet(name);
    bool is_right = greeting && strcmp(greeting, expected) == 0;
    via_free(greeting);
    return is_right;
}

static bool name_right(const mixture *calls, uint32_t number)
{
    const char *name = calls->name_of((int32_t)(number / 16 % 4)), *expected = name_of((int32_t)(number / 16 % 4));

    return expected ? name && strcmp(name, expected) == 0 : !name;
}

static bool turn_right(const mixture *calls, uint32_t number)
{
    calc_line line = {{{number, 2}, {3, 4}}, "label", (int16_t)(number % 1000), number % 2};
    calc_line turned = calls->turn(line);

    return turned.ends[1].x == (double)number && turned.width == -(int16_t)(number % 1000) &&
           turned.is_dashed == !(number % 2) && turned.label && strcmp(turned.label, "label") == 0;
}

static bool reverse_right(const mixture *calls, uint32_t number)
{
    unsigned char in[200] = {0}, out[200];
    size_t size = sizeof(out), count = number % 201;

    for (size_t i = 0; i < count; i++)
        in[i] = (unsigned char)(number + i);
    calls->reverse(in, count, out, &size);
    for (size_t i = 0; i < count && size == count; i++)
        if (out[i] != in[count - 1 - i])
            return false;
    return size == count;
}

typedef struct visit {
    pthread_t thread;
    int32_t calls;
} visit;

static int32_t see(void *user, int32_t index, const char *name)
{
    visit *seen = user;

    (void)name;
    return pthread_equal(seen->thread, pthread_self()) && seen->calls++ == index ? index + 1 : -1000;
}

static bool each_right(const mixture *calls, uint32_t number)
{
    visit seen = {pthread_self(), 0};
    int32_t count = (int32_t)(number % 4);

    return calls->each(count, see, &seen) == count * (count + 1) / 2 && seen.calls == count;
}

static bool counter_right(const mixture *calls, uint32_t number)
{
    calc_counter *counter = calls->counter_new((int32_t)(number % 1000));
    bool is_right = counter && calls->counter_next(counter) == (int32_t)(number % 1000);

    calls->counter_free(counter);
    return is_right && calls->counter_next(counter) == 0 && via_rpc_last_error(calls->channel, NULL) == VIA_EREMOTE;
}

static bool remember_right(const mixture *calls, uint32_t number)
{
    calls->remember((int32_t)number);
    return via_rpc_last_error(calls->channel, NULL) == VIA_OK;
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    bool (*is_right)(const mixture *calls, uint32_t number);
} kinds[] = {
    {"add", add_right},           {"widest", widest_right},   {"power", power_right}, {"divide", divide_right},
    {"sum", sum_right},           {"join", join_right},       {"greet", greet_right}, {"name_of", name_right},
    {"turn", turn_right},         {"reverse", reverse_right}, {"each", each_right},   {"counter", counter_right},
    {"remember", remember_right},
};

const char *mixture_call(const mixture *calls, uint32_t number)
{
    size_t kind = number % (sizeof(kinds) / sizeof(kinds[0]));

    return kinds[kind].is_right(calls, number) ? NULL : kinds[kind].name;
}

#define IMPORT(name) assert_int_equal(via_rpc_import(channel, #name, &calls->name, sizeof(calls->name), NULL), VIA_OK)

void mixture_import(mixture *calls, via_channel *channel)
{
    calls->channel = channel;
    IMPORT(add);
    IMPORT(widest);
    IMPORT(power);
    IMPORT(divide);
    IMPORT(sum);
    IMPORT(join);
    IMPORT(greet);
    IMPORT(name_of);
    IMPORT(turn);
    IMPORT(reverse);
    IMPORT(each);
    IMPORT(counter_new);
    IMPORT(counter_next);
    IMPORT(counter_free);
    IMPORT(remember);
}
