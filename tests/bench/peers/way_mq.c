/* SPDX-License-Identifier: Apache-2.0 */
/*
 * POSIX message queues, one each way. A message is at most as large as the system allows (/proc/sys/fs/mqueue).
 */
#include "way.h"

#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MESSAGES = 8, MOST = 1 << 20, HEADER = 128 };

struct ends {
    mqd_t in, out;
    unsigned wake;
    size_t size;
    char *buffer;
};

static void write_name(const struct place *place, int number, char name[128])
{
    (void)snprintf(name, 128, "/%s-%d", place->name, number);
}

/* Large ones need a limit that only root may raise, for itself. */
static void allow(size_t size)
{
    rlim_t wanted = (size + HEADER) * MESSAGES * 2;
    struct rlimit limit;

    if (getrlimit(RLIMIT_MSGQUEUE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted;
    limit.rlim_max = limit.rlim_max > wanted ? limit.rlim_max : wanted;
    (void)setrlimit(RLIMIT_MSGQUEUE, &limit); /* where it is refused, mq_open() tells */
}

static void *prepare_mq(const struct place *place)
{
    struct mq_attr attributes = {.mq_maxmsg = MESSAGES, .mq_msgsize = (long)place->size};
    char name[128];

    allow(place->size);
    for (int i = 0; i < 2; i++) {
        mqd_t queue;

        write_name(place, i, name);
        queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600, &attributes);
        if (queue == (mqd_t)-1)
            way_failed("mq_open",
                       errno == EINVAL ? "/proc/sys/fs/mqueue/msgsize_max does not allow it" : strerror(errno));
        (void)mq_close(queue);
    }
    return NULL;
}

static void clean_mq(const struct place *place)
{
    char name[128];

    for (int i = 0; i < 2; i++) {
        write_name(place, i, name);
        (void)mq_unlink(name);
    }
}

static mqd_t open_one(const struct place *place, int number, int flags)
{
    char name[128];
    mqd_t queue;

    write_name(place, number, name);
    queue = mq_open(name, flags | O_CLOEXEC | (place->wake == WAKE_BLOCK ? 0 : O_NONBLOCK));
    if (queue == (mqd_t)-1)
        way_failed("mq_open", strerror(errno));
    return queue;
}

static void *open_mq(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));

    if (!self || !(self->buffer = malloc(place->size)))
        way_failed("malloc", "no memory");
    self->wake = place->wake;
    self->size = place->size;
    self->in = open_one(place, is_server, O_RDONLY);
    self->out = open_one(place, !is_server, O_WRONLY);
    return self;
}

static bool try_again(void)
{
    way_relax();
    return errno == EAGAIN || errno == EINTR;
}

static void send_mq(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;

    (void)more;
    while (mq_send(self->out, data, size, 0) != 0)
        if (!try_again())
            way_failed("mq_send", strerror(errno));
}

static size_t receive_mq(void *argument)
{
    struct ends *self = argument;
    ssize_t size;

    while ((size = mq_receive(self->in, self->buffer, self->size, NULL)) < 0)
        if (!try_again())
            way_failed("mq_receive", strerror(errno));
    way_look(self->buffer, (size_t)size);
    return (size_t)size;
}

static void close_mq(void *argument)
{
    struct ends *self = argument;

    (void)mq_close(self->in);
    (void)mq_close(self->out);
    free(self->buffer);
    free(self);
}

const struct way way_mq = {
    .name = "peer:posix-mq",
    .wakes = SPIN | BLOCK,
    .most = MOST,
    .prepare = prepare_mq,
    .clean = clean_mq,
    .open = open_mq,
    .send = send_mq,
    .receive = receive_mq,
    .close = close_mq,
};
