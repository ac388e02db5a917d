/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One contender: a server and a client, two processes, and the time of `int32_t add(int32_t, int32_t)` from one to the other.
 *
 * Owns: everything that is the same for every contender, so that nothing but the library differs.
 */
#ifndef BENCH_RPC_CONTENDER_H
#define BENCH_RPC_CONTENDER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Five bytes each in formats that shorten small numbers. */
#define CONTENDER_A INT32_C(1234567890)
#define CONTENDER_B INT32_C(-123456789)

struct contender {
    /* The server, in a process of its own that is killed in the end: serves at a path in a private folder, until the client goes. */
    void (*serve)(const char *path);
    /* Connects; waits until there is a server. */
    void *(*open)(const char *path);
    /* One call, or for an echo one message there and one back. */
    int32_t (*add)(void *self, int32_t a, int32_t b);
    void (*close)(void *self);
};

/*
 * usage: PROGRAM [--pinned] [--time MS]. Prints p50 and p99 of a round trip in ns, on one line. Pinned: the two processes are on
 * two processors; otherwise the system chooses. Returns main's status.
 */
int contender_main(const struct contender *contender, int argc, char **argv);

/* Waits until a connection to a Unix socket succeeds, and closes it: for libraries whose own attempts are far between. */
void contender_wait(const char *path);

/* Ends the program: something did not work. */
void contender_failed(const char *what, const char *why) __attribute__((noreturn));

#ifdef __cplusplus
}
#endif
#endif
