/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host holds as a channel; see channel.h.
 *
 * Must never do more than to hand a slot on.
 */
#include "channel.h"

static inline const via_channel_ops *ops_of(const void *channel)
{
    return ((const shm_channel *)channel)->ops;
}

static via_status channel_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                               via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->send ? ops->send(channel, slices, count, meta, deadline) : VIA_ENOTSUP;
}

static via_status channel_receive(void *channel, via_deadline deadline, via_msg *out)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->recv ? ops->recv(channel, deadline, out) : VIA_ENOTSUP;
}

static void channel_release(void *channel, via_msg *message)
{
    ops_of(channel)->release(channel, message);
}

static via_status channel_loan(void *channel, size_t size, via_deadline deadline, via_msg *out)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->loan ? ops->loan(channel, size, deadline, out) : VIA_ENOTSUP;
}

static via_status channel_commit(void *channel, via_msg *message, via_deadline deadline)
{
    return ops_of(channel)->commit(channel, message, deadline);
}

static void channel_discard(void *channel, via_msg *message)
{
    ops_of(channel)->discard(channel, message);
}

static via_status channel_flush(void *channel, via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->flush ? ops->flush(channel, deadline) : VIA_OK;
}

static via_status channel_finish(void *channel, via_deadline deadline)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->finish ? ops->finish(channel, deadline) : VIA_ENOTSUP;
}

static via_status channel_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    const via_channel_ops *ops = ops_of(channel);

    if (ops->drain)
        return ops->drain(channel, deadline, undelivered);
    *undelivered = 0;
    return channel_flush(channel, deadline);
}

static via_status channel_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    return ops_of(channel)->pollable(channel, event, out);
}

static via_status channel_arm(void *channel, uint32_t event)
{
    return ops_of(channel)->arm(channel, event);
}

static void channel_interrupt(void *channel)
{
    ops_of(channel)->interrupt(channel);
}

static void channel_close(void *channel, uint32_t how)
{
    ops_of(channel)->close(channel, how);
}

static via_status channel_peer(void *channel, via_peer_info *out)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->peer ? ops->peer(channel, out) : VIA_ENOTSUP;
}

static void channel_info(void *channel, via_channel_info *inout)
{
    const via_channel_ops *ops = ops_of(channel);

    if (ops->info)
        ops->info(channel, inout);
}

static void channel_refresh_counters(void *channel)
{
    const via_channel_ops *ops = ops_of(channel);

    if (ops->refresh_counters)
        ops->refresh_counters(channel);
}

static const void *channel_extension(void *channel, const char *id, void **self)
{
    const via_channel_ops *ops = ops_of(channel);

    return ops->extension ? ops->extension(channel, id, self) : NULL;
}

const via_channel_ops shm_channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = channel_send,
    .recv = channel_receive,
    .release = channel_release,
    .loan = channel_loan,
    .commit = channel_commit,
    .discard = channel_discard,
    .flush = channel_flush,
    .finish = channel_finish,
    .drain = channel_drain,
    .pollable = channel_pollable,
    .arm = channel_arm,
    .interrupt = channel_interrupt,
    .close = channel_close,
    .peer = channel_peer,
    .info = channel_info,
    .refresh_counters = channel_refresh_counters,
    .extension = channel_extension,
};
