/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core's tests share: a host that knows the fixture plugins only, and channels on it.
 */
#ifndef CORE_SUPPORT_H
#define CORE_SUPPORT_H

#include <setjmp.h> /* cmocka.h needs these four first */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <loop/control.h>
#include <string.h>
#include <viaduct/viaduct.h>

/* Far enough for a loaded machine; a test that gets there has failed. */
#define CORE_PATIENCE via_after_ms(60000)

typedef struct core_pair {
    via_listener *listener;
    via_channel *server;
    via_channel *client;
} core_pair;

via_host *core_host_open(void);

/* cmocka set-up and tear-down: *state is the host. */
int core_setup(void **state);
int core_teardown(void **state);

/*
 * What is opened here goes through the layers of the variable CORE_LAYERS, if it is set: the tests of the core run with
 * and without.
 */

/* Both ends of a pair; `options` is the address's, with its "?", or "". */
core_pair core_pair_open(via_host *host, const char *scheme, const char *options, uint32_t threads);
void core_pair_close(core_pair *pair);

via_channel *core_join(via_host *host, const char *address, uint32_t role, uint32_t side, uint32_t threads);
/* Receives one message and holds it against a text. */
void core_expect(via_channel *channel, const char *text);
void core_send(via_channel *channel, const char *text);

/* The loop transport's own control. */
void core_kill(via_channel *channel);
uint64_t core_arms(via_channel *channel);
void core_shut(via_channel *channel);

#endif
