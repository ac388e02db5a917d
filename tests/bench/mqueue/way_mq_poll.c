/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues, one each way, as a program writes it that has other descriptors to look after: non-blocking, and poll
 * before each receive.
 */
#include "contest.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 8, NAME_SIZE = 128, MOST = 8192 };

struct ends {
    mqd_t in, out;
    size_t size;
    char *buffer;
};

static void write_name(const struct place *place, int number, char name[NAME_SIZE])
{
    (void)snprintf(name, NAME_SIZE, "/%s-poll-%d", place->name, number);
}

static void *prepare(const struct place *place)
{
    struct mq_attr attributes = {.mq_maxmsg = MESSAGES, .mq_msgsize = (long)place->size};
    char name[NAME_SIZE];

    for (int i = 0; i < 2; i++) {
        write_name(place, i, name);
        mqd_t queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);
        if (queue == (mqd_t)-1)
            way_failed("mq_open", strerror(errno));
        (void)mq_close(queue);
    }
    return NULL;
}

static void clean(const struct place *place)
{
    char name[NAME_SIZE];

    for (int i = 0; i < 2; i++) {
        write_name(place, i, name);
        (void)mq_unlink(name);
    }
}

static mqd_t open_one(const struct place *place, int number, int flags)
{
    char name[NAME_SIZE];

    write_name(place, number, name);
    mqd_t queue = mq_open(name, flags | O_CLOEXEC | O_NONBLOCK);
    if (queue == (mqd_t)-1)
        way_failed("mq_open", strerror(errno));
    return queue;
}

static void *open_ends(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));

    if (!self || !(self->buffer = malloc(place->size)))
        way_failed("malloc", "no memory");
    self->size = place->size;
    self->in = open_one(place, is_server, O_RDONLY);
    self->out = open_one(place, !is_server, O_WRONLY);
    return self;
}

static void wait_for(mqd_t queue, short events)
{
    struct pollfd set = {queue, events, 0};

    while (poll(&set, 1, -1) < 0)
        if (errno != EINTR)
            way_failed("poll", strerror(errno));
}

static void send_one(void *argument, const void *data, size_t size, bool more)
{
    const struct ends *self = argument;

    (void)more;
    while (mq_send(self->out, data, size, 0) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            way_failed("mq_send", strerror(errno));
        wait_for(self->out, POLLOUT);
    }
}

static size_t receive_one(void *argument)
{
    struct ends *self = argument;
    ssize_t size;

    do {
        wait_for(self->in, POLLIN);
        size = mq_receive(self->in, self->buffer, self->size, NULL);
        if (size < 0 && errno != EAGAIN && errno != EINTR)
            way_failed("mq_receive", strerror(errno));
    } while (size < 0);
    way_look(self->buffer, (size_t)size);
    return (size_t)size;
}

static void close_ends(void *argument)
{
    struct ends *self = argument;

    (void)mq_close(self->in);
    (void)mq_close(self->out);
    free(self->buffer);
    free(self);
}

const struct way way_mq_poll = {
    .name = "poll and mq_receive",
    .wakes = BLOCK,
    .most = MOST,
    .prepare = prepare,
    .clean = clean,
    .open = open_ends,
    .send = send_one,
    .receive = receive_one,
    .close = close_ends,
};
