/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs with layers, for tests.
 *
 * Owns: opening both ends of a pair over unix: in one process, and sending numbered messages through it.
 */
#ifndef LAYERS_FIXTURE_H
#define LAYERS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

typedef struct layers_pair {
    via_listener *listener;
    via_channel *far;  /* accepted */
    via_channel *near; /* dialled */
} layers_pair;

/* Opens a pair; each end's query ("layers=chaos&chaos.drop=5%25") or NULL. Fails the test if it cannot be opened. */
void layers_open(layers_pair *pair, const char *near_query, const char *far_query);
void layers_close(layers_pair *pair);
/* What the dialling end answers. The error's text is in `error`. */
via_status layers_try(const char *query, via_error *error);

/* A deadline so generous that only what never happens misses it. */
via_deadline layers_soon(void);
/* One message that holds `number`, padded to `size` bytes (at least 8). */
void layers_send(via_channel *channel, uint64_t number, size_t size);
/* Receives one and gives its number; the status is asserted to be VIA_OK. */
uint64_t layers_take(via_channel *channel);

#endif
