/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel; see channel.h.
 *
 * Must never know a pattern.
 */
#include "channel.h"

static const via_channel_ops *ops_of(void *self)
{
    const shm_channel *channel = self;

    return channel->ops;
}

static via_status channel_send(void *self, const via_slice *slices, size_t count, const via_meta *meta,
                               via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->send ? ops->send(self, slices, count, meta, deadline) : VIA_ENOTSUP;
}

static via_status channel_recv(void *self, via_deadline deadline, via_msg *out)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->recv ? ops->recv(self, deadline, out) : VIA_ENOTSUP;
}

static void channel_release(void *self, via_msg *message)
{
    ops_of(self)->release(self, message);
}

static via_status channel_loan(void *self, size_t size, via_deadline deadline, via_msg *out)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->loan ? ops->loan(self, size, deadline, out) : VIA_ENOTSUP;
}

static via_status channel_commit(void *self, via_msg *message, via_deadline deadline)
{
    return ops_of(self)->commit(self, message, deadline);
}

static void channel_discard(void *self, via_msg *message)
{
    ops_of(self)->discard(self, message);
}

static via_status channel_flush(void *self, via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->flush ? ops->flush(self, deadline) : VIA_OK;
}

static via_status channel_finish(void *self, via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->finish ? ops->finish(self, deadline) : VIA_ENOTSUP;
}

static via_status channel_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    return ops_of(self)->pollable(self, event, out);
}

static via_status channel_arm(void *self, uint32_t event)
{
    return ops_of(self)->arm(self, event);
}

static void channel_interrupt(void *self)
{
    ops_of(self)->interrupt(self);
}

static void channel_close(void *self, uint32_t how)
{
    ops_of(self)->close(self, how);
}

static via_status channel_peer(void *self, via_peer_info *out)
{
    const via_channel_ops *ops = ops_of(self);

    return ops->peer ? ops->peer(self, out) : VIA_ENOTSUP;
}

static void channel_info(void *self, via_channel_info *inout)
{
    const via_channel_ops *ops = ops_of(self);

    if (ops->info)
        ops->info(self, inout);
}

static void channel_refresh_counters(void *self)
{
    const via_channel_ops *ops = ops_of(self);

    if (ops->refresh_counters)
        ops->refresh_counters(self);
}

const via_channel_ops shm_channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = channel_send,
    .recv = channel_recv,
    .release = channel_release,
    .loan = channel_loan,
    .commit = channel_commit,
    .discard = channel_discard,
    .flush = channel_flush,
    .finish = channel_finish,
    .pollable = channel_pollable,
    .arm = channel_arm,
    .interrupt = channel_interrupt,
    .close = channel_close,
    .peer = channel_peer,
    .info = channel_info,
    .refresh_counters = channel_refresh_counters,
};
