/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends say to each other over their socket; see words.h.
 *
 * Must never wait, nor keep a descriptor that did not belong there.
 */
#include "words.h"

#include "kit/fail.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const char magic[4] = {'V', 'S', 'H', 'M'};

typedef union control {
    char bytes[CMSG_SPACE(SHM_WORD_DESCRIPTORS * sizeof(int))];
    struct cmsghdr align;
} control;

void shm_word_close(int descriptors[SHM_WORD_DESCRIPTORS])
{
    for (size_t i = 0; i < SHM_WORD_DESCRIPTORS; i++) {
        if (descriptors[i] >= 0)
            (void)close(descriptors[i]);
        descriptors[i] = -1;
    }
}

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

via_status shm_word_send(int socket, shm_word *word, const int *descriptors, size_t count)
{
    struct iovec bytes = {word, sizeof(*word)};
    struct msghdr message = {.msg_iov = &bytes, .msg_iovlen = 1};
    control space;
    ssize_t sent;

    memcpy(word->magic, magic, sizeof(magic));
    word->version = SHM_VERSION;
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

static void detach(struct msghdr *message, int descriptors[SHM_WORD_DESCRIPTORS])
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
        size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i < count && i < SHM_WORD_DESCRIPTORS; i++)
            memcpy(&descriptors[i], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
}

static bool is_sound(const struct msghdr *message, ssize_t got, const shm_word *word)
{
    return got == sizeof(*word) && !(message->msg_flags & MSG_TRUNC) &&
           memcmp(word->magic, magic, sizeof(magic)) == 0 && word->version == SHM_VERSION &&
           memchr(word->text, '\0', sizeof(word->text)) != NULL;
}

via_status shm_word_receive(int socket, shm_word *word, int descriptors[SHM_WORD_DESCRIPTORS])
{
    struct iovec bytes = {word, sizeof(*word)};
    control space;
    struct msghdr message = {
        .msg_iov = &bytes, .msg_iovlen = 1, .msg_control = space.bytes, .msg_controllen = sizeof(space.bytes)};
    ssize_t got;

    for (size_t i = 0; i < SHM_WORD_DESCRIPTORS; i++)
        descriptors[i] = -1;
    do /* a reset is told once, and before what the other end had said until then */
        got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return VIA_ETIMEDOUT;
    if (got <= 0)
        return VIA_EPEER;
    detach(&message, descriptors);
    if (is_sound(&message, got, word) && !(message.msg_flags & MSG_CTRUNC))
        return VIA_OK;
    shm_word_close(descriptors);
    return is_sound(&message, got, word) ? VIA_ELIMIT : VIA_EPROTO;
}
