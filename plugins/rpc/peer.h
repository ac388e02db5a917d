/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a connection that calls and serves.
 *
 * Owns: the state of the layer on one channel, by who may touch it: what is constant, what is under `lock`, and what belongs to
 * the one thread that reads the channel at a time (`is_led`). Nobody keeps `lock` while he waits for the channel, runs a function
 * of the application, or reads a value.
 *
 * Of the records here and of calls, threads and frames, what every call needs comes first, and what is large comes last: together it lies
 * on a few cache lines.
 */
#ifndef RPC_PEER_H
#define RPC_PEER_H

#include "call.h"
#include "client.h"
#include "handles.h"
#include "plugin.h"
#include "serving.h"
#include "wait.h"

#include <viaduct/layer.h>

/* Is it a Viaduct, and is its interface ours? */
typedef enum rpc_acquaintance {
    RPC_STRANGER, /* not asked yet */
    RPC_ASKED,
    RPC_FOREIGN,  /* it knows nothing of such questions */
    RPC_KNOWN,    /* a Viaduct with the same interface, or one of us has none */
    RPC_DIFFERENT /* a Viaduct with another one: `theirs` */
} rpc_acquaintance;

struct rpc_peer {
    rpc_plugin *plugin;
    via_context *context;
    via_counters *counters;
    via_inner *inner;
    const rpc_codec *codec;
    rpc_interface *interface; /* NULL = none */
    uint64_t deadline_ns;     /* of a method that has none */
    uint64_t max_message;
    size_t max_memory; /* of one call's values */
    uint32_t max_depth;
    bool greets;         /* asks the other end who it is */
    bool is_stream;      /* the channel below keeps no boundaries */
    bool dials_again;    /* the channel below makes lost connections again */
    uint64_t generation; /* of the plugin's word for forks */
    uint64_t serial;     /* another for each peer of the process */

    pthread_mutex_t lock;
    bool is_led;
    bool is_watched;     /* somebody has armed its handle while another thread read, and sleeps there */
    via_status ended;    /* VIA_OK while there is a channel */
    rpc_waiter *waiters; /* who sleeps */
    rpc_queue aside;     /* requests that nobody has served yet */
    size_t aside_bytes;
    rpc_call *free_calls;
    uint32_t call_count;  /* made */
    uint32_t started;     /* in flight, and nobody waits for them */
    rpc_call *told_first; /* of those, which have ended: `finish` is to be called, by a thread that does not lead */
    rpc_call **told_last;
    rpc_serving *running, *free_servings;
    rpc_thread *threads;
    via_rpc_stats stats;                    /* without what rpc_calls_count() says */
    _Atomic(rpc_acquaintance) acquaintance; /* written under lock */
    rpc_interface *theirs;
    _Atomic(via_deadline)
        patience;        /* until when answers wait that the other end does not take; VIA_NOW = it takes them */
    atomic_bool is_rich; /* the other end has asked, or answered, what only a Viaduct does */

    /* whoever leads */
    rpc_queue cut; /* messages that came with another in a stream */
    unsigned char *stream;
    size_t stream_size, stream_capacity;
    rpc_measure measure;

    pthread_mutex_t send_lock;

    /* serving: set up before it is used */
    via_rpc_any *functions;     /* by index of the method; NULL = not served */
    via_rpc_any *closers;       /* by index of the handle */
    struct rpc_helper *helpers; /* what frees, by symbol */
    void *library;
    via_rpc_authorize_fn authorize;
    void *authorize_user;
    void *serve_user;
    rpc_handles handles;

    struct rpc_stub **stubs; /* by index of the method; under lock */

    _Atomic(rpc_call *) calls[RPC_CALLS_MAX]; /* written under lock */
};

static inline bool rpc_peer_is_foreign(const rpc_peer *peer)
{
    return rpc_plugin_generation(peer->plugin) != peer->generation;
}

/*
 * Sends what was written. While the other end takes nothing it is listened to, since it may be waiting for the same. VIA_ETIMEDOUT
 * and every other failure: nothing has left.
 */
via_status rpc_send(rpc_peer *peer, const rpc_writer *writer, via_deadline deadline);
/* The same without waiting. */
via_status rpc_send_now(rpc_peer *peer, const rpc_writer *writer);

/* ---- hello.c: getting to know the other end ------------------------------------------------------------------ */

/*
 * Asks who the other end is, once. VIA_OK; VIA_ETYPE: this method is another one there. A *deadline that is VIA_RPC_USUAL begins with
 * the question, if there is one.
 */
via_status rpc_hello(rpc_peer *peer, const rpc_method *method, via_deadline *deadline, via_rpc_error *error);
/* The builtin ones: rpc.describe, rpc.hello. */
bool rpc_is_own(const rpc_peer *peer, const rpc_envelope *envelope);
void rpc_serve_own(rpc_peer *peer, const rpc_opened *request);

#endif
