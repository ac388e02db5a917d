/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of this end.
 *
 * Owns: one call from when it is made until its end has been told. A reply is read by whichever thread has received it, into memory that
 * is the call's until then.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include "frame.h"
#include "thread.h"

#include <stdatomic.h>

typedef struct rpc_peer rpc_peer;

enum {
    RPC_CALLS_BITS = 10,
    RPC_CALLS_MAX = 1 << RPC_CALLS_BITS,   /* in flight */
    RPC_CALLS_AT_HAND = RPC_CALLS_MAX / 2, /* records that threads may keep */
    RPC_LOSS_LOOK_NS = 50 * 1000 * 1000    /* how often a channel that dials again is looked at */
};

typedef enum rpc_call_state {
    RPC_CALL_FREE,
    RPC_CALL_MADE, /* not sent yet: no reply can be meant for it */
    RPC_CALL_QUICK, /* no reply yet; a thread waits for it, and nobody but that one and who delivers looks at it: without lock */
    RPC_CALL_OPEN,      /* no reply yet; others look for it, since it was started or has callbacks: under lock */
    RPC_CALL_DELIVERED, /* its reply is being read by some thread */
    RPC_CALL_DONE
} rpc_call_state;

typedef struct rpc_call rpc_call;

/* Reads a reply (a result or a fault) into the call: status and error. In whichever thread has received it. */
typedef void (*rpc_deliver_fn)(rpc_peer *peer, rpc_call *call, rpc_opened *reply);
/* Tells the application, and gives the call back. `lock` is not held. */
typedef void (*rpc_finish_fn)(rpc_peer *peer, rpc_call *call);

/* One call of ours. */
struct rpc_call {
    uint32_t index;
    uint32_t serial;
    /*
     * Its id and state in one, so that whoever ends it ends the call that he means, and not the next one of this record. Out
     * of RPC_CALL_OPEN under lock only.
     */
    _Atomic(uint64_t) word;
    _Atomic(uint64_t) uses; /* calls that it has been; written by whoever takes it */
    bool is_quick;          /* set by who makes the call, before it is sent */
    rpc_call *next;         /* free ones, and ended ones */
    uint32_t holds; /* under lock: who sends it, or runs a callback of it. It is not told to have ended meanwhile */
    uint64_t id;
    via_deadline deadline; /* until it is sent also VIA_RPC_USUAL */
    uint64_t losses;       /* connections lost when it was sent, if the channel dials again */
    via_status status;     /* from here on: whoever makes the call, then whoever delivers */
    rpc_deliver_fn deliver;
    rpc_finish_fn finish;      /* NULL = a thread waits for it */
    struct rpc_thread *thread; /* that one */
    const rpc_method *method;
    rpc_arena *keep; /* where what the caller only borrows is read to: its own, or that of what is served */
    rpc_arena *own_keep;
    via_rpc_event_fn event; /* of a call in JSON */
    char *json;             /* its result */
    bool is_json;
    rpc_frame frame;
    rpc_writer writer;
    union {
        via_rpc_done_fn done;
        via_rpc_json_fn done_json;
    } to;
    void *user;
    void *event_user;
    void *words[RPC_PARAMS_MAX]; /* of a call that was started: the pointers that its frame's cells hold */
    char name[128];              /* for messages, where there is no method */
    via_rpc_error error;
};

/*
 * VIA_OK, VIA_ELIMIT, VIA_ENOMEM. Its writer is reset. A `thread` (NULL = none) has one record at hand, for which nothing is locked:
 * of a thousand calls in flight those that other threads have at hand are missing.
 */
via_status rpc_call_take(rpc_peer *peer, rpc_thread *thread, rpc_deliver_fn deliver, rpc_call **out);
void rpc_call_give(rpc_peer *peer, rpc_thread *thread, rpc_call *call);
/* With `lock` held: adds what its calls have been to the statistics. */
void rpc_calls_count(const rpc_peer *peer, via_rpc_stats *stats);
/* With `lock` held: the open call of that id that has no reply yet, or NULL. Quick ones are not found. */
rpc_call *rpc_call_find(rpc_peer *peer, uint64_t id);
/*
 * Sends it. On failure no reply is meant for it any more. With `finish` set it is a started one: after VIA_OK it is not the
 * sender's any more.
 */
via_status rpc_call_send(rpc_peer *peer, rpc_call *call);
/* Waits in `thread` for its reply; afterwards it is done, or given up. Its status. */
via_status rpc_call_await(rpc_peer *peer, rpc_call *call, rpc_thread *thread);
/* A reply has come, to this thread (NULL = to one that waits for nothing). Without lock. Runs nothing of the application. */
void rpc_call_reply(rpc_peer *peer, const rpc_thread *thread, rpc_opened *reply);
/* A reply has come that cannot be read: its call fails, and nobody is answered. Without lock. */
void rpc_call_spoilt(rpc_peer *peer, const rpc_opened *reply) __attribute__((cold));
/* With `lock` held: ends started calls whose deadline has passed, or all of them. */
size_t rpc_calls_expire(rpc_peer *peer, bool all, via_status status);
/* With `lock` held, which is let go meanwhile: tells the end of one started call. False: there is none. Not while leading. */
bool rpc_calls_tell(rpc_peer *peer);
/* Ends a hold. Without lock. */
void rpc_call_release(rpc_peer *peer, rpc_call *call);
/* The earliest deadline of a started call. With `lock` held. */
via_deadline rpc_calls_next(const rpc_peer *peer);
/* Fills the call's status and error. */
void rpc_call_fail(rpc_call *call, via_status status, uint32_t origin, const char *format, ...)
    __attribute__((cold, format(printf, 4, 5)));
/* The other end's error. */
void rpc_call_fault(rpc_call *call, const rpc_fault *fault) __attribute__((cold));

#endif
