/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting layers on a transport's channel.
 */
#include "core/stack.h"

#include "kit/error.h"
#include "manifest/layer_manifest.h"
#include <stdlib.h>

/* ---- levels ------------------------------------------------------------------------------------------------- */

/* What is the same on all of them. */
static void put_level(via_inner *level, const via_channel_ops *ops, via_context *whole, via_counters *counters,
                      uint64_t max_message)
{
    level->ops = ops;
    level->whole = whole;
    level->counters = counters;
    level->max_message = max_message;
    level->added_above = max_message - whole->route->resolved.max_message;
}

static void put_transport(via_inner *level, via_context *whole, void *self, via_counters *counters)
{
    const via_route *route = whole->route;
    put_level(level, route->transport->channel_ops, whole, counters, route->resolved.transport_max_message);
    level->self = self;
    level->lends = level->ops->loan != NULL;
}

/* Negotiated: one that sees messages on their way and has no loans of its own says so in its manifest. */
static bool layer_lends(const via_layer_manifest *manifest, const via_inner *below)
{
    if (manifest->is_terminal || manifest->bytes == VIA_BYTES_CHANGED)
        return false;
    return below->lends && (manifest->clears & VIA_INFO_LOAN_NATIVE) == 0;
}

static void put_layer(via_inner *level, via_context *whole, size_t index, via_counters *counters)
{
    const via_route *route = whole->route;
    const via_resolved_layer *resolved = &route->resolved.layers[index];
    put_level(level, route->layers[index].table->channel_ops, whole, counters, resolved->max_message);
    level->below = level - 1;
    level->manifest = resolved->manifest;
    level->lends = layer_lends(level->manifest, level->below);
    level->is_terminal = level->manifest->is_terminal;
}

/* The level that the innermost layer to change bytes stands on. */
static void put_mark(via_stack *stack, const via_resolved *resolved)
{
    if (resolved->above_mark == 0)
        return;
    via_inner *level = &stack->levels[resolved->layer_count - resolved->above_mark];
    level->is_marked = true;
    level->stack_id = resolved->stack_id;
    level->max_message -= VIA_MARK_SIZE;
}

/* ---- wrapping ----------------------------------------------------------------------------------------------- */

/* The layer at `index` of the route goes on top of what is open. */
static via_status wrap(via_stack *stack, via_context *whole, size_t index, via_error *error)
{
    const via_route *route = whole->route;
    const via_route_layer *layer = &route->layers[index];
    via_inner *level = &stack->levels[stack->count];
    via_open open;
    via_context_init_part(&level->part, whole, layer->loaded->name);
    via_route_describe_layer(route, index, &level->part, level->counters, &open);
    const via_log *outer = via_context_log_enter(route->log);
    const via_status status = layer->table->wrap(layer->loaded->state, &open, level->below, &level->self, error);
    (void)via_context_log_enter(outer);
    if (status != VIA_OK)
        return via_route_fail_of(route, layer->loaded->name, status, error);
    stack->count++;
    return VIA_OK;
}

/* The mark is at the beginning of a message, so there have to be messages. */
static via_status check_boundaries(const via_inner *transport, via_error *error)
{
    const via_resolved *resolved = &transport->whole->route->resolved;
    via_channel_info info = {.size = sizeof(info), .flags = resolved->info_flags};
    if (resolved->above_mark == 0)
        return VIA_OK;
    transport->ops->info(transport->self, &info);
    if ((info.flags & VIA_INFO_KEEPS_BOUNDARIES) != 0)
        return VIA_OK;
    return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPEN, "take it out, or choose what keeps messages apart",
                         "%s: a stream of bytes without boundaries; the layer '%s' needs whole messages",
                         resolved->address, resolved->layers[resolved->above_mark - 1].name);
}

static via_stack *make_levels(via_context *whole, via_counters *counters, void *self)
{
    const via_route *route = whole->route;
    const size_t layers = route->layer_count;
    via_stack *stack = calloc(1, sizeof(*stack) + (layers + 1) * sizeof(stack->levels[0]));
    if (stack == NULL)
        return NULL;
    put_transport(&stack->levels[0], whole, self, counters);
    for (size_t i = 0; i < layers; i++)
        put_layer(&stack->levels[i + 1], whole, layers - 1 - i, counters);
    put_mark(stack, &route->resolved);
    stack->count = 1;
    return stack;
}

via_status via_stack_create(via_context *whole, via_counters *counters, void *self, via_stack **out, via_error *error)
{
    *out = NULL;
    via_stack *stack = make_levels(whole, counters, self);
    if (stack == NULL) {
        whole->route->transport->channel_ops->close(self, VIA_CLOSE_FLUSH);
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPEN, "free some memory", "out of memory for layers");
    }
    via_status status = check_boundaries(&stack->levels[0], error);
    for (size_t i = whole->route->layer_count; i > 0 && status == VIA_OK; i--)
        status = wrap(stack, whole, i - 1, error);
    if (status == VIA_OK) {
        *out = stack;
        return VIA_OK;
    }
    via_inner_ops.close(via_stack_top(stack), VIA_CLOSE_FLUSH);
    free(stack);
    return status;
}

void via_stack_free(via_stack *stack)
{
    free(stack);
}

via_inner *via_stack_top(via_stack *stack)
{
    return &stack->levels[stack->count - 1];
}
