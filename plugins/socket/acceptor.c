/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that others make to us; see acceptor.h.
 *
 * Owns: pending handshakes and one timerfd for their limits. Must never wait for anybody.
 */
#include "acceptor.h"

#include "greeting.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PAUSE_NS 100000000U /* after the system had no descriptor left for us */
#define ACCEPTS_AT_ONCE 64  /* strangers that are turned away in one call, at most */

/* A connection whose greeting is not complete. */
typedef struct pending {
    struct pending *next; /* younger */
    int descriptor;
    via_deadline deadline;
    size_t have;
    uint8_t greeting[SOCKET_GREETING_SIZE];
} pending;

struct socket_acceptor {
    socket_settings settings;
    socket_listening listening;
    const via_pollset *set;
    void *tag;
    int timer;
    pending *oldest;
    size_t pending_count;
    socket_connection ready;   /* descriptor -1 = none */
    via_deadline paused_until; /* 0 = accepting */
};

/* ---- time --------------------------------------------------------------------------------------------------- */

static void set_timer(const socket_acceptor *acceptor)
{
    via_deadline next = acceptor->oldest ? acceptor->oldest->deadline : VIA_FOREVER;
    struct itimerspec when = {.it_value = {0, 0}};

    if (acceptor->paused_until)
        next = via_deadline_min(next, acceptor->paused_until);
    if (next != VIA_FOREVER)
        when.it_value = (struct timespec){(time_t)(next / 1000000000U), (long)(next % 1000000000U)};
    (void)timerfd_settime(acceptor->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* Out of descriptors or memory: the backlog keeps the others, and nobody spins on a handle that stays readable. */
static via_status pause_accepting(socket_acceptor *acceptor, int code)
{
    acceptor->paused_until = via_deadline_after(PAUSE_NS);
    (void)via_pollset_change(acceptor->set, acceptor->listening.descriptor, 0, 0, acceptor->tag);
    set_timer(acceptor);
    via_note(acceptor->settings.host, acceptor->settings.context, VIA_LOG_WARNING,
             "cannot accept now (%s): raise the limit of open files; trying again in 100 ms", strerror(code));
    errno = code;
    return via_status_of_errno(code);
}

static void end_pause(socket_acceptor *acceptor)
{
    if (!acceptor->paused_until || via_deadline_clock() < acceptor->paused_until)
        return;
    acceptor->paused_until = 0;
    (void)via_pollset_change(acceptor->set, acceptor->listening.descriptor, EPOLLIN, 0, acceptor->tag);
    set_timer(acceptor);
}

/* ---- turning away ------------------------------------------------------------------------------------------- */

static void turn_away(socket_acceptor *acceptor, int descriptor, const char *why)
{
    via_count(&acceptor->settings.counters->protocol_errors, 1);
    via_note(acceptor->settings.host, acceptor->settings.context, VIA_LOG_WARNING, "a connection was turned away: %s",
             why);
    (void)close(descriptor);
}

static void unlink_pending(socket_acceptor *acceptor, pending **place)
{
    pending *old = *place;

    *place = old->next;
    acceptor->pending_count--;
    via_pollset_remove(acceptor->set, old->descriptor);
    free(old);
    set_timer(acceptor); /* or it would go off for one who is gone, and stay readable */
}

static void drop_pending(socket_acceptor *acceptor, pending **place, const char *why)
{
    int descriptor = (*place)->descriptor;

    unlink_pending(acceptor, place);
    turn_away(acceptor, descriptor, why);
}

static void drop_expired(socket_acceptor *acceptor)
{
    uint64_t now = acceptor->oldest ? via_deadline_clock() : 0;

    while (acceptor->oldest && acceptor->oldest->deadline <= now)
        drop_pending(acceptor, &acceptor->oldest, "no greeting within handshake_timeout");
}

/* ---- handshakes --------------------------------------------------------------------------------------------- */

/* What we answer to a dialer that speaks `theirs`; 0 = nothing we have in common. */
static uint16_t choose_protocol(const socket_settings *settings, uint16_t theirs)
{
    if (settings->role == VIA_PAIR)
        return theirs == SOCKET_SP_PAIR0 || theirs == SOCKET_SP_PAIR1 ? theirs : 0;
    return socket_greeting_peer(settings->protocol) == theirs ? settings->protocol : 0;
}

/* The greeting is whole: answers it. */
static via_status finish_handshake(socket_acceptor *acceptor, int descriptor, const uint8_t *greeting)
{
    uint16_t theirs = 0;
    via_status status = socket_greeting_read(greeting, &theirs);
    uint16_t ours = status == VIA_OK ? choose_protocol(&acceptor->settings, theirs) : 0;

    if (status != VIA_OK || ours == 0) {
        turn_away(acceptor, descriptor,
                  status != VIA_OK ? "it does not speak SP; is framing= the same at both ends?"
                                   : "it speaks another SP pattern");
        return VIA_EPROTO;
    }
    /* One that has sent its messages and closed takes no answer any more; the messages are to be received all the same. */
    (void)socket_connection_greet(descriptor, ours);
    acceptor->ready = (socket_connection){descriptor, ours, false};
    return VIA_OK;
}

/* Reads on. VIA_OK: all there; VIA_ETIMEDOUT: more to come; VIA_EPEER: there will be no more. */
static via_status read_greeting(pending *from)
{
    while (from->have < SOCKET_GREETING_SIZE) {
        ssize_t got =
            recv(from->descriptor, from->greeting + from->have, SOCKET_GREETING_SIZE - from->have, MSG_DONTWAIT);
        if (got > 0)
            from->have += (size_t)got;
        else if (got < 0 && errno == EINTR)
            continue;
        else
            return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? VIA_ETIMEDOUT : VIA_EPEER;
    }
    return VIA_OK;
}

/* Goes on with the handshake at *place. VIA_ETIMEDOUT: it is still there; otherwise it is gone. */
static via_status advance(socket_acceptor *acceptor, pending **place)
{
    pending copy = **place;
    via_status status = read_greeting(*place);

    if (status == VIA_ETIMEDOUT)
        return status;
    if (status != VIA_OK) {
        drop_pending(acceptor, place, "it left during the handshake");
        return status;
    }
    memcpy(copy.greeting, (*place)->greeting, sizeof(copy.greeting));
    unlink_pending(acceptor, place);
    return finish_handshake(acceptor, copy.descriptor, copy.greeting);
}

/* Goes on with all, until one is ready. */
static void advance_all(socket_acceptor *acceptor)
{
    pending **place = &acceptor->oldest;

    while (*place && acceptor->ready.descriptor < 0)
        if (advance(acceptor, place) == VIA_ETIMEDOUT)
            place = &(*place)->next;
}

static via_status keep_pending(socket_acceptor *acceptor, const pending *start)
{
    pending **end = &acceptor->oldest;
    pending *kept = malloc(sizeof(*kept));

    if (!kept || via_pollset_add(acceptor->set, start->descriptor, EPOLLIN, 0, acceptor->tag) != VIA_OK) {
        free(kept);
        turn_away(acceptor, start->descriptor, "no memory for its handshake");
        return VIA_ETIMEDOUT;
    }
    *kept = *start;
    while (acceptor->pending_count >= acceptor->settings.handshake_limit)
        drop_pending(acceptor, &acceptor->oldest, "handshake_limit is reached, and it was the slowest");
    while (*end)
        end = &(*end)->next;
    *end = kept;
    acceptor->pending_count++;
    set_timer(acceptor);
    return VIA_ETIMEDOUT;
}

/* Dialers send their greeting before they return, so as a rule it is here already. */
static via_status begin_handshake(socket_acceptor *acceptor, int descriptor)
{
    pending start = {.descriptor = descriptor,
                     .deadline = via_deadline_after((int64_t)acceptor->settings.handshake_ns)};
    via_status status = read_greeting(&start);

    if (status == VIA_OK)
        return finish_handshake(acceptor, descriptor, start.greeting);
    if (status == VIA_ETIMEDOUT)
        return keep_pending(acceptor, &start);
    turn_away(acceptor, descriptor, "it left during the handshake");
    return status;
}

/* A subscriber is attached from its connect on: it gets what is published while its greeting is under way. */
static via_status attach_subscriber(socket_acceptor *acceptor, int descriptor)
{
    if (socket_connection_greet(descriptor, acceptor->settings.protocol) != VIA_OK) {
        turn_away(acceptor, descriptor, "it left during the handshake");
        return VIA_EPEER;
    }
    acceptor->ready = (socket_connection){descriptor, acceptor->settings.protocol, true};
    return VIA_OK;
}

/* ---- accepting ---------------------------------------------------------------------------------------------- */

/* VIA_OK: something became ready; VIA_ETIMEDOUT: not yet; others: it was turned away. */
static via_status admit(socket_acceptor *acceptor, int descriptor)
{
    const socket_settings *settings = &acceptor->settings;
    via_error ignored;

    if (socket_connection_check_user(settings, descriptor) != VIA_OK) {
        turn_away(acceptor, descriptor, "it is another user's (users=any would let it in)");
        return VIA_EPERM;
    }
    /* Options of the listening socket are inherited for TCP, and for Unix sockets only the buffer is of interest. */
    if (settings->is_unix && settings->send_buffer && socket_settings_apply(settings, descriptor, &ignored) != VIA_OK) {
        turn_away(acceptor, descriptor, "its buffer could not be set");
        return VIA_EIO;
    }
    if (settings->role == VIA_PUBLISH && settings->speaks_sp)
        return attach_subscriber(acceptor, descriptor);
    if (settings->speaks_sp)
        return begin_handshake(acceptor, descriptor);
    acceptor->ready = (socket_connection){descriptor, 0, false};
    return VIA_OK;
}

/* Errors that are about the connection and not about us; accept(2) passes them on. */
static bool is_about_the_peer(int code)
{
    return code == EINTR || code == ECONNABORTED || code == EPROTO || code == ENETDOWN || code == EHOSTDOWN ||
           code == EHOSTUNREACH || code == ENETUNREACH || code == ENOPROTOOPT || code == ENONET || code == EPERM;
}

static via_status accept_some(socket_acceptor *acceptor)
{
    if (acceptor->paused_until)
        return VIA_ETIMEDOUT;
    for (int i = 0; i < ACCEPTS_AT_ONCE && acceptor->ready.descriptor < 0; i++) {
        int descriptor = accept4(acceptor->listening.descriptor, NULL, NULL, SOCK_CLOEXEC);
        if (descriptor >= 0)
            (void)admit(acceptor, descriptor);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return VIA_ETIMEDOUT;
        else if (!is_about_the_peer(errno))
            return pause_accepting(acceptor, errno);
    }
    return acceptor->ready.descriptor >= 0 ? VIA_OK : VIA_ETIMEDOUT;
}

static via_status pump(socket_acceptor *acceptor)
{
    if (acceptor->ready.descriptor >= 0)
        return VIA_OK;
    end_pause(acceptor);
    advance_all(acceptor);
    drop_expired(acceptor);
    return acceptor->ready.descriptor >= 0 ? VIA_OK : accept_some(acceptor);
}

via_status socket_acceptor_next(socket_acceptor *acceptor, socket_connection *connection)
{
    via_status status = pump(acceptor);

    if (status != VIA_OK)
        return status;
    *connection = acceptor->ready;
    acceptor->ready.descriptor = -1;
    return VIA_OK;
}

bool socket_acceptor_ready(socket_acceptor *acceptor)
{
    return pump(acceptor) == VIA_OK;
}

const socket_endpoint *socket_acceptor_bound(const socket_acceptor *acceptor)
{
    return &acceptor->listening.bound;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

via_status socket_acceptor_create(const socket_settings *settings, socket_listening *listening, const via_pollset *set,
                                  void *tag, socket_acceptor **acceptor, via_error *error)
{
    socket_acceptor *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    *made = (socket_acceptor){.settings = *settings, .set = set, .tag = tag, .ready.descriptor = -1};
    made->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (made->timer < 0 || via_pollset_add(set, made->timer, EPOLLIN, 0, tag) != VIA_OK ||
        via_pollset_add(set, listening->descriptor, EPOLLIN, 0, tag) != VIA_OK) {
        int code = errno;
        if (made->timer >= 0)
            (void)close(made->timer);
        free(made);
        return via_fail(settings->host, error, via_status_of_errno(code), code, "raise the limit of open files",
                        "cannot watch the listening socket");
    }
    made->listening = *listening;
    *acceptor = made;
    return VIA_OK;
}

/* In a forked child the epoll is the parent's too: taking something out would take it out there. */
void socket_acceptor_destroy(socket_acceptor *acceptor, uint32_t how)
{
    while (acceptor->oldest) {
        pending *old = acceptor->oldest;
        acceptor->oldest = old->next;
        (void)close(old->descriptor);
        free(old);
    }
    if (acceptor->ready.descriptor >= 0)
        (void)close(acceptor->ready.descriptor);
    (void)close(acceptor->timer);
    socket_listening_close(&acceptor->listening, how);
    free(acceptor);
}
