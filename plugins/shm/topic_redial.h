/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a member of a topic dials again.
 *
 * Owns: the pause between two attempts, and the timerfd that shows its end. Must never dial.
 */
#ifndef SHM_TOPIC_REDIAL_H
#define SHM_TOPIC_REDIAL_H

#include "kit/pollset.h"

typedef struct topic_redial {
    uint64_t first_ns;   /* the first pause; they double up to 20 times that */
    int timer;           /* -1 = this side binds */
    via_deadline at;     /* when the next attempt is due; 0 = none is */
    uint64_t backoff_ns; /* 0 = none yet */
    uint64_t connected_at;
} topic_redial;

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno. */
via_status topic_redial_init(topic_redial *redial, uint64_t first_ns, const via_pollset *set);
void topic_redial_fini(topic_redial *redial);
/* A connection is lost, or an attempt has failed. */
void topic_redial_plan(topic_redial *redial);
/* A connection is made. */
void topic_redial_done(topic_redial *redial);
bool topic_redial_is_due(const topic_redial *redial);

#endif
