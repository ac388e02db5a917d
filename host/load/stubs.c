/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a slot does that a plugin has left empty.
 *
 * Owns: no state. loan, commit, discard and drain have no stub: the host does their work itself.
 */
#include "load/negotiate.h"

static via_status stub_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                            via_deadline deadline)
{
    (void)channel, (void)slices, (void)count, (void)meta, (void)deadline;
    return VIA_ENOTSUP;
}

static via_status stub_recv(void *channel, via_deadline deadline, via_msg *out)
{
    (void)channel, (void)deadline, (void)out;
    return VIA_ENOTSUP;
}

static void stub_release(void *channel, via_msg *message)
{
    (void)channel, (void)message;
}

static via_status stub_flush(void *channel, via_deadline deadline)
{
    (void)channel, (void)deadline;
    return VIA_OK;
}

static via_status stub_finish(void *channel, via_deadline deadline)
{
    (void)channel, (void)deadline;
    return VIA_ENOTSUP;
}

static via_status stub_peer(void *channel, via_peer_info *out)
{
    (void)channel, (void)out;
    return VIA_ENOTSUP;
}

static void stub_info(void *channel, via_channel_info *inout)
{
    (void)channel, (void)inout;
}

static void stub_refresh_counters(void *channel)
{
    (void)channel;
}

static const void *stub_extension(void *channel, const char *id, void **self)
{
    (void)channel, (void)id, (void)self;
    return NULL;
}

void via_stubs_fill(via_channel_ops *ops)
{
    ops->send = ops->send ? ops->send : stub_send;
    ops->recv = ops->recv ? ops->recv : stub_recv;
    ops->release = ops->release ? ops->release : stub_release;
    ops->flush = ops->flush ? ops->flush : stub_flush;
    ops->finish = ops->finish ? ops->finish : stub_finish;
    ops->peer = ops->peer ? ops->peer : stub_peer;
    ops->info = ops->info ? ops->info : stub_info;
    ops->refresh_counters = ops->refresh_counters ? ops->refresh_counters : stub_refresh_counters;
    ops->extension = ops->extension ? ops->extension : stub_extension;
}
