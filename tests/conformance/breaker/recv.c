/* SPDX-License-Identifier: Apache-2.0 */
/* Receiving, and sleeping. */
#include "breaker.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

bool via_breaker_receives(const via_breaker *breaker)
{
    return breaker->role == VIA_PAIR || breaker->role == VIA_PULL || breaker->role == VIA_SUBSCRIBE;
}

/* ---- sleeping ----------------------------------------------------------------------------------------------- */

/* What the kit's wait gets right, done wrong: a signal is an answer. */
static via_status sleep_badly(int set, via_deadline deadline)
{
    struct pollfd event = {set, POLLIN, 0};
    uint64_t left = via_deadline_left(deadline);
    int ready = poll(&event, 1, left / 1000000 > 20000 ? 20000 : (int)(left / 1000000) + 1);
    return ready > 0 ? VIA_OK : VIA_ETIMEDOUT;
}

via_status via_breaker_sleep(via_breaker *breaker, int set, via_deadline deadline)
{
    if (via_breaker_is(breaker, BREAK_EARLY) && deadline != VIA_FOREVER && via_deadline_left(deadline))
        deadline -= via_deadline_left(deadline) / 2;
    if (via_breaker_is(breaker, BREAK_NOW_BLOCKS))
        deadline = VIA_FOREVER;
    if (deadline != VIA_FOREVER && via_deadline_left(deadline) == 0 && !via_wake_is_raised(&breaker->wake))
        return VIA_ETIMEDOUT; /* whatever shows: one that cannot be accepted shows for ever */
    if (via_breaker_is(breaker, BREAK_EINTR) && deadline != VIA_NOW)
        return sleep_badly(set, deadline);
    if (via_breaker_is(breaker, BREAK_ONE_LOCK) && deadline != VIA_NOW) {
        pthread_mutex_lock(&breaker->lock);
        via_status status = via_wake_poll(&breaker->wake, set, POLLIN, deadline);
        pthread_mutex_unlock(&breaker->lock);
        return status;
    }
    via_status status = via_wake_poll(&breaker->wake, set, POLLIN, deadline);
    if (status == VIA_ETIMEDOUT && set == breaker->write_set && deadline != VIA_NOW &&
        via_breaker_is(breaker, BREAK_IMPATIENT))
        return VIA_EPEER;
    if (status == VIA_ECANCELED && via_breaker_is(breaker, BREAK_INTERRUPT_ONCE))
        atomic_store(&breaker->wake.raised, 0);
    return status;
}

/* ---- taking ------------------------------------------------------------------------------------------------- */

/* Does a filter want it? They are beginnings of keys, separated by commas. */
static bool is_wanted(const via_breaker *breaker, const via_packet *packet)
{
    const char *key = via_packet_key(packet);
    const char *filter = breaker->filter;

    if (!*filter || via_breaker_is(breaker, BREAK_NO_FILTER))
        return true;
    for (;;) {
        size_t size = strcspn(filter, ",");
        if (key && strncmp(key, filter, size) == 0)
            return true;
        if (!filter[size])
            return false;
        filter += size + 1;
    }
}

/* How a pair ended: by a goodbye, or without one. */
static via_status end_pair(via_breaker *breaker, bool said_goodbye)
{
    breaker->end = said_goodbye ? VIA_ECLOSED : VIA_EPEER;
    via_breaker_count_end(breaker);
    if (breaker->end == VIA_EPEER)
        breaker->host->failed(breaker->context, VIA_EPEER, 0, "the other end went without a goodbye", NULL);
    if (breaker->end == VIA_EPEER && via_breaker_is(breaker, BREAK_DEATH_TEARS)) {
        via_slice half = {"half", 4};
        breaker->ready = via_packet_make(PACKET_DATA, &half, 1, NULL, 0);
    }
    return breaker->end;
}

static void count_gap(via_breaker *breaker, via_member *member, via_packet *packet)
{
    uint64_t sequence = via_packet_sequence(packet);

    if (breaker->role == VIA_SUBSCRIBE && member->seen && sequence > member->seen + 1) {
        if (!via_breaker_is(breaker, BREAK_UNCOUNTED))
            via_count(&breaker->counters->missed, sequence - member->seen - 1);
        packet->bytes[13] = 1; /* see via_breaker_recv() */
    }
    member->seen = sequence;
}

/* One packet from one member. VIA_OK: there is something in `ready`, or the member has gone and others may have something. */
static via_status take_from(via_breaker *breaker, via_member *member)
{
    via_packet *packet = NULL;
    via_status status = via_member_recv(breaker, member, &packet);

    if (status == VIA_OK && via_packet_kind(packet) == PACKET_DATA) {
        bool late = !member->heard && ((via_breaker_is(breaker, BREAK_LATE_ATTACH) && breaker->accepted) ||
                                       (via_breaker_is(breaker, BREAK_DEAF_DIALER) && !breaker->accepted));
        if (late) {
            free(packet);
            return VIA_OK;
        }
        member->heard = true;
        count_gap(breaker, member, packet);
        if (is_wanted(breaker, packet)) {
            breaker->ready = packet;
        } else {
            via_count(&breaker->counters->dropped_filter, 1);
            free(packet);
        }
        return VIA_OK;
    }
    if (status == VIA_ETIMEDOUT || status == VIA_ENOMEM) {
        member->heard = true;
        return status;
    }
    free(packet);
    if (breaker->pattern == VIA_PATTERN_PAIR)
        return end_pair(breaker, status == VIA_OK);
    bool poisoned = status != VIA_OK && via_breaker_is(breaker, BREAK_DEATH_POISONS);
    via_breaker_drop(breaker, member);
    if (poisoned)
        breaker->end = VIA_EPEER;
    return poisoned ? VIA_EPEER : VIA_OK;
}

/* Has the other end hung up, whatever is still to be read? */
static bool has_hung_up(const via_member *member)
{
    struct pollfd event = {member->fd, POLLIN, 0};
    return poll(&event, 1, 0) > 0 && event.revents & POLLHUP;
}

via_status via_breaker_take_in(via_breaker *breaker)
{
    via_status status = VIA_ETIMEDOUT;

    via_breaker_progress(breaker);
    if (breaker->ready)
        return VIA_OK;
    if (breaker->end != VIA_OK)
        return breaker->end;
    if (via_breaker_is(breaker, BREAK_END_FIRST) && breaker->members && breaker->pattern == VIA_PATTERN_PAIR &&
        has_hung_up(breaker->members))
        return end_pair(breaker, true);
    via_member *member = breaker->members;
    while (member && !breaker->ready) {
        via_member *next = member->next;
        status = take_from(breaker, member);
        if (status != VIA_OK && status != VIA_ETIMEDOUT)
            return status;
        if (status == VIA_ETIMEDOUT)
            member = next;
        else if (breaker->pattern != VIA_PATTERN_PAIR && !breaker->ready)
            member = breaker->members; /* it may have gone */
    }
    return breaker->ready ? VIA_OK : VIA_ETIMEDOUT;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

enum { SHARED_BYTES = 1 << 17 }; /* more than a record holds */

static void spoil(via_breaker *breaker, via_packet **packet)
{
    breaker->turn++;
    if (via_breaker_is(breaker, BREAK_GARBLE) && breaker->turn % 2 == 0)
        (*packet)->bytes[(*packet)->size - 1] ^= 1;
    if (via_breaker_is(breaker, BREAK_TRUNCATE) && (*packet)->size > 4000)
        (*packet)->size--;
    if (via_breaker_is(breaker, BREAK_PAD))
        (*packet)->bytes[(*packet)->size++] = 'x';
    if (!via_breaker_is(breaker, BREAK_ONE_BUFFER))
        return;
    if (!breaker->shared)
        breaker->shared = malloc(sizeof(via_packet) + SHARED_BYTES);
    breaker->shared->size = (*packet)->size;
    memcpy(breaker->shared->bytes, (*packet)->bytes, (*packet)->size);
    free(*packet);
    *packet = breaker->shared;
}

via_status via_breaker_recv(void *channel, via_deadline deadline, via_msg *out)
{
    via_breaker *breaker = channel;
    via_status status;

    if (!via_breaker_receives(breaker) && !via_breaker_is(breaker, BREAK_TWO_WAY))
        return VIA_ENOTSUP;
    for (;;) {
        pthread_mutex_lock(&breaker->lock);
        status = via_breaker_take_in(breaker);
        via_packet *packet = breaker->ready;
        breaker->ready = NULL;
        pthread_mutex_unlock(&breaker->lock);
        if (packet) {
            spoil(breaker, &packet);
            via_packet_lend(packet, out);
            out->meta.flags = packet->bytes[13] ? VIA_MISSED : 0;
            return VIA_OK;
        }
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_breaker_sleep(breaker, breaker->read_set, deadline);
        if (status != VIA_OK)
            return status;
    }
}

void via_breaker_release(void *channel, via_msg *message)
{
    via_breaker *breaker = channel;
    if ((via_packet *)message->token[0] != breaker->shared)
        free((via_packet *)message->token[0]);
}
