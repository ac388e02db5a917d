/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in for a vendor's broker: a program of its own that hands what is published to all who have subscribed.
 *
 *   my_engine-broker SOCKET       prints "ready", then a line for each who subscribes
 *
 * Owns: the socket and whoever is connected. Nothing is ever dropped: while one subscriber has no room, nothing more is taken
 * from anybody, so publishers have to wait. Many real brokers drop instead.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS_MOST = 256, WAITING_MOST = 64 };

typedef struct client {
    char topic[ENGINE_TOPIC_MOST + 1]; /* what it has subscribed to; "" = nothing */
    bool owed;                         /* it has not got the message that is being handed out */
} client;

/* set[0] is the socket that they connect to; set[i] belongs to clients[i]. */
static struct pollfd set[1 + CLIENTS_MOST];
static client clients[1 + CLIENTS_MOST];
static nfds_t count = 1;

static void come(void)
{
    const int descriptor = accept4(set[0].fd, NULL, NULL, SOCK_CLOEXEC);

    if (descriptor < 0)
        return;
    if (count > CLIENTS_MOST) {
        (void)close(descriptor);
        return;
    }
    clients[count] = (client){.owed = false};
    set[count++] = (struct pollfd){descriptor, POLLIN, 0};
}

static void go(nfds_t index)
{
    (void)close(set[index].fd);
    set[index] = set[--count];
    clients[index] = clients[count];
}

/* False: there is no room. Whoever is gone has all that it wants. */
static bool give(int descriptor, char letter, const char *message, size_t size)
{
    struct iovec pieces[] = {{&letter, 1}, {(void *)(uintptr_t)message, size}};
    const struct msghdr packet = {.msg_iov = pieces, .msg_iovlen = 2};

    return sendmsg(descriptor, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0 || (errno != EAGAIN && errno != EINTR);
}

/* Sleeps until one who is owed something has room, or is gone. */
static void wait_for_room(void)
{
    static struct pollfd waiting[1 + CLIENTS_MOST];
    nfds_t owed = 0;

    for (nfds_t i = 1; i < count; i++)
        if (clients[i].owed)
            waiting[owed++] = (struct pollfd){set[i].fd, POLLOUT, 0};
    if (owed > 0)
        (void)poll(waiting, owed, -1);
}

static void hand_out(const char *topic, const char *message, size_t size)
{
    bool is_owed = true;

    for (nfds_t i = 1; i < count; i++)
        clients[i].owed = strcmp(clients[i].topic, topic) == 0;
    while (is_owed) {
        is_owed = false;
        for (nfds_t i = 1; i < count; i++) {
            clients[i].owed = clients[i].owed && !give(set[i].fd, WIRE_MESSAGE, message, size);
            is_owed = is_owed || clients[i].owed;
        }
        wait_for_room();
    }
}

/* False: it is gone, or speaks another language. */
static bool hear(nfds_t index)
{
    static char packet[WIRE_PACKET_MOST];
    const ssize_t size = recv(set[index].fd, packet, sizeof(packet), MSG_DONTWAIT);
    const char *end = size > 1 ? memchr(packet + 1, '\0', (size_t)size - 1) : NULL;

    if (size < 0)
        return errno == EAGAIN || errno == EINTR;
    if (!end || end - packet > ENGINE_TOPIC_MOST + 1)
        return false;
    if (packet[0] == WIRE_PUBLISH) {
        hand_out(packet + 1, end + 1, (size_t)(packet + size - end - 1));
    } else {
        memcpy(clients[index].topic, packet + 1, (size_t)(end - packet));
        (void)printf("subscribed: %s\n", clients[index].topic);
        return give(set[index].fd, WIRE_DONE, NULL, 0);
    }
    return true;
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    if (argc != 2 || strlen(argv[1]) > ENGINE_PLACE_MOST) {
        (void)fprintf(stderr, "usage: %s SOCKET, of at most %d letters\n", argv[0], ENGINE_PLACE_MOST);
        return 2;
    }
    memcpy(address.sun_path, argv[1], strlen(argv[1]) + 1);
    (void)unlink(argv[1]); /* what a broker that was killed has left */
    set[0] = (struct pollfd){socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), POLLIN, 0};
    if (bind(set[0].fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(set[0].fd, WAITING_MOST) != 0) {
        perror(argv[1]);
        return 1;
    }
    (void)signal(SIGPIPE, SIG_IGN); /* whoever started it may not read on after the first line */
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    (void)puts("ready");
    for (;;) {
        (void)poll(set, count, -1);
        for (nfds_t i = count - 1; i > 0; i--)
            if (set[i].revents && !hear(i))
                go(i);
        if (set[0].revents)
            come();
    }
}
