/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One datagram and its descriptors; see packet.h.
 */
#include "kit/packet.h"

#include "kit/fail.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union control {
    char bytes[CMSG_SPACE(VIA_PACKET_DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
} control;

void via_packet_close(int *descriptors, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
        descriptors[i] = -1;
    }
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

static void attach(struct msghdr *message, control *space, const int *descriptors, size_t count)
{
    if (count == 0)
        return;
    message->msg_control = space->bytes;
    message->msg_controllen = CMSG_SPACE(count * sizeof(int));
    struct cmsghdr *rights = CMSG_FIRSTHDR(message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(count * sizeof(int));
    memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
}

via_status via_packet_send(int socket, const void *data, size_t size, const int *descriptors, size_t count)
{
    struct iovec bytes = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    control space;
    ssize_t sent;

    if (count > VIA_PACKET_DESCRIPTORS)
        return VIA_EINVAL;
    memset(&space, 0, sizeof(space));
    attach(&message, &space, descriptors, count);
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return VIA_OK;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return VIA_ETIMEDOUT;
    return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? VIA_EPEER : via_status_of_errno(errno);
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

static void keep_or_close(struct cmsghdr *rights, int *descriptors, size_t capacity, size_t *kept)
{
    size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int descriptor;
        memcpy(&descriptor, CMSG_DATA(rights) + i * sizeof(int), sizeof(descriptor));
        if (*kept < capacity)
            descriptors[(*kept)++] = descriptor;
        else
            (void)close(descriptor);
    }
}

static void detach(struct msghdr *message, int *descriptors, size_t capacity)
{
    size_t kept = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            keep_or_close(c, descriptors, capacity, &kept);
}

via_status via_packet_receive(int socket, void *data, size_t size, int *descriptors, size_t count)
{
    struct iovec bytes = {data, size};
    control space;
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof(space.bytes)};
    ssize_t got;

    for (size_t i = 0; i < count; i++)
        descriptors[i] = -1;
    do /* a reset is told once, and before what the other end had said until then */
        got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return VIA_ETIMEDOUT;
    if (got <= 0)
        return VIA_EPEER;
    detach(&message, descriptors, count);
    bool is_whole = (size_t)got == size && !(message.msg_flags & MSG_TRUNC);
    if (is_whole && !(message.msg_flags & MSG_CTRUNC))
        return VIA_OK;
    via_packet_close(descriptors, count);
    return is_whole ? VIA_ELIMIT : VIA_EPROTO;
}
