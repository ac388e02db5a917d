/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ways to send a message: every scheme with every pattern that the general fault tests run over.
 *
 * Owns: addresses that no other test uses, and opening the two ends. Uses the public ABI only.
 */
#ifndef VIADUCT_FAULTS_WAYS_H
#define VIADUCT_FAULTS_WAYS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

enum { VIA_WAY_PATIENCE_MS = 20000 };

typedef struct via_way {
    const char *name;
    const char *scheme;
    uint32_t sender;   /* role of the end that sends: VIA_PAIR, VIA_PUSH, VIA_PUBLISH */
    bool sender_binds; /* else the receiver does */
} via_way;

/* Both ends in one process. The listener is there for pairs only. */
typedef struct via_ends {
    via_host *host; /* borrowed; NULL = private ones */
    char address[128];
    via_listener *listener;
    via_channel *sender;
    via_channel *receiver;
} via_ends;

/* An address of this way that nothing serves now. */
void via_way_address(const via_way *way, char *buffer, size_t capacity);
/*
 * What everything is opened with: with FAULT_LAYERS=1 through layers, and where they are for the pattern through one that
 * changes bytes.
 */
const via_open_options *via_way_options(const via_way *way);
/* One end. For a pair the receiver listens and accepts. VIA_OK or why not; `ends->address` must be set. */
via_status via_way_open_sender(const via_way *way, via_ends *ends, via_error *error);
via_status via_way_open_receiver(const via_way *way, via_ends *ends, via_error *error);
/* Both ends, connected: one message has gone through. Fails the test if that is not possible. */
void via_way_open(const via_way *way, via_ends *ends);
void via_way_close(via_ends *ends);

/* Sends `text` and receives it. Fails the test otherwise. */
void via_way_exchange(via_ends *ends, const char *text);

/* Waits for a child and fails the test unless it exited with 0. */
void via_way_reap(pid_t child);

/* Runs `test` for every way (its *state is the via_way). Returns the number of failures, for main(). */
int via_ways_run(const char *name, void (*test)(void **state));

#endif
