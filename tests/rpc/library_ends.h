/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of one connection in this process, of which one serves a shared library with one of the example's interfaces.
 */
#ifndef TEST_LIBRARY_ENDS_H
#define TEST_LIBRARY_ENDS_H

#include "both_ends.h"

/* Opens both ends over `on`, serves, and pumps. `interface` is a file of sdk/examples/rpc. End with both_ends_close(). */
void library_ends_open(both_ends *ends, const way *on, const char *interface, const char *library);
/* Fails the test if the last call of an imported function has failed. */
void assert_good(const both_ends *ends);
/* Fails the test unless that call has failed with this code and name at the other end. */
void assert_failed(const both_ends *ends, int32_t code, const char *name);

/* The address of an imported function, or the test fails. */
#define IMPORT(ends, method, pointer) import_function((ends), (method), &(pointer), sizeof(pointer))
void import_function(const both_ends *ends, const char *method, void *pointer, size_t bytes);

/* Fixtures for cmocka: *state is a way, then both ends. */
#define LIBRARY_TESTS(interface, library)                                                                              \
    static int open_each(void **state)                                                                                 \
    {                                                                                                                  \
        both_ends *ends = test_calloc(1, sizeof(*ends));                                                               \
        library_ends_open(ends, *state, interface, library);                                                           \
        *state = ends;                                                                                                 \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static int close_each(void **state)                                                                                \
    {                                                                                                                  \
        both_ends_close(*state);                                                                                       \
        test_free(*state);                                                                                             \
        return 0;                                                                                                      \
    }
#define LIBRARY_TEST(test)                                                                                             \
    {#test " in MessagePack", test, open_each, close_each, (void *)(uintptr_t)&library_ways[0]},                       \
    {                                                                                                                  \
#test " in JSON", test, open_each, close_each, (void *)(uintptr_t)&library_ways[1]                             \
    }
extern const way library_ways[2];

#endif
