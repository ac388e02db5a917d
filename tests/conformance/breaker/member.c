/* SPDX-License-Identifier: Apache-2.0 */
/* Connections: made, used once, lost, made again. Everything here is called with the lock held and never waits. */
#include "breaker.h"
#include "kit/fail.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

int via_breaker_socket_type(const via_breaker *breaker)
{
    return via_breaker_is(breaker, BREAK_WHOLE_CALLS) ? SOCK_STREAM : SOCK_SEQPACKET;
}

/* ---- BREAK_WHOLE_CALLS: as if a call on a stream moved all of it ------------------------------------------------ */

static via_status send_as_if_whole(const via_member *member, const via_packet *packet)
{
    uint32_t size = (uint32_t)packet->size;
    struct iovec parts[] = {{&size, sizeof(size)}, {(void *)(uintptr_t)packet->bytes, packet->size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

    if (sendmsg(member->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
        return VIA_OK;
    return errno == EAGAIN ? VIA_ETIMEDOUT : VIA_EPEER;
}

static via_status recv_as_if_whole(const via_member *member, via_packet **packet)
{
    uint32_t size = 0;
    ssize_t got = recv(member->fd, &size, sizeof(size), MSG_DONTWAIT);

    if (got <= 0)
        return got == 0 ? VIA_ECLOSED : errno == EAGAIN ? VIA_ETIMEDOUT : VIA_EPEER;
    *packet = size < 1u << 20 ? calloc(1, sizeof(**packet) + size + 1) : NULL;
    if (!*packet)
        return VIA_EPEER;
    (*packet)->size = size;
    return recv(member->fd, (*packet)->bytes, size, MSG_DONTWAIT) > 0 ? VIA_OK : VIA_EPEER;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

via_status via_member_send(const via_breaker *breaker, via_member *member, const via_packet *packet)
{
    ssize_t sent;

    if (via_breaker_is(breaker, BREAK_WHOLE_CALLS))
        return send_as_if_whole(member, packet);
    do {
        sent = send(member->fd, packet->bytes, packet->size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return VIA_OK;
    if (errno == EAGAIN || errno == ENOBUFS)
        return VIA_ETIMEDOUT;
    if (via_breaker_is(breaker, BREAK_SIGPIPE)) /* which a socket of records never raises by itself */
        (void)raise(SIGPIPE);
    return VIA_EPEER;
}

/* A reset by a peer that closed without reading hides what it sent before: the kernel tells it once, then gives the rest. */
via_status via_member_recv(const via_breaker *breaker, via_member *member, via_packet **packet)
{
    ssize_t size;

    if (via_breaker_is(breaker, BREAK_WHOLE_CALLS))
        return recv_as_if_whole(member, packet);
    do {
        size = recv(member->fd, NULL, 0, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
    } while (size < 0 && (errno == EINTR || errno == ECONNRESET));
    if (size < 0)
        return errno == EAGAIN ? VIA_ETIMEDOUT : VIA_EPEER;
    if (size == 0)
        return VIA_ECLOSED;
    *packet = malloc(sizeof(**packet) + (size_t)size + 1);
    if (!*packet && !via_breaker_is(breaker, BREAK_UNCHECKED))
        return VIA_ENOMEM;
    (*packet)->next = NULL;
    (*packet)->size = (size_t)size;
    if (recv(member->fd, (*packet)->bytes, (size_t)size, MSG_DONTWAIT) == size)
        return VIA_OK;
    free(*packet);
    return VIA_EPEER;
}

/* ---- the set of them ---------------------------------------------------------------------------------------- */

static void watch(int set, int operation, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};
    (void)epoll_ctl(set, operation, fd, &event);
}

/* A topic waits for room only where a queue waits for it. */
void via_breaker_watch_room(via_breaker *breaker, via_member *member)
{
    bool wanted = breaker->role == VIA_PUBLISH ? member->queue.count > 0 : true;
    watch(breaker->write_set, EPOLL_CTL_MOD, member->fd, wanted ? (uint32_t)EPOLLOUT : 0);
}

static void set_timer(via_breaker *breaker, bool on)
{
    long ns = on ? (long)(breaker->reconnect_ns % 1000000000) : 0;
    struct itimerspec times = {{0, ns}, {0, ns}};
    (void)timerfd_settime(breaker->timer, 0, &times, NULL);
}

via_status via_breaker_add(via_breaker *breaker, int fd)
{
    via_member *member = calloc(1, sizeof(*member));
    via_member **last = &breaker->members;

    if (!member) {
        (void)close(fd);
        return VIA_ENOMEM;
    }
    member->fd = fd;
    while (*last)
        last = &(*last)->next;
    *last = member;
    watch(breaker->read_set, EPOLL_CTL_ADD, fd, via_breaker_receives(breaker) ? (uint32_t)EPOLLIN : 0);
    watch(breaker->write_set, EPOLL_CTL_ADD, fd, 0);
    via_breaker_watch_room(breaker, member);
    set_timer(breaker, false);
    if (!via_breaker_is(breaker, BREAK_UNCOUNTED)) {
        via_count(&breaker->counters->connects, 1);
        via_count(&breaker->counters->peers, 1);
    }
    return VIA_OK;
}

void via_breaker_count_end(via_breaker *breaker)
{
    if (via_breaker_is(breaker, BREAK_UNCOUNTED))
        return;
    via_count(&breaker->counters->disconnects, 1);
    via_count(&breaker->counters->peers, UINT64_MAX);
}

void via_breaker_drop(via_breaker *breaker, via_member *member)
{
    via_member **place = &breaker->members;

    while (*place != member)
        place = &(*place)->next;
    *place = member->next;
    if (breaker->pattern != VIA_PATTERN_PAIR || breaker->end == VIA_OK)
        via_breaker_count_end(breaker);
    via_count(&breaker->counters->dropped_closing, member->queue.count);
    via_packets_clear(&member->queue);
    (void)close(member->fd);
    free(member);
    if (!breaker->binds && !breaker->members && !via_breaker_is(breaker, BREAK_NO_REDIAL))
        set_timer(breaker, true);
}

/* ---- progress ----------------------------------------------------------------------------------------------- */

via_status via_breaker_connect(via_breaker *breaker)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, via_breaker_socket_type(breaker) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return VIA_ELIMIT;
    memcpy(address.sun_path, breaker->path, sizeof(address.sun_path));
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return via_breaker_add(breaker, fd);
    (void)close(fd);
    return via_breaker_is(breaker, BREAK_REFUSE) ? VIA_EREFUSED : VIA_ENOPEER;
}

void via_breaker_progress(via_breaker *breaker)
{
    uint64_t ticks;
    int fd;

    if (breaker->pattern == VIA_PATTERN_PAIR)
        return;
    while (breaker->listener >= 0 && (fd = accept4(breaker->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
        (void)via_breaker_add(breaker, fd);
    if (!breaker->binds && !breaker->members && !via_breaker_is(breaker, BREAK_NO_REDIAL)) {
        ssize_t size = read(breaker->timer, &ticks, sizeof(ticks));
        (void)size;
        (void)via_breaker_connect(breaker);
    }
}
