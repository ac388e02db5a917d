/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a hub does besides moving the caller's message.
 *
 * Owns: the events of the epoll, and sleeping for them. The lock is let go while a thread sleeps; what its events name is kept
 * in memory meanwhile (`sleepers`).
 */
#include "kit/hub_internal.h"

#include <errno.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum {
    EVENTS = 64, /* taken at once */
    ROUNDS = 16, /* of that, before the caller gets its turn */
    ACCEPTS_AT_ONCE = 1024
};

/* A port that shows somebody whom nobody accepts would let no thread sleep. */
void via_hub_admit(via_hub *hub)
{
    const via_hub_port *port = hub->config.port;
    bool full = hub->peer_count >= hub->config.peer_limit;
    int descriptor = port->accept_fd ? port->accept_fd(hub->config.user) : -1;

    if (full == hub->full || !port->accept || port->connect || hub->closing)
        return;
    if (full)
        via_note(hub->config.stream.host, hub->config.stream.context, VIA_LOG_INFO,
                 "as many as the option 'peers' allows are here: others wait until one leaves");
    if (port->hold)
        port->hold(hub->config.user, full);
    if (descriptor >= 0)
        (void)via_pollset_change(&hub->set, descriptor, full ? 0 : EPOLLIN, 0, &hub->set);
    hub->full = full;
}

static void accept_all(via_hub *hub)
{
    const via_hub_port *port = hub->config.port;

    for (int i = 0; port->accept && i < ACCEPTS_AT_ONCE && !hub->full && !hub->closing; i++) {
        via_stream_config config = hub->config.stream;
        if (port->accept(hub->config.user, &config) != VIA_OK)
            return;
        (void)via_hub_peer_add(hub, &config);
    }
}

static void handle_peer(via_hub *hub, via_hub_peer *peer, uint32_t events)
{
    const via_stream_config *config = &peer->stream.config;

    if (peer->gone)
        return;
    if (hub->config.role == VIA_PAIR) {
        via_hub_pair_handle(hub, peer, events);
        return;
    }
    if (!hub->sends) {
        if (!peer->active.next)
            via_hub_link_append(&hub->active, &peer->active);
        return;
    }
    if ((events & EPOLLERR) != 0 && config->read_fd != config->write_fd)
        via_hub_peer_remove(hub, peer, VIA_ECLOSED); /* nobody reads at the other end of a pipe */
    else if ((events & ~(uint32_t)EPOLLOUT) != 0 && config->read_fd >= 0)
        via_hub_listen(hub, peer);
    if ((events & EPOLLOUT) != 0 && !peer->gone)
        (void)via_hub_flush_peer(hub, peer);
}

static void handle(via_hub *hub, const struct epoll_event *event)
{
    void *tag = event->data.ptr;

    if (tag == &hub->wake)
        return;
    if (tag == &hub->strangers) {
        via_hub_stranger_expire(hub);
        return;
    }
    if (tag != &hub->set && tag != &hub->timer) {
        handle_peer(hub, tag, event->events);
        return;
    }
    accept_all(hub);
    via_hub_dial_again(hub);
}

void via_hub_work(via_hub *hub)
{
    struct epoll_event events[EVENTS];
    int count, round = 0;

    do {
        count = epoll_wait(hub->set.main, events, EVENTS, 0);
        hub->sleepers++;
        for (int i = 0; i < count; i++)
            handle(hub, &events[i]);
        hub->sleepers--;
    } while (count == EVENTS && hub->sends && ++round < ROUNDS);
    via_hub_peer_sweep(hub);
}

static int wait_events(int epoll, struct epoll_event *events, via_deadline deadline)
{
    struct timespec storage;
    int count = epoll_pwait2(epoll, events, EVENTS, via_deadline_timespec(deadline, &storage), NULL);

    if (count >= 0 || errno != ENOSYS)
        return count;
    uint64_t left = via_deadline_left(deadline); /* Linux before 5.11 */
    uint64_t milliseconds = left / 1000000U + 1;
    return epoll_wait(epoll, events, EVENTS,
                      deadline == VIA_FOREVER ? -1
                      : milliseconds > 60000  ? 60000
                                              : (int)milliseconds);
}

/* The second epoll differs only in who could be written to, and the caller will try that anyway. */
static void handle_events(via_hub *hub, int epoll, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count && epoll == hub->set.main; i++)
        handle(hub, &events[i]);
    if (epoll != hub->set.main && count > 0)
        via_hub_work(hub);
}

via_status via_hub_sleep(via_hub *hub, int epoll, via_deadline *deadline)
{
    struct epoll_event events[EVENTS];
    int count, code;

    if (via_wake_is_raised(&hub->wake) && !hub->closing)
        return VIA_ECANCELED;
    hub->sleepers++;
    (void)pthread_mutex_unlock(&hub->lock);
    count = wait_events(epoll, events, *deadline);
    code = errno;
    (void)pthread_mutex_lock(&hub->lock);
    handle_events(hub, epoll, events, count);
    hub->sleepers--;
    via_hub_peer_sweep(hub);
    if (via_wake_is_raised(&hub->wake) && !hub->closing)
        return VIA_ECANCELED;
    if (count < 0 && code != EINTR)
        return via_status_of_errno(code);
    if (via_deadline_left(*deadline) == 0)
        *deadline = VIA_NOW; /* events may come without end, so that their absence is no sign */
    return VIA_OK;
}
