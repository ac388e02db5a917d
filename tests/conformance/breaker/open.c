/* SPDX-License-Identifier: Apache-2.0 */
/* Opening, polling and closing; the tables. */
#include "breaker.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- making ------------------------------------------------------------------------------------------------- */

static void watch(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    (void)epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static void destroy(via_breaker *breaker)
{
    const int descriptors[] = {breaker->listener, breaker->timer, breaker->mute, breaker->read_set, breaker->write_set};

    for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++) {
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
    }
    while (breaker->members) {
        via_member *member = breaker->members;
        breaker->members = member->next;
        (void)close(member->fd);
        via_packets_clear(&member->queue);
        free(member);
    }
    via_packets_clear(&breaker->held);
    free(breaker->ready);
    free(breaker->shared);
    via_wake_fini(&breaker->wake);
    (void)pthread_mutex_destroy(&breaker->lock);
    free(breaker);
}

static via_breaker *create(const via_host_api *host, const via_open *open)
{
    via_breaker *breaker = calloc(1, sizeof(*breaker));
    int inherit;

    if (!breaker)
        return NULL;
    breaker->host = host;
    breaker->context = open->context;
    breaker->counters = open->counters;
    breaker->pattern = open->pattern;
    breaker->role = open->role;
    breaker->binds = open->side == VIA_SIDE_BIND;
    breaker->max_message = open->max_message;
    breaker->broken = (uint32_t)via_option_find(open, "break")->number;
    if (via_option_find(open, "chaos")->number > 0)
        breaker->broken = BREAK_DEFAULTS + (uint32_t)via_option_find(open, "chaos")->number;
    breaker->overflow = (uint32_t)via_option_find(open, "overflow")->number;
    breaker->queue_limit = (uint64_t)via_option_find(open, "queue_limit")->number;
    breaker->linger_ns = (uint64_t)via_option_find(open, "linger")->number;
    breaker->reconnect_ns = (uint64_t)via_option_find(open, "reconnect")->number;
    (void)snprintf(breaker->filter, sizeof(breaker->filter), "%s", via_option_find(open, "filter")->text);
    inherit = via_breaker_is(breaker, BREAK_INHERIT);
    breaker->listener = -1;
    breaker->name.descriptor = -1;
    breaker->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    breaker->mute = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    breaker->read_set = epoll_create1(inherit ? 0 : EPOLL_CLOEXEC);
    breaker->write_set = epoll_create1(EPOLL_CLOEXEC);
    (void)pthread_mutex_init(&breaker->lock, NULL);
    via_wake_init(&breaker->wake);
    if (breaker->timer < 0 || breaker->mute < 0 || breaker->read_set < 0 || breaker->write_set < 0) {
        if (!via_breaker_is(breaker, BREAK_UNTIDY))
            destroy(breaker);
        return NULL;
    }
    watch(breaker->read_set, breaker->timer);
    watch(breaker->write_set, breaker->timer);
    if (via_breaker_is(breaker, BREAK_LEAK))
        (void)fcntl(breaker->mute, F_DUPFD_CLOEXEC, 0);
    return breaker;
}

/* The checks that come before anything is made. */
static via_status prepare(const via_host_api *host, const via_open *open, via_breaker **breaker, via_error *error)
{
    const via_option *window = via_option_find(open, "linger");

    if (window->is_set && via_option_find(open, "break")->number == BREAK_DEFAULTS)
        return via_fail(host, error, VIA_EINVAL, 0, "leave it out", "'linger' is refused, as broken as asked for");
    via_breaker *made = create(host, open);
    if (!made)
        return via_fail(host, error, VIA_ELIMIT, 0, NULL, "out of memory or descriptors");
    via_status status = via_runtime_path(host, open->rest, ".seq", made->path, sizeof(made->path), error);
    if (status == VIA_OK)
        *breaker = made;
    else
        destroy(made);
    return status;
}

static via_status bind_name(via_breaker *breaker, via_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    via_status status = VIA_OK;

    if (!via_breaker_is(breaker, BREAK_STEAL))
        status = via_lock_take(breaker->host, breaker->path, &breaker->name, error);
    if (status != VIA_OK)
        return status;
    if (!via_breaker_is(breaker, BREAK_NO_RECLAIM))
        (void)unlink(breaker->path);
    memcpy(address.sun_path, breaker->path, sizeof(address.sun_path));
    breaker->listener = socket(AF_UNIX, via_breaker_socket_type(breaker) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (breaker->listener < 0 || bind(breaker->listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(breaker->listener, 64) != 0) {
        status = via_fail(breaker->host, error, errno == EADDRINUSE ? VIA_EBUSY : via_status_of_errno(errno), errno,
                          "choose another name", "the name cannot be bound");
        via_lock_drop(&breaker->name);
        return status;
    }
    watch(breaker->read_set, breaker->listener);
    watch(breaker->write_set, breaker->listener);
    return VIA_OK;
}

static via_status breaker_listen(void *state, const via_open *open, void **listener, via_error *error)
{
    via_breaker *breaker = NULL;
    via_status status = prepare(state, open, &breaker, error);

    if (!breaker)
        return status;
    status = bind_name(breaker, error);
    if (status == VIA_OK)
        *listener = breaker;
    else
        destroy(breaker);
    return status;
}

static via_status breaker_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    via_breaker *breaker = NULL;
    via_status status = prepare(state, open, &breaker, error);

    if (!breaker)
        return status;
    status = via_breaker_connect(breaker);
    if (status != VIA_OK) {
        destroy(breaker);
        return via_fail(state, error, status, 0, "start the other end", "nobody listens there");
    }
    *channel = breaker;
    return VIA_OK;
}

static via_status breaker_join(void *state, const via_open *open, void **channel, via_error *error)
{
    return open->side == VIA_SIDE_BIND ? breaker_listen(state, open, channel, error)
                                       : breaker_dial(state, open, channel, error);
}

/* ---- listeners ---------------------------------------------------------------------------------------------- */

static via_status listener_accept(void *listener, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    via_breaker *self = listener;

    for (;;) {
        int fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0) {
            via_breaker *breaker = create(self->host, open);
            if (!breaker) {
                (void)close(fd);
                return via_fail(self->host, error, VIA_ELIMIT, 0, NULL, "out of memory or descriptors");
            }
            breaker->accepted = true;
            *channel = breaker;
            return via_breaker_add(breaker, fd);
        }
        if (errno == EMFILE || errno == ENFILE)
            return via_fail(self->host, error, VIA_ELIMIT, errno, "raise ulimit -n", "no descriptor for a connection");
        via_status status = via_breaker_sleep(self, self->read_set, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status listener_address(void *listener, char *buffer, size_t capacity)
{
    const via_breaker *self = listener;
    const char *name = strrchr(self->path, '/') + 1;
    int size = snprintf(buffer, capacity, "breaker:%.*s", (int)(strlen(name) - strlen(".seq")), name);
    return size < 0 || (size_t)size >= capacity ? VIA_EBUFFER : VIA_OK;
}

static via_status pollable_as(via_breaker *breaker, int fd, via_poll_handle *out)
{
    out->kind = VIA_POLL_DESCRIPTOR;
    out->wait = VIA_WAIT_READABLE;
    out->handle = via_breaker_is(breaker, BREAK_HANDLE_VARIES) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : fd;
    return VIA_OK;
}

static via_status listener_pollable(void *listener, via_poll_handle *out)
{
    via_breaker *self = listener;
    return pollable_as(self, via_breaker_is(self, BREAK_MUTE_LISTENER) ? self->mute : self->listener, out);
}

static via_status listener_arm(void *listener)
{
    const via_breaker *self = listener;
    struct pollfd event = {self->listener, POLLIN, 0};
    if (via_breaker_is(self, BREAK_MUTE_LISTENER))
        return VIA_OK;
    return poll(&event, 1, 0) > 0 ? VIA_EREADY : VIA_OK;
}

/* ---- channels ----------------------------------------------------------------------------------------------- */

static via_status channel_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    via_breaker *breaker = channel;

    if (event == VIA_READ)
        return !via_breaker_receives(breaker)
                   ? VIA_ENOTSUP
                   : pollable_as(breaker, via_breaker_is(breaker, BREAK_MUTE_READ) ? breaker->mute : breaker->read_set,
                                 out);
    if (!via_breaker_sends(breaker))
        return VIA_ENOTSUP;
    return pollable_as(breaker, via_breaker_is(breaker, BREAK_MUTE_WRITE) ? breaker->mute : breaker->write_set, out);
}

/* Moves a tail, or a topic's queues. */
static via_status work(via_breaker *breaker)
{
    if (breaker->role != VIA_PUBLISH && !breaker->due)
        return VIA_ENOENT;
    if (via_breaker_is(breaker, BREAK_NO_WORK))
        return VIA_ENOENT;
    return via_breaker_push_out(breaker) == VIA_ETIMEDOUT ? VIA_OK : VIA_ENOENT;
}

static via_status channel_arm(void *channel, uint32_t event)
{
    via_breaker *breaker = channel;
    via_status status;

    if (via_wake_is_raised(&breaker->wake) || via_breaker_is(breaker, BREAK_ARM_READY))
        return event == VIA_WORK ? VIA_ENOENT : VIA_EREADY;
    pthread_mutex_lock(&breaker->lock);
    if (event == VIA_READ)
        status = via_breaker_take_in(breaker) == VIA_ETIMEDOUT ? VIA_OK : VIA_EREADY;
    else if (event == VIA_WRITE)
        status = via_breaker_has_room(breaker) ? VIA_EREADY : VIA_OK;
    else
        status = work(breaker);
    pthread_mutex_unlock(&breaker->lock);
    if (event == VIA_READ && via_breaker_is(breaker, BREAK_MUTE_READ))
        return VIA_OK;
    if (event == VIA_WRITE && via_breaker_is(breaker, BREAK_MUTE_WRITE))
        return VIA_OK;
    return status;
}

static void breaker_interrupt(void *object)
{
    via_breaker *breaker = object;
    if (!via_breaker_is(breaker, BREAK_DEAF))
        via_wake_raise(&breaker->wake);
}

/* The last words of a channel; interrupts no longer count. */
static void say_goodbye(via_breaker *breaker)
{
    via_wake_fini(&breaker->wake);
    via_wake_init(&breaker->wake);
    if (via_breaker_is(breaker, BREAK_CLOSE_FORGETS) || via_breaker_is(breaker, BREAK_SPOOL))
        via_packets_clear(&breaker->held);
    via_breaker_progress(breaker);
    if (breaker->members && !breaker->finished && via_breaker_sends(breaker))
        (void)via_breaker_finish(breaker, via_deadline_after((int64_t)breaker->linger_ns));
}

void via_breaker_close(void *object, uint32_t how)
{
    via_breaker *breaker = object;
    bool forked = how == VIA_CLOSE_FORKED;

    if (!forked)
        say_goodbye(breaker);
    if (forked && via_breaker_is(breaker, BREAK_FORK_SHUTS) && breaker->members)
        (void)shutdown(breaker->members->fd, SHUT_RDWR);
    if (breaker->listener >= 0 && (!forked || via_breaker_is(breaker, BREAK_FORK_UNLINKS)))
        (void)unlink(breaker->path);
    if (forked)
        via_lock_forget(&breaker->name);
    else if (breaker->name.descriptor >= 0)
        via_lock_drop(&breaker->name);
    destroy(breaker);
}

static void channel_info(void *channel, via_channel_info *inout)
{
    const via_breaker *breaker = channel;
    if (breaker->pattern != VIA_PATTERN_PAIR && !breaker->binds)
        inout->flags |= VIA_INFO_REDIALS;
    if (via_breaker_is(breaker, BREAK_INFO_LIES))
        inout->flags &= ~(uint32_t)(VIA_INFO_ORDERED | VIA_INFO_LOAN_NATIVE);
}

/* ---- the tables --------------------------------------------------------------------------------------------- */

static via_status breaker_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void breaker_fini(void *state)
{
    (void)state;
}

static const via_listener_ops listener_ops = {.size = sizeof(via_listener_ops),
                                              .accept = listener_accept,
                                              .address = listener_address,
                                              .pollable = listener_pollable,
                                              .arm = listener_arm,
                                              .interrupt = breaker_interrupt,
                                              .close = via_breaker_close};

const via_channel_ops via_breaker_channel_ops = {.size = sizeof(via_channel_ops),
                                                 .send = via_breaker_send,
                                                 .recv = via_breaker_recv,
                                                 .release = via_breaker_release,
                                                 .loan = via_breaker_loan,
                                                 .commit = via_breaker_commit,
                                                 .discard = via_breaker_discard,
                                                 .flush = via_breaker_flush,
                                                 .finish = via_breaker_finish,
                                                 .drain = via_breaker_drain,
                                                 .pollable = channel_pollable,
                                                 .arm = channel_arm,
                                                 .interrupt = breaker_interrupt,
                                                 .close = via_breaker_close,
                                                 .info = channel_info};

static const via_transport transports[] = {{.size = sizeof(via_transport),
                                            .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC,
                                            .scheme = "breaker",
                                            .listen = breaker_listen,
                                            .dial = breaker_dial,
                                            .join = breaker_join,
                                            .listener_ops = &listener_ops,
                                            .channel_ops = &via_breaker_channel_ops}};

VIA_PLUGIN("breaker", breaker_init, breaker_fini, transports);
