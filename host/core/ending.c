/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_flush(), via_finish(), via_drain(), via_interrupt(), via_close().
 *
 * Owns: the ways in which a channel gets rid of what it holds and comes to its end.
 */
#include "core/channel.h"
#include "core/waitset.h"
#include "platform/clock.h"
#include <errno.h>

static const uint64_t shortest_pause_ns = UINT64_C(1000000);
static const uint64_t longest_pause_ns = UINT64_C(50000000);

typedef struct call {
    via_channel *channel;
    uint64_t *undelivered;
    via_deadline deadline; /* of the slot: VIA_NOW in a crowd */
} call;

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status attempt_flush(void *argument)
{
    const call *now = argument;
    return now->channel->ops.flush(now->channel->self, now->deadline);
}

static via_status attempt_finish(void *argument)
{
    const call *now = argument;
    if ((via_lane_detours(&now->channel->sender) & VIA_DETOUR_FINISHED) != 0)
        return VIA_OK;
    const via_status status = now->channel->ops.finish(now->channel->self, now->deadline);
    if (status == VIA_OK)
        via_lane_set(&now->channel->sender, VIA_DETOUR_FINISHED, true);
    return status;
}

static via_status attempt_drain(void *argument)
{
    const call *now = argument;
    via_channel *channel = now->channel;
    *now->undelivered = 0;
    if (channel->ops.drain != NULL)
        return channel->ops.drain(channel->self, now->deadline, now->undelivered);
    const via_status status = channel->ops.flush(channel->self, now->deadline);
    if (status == VIA_ETIMEDOUT)
        *now->undelivered = __atomic_load_n(&channel->slot->counters.backlog_bytes, __ATOMIC_RELAXED);
    return status;
}

/* ---- waiting in a crowd ------------------------------------------------------------------------------------- */

/*
 * Sleeps until internal work can go on, or the channel is interrupted, or it is time to look again: that a peer has
 * taken the last message is not an event that every transport can show.
 */
static void pause_for_work(via_channel *channel, uint64_t pause_ns, via_deadline deadline)
{
    via_crowd *crowd = channel->sender.crowd;
    const via_deadline next = via_clock_now() + pause_ns;
    const bool works = crowd->work.size != 0 && channel->ops.arm(channel->self, VIA_WORK) == VIA_OK;
    via_crowd_pause(crowd, works, next < deadline ? next : deadline);
}

via_status via_channel_work_until(via_channel *channel, via_attempt_fn attempt, void *argument, via_deadline deadline)
{
    uint64_t pause_ns = shortest_pause_ns;
    for (;;) {
        const via_status status = via_crowd_run(channel->sender.crowd, attempt, argument, VIA_NOW);
        if (status != VIA_ETIMEDOUT || via_clock_has_passed(deadline))
            return status;
        pause_for_work(channel, pause_ns, deadline);
        pause_ns = pause_ns * 2 < longest_pause_ns ? pause_ns * 2 : longest_pause_ns;
    }
}

static via_status run(via_channel *channel, via_attempt_fn attempt, uint64_t *undelivered, via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    call now = {channel, undelivered, deadline};
    if (channel->sender.crowd == NULL)
        return via_channel_note(channel, attempt(&now));
    now.deadline = VIA_NOW;
    return via_channel_note(channel, via_channel_work_until(channel, attempt, &now, deadline));
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

via_status via_flush(via_channel *channel, via_deadline deadline)
{
    return run(channel, attempt_flush, NULL, deadline);
}

via_status via_finish(via_channel *channel, via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    via_waitset_suspend(&channel->context);
    const via_status status = run(channel, attempt_finish, NULL, deadline);
    via_waitset_resume(&channel->context);
    return status;
}

via_status via_drain(via_channel *channel, via_deadline deadline, uint64_t *undelivered)
{
    uint64_t ignored;
    return run(channel, attempt_drain, undelivered != NULL ? undelivered : &ignored, deadline);
}

void via_interrupt(via_channel *channel)
{
    if (via_context_is_foreign(&channel->context))
        return;
    const int kept = errno;
    atomic_store(&channel->context.is_interrupted, true);
    if (channel->sender.crowd != NULL)
        via_crowd_interrupt(channel->sender.crowd);
    if (channel->receiver.crowd != NULL)
        via_crowd_interrupt(channel->receiver.crowd);
    channel->ops.interrupt(channel->self);
    via_context_notify(&channel->context);
    errno = kept;
}

void via_close(via_channel *channel)
{
    if (channel == NULL)
        return;
    const bool is_foreign = via_context_is_foreign(&channel->context);
    via_waitset_forget(&channel->context);
    if (!is_foreign && (via_lane_detours(&channel->receiver) & (VIA_DETOUR_UNREAD | VIA_DETOUR_LENT)) != 0)
        channel->ops.release(channel->self, &channel->kept);
    channel->ops.close(channel->self, is_foreign ? VIA_CLOSE_FORKED : VIA_CLOSE_FLUSH);
    if (!is_foreign)
        via_route_note(channel->context.route, "closed");
    via_channel_free(channel);
}
