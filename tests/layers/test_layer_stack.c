/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several layers on one channel: what they do together, and that it costs no allocation per message.
 */
#include "layers_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARM = 300, MEASURED = 2000, SIZE = 4096 };

/* ---- counting: of this thread, everything that takes memory ------------------------------------------------- */

void *__libc_malloc(size_t size);                /* NOLINT(bugprone-reserved-identifier): glibc's own names */
void *__libc_calloc(size_t count, size_t size);  /* NOLINT(bugprone-reserved-identifier) */
void *__libc_realloc(void *memory, size_t size); /* NOLINT(bugprone-reserved-identifier) */

static _Thread_local size_t allocations;

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    allocations++;
    return __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t count, size_t size)
{
    allocations++;
    return __libc_calloc(count, size);
}

__attribute__((visibility("default"))) void *realloc(void *memory, size_t size)
{
    allocations++;
    return __libc_realloc(memory, size);
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static void fill(unsigned char bytes[SIZE], uint64_t number)
{
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (unsigned char)(i / 16 + number);
}

static void pass(layers_pair *pair, uint64_t number)
{
    unsigned char bytes[SIZE];
    via_msg message;

    fill(bytes, number);
    assert_int_equal(via_send(pair->near, bytes, SIZE, NULL, layers_soon()), VIA_OK);
    assert_int_equal(via_recv(pair->far, layers_soon(), &message), VIA_OK);
    assert_int_equal(message.size, SIZE);
    assert_memory_equal(message.data, bytes, SIZE);
    via_release(pair->far, &message);
}

static size_t allocations_of(const char *query)
{
    layers_pair pair;

    layers_open(&pair, query, query);
    for (uint64_t i = 0; i < WARM; i++)
        pass(&pair, i);
    const size_t before = allocations;
    for (uint64_t i = 0; i < MEASURED; i++)
        pass(&pair, i);
    const size_t made = allocations - before;
    layers_close(&pair);
    return made;
}

static void test_stack__counts_allocations(void **state)
{
    (void)state;
    const size_t before = allocations;
    free(malloc(10));
    assert_int_equal(allocations, before + 1);
}

static void test_stack__allocates_nothing_per_message(void **state)
{
    char query[1024];
    (void)state;

    (void)snprintf(query, sizeof(query),
                   "layers=tap,zstd,chaos&tap.file=%s/stack.pcapng&chaos.delay=1us&chaos.jitter=2us",
                   getenv("XDG_RUNTIME_DIR"));
    assert_int_equal(allocations_of("layers=chaos"), 0);
    assert_int_equal(allocations_of("layers=zstd"), 0);
    assert_int_equal(allocations_of(query), 0);
}

/* What chaos repeats below zstd arrives twice above it, and tap has seen as many as the program. */
static void test_stack__keeps_its_order(void **state)
{
    layers_pair pair;
    via_msg message;
    size_t got = 0;
    (void)state;

    layers_open(&pair, "layers=tap,zstd", "layers=tap,zstd,chaos&chaos.duplicate=100%25");
    for (uint64_t i = 0; i < 20; i++)
        layers_send(pair.near, i, 2000);
    assert_int_equal(via_finish(pair.near, layers_soon()), VIA_OK);
    while (via_recv(pair.far, layers_soon(), &message) == VIA_OK) {
        uint64_t number;
        memcpy(&number, message.data, sizeof(number));
        assert_int_equal(number, got / 2);
        got++;
        via_release(pair.far, &message);
    }
    assert_int_equal(got, 40);
    layers_close(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stack__counts_allocations),
        cmocka_unit_test(test_stack__allocates_nothing_per_message),
        cmocka_unit_test(test_stack__keeps_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
