/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, chance, threads and message bodies.
 *
 * Owns: what is the same for a seed every time. Must never touch a channel.
 */
#include "conform.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

via_deadline via_conform_soon(void)
{
    return via_after_ms(CONFORM_PATIENCE_MS);
}

/* The finaliser of splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014). */
uint64_t via_conform_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

uint64_t via_conform_random(via_conform *suite)
{
    suite->random += UINT64_C(0x9e3779b97f4a7c15);
    return via_conform_mix(suite->random);
}

uint64_t via_conform_random_below(via_conform *suite, uint64_t limit)
{
    return limit ? via_conform_random(suite) % limit : 0;
}

void via_conform_linger(uint32_t microseconds)
{
    struct timespec time = {microseconds / 1000000, (long)(microseconds % 1000000) * 1000};
    (void)ppoll(NULL, 0, &time, NULL);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

struct via_conform_thread {
    pthread_t id;
    void *(*run)(void *);
    void *argument;
};

static _Thread_local bool in_helper;

bool via_conform_in_main_thread(void)
{
    return !in_helper;
}

static void *run_thread(void *argument)
{
    const via_conform_thread *thread = argument;
    in_helper = true;
    return thread->run(thread->argument);
}

via_conform_thread *via_conform_thread_start(void *(*run)(void *), void *argument)
{
    via_conform_thread *thread = malloc(sizeof(*thread));
    CHECK(thread, "no memory for a thread");
    thread->run = run;
    thread->argument = argument;
    CHECK(pthread_create(&thread->id, NULL, run_thread, thread) == 0, "the system refused a thread");
    return thread;
}

void *via_conform_thread_join(via_conform_thread *thread)
{
    void *result = NULL;
    CHECK(pthread_join(thread->id, &result) == 0, "the thread could not be joined");
    free(thread);
    return result;
}

/* ---- bodies ------------------------------------------------------------------------------------------------- */

/* Eight bytes at a time: place and index scrambled together. */
static uint64_t word_at(uint64_t seed, uint64_t index, size_t place)
{
    return via_conform_mix(seed ^ (index * UINT64_C(0xd1342543de82ef95)) ^ ((uint64_t)place << 1));
}

void via_conform_fill(uint64_t seed, uint64_t index, void *data, size_t size)
{
    unsigned char *bytes = data;

    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = word_at(seed, index, i);
        memcpy(bytes + i, &word, size - i < 8 ? size - i : 8);
    }
}

void via_conform_check_bytes(uint64_t seed, uint64_t index, const void *data, size_t size, size_t expected)
{
    const unsigned char *bytes = data;

    CHECK(size == expected, "message %llu has %zu bytes instead of %zu", (unsigned long long)index, size, expected);
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = word_at(seed, index, i);
        CHECK(memcmp(bytes + i, &word, size - i < 8 ? size - i : 8) == 0,
              "message %llu (%zu bytes) is not what was sent: differs in the 8 bytes at %zu", (unsigned long long)index,
              size, i);
    }
}
