/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the other end.
 *
 * Owns: one call that is served, from its values to its answer; and the callbacks by which it calls back.
 */
#ifndef RPC_SERVING_H
#define RPC_SERVING_H

#include "frame.h"
#include "wait.h"

#include <stdatomic.h>

typedef struct rpc_peer rpc_peer;

/* One call of theirs that runs. */
typedef struct rpc_serving {
    struct rpc_serving *next; /* running ones, and free ones; under lock */
    struct rpc_serving **link;
    rpc_peer *peer;
    rpc_id id;
    bool has_id;
    atomic_bool is_cancelled;
    bool has_waited;     /* its deadline may have passed before it began */
    uint64_t timeout_ms; /* what its caller said; 0 = nothing */
    uint64_t came_ns;    /* when it came; 0 = just now, and nobody will ask while it runs */
    const rpc_method *method;
    struct rpc_binding *bindings; /* its callbacks */
    via_status callback_status;   /* of the first callback that failed */
    uint64_t result[2];           /* room for one that is no struct */
    rpc_frame frame;
    rpc_writer writer;
    rpc_marshal marshal;
    rpc_arena arena;
    via_rpc_context context;
    char callback_text[512];
} rpc_serving;

/* A record; NULL: no memory. The values are to be read. Whoever leads need not list it before he lets another read. */
rpc_serving *rpc_serving_begin(rpc_peer *peer, rpc_thread *thread, const rpc_method *method,
                               const rpc_incoming *incoming, const rpc_opened *request);
/* With `lock` held: from here on a cancellation finds it. */
void rpc_serving_list(rpc_peer *peer, rpc_serving *serving);
/* Until when its caller waits, as far as that is known. */
via_deadline rpc_serving_deadline(const rpc_serving *serving);
/* Hands the context to its parameters, if it has such. */
void rpc_serving_fill_context(rpc_serving *serving);
/* With `lock` held. */
void rpc_serving_end(rpc_peer *peer, rpc_thread *thread, rpc_serving *serving);

/* The function by which the serving end frees what a call has allocated, or NULL. */
rpc_close_fn rpc_free_function(const rpc_peer *peer, const char *symbol);
rpc_close_fn rpc_close_function(void *peer, const rpc_handle *type);
void rpc_functions_fini(rpc_peer *peer);

/* Deals with a request or a notification. Without lock. True: the message has been freed; the caller closes `request`. */
bool rpc_serve(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request);
/* Runs the method with what `request` brings, and answers. Frees the message, and leads no more when the function runs. */
void rpc_run(rpc_peer *peer, rpc_wait *wait, const rpc_method *method, rpc_incoming *incoming, rpc_opened *request);
/*
 * Sends an answer to a call that was served (NULL = to another question), which waits as long as its caller does, and no longer than a call usually may: who still takes none then would
 * hold up everybody else whom this thread serves, so that is the channel's end.
 */
via_status rpc_answer(rpc_peer *peer, rpc_writer *writer, const rpc_serving *to);
/* Answers a message that is none. False: the channel cannot go on. */
bool rpc_serve_nonsense(rpc_peer *peer, const rpc_incoming *incoming, const rpc_opened *opened) __attribute__((cold));
void rpc_answer_fault(rpc_peer *peer, const rpc_id *id, int32_t code, const char *name, const char *format, ...)
    __attribute__((cold, format(printf, 5, 6)));
/* A notification that asks to give a call up. */
void rpc_serve_cancel(rpc_peer *peer, rpc_opened *request);
bool rpc_is_cancel(const rpc_envelope *envelope);

/* Makes the callbacks of a call that is served callable. VIA_OK, VIA_ENOMEM, VIA_ENOTSUP. */
via_status rpc_bind_callbacks(rpc_serving *serving);
void rpc_unbind_callbacks(rpc_serving *serving);
/* Who waits for the call whose callback this calls. With `lock` held; NULL = nobody. */
rpc_thread *rpc_callback_owner(rpc_peer *peer, const rpc_opened *request);
/* Reads the number. */
void rpc_callback_open(const rpc_peer *peer, rpc_opened *request);
/* Runs it, and answers. */
void rpc_serve_callback(rpc_peer *peer, rpc_opened *request);
bool rpc_is_callback(const rpc_envelope *envelope);
enum { RPC_CALLBACKS = 32 }; /* a callback's number is that of its call, times this, plus the parameter's index */

#endif
