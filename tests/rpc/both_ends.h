/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of one connection in this process: the serving end is pumped by a thread of its own.
 */
#ifndef TEST_BOTH_ENDS_H
#define TEST_BOTH_ENDS_H

#include "calc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

typedef struct both_ends {
    via_host *host;
    via_listener *listener;
    via_channel *server;
    via_channel *client;
    pthread_t thread; /* pumps the server */
    via_status ended; /* what its last pump has answered */
} both_ends;

/* What the connection stands on, "unix:", and the rpc layer's options besides its interface, "&rpc.codec=json" or "". */
typedef struct way {
    const char *address;
    const char *options;
} way;

/* Opens both ends with calc.rpc.json, serves calc, and pumps. `change` (may be NULL) is called with the server before. */
void both_ends_open(both_ends *ends, const way *on, void (*change)(via_channel *server));
/* The same without the thread. */
void both_ends_connect(both_ends *ends, const way *on, void (*change)(via_channel *server));
/* Closes the client, waits for the server's thread, closes it. */
void both_ends_close(both_ends *ends);

/* calc's functions. */
extern const via_rpc_function calc_functions[];
extern const size_t calc_function_count;

#endif
