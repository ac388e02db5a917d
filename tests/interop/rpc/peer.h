/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests against other programs' RPC share: a socket of their own, our end as the caller, and our end as the server.
 */
#ifndef TESTS_INTEROP_PEER_H
#define TESTS_INTEROP_PEER_H

#include "program.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <viaduct/rpc.h>

enum { SOCKET_PATH = 64 };

/* A deadline that only a hanging test reaches. */
via_deadline soon_enough(void);

/* Makes a folder, and a path in it where nothing is yet. */
void socket_make(char path[SOCKET_PATH]);
/* Removes both. */
void socket_remove(const char path[SOCKET_PATH]);

/* ---- calling ------------------------------------------------------------------------------------------------ */

via_channel *must_dial(const char *address);
/* Calls, and compares the JSON text of the result; NULL = any. */
void must_answer(via_channel *channel, const char *method, const char *parameters, const char *result);
/* Calls, wants the other end's error, and a part of its text. */
void must_fail(via_channel *channel, const char *method, const char *parameters, const char *text,
               via_rpc_error *error);

/* ---- serving ------------------------------------------------------------------------------------------------ */

typedef struct server {
    via_listener *listener;
    via_channel *channel; /* the one that is served */
    pthread_t thread;
    const via_rpc_function *functions;
    size_t count;
} server;

/* Serves the first that comes, in a thread of its own, until it goes. `user` of contexts is the server. */
void server_start(server *self, const char *address, const via_rpc_function *functions, size_t count);
/* Waits until the one it serves has gone. */
void server_stop(server *self);

#endif
