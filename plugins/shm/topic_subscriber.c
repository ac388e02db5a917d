/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a subscriber; see topic_subscriber.h.
 *
 * Owns: making and giving up.
 */
#include "topic_subscriber.h"

#include "futex.h"
#include "kit/fail.h"
#include "topic.h"
#include "topic_crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const via_channel_ops subscriber_ops;

static void dispose(topic_subscriber_end *end, uint32_t how)
{
    topic_subscriber_forget_all(end);
    topic_door_close(&end->door, how);
    shm_meeting_close(&end->meeting, how);
    topic_redial_fini(&end->redial);
    via_pollset_fini(&end->set);
    via_wake_fini(&end->wake);
    free(end->filter);
    free(end);
}

static void subscriber_close(void *channel, uint32_t how)
{
    dispose(channel, how);
}

static topic_subscriber_end *allocate(const shm_settings *settings, const char *path)
{
    topic_subscriber_end *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    made->base.ops = &subscriber_ops;
    made->settings = *settings;
    made->settings.filter = NULL;
    via_spin_init(&made->spin, settings->spin_ns);
    made->redial.timer = -1;
    made->set = (via_pollset){-1, -1};
    (void)snprintf(made->path, sizeof(made->path), "%s", path);
    via_wake_init(&made->wake);
    shm_meeting_init(&made->meeting, settings, topic_is_publisher);
    made->filter = strdup(settings->filter ? settings->filter : "");
    if (made->filter)
        return made;
    dispose(made, VIA_CLOSE_FLUSH);
    return NULL;
}

static via_status make_handles(topic_subscriber_end *end, via_error *error)
{
    int interrupt = via_wake_descriptor(&end->wake);

    if (interrupt >= 0 && via_pollset_init(&end->set, false) == VIA_OK &&
        via_pollset_add(&end->set, interrupt, EPOLLIN, 0, NULL) == VIA_OK)
        return VIA_OK;
    return via_fail(end->settings.host, error, via_status_of_errno(errno), errno, "raise the limit of open files",
                    "cannot make what a subscriber sleeps on");
}

static via_status find_publisher(topic_subscriber_end *end, via_deadline deadline, via_error *error)
{
    via_status status = topic_redial_init(&end->redial, end->settings.reconnect_ns, &end->set);

    if (status != VIA_OK)
        return via_fail(end->settings.host, error, status, errno, "raise the limit of open files", "no timer");
    status = topic_subscriber_dial(end, error);
    return status == VIA_OK ? topic_subscriber_await_hello(end, deadline, error) : status;
}

static via_status take_name(topic_subscriber_end *end, via_error *error)
{
    via_status status = shm_meeting_take(&end->meeting, end->path, error);

    return status == VIA_OK ? shm_meeting_listen(&end->meeting, &end->set, NULL, error) : status;
}

/* With the lock of those who join. The door is there before anybody can connect. */
static via_status enter_crowd(topic_subscriber_end *end, const via_open *open, via_error *error)
{
    const shm_settings *settings = &end->settings;
    size_t found = 0;
    via_status status =
        topic_crowd_visit(settings, end->path, TOPIC_PUBLISHERS, topic_subscriber_meet, end, &found, error);

    if (status == VIA_OK && found == 0 && open->side == VIA_SIDE_CONNECT)
        status = topic_crowd_nobody(settings, end->path, TOPIC_PUBLISHERS, error);
    if (status == VIA_OK)
        status = topic_crowd_take(&end->meeting, end->path, TOPIC_SUBSCRIBERS, error);
    if (status != VIA_OK)
        return status;
    topic_door_make(&end->door, end->meeting.name.path, settings->mode);
    return shm_meeting_listen(&end->meeting, &end->set, NULL, error);
}

/* Who was there before has our hello; who comes later finds our name. */
static via_status find_crowd(topic_subscriber_end *end, const via_open *open, via_error *error)
{
    via_lock joining;
    via_status status = topic_crowd_enter(&end->settings, end->path, open->deadline, &joining, error);

    if (status != VIA_OK)
        return status;
    status = enter_crowd(end, open, error);
    via_lock_drop(&joining);
    return status == VIA_OK ? topic_subscriber_await_hello(end, open->deadline, error) : status;
}

via_status topic_subscriber_create(const shm_settings *settings, const char *path, const via_open *open, void **channel,
                                   via_error *error)
{
    topic_subscriber_end *made = allocate(settings, path);
    via_status status;

    if (!made)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    status = make_handles(made, error);
    if (status == VIA_OK)
        status = settings->many                ? find_crowd(made, open, error)
                 : open->side == VIA_SIDE_BIND ? take_name(made, error)
                                               : find_publisher(made, open->deadline, error);
    if (status == VIA_OK)
        *channel = made;
    else
        dispose(made, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- the other slots ---------------------------------------------------------------------------------------- */

static void subscriber_interrupt(void *channel)
{
    topic_subscriber_end *end = channel;
    int saved = errno;

    via_wake_raise(&end->wake);
    shm_futex_interrupt(&end->wake);
    errno = saved;
}

static void subscriber_info(void *channel, via_channel_info *inout)
{
    const topic_subscriber_end *end = channel;

    if (end->redial.timer >= 0 || end->settings.many)
        inout->flags |= VIA_INFO_REDIALS;
}

static const via_channel_ops subscriber_ops = {
    .size = sizeof(via_channel_ops),
    .recv = topic_subscriber_receive,
    .release = topic_subscriber_release,
    .pollable = topic_subscriber_pollable,
    .arm = topic_subscriber_arm,
    .interrupt = subscriber_interrupt,
    .close = subscriber_close,
    .info = subscriber_info,
};
