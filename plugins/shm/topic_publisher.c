/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a publisher; see topic_publisher.h.
 *
 * Owns: making and giving up. What was published stays where it is when this end closes: those who are attached have the memory too.
 */
#include "topic_publisher.h"

#include "futex.h"
#include "kit/fail.h"
#include "topic.h"
#include "topic_crowd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const via_channel_ops publisher_ops;

/* ---- taking apart ------------------------------------------------------------------------------------------- */

static void dispose(topic_publisher *publisher, uint32_t how)
{
    topic_waker_fini(&publisher->waker, how);
    topic_publisher_drop_all(publisher);
    topic_door_close(&publisher->door, how);
    shm_meeting_close(&publisher->meeting, how);
    topic_redial_fini(&publisher->redial);
    via_pollset_fini(&publisher->set);
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        if (publisher->segments[i] >= 0)
            (void)close(publisher->segments[i]);
    if (publisher->bell >= 0)
        (void)close(publisher->bell);
    if (publisher->memory >= 0)
        (void)close(publisher->memory);
    shm_pool_drop(&publisher->pool);
    shm_memory_drop(&publisher->mine);
    via_wake_fini(&publisher->wake);
    if (how != VIA_CLOSE_FORKED)
        (void)pthread_mutex_destroy(&publisher->lock);
    free(publisher);
}

/* Who has connected by now was promised what was published since. */
static void publisher_close(void *channel, uint32_t how)
{
    topic_publisher *publisher = channel;

    if (how != VIA_CLOSE_FORKED) {
        if (topic_publisher_is_visited(publisher))
            topic_publisher_admit(publisher);
        SHM_PUBLISH(&publisher->writer.ours->ended, SHM_FINISHED | SHM_GOODBYE);
        topic_publisher_call_up_all(publisher);
    }
    dispose(publisher, how);
}

/* ---- making ------------------------------------------------------------------------------------------------- */

static topic_publisher *allocate(const shm_settings *settings, const char *path, shm_porter *porter)
{
    topic_publisher *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    made->base.ops = &publisher_ops;
    made->settings = *settings;
    made->settings.filter = NULL;
    (void)snprintf(made->path, sizeof(made->path), "%s", path);
    made->memory = made->bell = made->redial.timer = -1;
    made->set = (via_pollset){-1, -1};
    for (size_t i = 0; i < SHM_SEGMENTS; i++)
        made->segments[i] = -1;
    made->spin_ns = settings->spin_ns;
    shm_meeting_init(&made->meeting, settings, topic_is_subscriber);
    topic_waker_init(&made->waker, porter);
    via_wake_init(&made->wake);
    (void)pthread_mutex_init(&made->lock, NULL);
    return made;
}

static via_status make_memory(topic_publisher *publisher, via_error *error)
{
    const shm_settings *settings = &publisher->settings;
    size_t head = topic_head_size(settings->slots, settings->many);
    via_status status =
        shm_memory_create(shm_settings_size(settings), settings->how, &publisher->mine, &publisher->memory);

    if (status != VIA_OK)
        return shm_settings_no_memory(settings, status, error);
    unsigned char *base = publisher->mine.base;
    publisher->writer = (topic_writer){.slots = (topic_slot *)(void *)(base + SHM_SLOTS_AT),
                                       .ours = (topic_control *)(void *)base,
                                       .mask = settings->slots - 1};
    if (settings->many)
        publisher->writer.tickets = (shm_word64 *)(void *)(publisher->writer.slots + settings->slots);
    shm_arena_init(&publisher->arena, base + head, settings->ring);
    publisher->waker.news = &publisher->writer.ours->news;
    publisher->pool.how = settings->how;
    publisher->pool.tell = topic_publisher_tell;
    publisher->pool.user = publisher;
    return VIA_OK;
}

static via_status make_handles(topic_publisher *publisher, via_error *error)
{
    int interrupt = via_wake_descriptor(&publisher->wake);

    if (interrupt >= 0 && via_pollset_init(&publisher->set, true) == VIA_OK &&
        via_pollset_add(&publisher->set, interrupt, EPOLLIN, 0, NULL) == VIA_OK)
        return VIA_OK;
    return via_fail(publisher->settings.host, error, via_status_of_errno(errno), errno, "raise the limit of open files",
                    "cannot make what a publisher sleeps on");
}

/* The door is there before anybody can connect. */
static via_status open_up(topic_publisher *publisher, via_error *error)
{
    topic_door_make(&publisher->door, publisher->meeting.name.path, publisher->settings.mode);
    return shm_meeting_listen(&publisher->meeting, &publisher->set, &publisher->meeting, error);
}

static via_status take_name(topic_publisher *publisher, via_error *error)
{
    via_status status = shm_meeting_take(&publisher->meeting, publisher->path, error);

    return status == VIA_OK ? open_up(publisher, error) : status;
}

/* One subscriber of many: it has our memory from the start, and will find that it has, whenever it looks. */
static via_status greet(void *user, int socket, const char *path, via_error *error)
{
    topic_publisher *publisher = user;
    topic_door door;

    topic_door_find(&door, path, socket);
    via_status status = topic_publisher_add(publisher, socket);
    if (status == VIA_OK && door.board)
        SHM_BUMP(&door.board->joins);
    topic_door_close(&door, VIA_CLOSE_FLUSH);
    if (status == VIA_OK || status == VIA_EPEER)
        return status;
    return via_fail(publisher->settings.host, error, status, errno, NULL, "a subscriber takes no hello");
}

/* Nobody else comes meanwhile: who is there is told of us, who comes later finds our name. */
static via_status find_crowd(topic_publisher *publisher, const via_open *open, via_error *error)
{
    const shm_settings *settings = &publisher->settings;
    via_lock joining;
    size_t found = 0;
    via_status status = topic_crowd_enter(settings, publisher->path, open->deadline, &joining, error);

    if (status != VIA_OK)
        return status;
    status = topic_crowd_take(&publisher->meeting, publisher->path, TOPIC_PUBLISHERS, error);
    if (status == VIA_OK)
        status = open_up(publisher, error);
    if (status == VIA_OK)
        status = topic_crowd_visit(settings, publisher->path, TOPIC_SUBSCRIBERS, greet, publisher, &found, error);
    if (status == VIA_OK && found == 0 && open->side == VIA_SIDE_CONNECT)
        status = topic_crowd_nobody(settings, publisher->path, TOPIC_SUBSCRIBERS, error);
    via_lock_drop(&joining);
    return status;
}

static via_status find_peer(topic_publisher *publisher, via_error *error)
{
    const shm_settings *settings = &publisher->settings;

    if (topic_redial_init(&publisher->redial, settings->reconnect_ns, &publisher->set) != VIA_OK)
        return via_fail(settings->host, error, VIA_ELIMIT, errno, "raise the limit of open files", "no timer");
    return topic_publisher_dial(publisher, error);
}

via_status topic_publisher_create(const shm_settings *settings, const char *path, shm_porter *porter,
                                  const via_open *open, void **channel, via_error *error)
{
    topic_publisher *made = allocate(settings, path, porter);
    via_status status;

    if (!made)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    status = make_memory(made, error);
    if (status == VIA_OK)
        status = make_handles(made, error);
    if (status == VIA_OK)
        status = settings->many                ? find_crowd(made, open, error)
                 : open->side == VIA_SIDE_BIND ? take_name(made, error)
                                               : find_peer(made, error);
    if (status == VIA_OK)
        *channel = made;
    else
        dispose(made, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- the other slots ---------------------------------------------------------------------------------------- */

static void publisher_interrupt(void *channel)
{
    topic_publisher *publisher = channel;
    int saved = errno;

    via_wake_raise(&publisher->wake);
    shm_futex_interrupt(&publisher->wake);
    errno = saved;
}

static void publisher_info(void *channel, via_channel_info *inout)
{
    const topic_publisher *publisher = channel;

    if (publisher->redial.timer >= 0)
        inout->flags |= VIA_INFO_REDIALS;
}

static void publisher_refresh_counters(void *channel)
{
    topic_publisher *publisher = channel;

    if (publisher->settings.overflow != SHM_DROP_OLDEST)
        return;
    (void)pthread_mutex_lock(&publisher->lock);
    uint64_t dropped = topic_publisher_lost(publisher);
    (void)pthread_mutex_unlock(&publisher->lock);
    __atomic_store_n(&publisher->settings.counters->dropped_oldest, dropped, __ATOMIC_RELAXED);
}

static const via_channel_ops publisher_ops = {
    .size = sizeof(via_channel_ops),
    .send = topic_publisher_send,
    .loan = topic_publisher_loan,
    .commit = topic_publisher_commit,
    .discard = topic_publisher_discard,
    .flush = topic_publisher_flush,
    .finish = topic_publisher_flush, /* a topic has no end of its own */
    .pollable = topic_publisher_pollable,
    .arm = topic_publisher_arm,
    .interrupt = publisher_interrupt,
    .close = publisher_close,
    .info = publisher_info,
    .refresh_counters = publisher_refresh_counters,
};
