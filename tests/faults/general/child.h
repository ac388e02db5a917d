/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver in a process of its own, to be stopped or killed.
 *
 * Owns: the child and the memory it counts in. Nothing in the child uses cmocka.
 */
#ifndef VIADUCT_FAULTS_CHILD_H
#define VIADUCT_FAULTS_CHILD_H

#include "ways.h"

#include <stdatomic.h>

/* Shared with the child. */
typedef struct via_tally {
    atomic_uint_fast64_t received; /* messages; each must be its own number */
    atomic_bool out_of_order;
} via_tally;

typedef struct via_child {
    pid_t pid;
    int news; /* a byte is readable here when the first message has come */
    via_tally *tally;
} via_child;

/*
 * Starts a child that receives until the message "end". Opens ends->sender in this process, in the order in which the
 * way binds and connects, and sends number 0. When it returns, the child has received that.
 */
void via_child_start(const via_way *way, via_ends *ends, via_child *child);
/* Sends `number` as a message. */
via_status via_child_send(via_ends *ends, uint64_t number, via_deadline deadline);
/* Sends "end", waits for the child, checks that it received `count` messages in order. */
void via_child_finish(via_ends *ends, via_child *child, uint64_t count);
/* SIGKILL, and waits until it is gone. */
void via_child_kill(via_child *child);

#endif
