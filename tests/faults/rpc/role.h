/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This program once more, as the other end of a connection: a process that can be killed and shares nothing with the test.
 */
#ifndef TEST_ROLE_H
#define TEST_ROLE_H

#include "calc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/types.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, AT_ONCE_MS = 1000 };

/* "unix:NAME?layers=rpc&rpc.interface=..." */
void role_address(char *out, size_t capacity, const char *transport, const char *name, const char *options);
/* Starts this program with these two arguments. */
pid_t role_start(const char *role, const char *address);
/* Kills it, and waits for its end. */
void role_kill(pid_t pid);
/* Waits for its end, which SIGKILL has to be. */
void role_await(pid_t pid);
uint64_t now_ms(void);
/* A number that differs from time to time, below `limit`. */
uint32_t any_below(uint32_t limit);

/* Serves every connection of `address` in a thread of its own until the listener is interrupted. */
typedef struct many_server {
    via_host *host;
    via_listener *listener;
} many_server;
void many_server_open(many_server *server, const char *address);
/* Returns when all connections have ended. */
void many_server_run(many_server *server);
/* Not before run has returned, and by nobody who may still be interrupting it. */
void many_server_close(many_server *server);

#endif
