/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's side of one channel or listener, and the functions that plugins call.
 *
 * Owns: what is the same in both: where the object came from, whether it was interrupted, why it failed, which waitset
 * it is in. Must never be locked: a signal handler interrupts through it.
 */
#ifndef VIADUCT_HOST_CONTEXT_H
#define VIADUCT_HOST_CONTEXT_H

#include "core/route.h"
#include "platform/fork_word.h"
#include <stdatomic.h>
#include <viaduct/plugin.h>

typedef struct via_entry via_entry; /* core/waitset.h: a place in a waitset */
typedef struct via_crowd via_crowd; /* core/crowd.h: many threads on one direction */

struct via_context {
    uint64_t generation; /* of platform/fork_word.h; first, for the short path */
    via_route *route;
    atomic_bool is_interrupted;
    _Atomic(via_entry *) entry;     /* NULL = in no waitset */
    atomic_uint suspensions;        /* calls that may end its handles for writing and for work, just now */
    atomic_uint notifiers;          /* threads and signal handlers that are looking at `entry` now */
    _Atomic(via_crowd *) crowds[2]; /* of a channel with VIA_MANY: their leaders do internal work */
    _Atomic(via_error *) failure;   /* made by the first failure; the reason stays */
    via_context *whole;             /* the channel's own, whose parts its layers have; itself if it is one */
    const char *plugin;             /* who speaks through it */
};

/* The table that every plugin gets. */
extern const via_host_api via_context_api;

/* `route` is held by the context until via_context_fini(). */
void via_context_init(via_context *context, via_route *route);
void via_context_fini(via_context *context);
/* What a layer of the channel speaks through. Lives no longer than `whole`; nothing is to be finished. */
void via_context_init_part(via_context *part, via_context *whole, const char *plugin);

/* Keeps the reason why the object ended, unless there is one already. Texts may be NULL. Any thread. */
void via_context_fail(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend);
/* Forgets a failed attempt before the next one. */
void via_context_reset(via_context *context);
/* Tells the waitset that this object has to be looked at. Any thread, signal-safe. */
void via_context_notify(via_context *context);
/* Ends the object's membership: when it returns, nobody looks at the entry through the context any more. */
void via_context_leave(via_context *context);

/*
 * Where a plugin's log lines without a context go during a call into it: `log` from now on in this thread. Answers
 * what it was before, to be put back.
 */
const via_log *via_context_log_enter(const via_log *log);

static inline bool via_context_is_foreign(const via_context *context)
{
    return via_fork_word_is_foreign(context->generation);
}

static inline bool via_context_is_interrupted(const via_context *context)
{
    return atomic_load_explicit(&context->is_interrupted, memory_order_relaxed);
}

#endif
