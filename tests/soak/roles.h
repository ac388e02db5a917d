/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a lane do, through the public ABI only.
 *
 * Owns: the life of a sender and of a receiver. A role runs in a process of its own that may be killed at any moment;
 * it returns when the ledger says so, and never prints: faults go to the ledger.
 */
#ifndef VIADUCT_SOAK_ROLES_H
#define VIADUCT_SOAK_ROLES_H

#include "ledger.h"

typedef struct via_lane {
    via_ledger *ledger;
    const char *address;
    uint64_t seed; /* differs for each process */
} via_lane;

void via_role_post(via_lane *lane);      /* pair: dials, sends a run, closes, again */
void via_role_take(via_lane *lane);      /* pair: listens, receives one channel after the other */
void via_role_push(via_lane *lane);      /* queue */
void via_role_pull(via_lane *lane);      /* queue */
void via_role_publish(via_lane *lane);   /* topic */
void via_role_subscribe(via_lane *lane); /* topic: judged */
void via_role_set(via_lane *lane);       /* value */
void via_role_read(via_lane *lane);      /* value: judged */
void via_role_keep(via_lane *lane);      /* value: a second reader that nobody judges */
void via_role_watch(via_lane *lane);     /* topic: a second subscriber that nobody judges, there to be killed */

#endif
