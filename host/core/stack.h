/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel with layers: each stands on the one below it, the last on the transport.
 *
 * Owns: the levels, and what a layer can do with the channel it stands on. The channel object above knows nothing of it:
 * to it the whole stack is one table with one object, as a transport's channel is. Must never know a layer by name.
 */
#ifndef VIADUCT_HOST_STACK_H
#define VIADUCT_HOST_STACK_H

#include "core/context.h"
#include <viaduct/layer.h>

/* One level: the transport's channel or a layer's. To what stands on it, it is the channel below. */
struct via_inner {
    via_inner *below; /* NULL = this is the transport's */
    const via_channel_ops *ops;
    void *self;                         /* the plugin's */
    const via_layer_manifest *manifest; /* NULL = the transport */
    via_context *whole;                 /* the channel's */
    via_counters *counters;
    uint64_t max_message; /* bytes; of what is sent to it, without the mark */
    uint64_t added_above; /* bytes that its messages have more than the program's */
    bool lends;
    bool is_terminal;
    bool is_marked;          /* what goes through it from above has the host's mark: core/mark.h */
    uint32_t stack_id;       /* of that mark */
    _Atomic(bool) is_unlike; /* a message without that mark has come: for good */
    via_context part;        /* what the layer speaks through */
};

typedef struct via_stack {
    size_t count;       /* open levels, from the transport up */
    via_inner levels[]; /* the first is the transport's */
} via_stack;

/* Every operation on a via_inner. Only loan, commit and discard depend on `lends`. */
extern const via_channel_ops via_inner_ops;

/*
 * Wraps the transport's channel `self` into the layers of `whole`'s route. On failure `self` is closed.
 * VIA_OK, or what a layer answers.
 */
via_status via_stack_create(via_context *whole, via_counters *counters, void *self, via_stack **stack,
                            via_error *error);
/* Frees a stack whose levels are closed. NULL is allowed. */
void via_stack_free(via_stack *stack);
/* What the channel object calls on. */
via_inner *via_stack_top(via_stack *stack);

#endif
