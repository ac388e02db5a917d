/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel object.
 *
 * Owns: the layout that makes the short path short: tables copied in, what the sender and the receiver write on cache
 * lines of their own.
 */
#ifndef VIADUCT_HOST_CHANNEL_H
#define VIADUCT_HOST_CHANNEL_H

#include "core/context.h"
#include "core/crowd.h"
#include "core/stack.h"
#include "stats/own.h"
#include <stdalign.h>
#include <viaduct/viaduct.h>

enum { VIA_CACHE_LINE = 64 };

enum {                           /* via_lane.detours: reasons to leave the short path */
       VIA_DETOUR_MANY = 1u,     /* the crowd decides whose turn it is */
       VIA_DETOUR_FINISHED = 2u, /* via_finish() was called */
       VIA_DETOUR_UNREAD = 4u,   /* `kept` was too large for the caller's buffer and comes next */
       VIA_DETOUR_LENT = 8u, /* `kept` was handed out by via_recv_into(); its texts are valid until the next receive */
       VIA_DETOUR_FIRST = 16u, /* nothing was received yet: the first message is looked at for a mark, core/mark.h */
       VIA_DETOUR_UNLIKE = 32u /* it had one, and the channel is over */
};

/* One direction. Written by one thread at a time. */
typedef struct via_lane {
    _Atomic(uint32_t) detours;
    uint64_t
        short_limit; /* sender: smaller messages take the short path; 0 once there is a detour, and then for good */
    via_slot_lane *counts; /* in the channel's slot: what others may read, perhaps in another process */
    via_crowd *crowd;      /* NULL unless VIA_MANY */
} via_lane;

/* What the sends of a crowd leave behind: core/turn.c. Under the sender's crowd's lock. */
typedef struct via_tail {
    bool is_awaited;  /* this pattern and policy: a send goes on with what it has left until its deadline */
    bool is_out;      /* something was left when somebody looked last */
    uint64_t cleared; /* counts the times that nothing was left */
} via_tail;

struct via_channel {
    via_context context;
    void *self;       /* the plugin's, or the top of `stack` */
    via_stack *stack; /* NULL = no layers */
    uint64_t max_message;
    via_channel_ops ops; /* complete, but for loan, commit, discard and drain: load/negotiate.h */
    bool lends;          /* it has loans of its own */
    via_slot *slot;      /* of the process's counter page; its counters are the plugin's, from dropped_oldest on */
    alignas(VIA_CACHE_LINE) via_lane sender;
    _Atomic(struct via_loan_buffer *) spare; /* core/loan.c: an emulated loan's buffer, for the next one */
    alignas(VIA_CACHE_LINE) via_lane receiver;
    via_msg kept;
    via_tail tail;
};

/* An unopened channel on `route`. NULL = out of memory. */
via_channel *via_channel_create(via_route *route);
/*
 * Takes the transport's channel in, and puts the layers of the route on it. On failure it is closed. VIA_OK, VIA_ELIMIT,
 * VIA_ENOMEM, or what a layer answers.
 */
via_status via_channel_start(via_channel *channel, void *self, via_error *error);
/* Frees a channel whose plugin's part is closed, or was never opened. */
void via_channel_free(via_channel *channel);

/* Notes a status that ends the channel, for via_failure(). Answers it. */
via_status via_channel_note(via_channel *channel, via_status status);

/* What a waitset asks. No fork check. */
via_status via_channel_ask_handle(via_channel *channel, uint32_t event, via_poll_handle *handle);
via_status via_channel_arm_event(via_channel *channel, uint32_t event);

/*
 * core/ending.c: attempts in the sender's crowd, pausing for internal work, for what no event tells of. VIA_ETIMEDOUT from
 * `attempt`: again, until the deadline.
 */
via_status via_channel_work_until(via_channel *channel, via_attempt_fn attempt, void *argument, via_deadline deadline);

static inline uint32_t via_lane_detours(const via_lane *lane)
{
    return atomic_load_explicit(&lane->detours, memory_order_relaxed);
}

static inline void via_lane_set(via_lane *lane, uint32_t detour, bool is_set)
{
    const uint32_t before = via_lane_detours(lane);
    atomic_store_explicit(&lane->detours, is_set ? before | detour : before & ~detour, memory_order_relaxed);
    if (is_set && lane->short_limit != 0)
        lane->short_limit = 0;
}

/* Adds what one thread at a time adds, and any may read: not an atomic addition, but one that nobody sees in halves. */
static inline void via_lane_add(_Atomic(uint64_t) *counter, uint64_t n)
{
#if defined(__x86_64__)
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n, memory_order_relaxed);
#endif
}

static inline void via_lane_count(via_lane *lane, size_t bytes)
{
    via_slot_lane *counts = lane->counts;
    via_lane_add(&counts->messages, 1);
    via_lane_add(&counts->bytes, bytes);
}

/* A send goes to the transport. It ends in via_lane_count() or via_lane_fail(), and waits inside until then. */
static inline void via_lane_begin(via_lane *lane)
{
    via_lane_add(&lane->counts->begun, 1);
}

static inline void via_lane_note_full(via_lane *lane, via_status status)
{
    via_slot_lane *counts = lane->counts;
    if (status == VIA_ETIMEDOUT)
        atomic_store_explicit(&counts->stuck_at, atomic_load_explicit(&counts->messages, memory_order_relaxed) + 1,
                              memory_order_relaxed);
}

/* It did not go. */
static inline void via_lane_fail(via_lane *lane, via_status status)
{
    via_lane_add(&lane->counts->failed, 1);
    via_lane_note_full(lane, status);
}

/* The same where other threads may send at this moment. */
static inline void via_lane_begin_one_of_many(via_lane *lane)
{
    (void)atomic_fetch_add_explicit(&lane->counts->begun, 1, memory_order_relaxed);
}

static inline void via_lane_fail_one_of_many(via_lane *lane, via_status status)
{
    (void)atomic_fetch_add_explicit(&lane->counts->failed, 1, memory_order_relaxed);
    via_lane_note_full(lane, status);
}

#endif
