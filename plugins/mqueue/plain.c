/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member of a queue of strangers (framing=none): nobody is met, the queue is all there is.
 *
 * Owns: noticing that the queue was removed, and opening the one that has the name then. Nothing tells, so it is looked at from time
 * to time while somebody waits.
 */
#include "kit/deadline.h"
#include "queue.h"

#include <errno.h>
#include <stdlib.h>

static via_status plain_open(mqueue_queue *queue, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    via_status status =
        mqueue_kernel_open(settings, queue->place.queue, mqueue_queue_access(queue), mqueue_queue_kernel(queue), error);

    if (status != VIA_OK)
        return status;
    via_count(&settings->counters->connects, 1);
    mqueue_queue_wake_at(queue, via_deadline_after((int64_t)settings->reconnect_ns));
    return VIA_OK;
}

/* Not before the first is empty. The other may have another shape: whoever sends or receives makes its memory fit. */
static void follow(mqueue_queue *queue)
{
    const mqueue_settings *settings = &queue->base.settings;
    mqueue_kernel *kernel = mqueue_queue_kernel(queue);
    mqueue_kernel next;
    via_error error;

    via_error_init(&error);
    if (mqueue_kernel_count(kernel) > 0 ||
        mqueue_kernel_open(settings, queue->place.queue, mqueue_queue_access(queue), &next, &error) != VIA_OK)
        return;
    mqueue_kernel_close(kernel);
    *kernel = next;
    (void)mqueue_watch(queue->set.write, kernel->descriptor, settings->role == VIA_PULL ? EPOLLIN : EPOLLOUT);
    via_count(&settings->counters->disconnects, 1);
    via_count(&settings->counters->connects, 1);
}

static void plain_look(mqueue_queue *queue)
{
    if (via_deadline_clock() < queue->look_at)
        return;
    if (mqueue_kernel_is_unlinked(mqueue_queue_kernel(queue)))
        follow(queue);
    mqueue_queue_wake_at(queue, via_deadline_after((int64_t)queue->base.settings.reconnect_ns));
}

static void plain_close(mqueue_queue *queue, uint32_t how)
{
    (void)queue;
    (void)how;
}

const mqueue_kind mqueue_plain = {.open = plain_open, .look = plain_look, .close = plain_close};
