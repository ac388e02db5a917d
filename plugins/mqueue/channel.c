/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel on queues of the kernel; see channel.h. Sending is in send.c, receiving in receive.c.
 */
#include "channel.h"

#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

/* ---- life --------------------------------------------------------------------------------------------------- */

void mqueue_channel_init(mqueue_channel *channel, const mqueue_pattern *pattern, const mqueue_settings *settings)
{
    channel->pattern = pattern;
    channel->settings = *settings;
    channel->in.descriptor = channel->out.descriptor = -1;
    channel->control = channel->handles[0] = channel->handles[1] = -1;
    via_wake_init(&channel->wake);
    via_spin_init(&channel->spin, settings->spin_ns);
    atomic_init(&channel->read_state, VIA_OK);
    atomic_init(&channel->write_state, VIA_OK);
}

via_status mqueue_channel_start(mqueue_channel *channel, via_error *error)
{
    if (channel->in.descriptor >= 0)
        mqueue_buffers_init(&channel->buffers, channel->in.size);
    if (channel->out.descriptor >= 0)
        channel->outbox = malloc(channel->out.size);
    channel->outbox_size = channel->outbox ? channel->out.size : 0;
    if (channel->out.descriptor < 0 || channel->outbox)
        return VIA_OK;
    return via_fail(channel->settings.host, error, VIA_ENOMEM, 0, NULL, "no memory for a message of %zu bytes",
                    channel->out.size);
}

void mqueue_channel_fini(mqueue_channel *channel)
{
    mqueue_kernel_close(&channel->in);
    mqueue_kernel_close(&channel->out);
    for (size_t i = 0; i < 2; i++)
        if (channel->handles[i] >= 0)
            (void)close(channel->handles[i]);
    mqueue_buffers_fini(&channel->buffers);
    free(channel->outbox);
    via_wake_fini(&channel->wake);
}

void mqueue_channel_end(mqueue_channel *channel, uint32_t events, via_status status)
{
    if (events & VIA_READ)
        atomic_store(&channel->read_state, status);
    if (events & VIA_WRITE)
        atomic_store(&channel->write_state, status);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static bool has_ended(int state)
{
    return state != VIA_OK && state != VIA_ETIMEDOUT;
}

/* The state is read before the try: what was sent before an end is in the queue by then. */
static via_status try_once(mqueue_channel *channel, uint32_t event, mqueue_attempt attempt, void *argument, bool skips,
                           int *state)
{
    *state = atomic_load(event == VIA_READ ? &channel->read_state : &channel->write_state);
    if (skips && *state == VIA_OK)
        return VIA_ETIMEDOUT;
    if (event == VIA_READ || *state == VIA_OK) {
        via_status status = attempt(channel, argument);
        if (status != VIA_ETIMEDOUT)
            return status;
    }
    return has_ended(*state) ? *state : VIA_ETIMEDOUT;
}

static via_status sleep_for(mqueue_channel *channel, uint32_t event, bool wants_queue, bool wants_control,
                            via_deadline deadline)
{
    const mqueue_kernel *queue = event == VIA_READ ? &channel->in : &channel->out;
    bool news = false;
    const mqueue_sleep what = {.wake = &channel->wake,
                               .queue = wants_queue ? queue->descriptor : -1,
                               .queue_events = event == VIA_READ ? POLLIN : POLLOUT,
                               .control = channel->control,
                               .control_events = (short)(POLLIN | (wants_control ? POLLOUT : 0))};
    via_status status = mqueue_sleep_until(&what, deadline, &news);

    if (news)
        channel->pattern->look(channel);
    return status;
}

via_status mqueue_channel_try(mqueue_channel *channel, uint32_t event, mqueue_attempt attempt, void *argument)
{
    int state;

    return try_once(channel, event, attempt, argument, false, &state);
}

via_status mqueue_channel_try_until(mqueue_channel *channel, uint32_t event, mqueue_attempt attempt, void *argument,
                                    via_deadline deadline)
{
    for (bool skips = true;; skips = false) { /* the caller has tried, or knows that it would be in vain */
        int state;
        if (via_wake_is_raised(&channel->wake))
            return VIA_ECANCELED;
        via_status status = try_once(channel, event, attempt, argument, skips, &state);
        if (status != VIA_ETIMEDOUT && status != VIA_EBUSY)
            return status;
        bool is_control = status == VIA_EBUSY;
        bool has_receiver = event == VIA_READ || state == VIA_OK;
        status = sleep_for(channel, event, has_receiver && !is_control, is_control, deadline);
        if (status != VIA_OK)
            return status;
    }
}

/* ---- polling ------------------------------------------------------------------------------------------------ */

static const mqueue_kernel *queue_of(const mqueue_channel *channel, uint32_t event)
{
    return event == VIA_READ ? &channel->in : &channel->out;
}

/* A pattern that has a set of its own has put it into `handles`, with all of the others in it. */
static via_status prepare_handle(mqueue_channel *channel, uint32_t event)
{
    int *handle = &channel->handles[event == VIA_WRITE];
    bool is_held = event == VIA_WRITE && atomic_load(&channel->write_state) == VIA_ETIMEDOUT;
    uint32_t events = event == VIA_READ ? EPOLLIN : EPOLLOUT;
    int wake = via_wake_descriptor(&channel->wake);
    via_status status = wake < 0 ? via_status_of_errno(errno) : VIA_OK;

    if (status == VIA_OK && *handle < 0) {
        *handle = epoll_create1(EPOLL_CLOEXEC);
        status = *handle < 0 ? via_status_of_errno(errno) : mqueue_watch(*handle, channel->control, EPOLLIN);
    }
    if (status == VIA_OK)
        status = mqueue_watch(*handle, wake, EPOLLIN);
    return status == VIA_OK ? mqueue_watch(*handle, queue_of(channel, event)->descriptor, is_held ? 0 : events)
                            : status;
}

static via_status channel_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    mqueue_channel *channel = self;

    if (event == VIA_WORK || queue_of(channel, event)->descriptor < 0)
        return VIA_ENOTSUP;
    via_status status = prepare_handle(channel, event);
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = channel->handles[event == VIA_WRITE];
    out->wait = VIA_WAIT_READABLE;
    return status;
}

static bool is_ready(mqueue_channel *channel, uint32_t event)
{
    int state = atomic_load(event == VIA_READ ? &channel->read_state : &channel->write_state);
    long count = mqueue_kernel_count(queue_of(channel, event));

    if (has_ended(state))
        return true;
    if (event == VIA_READ)
        return channel->pending.is_there || count != 0;
    return state == VIA_OK && count < channel->out.depth;
}

static via_status channel_arm(void *self, uint32_t event)
{
    mqueue_channel *channel = self;

    if (event == VIA_WORK)
        return VIA_ENOENT; /* nothing is ever kept */
    if (via_wake_is_raised(&channel->wake))
        return VIA_EREADY;
    channel->pattern->look(channel);
    return is_ready(channel, event) ? VIA_EREADY : VIA_OK;
}

/* ---- other slots -------------------------------------------------------------------------------------------- */

static via_status channel_finish(void *self, via_deadline deadline)
{
    mqueue_channel *channel = self;

    return channel->pattern->finish ? channel->pattern->finish(channel, deadline) : VIA_ENOTSUP;
}

static via_status channel_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    mqueue_channel *channel = self;

    (void)deadline; /* what was accepted is the kernel's */
    return channel->pattern->drain(channel, undelivered);
}

static void channel_interrupt(void *self)
{
    via_wake_raise(&((mqueue_channel *)self)->wake);
}

static void channel_close(void *self, uint32_t how)
{
    mqueue_channel *channel = self;

    channel->pattern->close(channel, how);
}

static via_status channel_peer(void *self, via_peer_info *out)
{
    mqueue_channel *channel = self;

    return channel->pattern->peer ? channel->pattern->peer(channel, out) : VIA_ENOTSUP;
}

static void channel_info(void *self, via_channel_info *inout)
{
    const mqueue_channel *channel = self;
    const mqueue_kernel *queue = channel->out.descriptor >= 0 ? &channel->out : &channel->in;

    if (channel->settings.role != VIA_PAIR)
        inout->flags |= VIA_INFO_REDIALS;
    if (channel->settings.is_bare && inout->max_message > queue->size)
        inout->max_message = queue->size;
}

static void channel_refresh_counters(void *self)
{
    mqueue_channel *channel = self;

    channel->pattern->refresh(channel);
}

const via_channel_ops mqueue_channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = mqueue_channel_send,
    .recv = mqueue_channel_receive,
    .release = mqueue_channel_release,
    .finish = channel_finish,
    .drain = channel_drain,
    .pollable = channel_pollable,
    .arm = channel_arm,
    .interrupt = channel_interrupt,
    .close = channel_close,
    .peer = channel_peer,
    .info = channel_info,
    .refresh_counters = channel_refresh_counters,
};
