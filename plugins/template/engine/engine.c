/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in for a vendor's client library; see engine.h. Owns: the connection to the stand-in's broker, and the thread
 * that reads from it, waits for room to write, and connects again after a loss.
 *
 * The lock keeps the thread from replacing the socket while somebody publishes on it; nobody waits while they hold it, but
 * for each other.
 */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { PIECES_MOST = 62 };

struct engine_client {
    engine_callbacks callbacks;
    uint64_t retry_ns;
    char place[ENGINE_PLACE_MOST + 1];
    pthread_t thread;
    int bell; /* an eventfd: the thread looks again */
    pthread_mutex_t
        lock; /* of what follows; `socket` changes in the thread only, which need not ask for it to read it */
    pthread_cond_t news;               /* `answered` has changed */
    int socket;                        /* -1 = there is no broker */
    char topic[ENGINE_TOPIC_MOST + 1]; /* "" = nothing is subscribed to */
    bool wants_room, answered, closing;
    unsigned char packet[WIRE_PACKET_MOST]; /* the thread's */
};

static void ring(const engine_client *client)
{
    const uint64_t one = 1;
    const ssize_t written = write(client->bell, &one, sizeof(one));
    (void)written; /* it rings already */
}

/* A socket, or -1 with errno. */
static int connect_to(const char *place)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int descriptor = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (descriptor < 0)
        return -1;
    memcpy(address.sun_path, place, strlen(place) + 1);
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return descriptor;
    const int code = errno;
    (void)close(descriptor);
    errno = code == EAGAIN ? ECONNREFUSED : code; /* it has no room for one more now */
    return -1;
}

/* True: it has left as a whole. */
static bool put(int descriptor, char letter, const char *topic, const struct iovec *pieces, size_t count)
{
    struct iovec all[2 + PIECES_MOST] = {{&letter, 1}, {(void *)(uintptr_t)topic, strlen(topic) + 1}};
    const struct msghdr packet = {.msg_iov = all, .msg_iovlen = 2 + count};

    if (count > 0)
        memcpy(all + 2, pieces, count * sizeof(*pieces));
    return sendmsg(descriptor, &packet, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

/* ---- the thread --------------------------------------------------------------------------------------------- */

/* Sleeps until the bell rings or `descriptor` (-1 = none) shows one of `events`. What it shows; 0 = nothing. */
static short wait_for(const engine_client *client, int descriptor, short events, const struct timespec *limit)
{
    struct pollfd set[] = {{client->bell, POLLIN, 0}, {descriptor, events, 0}};
    uint64_t count;

    if (ppoll(set, 2, limit, NULL) <= 0)
        return 0;
    if (set[0].revents) {
        const ssize_t taken = read(client->bell, &count, sizeof(count));
        (void)taken;
    }
    return set[1].revents;
}

static bool is_closing(engine_client *client)
{
    pthread_mutex_lock(&client->lock);
    const bool closing = client->closing;
    pthread_mutex_unlock(&client->lock);
    return closing;
}

static void take_packet(engine_client *client, size_t size)
{
    if (client->packet[0] == WIRE_MESSAGE) {
        client->callbacks.message(client->callbacks.user, client->packet + 1, size - 1);
        return;
    }
    pthread_mutex_lock(&client->lock);
    client->answered = true;
    pthread_cond_broadcast(&client->news);
    pthread_mutex_unlock(&client->lock);
}

/* One packet, if there is one. False: the connection is gone. */
static bool take(engine_client *client)
{
    const ssize_t size = recv(client->socket, client->packet, sizeof(client->packet), MSG_DONTWAIT);
    if (size <= 0)
        return size < 0 && (errno == EAGAIN || errno == EINTR);
    take_packet(client, (size_t)size);
    return true;
}

static void tell_room(engine_client *client)
{
    pthread_mutex_lock(&client->lock);
    const bool wanted = client->wants_room;
    client->wants_room = false;
    pthread_mutex_unlock(&client->lock);
    if (wanted)
        client->callbacks.room(client->callbacks.user);
}

/* Until the connection is gone, or the engine is being closed. */
static void serve(engine_client *client)
{
    for (;;) {
        pthread_mutex_lock(&client->lock);
        const bool closing = client->closing;
        const short events = client->wants_room ? POLLIN | POLLOUT : POLLIN;
        pthread_mutex_unlock(&client->lock);
        if (closing)
            return;
        const short shown = wait_for(client, client->socket, events, NULL);
        if (shown & POLLOUT)
            tell_room(client);
        if (shown & ~POLLOUT && !take(client))
            return;
    }
}

static void leave(engine_client *client)
{
    pthread_mutex_lock(&client->lock);
    (void)close(client->socket);
    client->socket = -1;
    pthread_mutex_unlock(&client->lock);
}

/* In one step with the subscription, so that one that is asked for meanwhile is not forgotten. */
static bool use(engine_client *client, int descriptor)
{
    pthread_mutex_lock(&client->lock);
    const bool done = !client->topic[0] || put(descriptor, WIRE_SUBSCRIBE, client->topic, NULL, 0);
    if (done)
        client->socket = descriptor;
    pthread_mutex_unlock(&client->lock);
    return done;
}

/* Connects again, and subscribes again. False: it is being closed. */
static bool find_again(engine_client *client)
{
    const struct timespec pause = {(time_t)(client->retry_ns / 1000000000), (long)(client->retry_ns % 1000000000)};

    while (!is_closing(client)) {
        const int descriptor = connect_to(client->place);
        if (descriptor >= 0 && use(client, descriptor))
            return true;
        if (descriptor >= 0)
            (void)close(descriptor);
        (void)wait_for(client, -1, 0, &pause);
    }
    return false;
}

static void *run(void *argument)
{
    engine_client *client = argument;

    for (;;) {
        serve(client);
        if (is_closing(client))
            return NULL;
        leave(client);
        client->callbacks.lost(client->callbacks.user);
        if (!find_again(client))
            return NULL;
        client->callbacks.found(client->callbacks.user);
        tell_room(client);
    }
}

/* Signals are the application's: the thread blocks them all. */
static int start(engine_client *client)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&client->thread, NULL, run, client);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* ---- the calls ---------------------------------------------------------------------------------------------- */

static void free_all(engine_client *client)
{
    if (client->socket >= 0)
        (void)close(client->socket);
    if (client->bell >= 0)
        (void)close(client->bell);
    free(client);
}

static engine_client *create(const char *place, uint64_t retry_ns, const engine_callbacks *callbacks)
{
    engine_client *client = calloc(1, sizeof(*client));
    pthread_condattr_t clock;

    if (!client)
        return NULL;
    client->callbacks = *callbacks;
    client->retry_ns = retry_ns;
    memcpy(client->place, place, strlen(place) + 1);
    (void)pthread_mutex_init(&client->lock, NULL);
    (void)pthread_condattr_init(&clock);
    (void)pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&client->news, &clock);
    (void)pthread_condattr_destroy(&clock);
    client->socket = -1;
    client->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return client;
}

engine_client *engine_connect(const char *place, uint64_t retry_ns, const engine_callbacks *callbacks)
{
    if (strlen(place) > ENGINE_PLACE_MOST) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    engine_client *client = create(place, retry_ns, callbacks);
    if (!client)
        return NULL;
    int code = client->bell < 0 ? errno : 0;
    if (code == 0 && (client->socket = connect_to(place)) < 0)
        code = errno;
    if (code == 0)
        code = start(client);
    if (code == 0)
        return client;
    free_all(client);
    errno = code;
    return NULL;
}

bool engine_subscribe(engine_client *client, const char *topic, uint64_t deadline_ns)
{
    const struct timespec limit = {(time_t)(deadline_ns / 1000000000), (long)(deadline_ns % 1000000000)};
    int code = 0;

    pthread_mutex_lock(&client->lock);
    memcpy(client->topic, topic, strlen(topic) + 1);
    if (client->socket >= 0)
        (void)put(client->socket, WIRE_SUBSCRIBE, topic, NULL, 0); /* where it cannot, the thread does it again */
    while (!client->answered && code == 0)
        code = deadline_ns == UINT64_MAX ? pthread_cond_wait(&client->news, &client->lock)
                                         : pthread_cond_timedwait(&client->news, &client->lock, &limit);
    const bool answered = client->answered;
    pthread_mutex_unlock(&client->lock);
    return answered;
}

/* Few have so many pieces, so they may as well wait for a copy. */
static bool put_joined(int descriptor, const char *topic, const struct iovec *pieces, size_t count)
{
    struct iovec whole = {malloc(ENGINE_MESSAGE_MOST), 0};

    for (size_t i = 0; whole.iov_base && i < count; whole.iov_len += pieces[i++].iov_len)
        if (pieces[i].iov_len > 0)
            memcpy((char *)whole.iov_base + whole.iov_len, pieces[i].iov_base, pieces[i].iov_len);
    const bool done = whole.iov_base && put(descriptor, WIRE_PUBLISH, topic, &whole, 1);
    const int code = errno;
    free(whole.iov_base);
    errno = code;
    return done;
}

bool engine_publish(engine_client *client, const char *topic, const struct iovec *pieces, size_t count)
{
    bool done = false;

    pthread_mutex_lock(&client->lock);
    errno = EAGAIN; /* there is no broker now */
    if (client->socket >= 0)
        done = count <= PIECES_MOST ? put(client->socket, WIRE_PUBLISH, topic, pieces, count)
                                    : put_joined(client->socket, topic, pieces, count);
    if (!done && (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN || errno == EINTR))
        errno = EAGAIN; /* the thread will see it, too */
    client->wants_room = client->wants_room || (!done && errno == EAGAIN);
    const int code = errno;
    pthread_mutex_unlock(&client->lock);
    if (!done && code == EAGAIN)
        ring(client);
    errno = code;
    return done;
}

void engine_close(engine_client *client)
{
    pthread_mutex_lock(&client->lock);
    client->closing = true;
    pthread_mutex_unlock(&client->lock);
    ring(client);
    pthread_join(client->thread, NULL);
    pthread_cond_destroy(&client->news);
    pthread_mutex_destroy(&client->lock);
    free_all(client);
}

void engine_forget(engine_client *client)
{
    free_all(client);
}
