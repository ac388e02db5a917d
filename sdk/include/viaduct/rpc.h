/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling functions in another process, over any pair channel that has the layer "rpc" on it.
 *
 * Owns: extension "via.rpc/1": the table that the layer offers, and libviaduct's forwarders to it. What the functions are is
 * said by an interface file (*.rpc.json, see manifests/README.md), the layer's option `interface`; no code is generated.
 * sdk/docs/rpc.md says what a call means, what can go wrong, and how values look on the wire.
 *
 *     via_dial(NULL, "unix:calc?layers=rpc&rpc.interface=calc.rpc.json", NULL, via_after_ms(2000), &channel, &error);
 *     int32_t (*add)(int32_t, int32_t);
 *     VIA_RPC_IMPORT(channel, add, &error);
 *     sum = add(40, 2);
 *
 * Rules that hold for every call:
 *  - Both ends may serve and call. Functions are served, and completions run, inside via_rpc_pump() and inside every call here
 *    that waits, by the thread that is in it; nowhere else.
 *  - Any number of threads may call at the same time; replies come in any order.
 *  - A call that waits serves what the other end calls meanwhile, nested at most as deep as the layer's option `depth`.
 *  - Deadlines: VIA_RPC_USUAL = the method's own, else the layer's option `deadline`. It is sent along.
 *  - Closing the channel needs that no thread is in a call, in an imported function or in a served one.
 *  - No pointer may be NULL, but for error records, `result` where it is not wanted, `user`, `arguments` of none, `done`, `call`,
 *    `event`, `parameters` (no parameters).
 *  - The first call of a channel asks who the other end is, and waits for the answer: start() too.
 *  - Do not send or receive on the channel yourself: that answers VIA_ENOTSUP.
 */
#ifndef VIADUCT_RPC_H
#define VIADUCT_RPC_H

#include <viaduct/viaduct.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VIA_RPC_ID "via.rpc/1"

/* As a deadline: what the interface says. */
#define VIA_RPC_USUAL ((via_deadline)(UINT64_MAX - 1))

/* ---- what went wrong ---------------------------------------------------------------------------------------- */

/* via_rpc_error.origin */
enum {
    VIA_RPC_NOTHING = 0u,
    VIA_RPC_HERE = 1u,      /* refused here: an argument, a deadline that had passed. The other end has not seen it */
    VIA_RPC_TRANSPORT = 2u, /* the channel: whether the other end has done it is not known, unless `not_sent` */
    VIA_RPC_THERE = 3u      /* the other end answered with an error: VIA_EREMOTE */
};

/* Why a call failed. Owned by the caller; no pointers. Set `size` first, or use via_rpc_error_init(). */
typedef struct via_rpc_error {
    uint32_t size;
    uint32_t origin;   /* VIA_RPC_HERE, ... */
    via_status status; /* what the call answered */
    int32_t code;      /* VIA_EREMOTE: the other end's error code */
    uint32_t not_sent; /* 1: nothing of the call has left this process */
    uint32_t reserved;
    char method[128];
    char name[64]; /* VIA_EREMOTE: the interface's name of the error; "" = it has none */
    char text[512];
} via_rpc_error;

/* Empties a record and sets its size. Any thread. */
VIA_INLINE void via_rpc_error_init(via_rpc_error *error)
{
    via_rpc_error empty = {sizeof(via_rpc_error), VIA_RPC_NOTHING, VIA_OK, 0, 0, 0, "", "", ""};
    *error = empty;
}

/* ---- serving ------------------------------------------------------------------------------------------------ */

/* Any function; cast it. */
typedef void (*via_rpc_any)(void);

/* One function that is served, under the interface's name of the method. */
typedef struct via_rpc_function {
    const char *method;
    via_rpc_any function;
} via_rpc_function;

#define VIA_RPC_FUNCTION(method, function)                                                                             \
    {                                                                                                                  \
        (method), (via_rpc_any)(function)                                                                              \
    }

/*
 * What a served function is told about its call, if the interface gives it a parameter of type "context". Valid until it
 * returns. Ask it only in the thread that it was given to.
 */
typedef struct via_rpc_context {
    uint32_t size;
    uint32_t reserved;
    const char *method;
    void *user;            /* as given to serve */
    via_deadline deadline; /* of the caller; VIA_FOREVER = it has not said */
    via_peer_info peer;    /* as far as the OS vouches for it; known = 0: not at all */
    /* Has the caller given up? Looks at what has come meanwhile, without waiting; serves nothing. */
    int (*is_cancelled)(const struct via_rpc_context *context);
    void *own; /* the layer's */
} via_rpc_context;

/*
 * May this peer call this method? Asked before any argument is decoded. VIA_OK, or a status that the caller is told as code
 * -32002. Runs where served functions run.
 */
typedef via_status (*via_rpc_authorize_fn)(void *user, const via_peer_info *peer, const char *method);

/* ---- calling ------------------------------------------------------------------------------------------------ */

/* The end of a call that was started. `error` is NULL if it went well; valid during the call. */
typedef void (*via_rpc_done_fn)(void *user, via_status status, const via_rpc_error *error);
/* The same of a call in JSON; `result` is JSON text, or NULL. Valid during the call. */
typedef void (*via_rpc_json_fn)(void *user, via_status status, const char *result, const via_rpc_error *error);
/*
 * One call of a callback that was passed in JSON: its parameters as a JSON array. Writes the JSON value that it returns to
 * `result` (empty: nothing, or 0).
 */
typedef void (*via_rpc_event_fn)(void *user, const char *parameters, char *result, size_t capacity);

/* What has happened so far. Set `size` first. */
typedef struct via_rpc_stats {
    uint32_t size;
    uint32_t reserved;
    uint64_t calls;        /* begun here */
    uint64_t served;       /* of the other end, errors included */
    uint64_t late_replies; /* that came after their call had been given up: dropped */
    uint64_t in_flight;    /* calls begun here and not ended */
    uint64_t handles;      /* open at this end for the other */
    uint64_t refused;      /* requests that were answered with an error before a function ran */
    uint64_t retries;
} via_rpc_stats;

/* ---- the table ---------------------------------------------------------------------------------------------- */

/*
 * Offered by the layer. Statuses, for all: VIA_OK; VIA_EINVAL, VIA_ENOENT (no such method), VIA_ETYPE (a value that the interface
 * does not allow; the two ends' interfaces differ), VIA_ENOTSUP, VIA_ELIMIT (too many calls), VIA_ENOMEM, VIA_ETOOBIG;
 * VIA_ETIMEDOUT, VIA_ECANCELED, VIA_ECLOSED, VIA_EPEER, VIA_EPROTO, VIA_EIO (the channel); VIA_EREMOTE (the other end's
 * error); VIA_EFORK. `error` records may be NULL.
 */
typedef struct via_rpc {
    uint32_t size;
    uint32_t reserved;

    /*
     * Serves these functions on this channel. The table is copied. Again: adds, or replaces. `user` is for contexts. Before the
     * first pump, or from a thread that is in none.
     */
    via_status (*serve)(void *self, const via_rpc_function *functions, size_t count, void *user, via_error *error);
    /*
     * Serves the methods of the interface with the functions that the shared library has under their `symbol`. Only names in the
     * interface file are ever looked up. The library stays loaded until the channel is closed.
     */
    via_status (*serve_library)(void *self, const char *library, void *user, via_error *error);
    /* Has `ask` decide for each request whether this peer may make it. Before the first pump. */
    via_status (*authorize)(void *self, via_rpc_authorize_fn ask, void *user);

    /*
     * Makes a function that calls the method, and writes it to *function (`bytes` = sizeof a function pointer). It is the
     * channel's, valid until via_close(); the same for each import of a method. A call that fails returns 0, and writes 0 to what
     * it would have written; then last_error() says why. `status` methods return the other end's code, or INT32_MIN if it was not
     * that function that failed.
     */
    via_status (*import)(void *self, const char *method, void *function, size_t bytes, via_error *error);
    /* Why the last call of an imported function failed in this thread; VIA_OK: it did not. */
    via_status (*last_error)(void *self, via_rpc_error *error);

    /*
     * Calls without a function pointer: `arguments` point to one value each, as the C function would get it, without a
     * parameter of type context; `result` to where the returned value goes (NULL = not wanted). Blocks.
     */
    via_status (*call)(void *self, const char *method, void *result, void *const *arguments, size_t count,
                       via_deadline deadline, via_rpc_error *error);
    /*
     * Begins a call. What is sent is read at once; `result`, and what arguments point to for the other end's values, have to
     * stay until `done` has been called, which is once, by a thread that pumps or waits. *call is its number.
     */
    via_status (*start)(void *self, const char *method, void *result, void *const *arguments, size_t count,
                        via_deadline deadline, via_rpc_done_fn done, void *user, uint64_t *call, via_rpc_error *error);
    /* Asks the other end to give up a call that was started. It still ends by `done`. VIA_ENOENT: it has ended. */
    via_status (*cancel)(void *self, uint64_t call);
    /* Sends a call that has no answer. Of a method that has results, they are dropped. */
    via_status (*notify)(void *self, const char *method, void *const *arguments, size_t count, via_deadline deadline,
                         via_rpc_error *error);

    /*
     * Calls with JSON. `parameters` is a JSON array, or for a JSON-RPC peer an object. With the interface of either end, values
     * are held to it; otherwise (`parameters` of any shape, other programs) they are sent as they are. *result is JSON text for
     * via_free(). A callback's place takes any value; `event` (may be NULL) gets its calls.
     */
    via_status (*call_json)(void *self, const char *method, const char *parameters, via_deadline deadline,
                            char **result, via_rpc_event_fn event, void *user, via_rpc_error *error);
    /* As start, with JSON for values: the result is what `done` gets. */
    via_status (*start_json)(void *self, const char *method, const char *parameters, via_deadline deadline,
                             via_rpc_json_fn done, void *user, uint64_t *call, via_rpc_error *error);
    /* As notify, with JSON. */
    via_status (*notify_json)(void *self, const char *method, const char *parameters, via_deadline deadline,
                              via_rpc_error *error);
    /* The interface that the other end serves, JSON text for via_free(). VIA_EREMOTE: it has none to tell. Blocks. */
    via_status (*describe)(void *self, via_deadline deadline, char **text, via_rpc_error *error);

    /*
     * Serves, and ends calls that were started: what there is, and if there is nothing, waits for the first. VIA_OK: something
     * was done; VIA_ETIMEDOUT: there was nothing. For an event loop: VIA_NOW whenever via_pollable(VIA_READ) or a waitset says so.
     */
    via_status (*pump)(void *self, via_deadline deadline);
    /* What has happened so far. Set stats->size first. Any thread. */
    via_status (*stats)(void *self, via_rpc_stats *stats);
} via_rpc;

/* ---- forwarders: VIA_ENOTSUP where the channel has no layer rpc --------------------------------------------- */

VIA_API VIA_CHECK_RESULT via_status via_rpc_serve(via_channel *channel, const via_rpc_function *functions, size_t count,
                                                  void *user, via_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_serve_library(via_channel *channel, const char *library, void *user,
                                                          via_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_authorize(via_channel *channel, via_rpc_authorize_fn ask, void *user);
VIA_API VIA_CHECK_RESULT via_status via_rpc_import(via_channel *channel, const char *method, void *function,
                                                   size_t bytes, via_error *error);
VIA_API via_status via_rpc_last_error(via_channel *channel, via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_call(via_channel *channel, const char *method, void *result,
                                                 void *const *arguments, size_t count, via_deadline deadline,
                                                 via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_start(via_channel *channel, const char *method, void *result,
                                                  void *const *arguments, size_t count, via_deadline deadline,
                                                  via_rpc_done_fn done, void *user, uint64_t *call,
                                                  via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_cancel(via_channel *channel, uint64_t call);
VIA_API VIA_CHECK_RESULT via_status via_rpc_notify(via_channel *channel, const char *method, void *const *arguments,
                                                   size_t count, via_deadline deadline, via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_call_json(via_channel *channel, const char *method, const char *parameters,
                                                      via_deadline deadline, char **result, via_rpc_event_fn event,
                                                      void *user, via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_start_json(via_channel *channel, const char *method, const char *parameters,
                                                       via_deadline deadline, via_rpc_json_fn done, void *user,
                                                       uint64_t *call, via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_notify_json(via_channel *channel, const char *method,
                                                        const char *parameters, via_deadline deadline,
                                                        via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_describe(via_channel *channel, via_deadline deadline, char **text,
                                                     via_rpc_error *error);
VIA_API VIA_CHECK_RESULT via_status via_rpc_pump(via_channel *channel, via_deadline deadline);
VIA_API VIA_CHECK_RESULT via_status via_rpc_stats_get(via_channel *channel, via_rpc_stats *stats);

/* Imports the method that `pointer`, a variable of a function pointer type, is named after. */
#define VIA_RPC_IMPORT(channel, pointer, error)                                                                        \
    via_rpc_import((channel), #pointer, (void *)&(pointer), sizeof(pointer), (error))

#ifdef __cplusplus
}
#endif
#endif
