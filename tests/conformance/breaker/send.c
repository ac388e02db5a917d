/* SPDX-License-Identifier: Apache-2.0 */
/* Sending: one record a message, what VIA_MORE holds back, and what a topic does with a slow subscriber. */
#include "breaker.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { HELD_MAX = 32 };                                                   /* messages that VIA_MORE may hold back */
enum { OVERFLOW_BLOCK, OVERFLOW_OLDEST, OVERFLOW_NEWEST, OVERFLOW_FAIL }; /* as in the manifest */

bool via_breaker_sends(const via_breaker *breaker)
{
    return breaker->role == VIA_PAIR || breaker->role == VIA_PUSH || breaker->role == VIA_PUBLISH;
}

/* ---- one packet --------------------------------------------------------------------------------------------- */

static via_status end_sending(via_breaker *breaker)
{
    if (via_breaker_is(breaker, BREAK_SEND_BLIND))
        return VIA_OK;
    breaker->host->failed(breaker->context, VIA_EPEER, EPIPE, "the other end has gone", NULL);
    return VIA_EPEER;
}

/* A pair's only member, or the next of a queue's that has room, which then goes to the end of the line. */
static via_status deliver_to_one(via_breaker *breaker, via_packet *packet)
{
    via_member *member = breaker->members;

    if (!member && via_breaker_is(breaker, BREAK_NO_WAIT))
        return VIA_OK;
    while (member) {
        via_member *next = member->next;
        via_status status = via_member_send(breaker, member, packet);
        if (status == VIA_OK) {
            via_member **last = &breaker->members;
            if (!next || via_breaker_is(breaker, BREAK_FIRST_ONLY))
                return VIA_OK;
            while (*last != member)
                last = &(*last)->next;
            *last = next;
            while (*last)
                last = &(*last)->next;
            *last = member;
            member->next = NULL;
            return VIA_OK;
        }
        if (status == VIA_EPEER && breaker->pattern == VIA_PATTERN_PAIR)
            return end_sending(breaker);
        if (status == VIA_EPEER)
            via_breaker_drop(breaker, member);
        member = next;
    }
    return VIA_ETIMEDOUT;
}

/* Moves a subscriber's queue into its socket. VIA_EPEER: it has gone. */
static via_status push_out_member(via_breaker *breaker, via_member *member)
{
    via_status status = VIA_OK;

    while (member->queue.first && (status = via_member_send(breaker, member, member->queue.first)) == VIA_OK)
        free(via_packets_pop(&member->queue));
    via_breaker_watch_room(breaker, member);
    return status;
}

static bool is_full(const via_breaker *breaker, const via_member *member, size_t size)
{
    return member->queue.count && member->queue.bytes + size > breaker->queue_limit;
}

static via_status give(via_breaker *breaker, via_member *member, const via_packet *packet)
{
    via_status status = member->queue.count ? VIA_ETIMEDOUT : via_member_send(breaker, member, packet);
    if (status != VIA_ETIMEDOUT)
        return status;
    via_packet *copy = malloc(sizeof(*copy) + packet->size);
    if (!copy)
        return VIA_ENOMEM;
    memcpy(copy, packet, sizeof(*copy) + packet->size);
    via_packets_push(&member->queue, copy);
    via_breaker_watch_room(breaker, member);
    return VIA_OK;
}

static void drop_for_room(via_breaker *breaker, via_member *member, const via_packet *packet)
{
    bool oldest = (breaker->overflow == OVERFLOW_OLDEST) != via_breaker_is(breaker, BREAK_WRONG_END);
    uint64_t *counter =
        breaker->overflow == OVERFLOW_OLDEST ? &breaker->counters->dropped_oldest : &breaker->counters->dropped_newest;
    if (oldest) {
        while (is_full(breaker, member, packet->size)) {
            free(via_packets_pop(&member->queue));
            via_count(counter, 1);
        }
        (void)give(breaker, member, packet);
        return;
    }
    via_count(counter, 1);
}

static bool any_full(via_breaker *breaker, size_t size)
{
    bool full = false;

    for (via_member *member = breaker->members, *next; member; member = next) {
        next = member->next;
        if (push_out_member(breaker, member) == VIA_EPEER)
            via_breaker_drop(breaker, member);
        else
            full = full || is_full(breaker, member, size);
    }
    return full;
}

/* To everybody, or to nobody if the policy is to wait or to fail. */
static via_status deliver_to_all(via_breaker *breaker, via_packet *packet)
{
    bool full = any_full(breaker, packet->size);

    if (full && (breaker->overflow == OVERFLOW_BLOCK || via_breaker_is(breaker, BREAK_SLOW_BLOCKS)))
        return VIA_ETIMEDOUT;
    if (full && breaker->overflow == OVERFLOW_FAIL) {
        via_count(&breaker->counters->dropped_newest, 1);
        return via_breaker_is(breaker, BREAK_SILENT_FAIL) ? VIA_OK : VIA_EDROPPED;
    }
    if (!breaker->members && !via_breaker_is(breaker, BREAK_UNCOUNTED))
        via_count(&breaker->counters->dropped_nobody, 1);
    for (via_member *member = breaker->members, *next; member; member = next) {
        next = via_breaker_is(breaker, BREAK_FIRST_ONLY) ? NULL : member->next;
        if (is_full(breaker, member, packet->size))
            drop_for_room(breaker, member, packet);
        else if (give(breaker, member, packet) == VIA_EPEER)
            via_breaker_drop(breaker, member);
    }
    return VIA_OK;
}

/* VIA_OK: the packet is done with, and freed. */
static via_status deliver(via_breaker *breaker, via_packet *packet)
{
    if (!via_breaker_is(breaker, BREAK_LATE_MORE) || !breaker->members)
        via_breaker_progress(breaker);
    via_status status =
        breaker->role == VIA_PUBLISH ? deliver_to_all(breaker, packet) : deliver_to_one(breaker, packet);
    if (status == VIA_OK)
        free(packet);
    return status;
}

/* ---- what is held back -------------------------------------------------------------------------------------- */

via_status via_breaker_push_out(via_breaker *breaker)
{
    while (breaker->held.first) {
        via_packet *packet = via_packets_pop(&breaker->held);
        via_status status = deliver(breaker, packet);
        if (status == VIA_OK)
            continue;
        packet->next = breaker->held.first; /* back to the head of the line */
        breaker->held.first = packet;
        breaker->held.last = breaker->held.last ? breaker->held.last : packet;
        breaker->held.bytes += packet->size;
        breaker->held.count++;
        return status;
    }
    breaker->due = false;
    via_breaker_progress(breaker);
    return breaker->role == VIA_PUBLISH && any_full(breaker, SIZE_MAX / 2) ? VIA_ETIMEDOUT : VIA_OK;
}

static via_status push_held(via_breaker *breaker)
{
    via_status status = breaker->held.first ? via_breaker_push_out(breaker) : VIA_OK;
    return breaker->held.first ? status : VIA_OK;
}

bool via_breaker_has_room(via_breaker *breaker)
{
    if (breaker->due)
        (void)via_breaker_push_out(breaker);
    via_breaker_progress(breaker);
    if (breaker->role == VIA_PUBLISH || breaker->due)
        return !breaker->due && !any_full(breaker, 1);
    for (const via_member *member = breaker->members; member; member = member->next) {
        struct pollfd event = {member->fd, POLLOUT, 0};
        if (poll(&event, 1, 0) > 0)
            return true;
    }
    return false;
}

/* ---- send --------------------------------------------------------------------------------------------------- */

static bool keeps_everything(const via_breaker *breaker)
{
    return via_breaker_is(breaker, BREAK_SPOOL) || via_breaker_is(breaker, BREAK_CLOSE_FORGETS);
}

/* A pair accepts one message more than its socket takes, as a stream does whose first bytes have left. */
static via_status keep_tail(via_breaker *breaker, via_packet *packet)
{
    via_packets_push(&breaker->held, packet);
    breaker->due = true;
    breaker->host->attention(breaker->context);
    return VIA_OK;
}

/* VIA_OK: accepted, and the packet is no longer the caller's. */
static via_status accept_packet(via_breaker *breaker, via_packet *packet, bool more)
{
    bool room = breaker->held.count < HELD_MAX;
    via_status status;

    if (keeps_everything(breaker) || (more && room) ||
        (via_breaker_is(breaker, BREAK_MORE_STAYS) && breaker->held.count && room)) {
        via_packets_push(&breaker->held, packet);
        return VIA_OK;
    }
    if (via_breaker_is(breaker, BREAK_MORE_BOUNDED) && !room)
        return VIA_ETIMEDOUT;
    status = push_held(breaker);
    if (status != VIA_OK)
        return status;
    if (via_breaker_is(breaker, BREAK_SWAP) && ++breaker->turn % 8 == 0) {
        via_packets_push(&breaker->held, packet);
        return VIA_OK;
    }
    if (via_breaker_is(breaker, BREAK_DUPLICATE) && ++breaker->turn % 8 == 0) {
        via_packet *twin = malloc(sizeof(*twin) + packet->size);
        memcpy(twin, packet, sizeof(*twin) + packet->size);
        if (deliver(breaker, twin) != VIA_OK)
            free(twin);
    }
    if (more) {
        via_packets_push(&breaker->held, packet);
        return VIA_OK;
    }
    status = deliver(breaker, packet);
    return status == VIA_ETIMEDOUT && breaker->pattern == VIA_PATTERN_PAIR ? keep_tail(breaker, packet) : status;
}

static via_status try_packet(via_breaker *breaker, via_packet *packet, bool more)
{
    pthread_mutex_lock(&breaker->lock);
    via_packet *swapped = via_breaker_is(breaker, BREAK_SWAP) ? via_packets_pop(&breaker->held) : NULL;
    via_status status = accept_packet(breaker, packet, more);
    if (swapped)
        via_packets_push(&breaker->held, swapped);
    if (swapped && status == VIA_OK)
        (void)push_held(breaker);
    pthread_mutex_unlock(&breaker->lock);
    if (status == VIA_ETIMEDOUT &&
        (via_breaker_is(breaker, BREAK_UNBOUNDED) || via_breaker_is(breaker, BREAK_FAIL_LEAVES))) {
        pthread_mutex_lock(&breaker->lock);
        via_packets_push(&breaker->held, packet);
        pthread_mutex_unlock(&breaker->lock);
        return via_breaker_is(breaker, BREAK_UNBOUNDED) ? VIA_OK : VIA_EBUSY;
    }
    if (status == VIA_ETIMEDOUT && via_breaker_is(breaker, BREAK_LOSE_TAIL)) {
        free(packet);
        return VIA_OK;
    }
    return status;
}

/* VIA_OK: accepted. Otherwise the packet is still the caller's. */
static via_status send_packet(via_breaker *breaker, via_packet *packet, bool more, via_deadline deadline)
{
    for (;;) {
        via_status status = try_packet(breaker, packet, more);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_breaker_sleep(breaker, breaker->write_set, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status check_send(const via_breaker *breaker, size_t size)
{
    if (!via_breaker_sends(breaker) && !via_breaker_is(breaker, BREAK_TWO_WAY))
        return VIA_ENOTSUP;
    if (breaker->finished)
        return VIA_EINVAL;
    uint64_t limit = breaker->max_message - via_breaker_is(breaker, BREAK_LIMIT_EARLY);
    return size > limit ? VIA_ETOOBIG : VIA_OK;
}

via_status via_breaker_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                            via_deadline deadline)
{
    via_breaker *breaker = channel;
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    via_status status = check_send(breaker, size);
    if (status != VIA_OK)
        return status;
    if (via_wake_is_raised(&breaker->wake) && deadline != VIA_NOW)
        return VIA_ECANCELED;
    if (via_breaker_is(breaker, BREAK_FIRST_SLICE) && count > 1)
        count = 1;
    bool bare = via_breaker_is(breaker, BREAK_NO_META);
    via_packet *packet =
        via_packet_make(PACKET_DATA, slices, count, bare ? NULL : meta, bare ? 0 : breaker->sequence + 1);
    if (!packet)
        return VIA_ENOMEM;
    if (via_breaker_is(breaker, BREAK_COUNT_TWICE))
        via_count(&breaker->counters->dropped_oldest, 1);
    status = send_packet(breaker, packet, meta && meta->flags & VIA_MORE, deadline);
    if (status == VIA_OK || status == VIA_EDROPPED)
        breaker->sequence++;
    if (status == VIA_EBUSY) /* BREAK_FAIL_LEAVES */
        return VIA_ETIMEDOUT;
    if (status != VIA_OK)
        free(packet);
    return status;
}

/* ---- flush, drain, finish ----------------------------------------------------------------------------------- */

static via_status push_out_until(via_breaker *breaker, via_deadline deadline)
{
    for (;;) {
        pthread_mutex_lock(&breaker->lock);
        via_status status = via_breaker_push_out(breaker);
        pthread_mutex_unlock(&breaker->lock);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_breaker_sleep(breaker, breaker->write_set, deadline);
        if (status != VIA_OK)
            return status;
    }
}

via_status via_breaker_flush(void *channel, via_deadline deadline)
{
    via_breaker *breaker = channel;
    if (via_breaker_is(breaker, BREAK_FLUSH_NOTHING) || via_breaker_is(breaker, BREAK_SPOOL))
        return VIA_OK;
    return push_out_until(breaker, deadline);
}

via_status via_breaker_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    via_breaker *breaker = channel;
    bool lies = via_breaker_is(breaker, BREAK_SPOOL);
    if (via_breaker_is(breaker, BREAK_DRAIN_BLOCKS))
        (void)via_wake_poll(&breaker->wake, breaker->mute, POLLIN, VIA_FOREVER);
    via_status status = lies ? VIA_OK : push_out_until(breaker, deadline);
    *undelivered = 0;
    if (status == VIA_OK)
        return status;
    pthread_mutex_lock(&breaker->lock);
    *undelivered = breaker->held.count;
    for (const via_member *member = breaker->members; member; member = member->next)
        *undelivered += member->queue.count;
    pthread_mutex_unlock(&breaker->lock);
    return status;
}

via_status via_breaker_finish(void *channel, via_deadline deadline)
{
    via_breaker *breaker = channel;
    via_status status = VIA_OK;

    if (breaker->finished)
        return VIA_OK;
    if (via_breaker_is(breaker, BREAK_CLOSE_FORGETS))
        via_packets_clear(&breaker->held);
    status = push_out_until(breaker, deadline);
    if (status != VIA_OK)
        return status;
    if (!via_breaker_is(breaker, BREAK_FINISH_NOTHING)) {
        via_packet *goodbye = via_packet_make(PACKET_FIN, NULL, 0, NULL, 0);
        status = goodbye ? send_packet(breaker, goodbye, false, deadline) : VIA_ENOMEM;
        if (status == VIA_OK)
            status = push_out_until(breaker, deadline);
        else
            free(goodbye);
    }
    if (via_breaker_is(breaker, BREAK_FINISH_BOTH) && breaker->members)
        (void)shutdown(breaker->members->fd, SHUT_RDWR);
    breaker->finished = status == VIA_OK;
    return status;
}

/* ---- loans -------------------------------------------------------------------------------------------------- */

/* token[0]: the size that was lent. */
via_status via_breaker_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
{
    const via_breaker *breaker = channel;
    via_status status = check_send(breaker, size);

    (void)deadline;
    if (status != VIA_OK)
        return status;
    memset(out, 0, sizeof(*out));
    out->data = calloc(1, size + 1); /* the last byte is for BREAK_LOAN_LARGER */
    out->size = size;
    out->token[0] = size;
    return out->data ? VIA_OK : VIA_ENOMEM;
}

via_status via_breaker_commit(void *channel, via_msg *message, via_deadline deadline)
{
    via_breaker *breaker = channel;
    via_slice slice = {message->data, via_breaker_is(breaker, BREAK_LOAN_SIZE) ? message->token[0] : message->size};
    via_meta meta = message->meta;

    if (message->size > message->token[0] && !via_breaker_is(breaker, BREAK_LOAN_LARGER))
        return VIA_EINVAL;
    if (via_breaker_is(breaker, BREAK_LOAN_LATE))
        meta.flags |= VIA_MORE;
    via_status status = via_breaker_send(breaker, &slice, 1, &meta, deadline);
    if (status == VIA_OK) {
        free(message->data);
        message->data = NULL;
    }
    return status;
}

void via_breaker_discard(void *channel, via_msg *message)
{
    via_breaker *breaker = channel;
    via_slice slice = {message->data, message->size};

    if (via_breaker_is(breaker, BREAK_LOAN_DISCARD))
        (void)via_breaker_send(breaker, &slice, 1, NULL, VIA_NOW);
    free(message->data);
    message->data = NULL;
}
