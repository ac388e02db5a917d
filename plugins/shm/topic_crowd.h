/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where many publishers and many subscribers of one name meet.
 *
 * Owns: two series of names beside that of the topic, PATH.p0, PATH.p1 ... of publishers and PATH.s0 ... of subscribers, and
 * PATH.many.lock, which one has at a time who joins. Everybody listens on a name of its own and connects to those of the other
 * series who were there before, so each two of them are connected once, whoever came first. Must never know what they say.
 */
#ifndef SHM_TOPIC_CROWD_H
#define SHM_TOPIC_CROWD_H

#include "meeting.h"

/* How many of each. */
enum { TOPIC_PUBLISHERS_MAX = 16, TOPIC_SUBSCRIBERS_MAX = 256 };

typedef enum topic_series { TOPIC_PUBLISHERS, TOPIC_SUBSCRIBERS } topic_series;

/* Until via_lock_drop(joining) nobody else joins. VIA_OK; VIA_ENOPEER: others do, until the deadline; others of via_lock_take(). */
via_status topic_crowd_enter(const shm_settings *settings, const char *path, via_deadline deadline, via_lock *joining,
                             via_error *error);
/* Takes the first free name of a series, and clears away what the dead have left there. VIA_OK, VIA_EBUSY: all are taken. */
via_status topic_crowd_take(shm_meeting *meeting, const char *path, topic_series series, via_error *error);
/*
 * Connects to everybody of a series. `found` has the socket from then on; its answer VIA_EPEER: that one has just left, others
 * but VIA_OK end the visit. *count: how many were found.
 */
via_status topic_crowd_visit(const shm_settings *settings, const char *path, topic_series series,
                             via_status (*found)(void *user, int socket, const char *path, via_error *error),
                             void *user, size_t *count, via_error *error);
/* Reports that there is nobody. Returns VIA_ENOPEER. */
via_status topic_crowd_nobody(const shm_settings *settings, const char *path, topic_series series, via_error *error);

#endif
