/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over connected sockets that are left blocking.
 *
 * Owns: the fastest wait the OS has for each case. A receive begins as one blocking recv(2) under SO_RCVTIMEO, which is
 * set once. Nothing could wake that one for a tail that a sending thread leaves, so it is short, and a longer sleep
 * goes on in ppoll(2); so does one for a deadline that is near, since that is exact. A send first tries and then
 * polls, because nothing but a shutdown that the peer would see could wake it in the kernel.
 * Going to sleep and being woken costs ten times what the bytes do. So a receive that may (`spin_ns`) first asks again and again, for
 * as long as that has been worth it lately.
 */
#include "kit/stream_internal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "kit/deadline.h"

#define NS_PER_MS UINT64_C(1000000)

enum { NEAR_MS = 20, DISCARD_SIZE = 16 * 1024, DISCARD_ROUNDS = 256, TCP_RETRY_MS = 20 };

static bool is_unix(int descriptor)
{
    int domain = 0;
    socklen_t size = sizeof(domain);

    return getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

static ssize_t receive(int descriptor, const via_slice *into, size_t count, int flags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)into, .msg_iovlen = count};

    if (count == 1)
        return recv(descriptor, (void *)(uintptr_t)into->data, into->size, flags);
    return recvmsg(descriptor, &message, flags);
}

static ssize_t transmit(int descriptor, const via_slice *from, size_t count)
{
    struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)from, .msg_iovlen = count};

    if (count == 1)
        return send(descriptor, from->data, from->size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* What a failed receive comes to; 0 = end of file. */
static int64_t receive_failure(const via_stream *stream, int os_code)
{
    if (via_wake_is_raised(&stream->wake))
        return VIA_ECANCELED;
    /* A Unix peer that closes with unread input resets us; that is no sign of death, and all it sent is here. */
    if (os_code == ECONNRESET && is_unix(stream->config.read_fd))
        return 0;
    return via_stream_status_of_errno(os_code);
}

/* False: as if somebody had made the descriptor non-blocking. */
static bool has_timeout(via_stream *stream)
{
    struct timeval value = {.tv_usec = NEAR_MS * 1000L};

    if (!stream->read_timeout)
        stream->read_timeout = setsockopt(stream->config.read_fd, SOL_SOCKET, SO_RCVTIMEO, &value, sizeof(value)) == 0;
    return stream->read_timeout;
}

/* One that asks again and again. -1: it is time to sleep, too late, or what errno says. */
static ssize_t receive_spinning(via_stream *stream, const via_slice *into, size_t count, via_deadline until)
{
    ssize_t moved;

    do
        moved = receive(stream->config.read_fd, into, count, MSG_DONTWAIT);
    while (moved < 0 && errno == EAGAIN && !atomic_load_explicit(&stream->due, memory_order_relaxed) &&
           via_deadline_left(until) > 0);
    return moved;
}

static int64_t read_asleep(via_stream *stream, const via_slice *into, size_t count, via_deadline deadline)
{
    for (;;) {
        uint64_t left = via_deadline_left(deadline);
        bool sleeps = left > NEAR_MS * NS_PER_MS && !atomic_load_explicit(&stream->due, memory_order_relaxed) &&
                      has_timeout(stream);
        ssize_t moved = receive(stream->config.read_fd, into, count, sleeps ? 0 : MSG_DONTWAIT);
        if (moved >= 0)
            return moved;
        if (errno == EINTR) {
            if (via_wake_is_raised(&stream->wake))
                return VIA_ECANCELED;
            continue;
        }
        if (errno != EAGAIN)
            return receive_failure(stream, errno);
        if (left == 0)
            return VIA_ETIMEDOUT;
        via_status status = via_stream_sleep_for_input(stream, deadline);

        if (status != VIA_OK)
            return status;
    }
}

static int64_t socket_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    via_spin *spin = &stream->spin;

    if (spin->now_ns == 0 || deadline == VIA_NOW)
        return read_asleep(stream, into, count, deadline);
    uint64_t began = via_deadline_clock();
    ssize_t moved = receive_spinning(stream, into, count, via_spin_until(spin, began, deadline));
    if (moved >= 0)
        return moved;
    if (errno != EAGAIN && errno != EINTR)
        return receive_failure(stream, errno);
    int64_t result = read_asleep(stream, into, count, deadline);
    if (result > 0)
        via_spin_learn(spin, via_deadline_clock() - began);
    return result;
}

static int64_t socket_peek(const via_stream *stream, uint8_t *into, size_t size)
{
    ssize_t there;

    do
        there = recv(stream->config.read_fd, into, size, MSG_PEEK | MSG_DONTWAIT);
    while (there < 0 && errno == EINTR);
    if (there < 0)
        return errno == EAGAIN ? VIA_ETIMEDOUT : 0;
    return there;
}

static int64_t socket_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    int64_t moved;
    via_status status = VIA_OK;

    while ((moved = transmit(stream->config.write_fd, from, count)) < 0 &&
           (status = via_stream_await_room(stream, deadline)) == VIA_OK)
        ;
    return moved < 0 ? status : moved;
}

static via_status socket_finish(via_stream *stream)
{
    if (shutdown(stream->config.write_fd, SHUT_WR) == 0 || errno == ENOTCONN)
        return VIA_OK;
    return via_stream_status_of_errno(errno);
}

static void socket_unblock(via_stream *stream)
{
    int saved_errno = errno;

    shutdown(stream->config.read_fd, SHUT_RD);
    errno = saved_errno;
}

/* Takes off unread input, so that closing does not turn into a reset. Bounded: a peer may send for ever. */
static void discard_input(int descriptor)
{
    uint8_t scrap[DISCARD_SIZE];

    for (int i = 0; i < DISCARD_ROUNDS; i++)
        if (recv(descriptor, scrap, sizeof(scrap), MSG_DONTWAIT) <= 0)
            return;
}

/*
 * Input that arrives after close makes TCP answer with a reset and forget what it has not delivered; so what was
 * accepted is waited for while we can still take such input off.
 */
static void linger_tcp(int descriptor, via_deadline deadline)
{
    int unsent = 0;

    while (ioctl(descriptor, SIOCOUTQ, &unsent) == 0 && unsent > 0 && via_deadline_left(deadline) > 0) {
        struct pollfd set = {.fd = descriptor, .events = POLLIN};
        uint64_t left_ms = via_deadline_left(deadline) / NS_PER_MS;

        if (poll(&set, 1, left_ms < TCP_RETRY_MS ? (int)left_ms + 1 : TCP_RETRY_MS) > 0) {
            if (set.revents & (POLLERR | POLLHUP))
                return;
            discard_input(descriptor);
        }
    }
}

/*
 * Unread input turns the death of this process into a reset, and then TCP forgets what the other system has not
 * acknowledged. On a Unix socket everything is at the other end already.
 */
static uint64_t socket_unsent(const via_stream *stream)
{
    int unsent = 0;

    if (is_unix(stream->config.write_fd) || ioctl(stream->config.write_fd, SIOCOUTQ, &unsent) != 0)
        return 0;
    return unsent > 0 ? (uint64_t)unsent : 0;
}

/* An error, or one that somebody has been told already: then only the state is left of it. */
static bool socket_broken(const via_stream *stream)
{
    struct pollfd set = {.fd = stream->config.write_fd};
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    if (poll(&set, 1, 0) > 0 && (set.revents & POLLERR))
        return true;
    return getsockopt(set.fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

static void socket_close(via_stream *stream, uint32_t how)
{
    int descriptor = stream->config.read_fd >= 0 ? stream->config.read_fd : stream->config.write_fd;

    if (how != VIA_CLOSE_FORKED) {
        if (is_unix(descriptor)) {
            shutdown(descriptor, SHUT_RDWR); /* from here on nothing can arrive */
            discard_input(descriptor);
        } else {
            shutdown(descriptor, SHUT_WR);
            discard_input(descriptor);
            linger_tcp(descriptor, stream->close_by);
        }
    }
    close(descriptor);
}

const via_stream_io via_stream_io_socket = {
    .read = socket_read,
    .write = socket_write,
    .finish = socket_finish,
    .unblock = socket_unblock,
    .peek = socket_peek,
    .unsent = socket_unsent,
    .close = socket_close,
    .broken = socket_broken,
};
