/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The channel that a layer stands on, as the host offers it; and the whole stack, as the channel object sees it.
 *
 * Owns: where a call goes when a layer has left the slot empty. Each function does its level's part, then goes down.
 */
#include "core/mark.h"
#include "manifest/layer_manifest.h"
#include <stdio.h>

/* ---- data --------------------------------------------------------------------------------------------------- */

static bool is_too_big(const via_inner *level, const via_slice *slices, size_t count)
{
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(size, slices[i].size, &size))
            return true;
    }
    return size > level->max_message;
}

static via_status send_below_mark(via_inner *level, const via_slice *slices, size_t count, const via_meta *meta,
                                  via_deadline deadline)
{
    if (level->ops->send == NULL)
        return via_inner_ops.send(level->below, slices, count, meta, deadline);
    return level->ops->send(level->self, slices, count, meta, deadline);
}

static via_status inner_send(void *inner, const via_slice *slices, size_t count, const via_meta *meta,
                             via_deadline deadline)
{
    via_inner *level = inner;
    if (level->is_terminal)
        return VIA_ENOTSUP;
    if (is_too_big(level, slices, count))
        return VIA_ETOOBIG;
    return level->is_marked ? via_mark_send(level, slices, count, meta, deadline, send_below_mark)
                            : send_below_mark(level, slices, count, meta, deadline);
}

static via_status recv_below_mark(via_inner *level, via_deadline deadline, via_msg *out)
{
    if (level->ops->recv == NULL)
        return via_inner_ops.recv(level->below, deadline, out);
    return level->ops->recv(level->self, deadline, out);
}

static void release_below_mark(via_inner *level, via_msg *message)
{
    if (level->ops->release == NULL)
        via_inner_ops.release(level->below, message);
    else
        level->ops->release(level->self, message);
}

static via_status inner_recv(void *inner, via_deadline deadline, via_msg *out)
{
    via_inner *level = inner;
    if (level->is_terminal)
        return VIA_ENOTSUP;
    if (level->is_marked && atomic_load_explicit(&level->is_unlike, memory_order_relaxed))
        return VIA_EPROTO;
    const via_status status = recv_below_mark(level, deadline, out);
    if (status != VIA_OK || !level->is_marked || via_mark_take(level, out))
        return status;
    release_below_mark(level, out);
    return VIA_EPROTO;
}

static void inner_release(void *inner, via_msg *message)
{
    via_inner *level = inner;
    if (level->is_marked)
        via_mark_restore(message);
    release_below_mark(level, message);
}

/* ---- loans: a marked level has none ------------------------------------------------------------------------- */

static via_status inner_loan(void *inner, size_t size, via_deadline deadline, via_msg *out)
{
    via_inner *level = inner;
    if (!level->lends || level->is_marked)
        return VIA_ENOTSUP;
    if (size > level->max_message)
        return VIA_ETOOBIG;
    return level->ops->loan != NULL ? level->ops->loan(level->self, size, deadline, out)
                                    : inner_loan(level->below, size, deadline, out);
}

static via_status inner_commit(void *inner, via_msg *message, via_deadline deadline)
{
    via_inner *level = inner;
    if (!level->lends)
        return VIA_ENOTSUP;
    return level->ops->loan != NULL ? level->ops->commit(level->self, message, deadline)
                                    : inner_commit(level->below, message, deadline);
}

static void inner_discard(void *inner, via_msg *message)
{
    via_inner *level = inner;
    if (!level->lends)
        return;
    if (level->ops->loan != NULL)
        level->ops->discard(level->self, message);
    else
        inner_discard(level->below, message);
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static via_status inner_flush(void *inner, via_deadline deadline)
{
    via_inner *level = inner;
    return level->ops->flush != NULL ? level->ops->flush(level->self, deadline) : inner_flush(level->below, deadline);
}

static via_status inner_finish(void *inner, via_deadline deadline)
{
    via_inner *level = inner;
    return level->ops->finish != NULL ? level->ops->finish(level->self, deadline)
                                      : inner_finish(level->below, deadline);
}

static via_status inner_drain(void *inner, via_deadline deadline, uint64_t *undelivered)
{
    via_inner *level = inner;
    if (level->ops->drain != NULL)
        return level->ops->drain(level->self, deadline, undelivered);
    if (level->below != NULL)
        return inner_drain(level->below, deadline, undelivered);
    const via_status status = level->ops->flush(level->self, deadline);
    *undelivered = status == VIA_ETIMEDOUT ? __atomic_load_n(&level->counters->backlog_bytes, __ATOMIC_RELAXED) : 0;
    return status;
}

static void inner_interrupt(void *inner)
{
    for (via_inner *level = inner; level != NULL; level = level->below) {
        if (level->ops->interrupt != NULL)
            level->ops->interrupt(level->self);
    }
}

static void inner_close(void *inner, uint32_t how)
{
    for (via_inner *level = inner; level != NULL; level = level->below)
        level->ops->close(level->self, how);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static via_status inner_pollable(void *inner, uint32_t event, via_poll_handle *out)
{
    via_inner *level = inner;
    return level->ops->pollable != NULL ? level->ops->pollable(level->self, event, out)
                                        : inner_pollable(level->below, event, out);
}

static via_status inner_arm(void *inner, uint32_t event)
{
    via_inner *level = inner;
    if (level->is_marked && event != VIA_WORK && atomic_load(&level->is_unlike))
        return VIA_EREADY; /* to be told so */
    return level->ops->arm != NULL ? level->ops->arm(level->self, event) : inner_arm(level->below, event);
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

static via_status inner_peer(void *inner, via_peer_info *out)
{
    via_inner *level = inner;
    return level->ops->peer != NULL ? level->ops->peer(level->self, out) : inner_peer(level->below, out);
}

/* To a layer that asks, the record is empty as yet. */
static void describe_transport(const via_inner *level, via_channel_info *info)
{
    const via_resolved *resolved = &level->whole->route->resolved;
    info->pattern = resolved->pattern;
    info->role = resolved->role;
    info->side = resolved->side;
    info->flags = resolved->info_flags;
    info->max_message = resolved->transport_max_message;
    (void)snprintf(info->scheme, sizeof(info->scheme), "%s", resolved->scheme);
}

/*
 * From the transport up. A layer may take promises back, and make none. Each level speaks of messages as it sees them; the
 * record is about those that the program sees.
 */
static void inner_info(void *inner, via_channel_info *inout)
{
    const via_inner *level = inner;
    if (level->below != NULL)
        inner_info(level->below, inout);
    else if (inout->pattern == 0)
        describe_transport(level, inout);
    const uint32_t before = inout->flags;
    const uint64_t limit = inout->max_message;
    inout->max_message += level->added_above;
    if (level->ops->info != NULL)
        level->ops->info(level->self, inout);
    inout->max_message -= inout->max_message < level->added_above ? inout->max_message : level->added_above;
    if (level->manifest == NULL)
        return;
    inout->flags &= before & ~level->manifest->clears;
    inout->max_message = inout->max_message < limit ? inout->max_message : limit;
}

static void inner_refresh_counters(void *inner)
{
    for (via_inner *level = inner; level != NULL; level = level->below) {
        if (level->ops->refresh_counters != NULL)
            level->ops->refresh_counters(level->self);
    }
}

static const void *inner_extension(void *inner, const char *id, void **self)
{
    for (via_inner *level = inner; level != NULL; level = level->below) {
        const void *table = level->ops->extension != NULL ? level->ops->extension(level->self, id, self) : NULL;
        if (table != NULL)
            return table;
        if (level->manifest != NULL && !via_layer_manifest_passes(level->manifest, id))
            break;
    }
    return NULL;
}

const via_channel_ops via_inner_ops = {
    .size = sizeof(via_channel_ops),
    .send = inner_send,
    .recv = inner_recv,
    .release = inner_release,
    .loan = inner_loan,
    .commit = inner_commit,
    .discard = inner_discard,
    .flush = inner_flush,
    .finish = inner_finish,
    .drain = inner_drain,
    .pollable = inner_pollable,
    .arm = inner_arm,
    .interrupt = inner_interrupt,
    .close = inner_close,
    .peer = inner_peer,
    .info = inner_info,
    .refresh_counters = inner_refresh_counters,
    .extension = inner_extension,
};
