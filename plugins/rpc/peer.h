/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a connection that calls and serves.
 *
 * Owns: the state of the layer on one channel, by who may touch it: what is constant, what is under `lock`, and what belongs to
 * the one thread that reads the channel at a time (`is_led`). Nobody keeps `lock` while he waits for the channel, runs a function
 * of the application, or reads a value.
 */
#ifndef RPC_PEER_H
#define RPC_PEER_H

#include "codec.h"
#include "frame.h"
#include "handles.h"
#include "interface.h"
#include "marshal.h"
#include "plugin.h"

#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <viaduct/layer.h>
#include <viaduct/rpc.h>

enum {
    RPC_CALLS_BITS = 10,
    RPC_CALLS_MAX = 1 << RPC_CALLS_BITS, /* in flight */
    RPC_LOSS_LOOK_NS = 50 * 1000 * 1000, /* how often a channel that dials again is looked at */
    RPC_ASIDE_MAX = 1024,                /* requests that wait until somebody serves them */
    RPC_INBOX_MAX = 64                   /* callbacks that wait for the thread that is to run them */
};

typedef struct rpc_peer rpc_peer;

/* ---- what comes --------------------------------------------------------------------------------------------- */

/* One message as it came, until it has been read. */
typedef struct rpc_incoming {
    struct rpc_incoming *next;
    const void *data;
    size_t size;
    via_msg message;     /* lent by the channel below, if `copy` is NULL */
    uint64_t came_ns;    /* when, if it has waited since to be served; 0 = it has not */
    uint64_t id;         /* of a request that waits, 0 = none, or a text */
    bool is_cancelled;   /* the other end wants it no more; under lock */
    unsigned char *copy; /* cut from a stream */
} rpc_incoming;

/* The same, opened. */
typedef struct rpc_opened {
    rpc_arena arena;
    rpc_reader reader;
    rpc_envelope envelope;
    uint64_t callback; /* the number that a call of a callback begins with, once it has been read; 0 = not */
} rpc_opened;

typedef struct rpc_queue {
    rpc_incoming *first;
    rpc_incoming **last;
    size_t count;
} rpc_queue;

/* ---- what was asked ----------------------------------------------------------------------------------------- */

/* A thread that sleeps until it is told to look again. */
typedef struct rpc_waiter {
    struct rpc_waiter *next;
    struct rpc_waiter **link; /* NULL = it is not in the list */
    pthread_cond_t woken;
} rpc_waiter;

typedef enum rpc_call_state {
    RPC_CALL_FREE,
    RPC_CALL_MADE,      /* not sent yet: no reply can be meant for it */
    RPC_CALL_OPEN,      /* no reply yet */
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
    rpc_call_state state; /* under lock */
    rpc_call *next;       /* free ones, and ended ones */
    uint32_t holds; /* under lock: who sends it, or runs a callback of it. It is not told to have ended meanwhile */
    uint64_t id;
    via_deadline deadline;
    uint64_t losses;   /* connections lost when it was sent, if the channel dials again */
    via_status status; /* from here on: whoever makes the call, then whoever delivers */
    via_rpc_error error;
    rpc_deliver_fn deliver;
    rpc_finish_fn finish;      /* NULL = a thread waits for it */
    struct rpc_thread *thread; /* that one */
    const rpc_method *method;
    char name[128]; /* for messages, where there is no method */
    rpc_frame frame;
    void *words[RPC_PARAMS_MAX]; /* of a call that was started: the pointers that its frame's cells hold */
    rpc_arena *keep;             /* where what the caller only borrows is read to: its own, or that of what is served */
    rpc_arena *own_keep;
    rpc_writer writer;
    union {
        via_rpc_done_fn done;
        via_rpc_json_fn done_json;
        void *answer; /* the layer's own questions */
    } to;
    void *user;
    via_rpc_event_fn event; /* of a call in JSON */
    void *event_user;
    bool is_json;
    char *json; /* its result */
};

/* ---- what is served ----------------------------------------------------------------------------------------- */

/* One call of theirs that runs. */
typedef struct rpc_serving {
    struct rpc_serving *next; /* running ones, and free ones; under lock */
    struct rpc_serving **link;
    rpc_peer *peer;
    rpc_id id;
    bool has_id;
    atomic_bool is_cancelled;
    bool has_waited; /* its deadline may have passed before it began */
    const rpc_method *method;
    rpc_marshal marshal;
    rpc_frame frame;
    rpc_arena arena;
    rpc_writer writer;
    struct rpc_binding *bindings; /* its callbacks */
    via_rpc_context context;
    via_status callback_status; /* of the first callback that failed */
    char callback_text[512];
} rpc_serving;

/* ---- threads ------------------------------------------------------------------------------------------------ */

/* What one thread has on one channel. */
typedef struct rpc_thread {
    struct rpc_thread *next;
    pthread_t thread;
    rpc_waiter *waiter; /* what it sleeps on, or would; under lock */
    rpc_queue inbox;    /* calls of its callbacks; under lock */
    uint32_t depth;     /* calls that it serves, in each other */
    bool has_error;
    via_rpc_error error;
    rpc_arena *keep; /* what its last call has borrowed */
} rpc_thread;

/* ---- the other end ------------------------------------------------------------------------------------------ */

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
    via_status ended;    /* VIA_OK while there is a channel */
    rpc_waiter *waiters; /* who sleeps */
    rpc_queue aside;     /* requests that nobody has served yet */
    size_t aside_bytes;
    rpc_call *calls[RPC_CALLS_MAX];
    rpc_call *free_calls;
    uint32_t call_count;  /* made; those in flight are stats.in_flight */
    uint32_t started;     /* in flight, and nobody waits for them */
    rpc_call *told_first; /* of those, which have ended: `finish` is to be called, by a thread that does not lead */
    rpc_call **told_last;
    rpc_serving *running, *free_servings;
    rpc_thread *threads;
    via_rpc_stats stats;
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
};

static inline bool rpc_peer_is_foreign(const rpc_peer *peer)
{
    return rpc_plugin_generation(peer->plugin) != peer->generation;
}

/* ---- receive.c: only whoever leads -------------------------------------------------------------------------- */

/* The next message. VIA_OK, VIA_ETIMEDOUT, or how the channel ended. */
via_status rpc_receive(rpc_peer *peer, via_deadline deadline, rpc_incoming **out);
void rpc_incoming_free(rpc_peer *peer, rpc_incoming *incoming);
void rpc_queue_init(rpc_queue *queue);
void rpc_queue_put(rpc_queue *queue, rpc_incoming *incoming);
rpc_incoming *rpc_queue_take(rpc_queue *queue); /* NULL = empty */
/* VIA_OK, or VIA_EPROTO. Close it in either case. */
via_status rpc_opened_open(rpc_peer *peer, const rpc_incoming *incoming, rpc_opened *opened);
void rpc_opened_close(rpc_peer *peer, rpc_opened *opened);

/* ---- send.c ------------------------------------------------------------------------------------------------- */

/*
 * Sends what was written. While the other end takes nothing it is listened to, since it may be waiting for the same. VIA_ETIMEDOUT
 * and every other failure: nothing has left.
 */
via_status rpc_send(rpc_peer *peer, rpc_writer *writer, via_deadline deadline);

/* ---- wait.c ------------------------------------------------------------------------------------------------- */

/* What a thread waits for. */
typedef struct rpc_wait {
    bool (*is_over)(rpc_peer *peer, void *argument); /* asked with `lock` held */
    void *argument;
    rpc_thread *thread;
    uint64_t done; /* messages that it has dealt with */
    bool leads;
} rpc_wait;

/* Receives, and deals with what comes, until it is over. VIA_OK, VIA_ETIMEDOUT, or how the channel ended. */
via_status rpc_wait_for(rpc_peer *peer, rpc_wait *wait, via_deadline deadline);
/* A function may take its time: meanwhile another thread reads. Without lock. */
void rpc_step_down(rpc_peer *peer, rpc_wait *wait);
/*
 * The same while the message is still needed: it is copied, since only who leads may give back what the channel below has lent.
 * Without memory for that it goes on leading.
 */
void rpc_detach(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *opened);
/* Takes what has come without waiting, for later; replies and cancellations at once. */
void rpc_take_aside(rpc_peer *peer);
/* Serves what sending has taken aside, if this thread does not wait anyway: nobody else may look at the channel again. */
void rpc_settle(rpc_peer *peer, rpc_thread *thread);
/* With `lock` held: the channel is over. */
void rpc_peer_end(rpc_peer *peer, via_status status);

/* ---- call.c ------------------------------------------------------------------------------------------------- */

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM. Its writer is reset. */
via_status rpc_call_take(rpc_peer *peer, rpc_deliver_fn deliver, rpc_call **out);
void rpc_call_give(rpc_peer *peer, rpc_call *call);
/* With `lock` held: the call of that id that has no reply yet, or NULL. */
rpc_call *rpc_call_find(rpc_peer *peer, uint64_t id);
/*
 * Sends it. On failure no reply is meant for it any more. With `finish` set it is a started one: after VIA_OK it is not the
 * sender's any more.
 */
via_status rpc_call_send(rpc_peer *peer, rpc_call *call);
/* Waits in `thread` for its reply; afterwards it is done, or given up. Its status. */
via_status rpc_call_await(rpc_peer *peer, rpc_call *call, rpc_thread *thread);
/* A reply has come. Without lock. Runs nothing of the application. */
void rpc_call_reply(rpc_peer *peer, rpc_opened *reply);
/* A reply has come that cannot be read: its call fails, and nobody is answered. Without lock. */
void rpc_call_spoilt(rpc_peer *peer, const rpc_opened *reply);
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
    __attribute__((format(printf, 4, 5)));
/* The other end's error. */
void rpc_call_fault(rpc_call *call, const rpc_fault *fault);

/* ---- thread.c ----------------------------------------------------------------------------------------------- */

/* The record of this thread; NULL: no memory. */
rpc_thread *rpc_thread_here(rpc_peer *peer);

/* ---- functions.c -------------------------------------------------------------------------------------------- */

/* The function by which the serving end frees what a call has allocated, or NULL. */
rpc_close_fn rpc_free_function(const rpc_peer *peer, const char *symbol);
rpc_close_fn rpc_close_function(void *peer, const rpc_handle *type);
void rpc_functions_fini(rpc_peer *peer);

/* ---- serve.c, run.c ----------------------------------------------------------------------------------------- */

/* Deals with a request or a notification. Without lock. True: the message has been freed; the caller closes `request`. */
bool rpc_serve(rpc_peer *peer, rpc_wait *wait, rpc_incoming *incoming, rpc_opened *request);
/* Runs the method with what `request` brings, and answers. Frees the message, and leads no more when the function runs. */
void rpc_run(rpc_peer *peer, rpc_wait *wait, const rpc_method *method, rpc_incoming *incoming, rpc_opened *request);
/*
 * Sends an answer, which waits as long as its caller does, and no longer than a call usually may: who still takes none then would
 * hold up everybody else whom this thread serves, so that is the channel's end.
 */
via_status rpc_answer(rpc_peer *peer, rpc_writer *writer, via_deadline deadline);
/* Answers a message that is none. False: the channel cannot go on. */
bool rpc_serve_nonsense(rpc_peer *peer, const rpc_opened *opened);
void rpc_answer_fault(rpc_peer *peer, const rpc_id *id, int32_t code, const char *name, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The builtin ones: rpc.describe, rpc.hello. */
bool rpc_is_own(const rpc_peer *peer, const rpc_envelope *envelope);
void rpc_serve_own(rpc_peer *peer, const rpc_opened *request);
/* A notification that asks to give a call up. */
void rpc_serve_cancel(rpc_peer *peer, rpc_opened *request);
bool rpc_is_cancel(const rpc_envelope *envelope);

/* ---- hello.c ------------------------------------------------------------------------------------------------ */

/* Asks who the other end is, once. VIA_OK; VIA_ETYPE: this method is another one there. */
via_status rpc_hello(rpc_peer *peer, const rpc_method *method, via_deadline deadline, via_rpc_error *error);

/* ---- callback.c --------------------------------------------------------------------------------------------- */

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

/* ---- questions.c: what this end asks and answers by itself --------------------------------------------------- */

/* The interface that the other end describes; kept as `theirs` if this end knows none of its own. *text for free(). */
via_status rpc_describe(rpc_peer *peer, via_deadline deadline, char **text, via_rpc_error *error);

/* ---- client.c ----------------------------------------------------------------------------------------------- */

/* One call of the application, before it is one on the wire. */
typedef struct rpc_request {
    const rpc_method *method;
    void *cells[RPC_PARAMS_MAX]; /* by parameter of the method */
    void *result;
    via_deadline deadline;
} rpc_request;

/* Calls, and waits. Fills `error` on failure, and zeroes what a result would have written. */
via_status rpc_call_function(rpc_peer *peer, rpc_thread *thread, const rpc_request *request, via_rpc_error *error);
/* Fills an error record that may be NULL: refused here, nothing sent. */
void rpc_explain(via_rpc_error *error, const char *method, via_status status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* The same as the status that it is, so that a refusal is one statement. */
#define rpc_refuse(error, method, status, ...) (rpc_explain((error), (method), (status), __VA_ARGS__), (status))
/* The deadline that a call really has. */
via_deadline rpc_deadline(const rpc_peer *peer, const rpc_method *method, via_deadline deadline);
/* What of it is left, as it is sent along; 0 = it is not. */
uint64_t rpc_timeout(rpc_peer *peer, via_deadline deadline);
/* Copies the error of a call to `error`, which may be NULL. */
void rpc_tell(const rpc_call *call, via_rpc_error *error);
/* How ffi_call() and closures hand over what is returned: integers fill a whole register. */
void rpc_return_store(const rpc_type *type, void *to, const void *from);

/* ---- the table ---------------------------------------------------------------------------------------------- */

extern const via_rpc rpc_table;
via_status rpc_table_serve(void *self, const via_rpc_function *functions, size_t count, void *user, via_error *error);
via_status rpc_table_serve_library(void *self, const char *library, void *user, via_error *error);
via_status rpc_table_import(void *self, const char *method, void *function, size_t bytes, via_error *error);
void rpc_stubs_fini(rpc_peer *peer, bool is_forked);
via_status rpc_table_last_error(void *self, via_rpc_error *error);
via_status rpc_table_call(void *self, const char *method, void *result, void *const *arguments, size_t count,
                          via_deadline deadline, via_rpc_error *error);
via_status rpc_table_start(void *self, const char *method, void *result, void *const *arguments, size_t count,
                           via_deadline deadline, via_rpc_done_fn done, void *user, uint64_t *number,
                           via_rpc_error *error);
via_status rpc_table_cancel(void *self, uint64_t number);
via_status rpc_table_notify(void *self, const char *method, void *const *arguments, size_t count, via_deadline deadline,
                            via_rpc_error *error);
via_status rpc_table_call_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                               char **result, via_rpc_event_fn event, void *user, via_rpc_error *error);
via_status rpc_table_start_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                via_rpc_json_fn done, void *user, uint64_t *number, via_rpc_error *error);
via_status rpc_table_notify_json(void *self, const char *method, const char *parameters, via_deadline deadline,
                                 via_rpc_error *error);
via_status rpc_table_describe(void *self, via_deadline deadline, char **text, via_rpc_error *error);

#endif
