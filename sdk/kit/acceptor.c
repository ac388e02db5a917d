/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that others make to us; see acceptor.h.
 *
 * Owns: pending handshakes and one timerfd for their limits. Must never wait for anybody.
 */
#include "kit/acceptor.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define PAUSE_NS 100000000U /* after the system had no descriptor left for us */
#define ACCEPTS_AT_ONCE 64  /* strangers that are turned away in one call, at most */

/* A connection that has not been handed out. */
typedef struct pending {
    struct pending *next; /* younger */
    int descriptor;
    via_deadline deadline;
    _Alignas(max_align_t) unsigned char state[]; /* the greeter's */
} pending;

struct via_acceptor {
    via_acceptor_config config;
    int timer;
    pending *oldest;
    size_t pending_count;
    pending *ready;            /* greeted; NULL = none */
    via_deadline paused_until; /* 0 = accepting */
    bool held;                 /* see via_acceptor_hold() */
};

/* ---- time --------------------------------------------------------------------------------------------------- */

static void set_timer(const via_acceptor *acceptor)
{
    via_deadline next = acceptor->oldest ? acceptor->oldest->deadline : VIA_FOREVER;
    struct itimerspec when = {.it_value = {0, 0}};

    if (acceptor->paused_until)
        next = via_deadline_min(next, acceptor->paused_until);
    if (next != VIA_FOREVER && !acceptor->held)
        when.it_value = (struct timespec){(time_t)(next / 1000000000U), (long)(next % 1000000000U)};
    (void)timerfd_settime(acceptor->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void watch_listening(const via_acceptor *acceptor)
{
    const via_acceptor_config *config = &acceptor->config;
    uint32_t events = acceptor->paused_until || acceptor->held ? 0 : EPOLLIN;

    (void)via_pollset_change(config->set, config->listening, events, 0, config->tag);
}

/* Out of descriptors or memory: the backlog keeps the others, and nobody spins on a handle that stays readable. */
static via_status pause_accepting(via_acceptor *acceptor, int code)
{
    const via_acceptor_config *config = &acceptor->config;
    char storage[128];

    acceptor->paused_until = via_deadline_after(PAUSE_NS);
    watch_listening(acceptor);
    set_timer(acceptor);
    via_note(config->host, config->context, VIA_LOG_WARNING,
             "cannot accept now (%s): raise the limit of open files; trying again in 100 ms",
             strerror_r(code, storage, sizeof(storage))); /* GNU's: it may not use the storage */
    errno = code;
    return via_status_of_errno(code);
}

static void end_pause(via_acceptor *acceptor)
{
    if (!acceptor->paused_until || via_deadline_clock() < acceptor->paused_until)
        return;
    acceptor->paused_until = 0;
    watch_listening(acceptor);
    set_timer(acceptor);
}

/* ---- turning away ------------------------------------------------------------------------------------------- */

/* Gives up one that is in no list. */
static void release(const via_acceptor *acceptor, pending *gone)
{
    if (acceptor->config.greeter->forget)
        acceptor->config.greeter->forget(acceptor->config.user, gone->state);
    (void)close(gone->descriptor);
    free(gone);
}

static void note_turned_away(const via_acceptor *acceptor, const char *why)
{
    const via_acceptor_config *config = &acceptor->config;

    via_count(&config->counters->protocol_errors, 1);
    via_note(config->host, config->context, VIA_LOG_WARNING, "a connection was turned away: %s", why);
}

static void turn_away(const via_acceptor *acceptor, pending *stranger, const char *why)
{
    note_turned_away(acceptor, why);
    release(acceptor, stranger);
}

static pending *unlink_pending(via_acceptor *acceptor, pending **place)
{
    pending *old = *place;

    *place = old->next;
    acceptor->pending_count--;
    via_pollset_remove(acceptor->config.set, old->descriptor);
    set_timer(acceptor); /* or it would go off for one who is gone, and stay readable */
    return old;
}

static void drop_oldest(via_acceptor *acceptor, const char *why)
{
    turn_away(acceptor, unlink_pending(acceptor, &acceptor->oldest), why);
}

static void drop_expired(via_acceptor *acceptor)
{
    uint64_t now = acceptor->oldest ? via_deadline_clock() : 0;

    while (acceptor->oldest && acceptor->oldest->deadline <= now)
        drop_oldest(acceptor, "no greeting within handshake_timeout");
}

/* ---- handshakes --------------------------------------------------------------------------------------------- */

/* The greeter has said how it ended for one that is in no list. */
static void settle(via_acceptor *acceptor, pending *one, via_status status, const char *why)
{
    if (status == VIA_OK)
        acceptor->ready = one;
    else
        turn_away(acceptor, one, why);
}

/* Goes on with the handshake at *place. False: it is still there; otherwise it is gone. */
static bool advance(via_acceptor *acceptor, pending **place)
{
    const via_acceptor_config *config = &acceptor->config;
    const char *why = "it left during the handshake";
    via_status status = config->greeter->go_on(config->user, (*place)->descriptor, (*place)->state, &why);

    if (status == VIA_ETIMEDOUT)
        return false;
    settle(acceptor, unlink_pending(acceptor, place), status, why);
    return true;
}

/* Goes on with all, until one is ready. */
static void advance_all(via_acceptor *acceptor)
{
    pending **place = &acceptor->oldest;

    while (*place && !acceptor->ready)
        if (!advance(acceptor, place))
            place = &(*place)->next;
}

static void keep_pending(via_acceptor *acceptor, pending *one)
{
    const via_acceptor_config *config = &acceptor->config;
    pending **end = &acceptor->oldest;

    if (via_pollset_add(config->set, one->descriptor, EPOLLIN, 0, config->tag) != VIA_OK) {
        turn_away(acceptor, one, "no memory for its handshake");
        return;
    }
    while (acceptor->oldest && acceptor->pending_count >= config->handshake_limit)
        drop_oldest(acceptor, "handshake_limit is reached, and it was the slowest");
    while (*end)
        end = &(*end)->next;
    *end = one;
    acceptor->pending_count++;
    set_timer(acceptor);
}

/* ---- accepting ---------------------------------------------------------------------------------------------- */

/* Dialers send their greeting before they return, so as a rule it is here already. */
static void admit(via_acceptor *acceptor, int descriptor)
{
    const via_acceptor_config *config = &acceptor->config;
    const char *why = "it left during the handshake";
    pending *one = calloc(1, sizeof(*one) + config->greeter->state_size);

    if (!one) {
        note_turned_away(acceptor, "no memory for its handshake");
        (void)close(descriptor);
        return;
    }
    one->descriptor = descriptor;
    one->deadline = via_deadline_after((int64_t)config->handshake_ns);
    via_status status = config->greeter->begin(config->user, descriptor, one->state, &why);
    if (status == VIA_ETIMEDOUT)
        keep_pending(acceptor, one);
    else
        settle(acceptor, one, status, why);
}

/* Errors that are about the connection and not about us; accept(2) passes them on. */
static bool is_about_the_peer(int code)
{
    return code == EINTR || code == ECONNABORTED || code == EPROTO || code == ENETDOWN || code == EHOSTDOWN ||
           code == EHOSTUNREACH || code == ENETUNREACH || code == ENOPROTOOPT || code == ENONET || code == EPERM;
}

static via_status accept_some(via_acceptor *acceptor)
{
    if (acceptor->paused_until)
        return VIA_ETIMEDOUT;
    for (int i = 0; i < ACCEPTS_AT_ONCE && !acceptor->ready; i++) {
        int descriptor = accept4(acceptor->config.listening, NULL, NULL, SOCK_CLOEXEC);
        if (descriptor >= 0)
            admit(acceptor, descriptor);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            return VIA_ETIMEDOUT;
        else if (!is_about_the_peer(errno))
            return pause_accepting(acceptor, errno);
    }
    return acceptor->ready ? VIA_OK : VIA_ETIMEDOUT;
}

static via_status pump(via_acceptor *acceptor)
{
    if (acceptor->ready)
        return VIA_OK;
    end_pause(acceptor);
    advance_all(acceptor);
    drop_expired(acceptor);
    return acceptor->ready ? VIA_OK : accept_some(acceptor);
}

via_status via_acceptor_next(via_acceptor *acceptor, int *descriptor, void *state)
{
    via_status status = pump(acceptor);
    pending *one = acceptor->ready;

    if (status != VIA_OK)
        return status;
    *descriptor = one->descriptor;
    if (acceptor->config.greeter->state_size > 0)
        memcpy(state, one->state, acceptor->config.greeter->state_size);
    free(one);
    acceptor->ready = NULL;
    return VIA_OK;
}

bool via_acceptor_ready(via_acceptor *acceptor)
{
    return pump(acceptor) == VIA_OK;
}

/*
 * One that has left shows whatever it is watched for, so they go out of the set altogether. The time that they have
 * spent outside is none of their fault.
 */
void via_acceptor_hold(via_acceptor *acceptor, bool held)
{
    const via_acceptor_config *config = &acceptor->config;
    pending **place = &acceptor->oldest;

    acceptor->held = held;
    watch_listening(acceptor);
    while (*place) {
        int descriptor = (*place)->descriptor;
        if (held)
            via_pollset_remove(config->set, descriptor);
        else if (via_pollset_add(config->set, descriptor, EPOLLIN, 0, config->tag) != VIA_OK) {
            turn_away(acceptor, unlink_pending(acceptor, place), "no memory for its handshake");
            continue;
        } else
            (*place)->deadline = via_deadline_after((int64_t)config->handshake_ns);
        place = &(*place)->next;
    }
    set_timer(acceptor);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static via_status watch(via_acceptor *acceptor)
{
    const via_acceptor_config *config = &acceptor->config;
    via_status status;

    acceptor->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (acceptor->timer < 0)
        return via_status_of_errno(errno);
    status = via_pollset_add(config->set, acceptor->timer, EPOLLIN, 0, config->tag);
    if (status == VIA_OK)
        status = via_pollset_add(config->set, config->listening, EPOLLIN, 0, config->tag);
    return status;
}

via_status via_acceptor_create(const via_acceptor_config *config, via_acceptor **acceptor, via_error *error)
{
    via_acceptor *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(config->host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    made->config = *config;
    via_status status = watch(made);
    if (status == VIA_OK) {
        *acceptor = made;
        return VIA_OK;
    }
    int code = errno;
    if (made->timer >= 0)
        (void)close(made->timer);
    free(made);
    return via_fail(config->host, error, status, code, "raise the limit of open files",
                    "cannot watch the listening socket");
}

/* In a forked child the epoll is the parent's too: taking something out would take it out there. */
static void unwatch(const via_acceptor *acceptor)
{
    const via_pollset *set = acceptor->config.set;

    via_pollset_remove(set, acceptor->config.listening);
    via_pollset_remove(set, acceptor->timer);
    for (const pending *i = acceptor->oldest; i; i = i->next)
        via_pollset_remove(set, i->descriptor);
}

void via_acceptor_destroy(via_acceptor *acceptor, uint32_t how)
{
    if (!acceptor)
        return;
    if (how != VIA_CLOSE_FORKED)
        unwatch(acceptor);
    while (acceptor->oldest) {
        pending *old = acceptor->oldest;
        acceptor->oldest = old->next;
        release(acceptor, old);
    }
    if (acceptor->ready)
        release(acceptor, acceptor->ready);
    (void)close(acceptor->timer);
    free(acceptor);
}
