/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel over many streams: its life and its slots; see hub.h.
 *
 * Owns: the lock, taken by slots alone (those that only tell something are in hub_info.c), and the order in which a hub is
 * put together and taken apart.
 */
#include "kit/hub_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

/* ---- life --------------------------------------------------------------------------------------------------- */

/* Streams report why they ended; for a hub that is an event, no failure. */
static void ignore_failure(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context;
    (void)status;
    (void)os_code;
    (void)what;
    (void)mend;
}

/* A hub of many always has work outstanding, so nobody needs to be told that there is some. */
static void ignore_attention(via_context *context)
{
    (void)context;
}

static void prepare(via_hub *hub, const via_hub_config *config)
{
    hub->config = *config;
    hub->quiet = *config->stream.host;
    hub->quiet.failed = ignore_failure;
    hub->quiet.attention = ignore_attention;
    hub->sends = config->role == VIA_PUSH || config->role == VIA_PUBLISH || config->role == VIA_PAIR;
    hub->receives = config->role == VIA_PULL || config->role == VIA_SUBSCRIBE || config->role == VIA_PAIR;
    if (config->role == VIA_PAIR)
        via_hub_pair_prepare(hub);
    hub->set = (via_pollset){-1, -1};
    hub->timer = -1;
    hub->changed = -1;
    hub->patience = -1;
    hub->patience_until = VIA_FOREVER;
    via_wake_init(&hub->wake);
    (void)pthread_mutex_init(&hub->lock, NULL);
    via_hub_ring_init(&hub->peers);
    via_hub_ring_init(&hub->departed);
    via_hub_ring_init(&hub->active);
    via_hub_ring_init(&hub->warm);
    via_hub_ring_init(&hub->strangers);
}

static via_status copy_texts(via_hub *hub)
{
    hub->filter = strdup(hub->config.filter ? hub->config.filter : "");
    hub->key_delimiter = strdup(hub->config.key_delimiter ? hub->config.key_delimiter : "");
    if (!hub->filter || !hub->key_delimiter)
        return VIA_ENOMEM;
    hub->delimiter_size = strlen(hub->key_delimiter);
    hub->config.filter = hub->filter;
    hub->config.key_delimiter = hub->key_delimiter;
    return VIA_OK;
}

static via_status make_timer(via_hub *hub)
{
    if (!hub->config.port->connect)
        return VIA_OK;
    hub->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    return hub->timer < 0 ? via_status_of_errno(errno)
                          : via_pollset_add(&hub->set, hub->timer, EPOLLIN, 0, &hub->timer);
}

static via_status watch_port(via_hub *hub)
{
    const via_hub_port *port = hub->config.port;
    int descriptor = port->accept_fd ? port->accept_fd(hub->config.user) : -1;
    via_status status = VIA_OK;

    if (port->watch)
        status = port->watch(hub->config.user, &hub->set, &hub->set);
    if (status == VIA_OK && descriptor >= 0)
        status = via_pollset_add(&hub->set, descriptor, EPOLLIN, 0, &hub->set);
    return status;
}

static bool blocks(const via_hub *hub)
{
    return hub->config.role == VIA_PUBLISH && hub->config.overflow == VIA_HUB_BLOCK;
}

/* The one that an interrupt raises, and the one that tells a waiting publisher of a departure. */
static via_status make_events(via_hub *hub)
{
    int descriptor = via_wake_descriptor(&hub->wake);
    via_status status;

    if (descriptor < 0)
        return via_status_of_errno(errno);
    status = via_pollset_add(&hub->set, descriptor, EPOLLIN, 0, &hub->wake);
    if (status != VIA_OK || !blocks(hub))
        return status;
    hub->changed = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return hub->changed < 0 ? via_status_of_errno(errno)
                            : via_pollset_add(&(via_pollset){hub->set.write, -1}, hub->changed, EPOLLIN, 0, &hub->wake);
}

static via_status make_handles(via_hub *hub)
{
    via_status status =
        via_pollset_init(&hub->set, hub->config.role == VIA_PUSH || hub->config.role == VIA_PAIR || blocks(hub));

    if (status == VIA_OK)
        status = make_events(hub);
    if (status == VIA_OK)
        status = make_timer(hub);
    if (status == VIA_OK)
        status = via_hub_stranger_watch(hub);
    return status == VIA_OK ? watch_port(hub) : status;
}

static void destroy(via_hub *hub, uint32_t how)
{
    if (hub->has_stash)
        via_stream_release(&((via_hub_peer *)hub->stash.token[1])->stream, &hub->stash);
    via_hub_peer_remove_all(hub, how);
    hub->config.port->close(hub->config.user, how);
    via_pollset_fini(&hub->set);
    if (hub->timer >= 0)
        (void)close(hub->timer);
    if (hub->changed >= 0)
        (void)close(hub->changed);
    if (hub->patience >= 0)
        (void)close(hub->patience);
    via_wake_fini(&hub->wake);
    if (how != VIA_CLOSE_FORKED)
        (void)pthread_mutex_destroy(&hub->lock);
    free(hub->filter);
    free(hub->key_delimiter);
    via_hub_series_fini(hub);
    free(hub);
}

via_status via_hub_create(const via_hub_config *config, via_deadline deadline, void **hub, via_error *error)
{
    const via_host_api *host = config->stream.host;
    via_hub *made = calloc(1, sizeof(*made));
    via_status status;

    if (!made) {
        config->port->close(config->user, VIA_CLOSE_FLUSH);
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    }
    prepare(made, config);
    status = copy_texts(made);
    if (status == VIA_OK)
        status = make_handles(made);
    if (status != VIA_OK)
        (void)via_fail(host, error, status, errno, "raise the limit of open files (ulimit -n)",
                       "cannot make the handles of a channel");
    else if (config->port->connect)
        status = via_hub_dial_first(made, deadline, error);
    if (status == VIA_OK)
        *hub = made;
    else
        destroy(made, VIA_CLOSE_FLUSH);
    return status;
}

/* Of a pair, the close of its only stream does the rest: it waits for the greeting, and for TCP to have delivered. */
static void leave_the_rest(via_hub *hub, via_deadline deadline)
{
    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next)
        VIA_HUB_PEER_OF(i, all)->stream.config.linger_ns = via_deadline_left(deadline);
}

void via_hub_close(void *self, uint32_t how)
{
    via_hub *hub = self;
    uint64_t linger = hub->config.stream.linger_ns;

    if (how != VIA_CLOSE_FORKED && hub->sends) {
        (void)pthread_mutex_lock(&hub->lock);
        via_hub_series_end(hub);
        hub->closing = true;
        via_pollset_remove(&hub->set, via_wake_descriptor(&hub->wake)); /* an interrupt no longer wakes us */
        via_deadline deadline = via_deadline_after(linger > INT64_MAX ? -1 : (int64_t)linger);
        (void)via_hub_flush_all(hub, deadline);
        if (hub->config.role == VIA_PAIR)
            leave_the_rest(hub, deadline);
        else
            via_hub_await_greetings(hub, deadline);
        (void)pthread_mutex_unlock(&hub->lock);
    }
    destroy(hub, how);
}

void via_hub_interrupt(void *self)
{
    via_hub *hub = self;

    via_wake_raise(&hub->wake);
    if (hub->config.port->interrupt)
        hub->config.port->interrupt(hub->config.user);
}

/* ---- data --------------------------------------------------------------------------------------------------- */

static via_status may_send(const via_hub *hub)
{
    if (!hub->sends)
        return VIA_ENOTSUP;
    if (via_wake_is_raised(&hub->wake))
        return VIA_ECANCELED;
    return hub->finished ? VIA_EINVAL : VIA_OK;
}

via_status via_hub_send(void *self, const via_slice *slices, size_t count, const via_meta *meta, via_deadline deadline)
{
    via_hub *hub = self;
    via_status status;

    (void)pthread_mutex_lock(&hub->lock);
    status = may_send(hub);
    if (status == VIA_OK && hub->config.role == VIA_PUBLISH)
        status = via_hub_publish(hub, slices, count, meta, deadline);
    else if (status == VIA_OK)
        status = via_hub_push(hub, slices, count, meta, deadline);
    (void)pthread_mutex_unlock(&hub->lock);
    return status;
}

static via_status receive(via_hub *hub, via_deadline deadline, via_msg *out)
{
    via_status status;

    if (hub->has_stash) {
        *out = hub->stash;
        hub->has_stash = false;
        return VIA_OK;
    }
    while ((status = via_hub_pull(hub, out)) == VIA_ETIMEDOUT) {
        if (deadline == VIA_NOW) {
            via_hub_work(hub);
            return via_hub_pull(hub, out);
        }
        status = via_hub_sleep(hub, hub->set.main, &deadline);
        if (status != VIA_OK)
            break;
    }
    return status;
}

via_status via_hub_recv(void *self, via_deadline deadline, via_msg *out)
{
    via_hub *hub = self;
    via_status status;

    if (!hub->receives)
        return VIA_ENOTSUP;
    (void)pthread_mutex_lock(&hub->lock);
    status = via_wake_is_raised(&hub->wake) ? VIA_ECANCELED : receive(hub, deadline, out);
    (void)pthread_mutex_unlock(&hub->lock);
    return status;
}

void via_hub_release(void *self, via_msg *message)
{
    via_hub *hub = self;
    via_hub_peer *peer = (via_hub_peer *)message->token[1];

    if (!peer)
        return;
    (void)pthread_mutex_lock(&hub->lock);
    via_stream_release(&peer->stream, message);
    message->token[1] = 0;
    if (--peer->lent == 0 && peer->gone)
        via_hub_peer_sweep(hub);
    (void)pthread_mutex_unlock(&hub->lock);
}

static via_status empty(via_hub *hub, via_status (*how)(via_hub *hub, via_deadline deadline), via_deadline deadline)
{
    via_status status = VIA_OK;

    (void)pthread_mutex_lock(&hub->lock);
    if (hub->sends) {
        via_hub_series_end(hub);
        status = via_wake_is_raised(&hub->wake) ? VIA_ECANCELED : how(hub, deadline);
    }
    (void)pthread_mutex_unlock(&hub->lock);
    return status;
}

via_status via_hub_flush(void *self, via_deadline deadline)
{
    return empty(self, via_hub_flush_all, deadline);
}

/* The other ends see one peer less; a queue or topic has no end of its own, a pair without a connection ends here. */
via_status via_hub_finish(void *self, via_deadline deadline)
{
    via_hub *hub = self;
    via_status status = hub->sends ? via_hub_flush(hub, deadline) : VIA_ENOTSUP;

    if (status != VIA_OK)
        return status;
    (void)pthread_mutex_lock(&hub->lock);
    hub->finished = true;
    for (via_hub_link *i = hub->peers.next; i != &hub->peers; i = i->next)
        via_hub_peer_finish(hub, VIA_HUB_PEER_OF(i, all));
    if (via_hub_pair_is_over(hub) && hub->peer_count == 0)
        via_hub_dial_later(hub);
    (void)pthread_mutex_unlock(&hub->lock);
    return VIA_OK;
}

via_status via_hub_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    via_hub *hub = self;
    via_status status = empty(hub, via_hub_drain_all, deadline);

    *undelivered = 0;
    if (status == VIA_OK)
        return status;
    (void)pthread_mutex_lock(&hub->lock);
    *undelivered = via_hub_undelivered(hub);
    (void)pthread_mutex_unlock(&hub->lock);
    return status == VIA_ETIMEDOUT && *undelivered == 0 ? VIA_OK : status; /* the rest has just gone */
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static bool happens(const via_hub *hub, uint32_t event)
{
    return event == VIA_READ ? hub->receives : event != VIA_WRITE || hub->sends;
}

/* A pair's work waits for room, or for a connection, and never for input. */
via_status via_hub_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    via_hub *hub = self;
    bool room = event == VIA_WRITE || (event == VIA_WORK && hub->config.role == VIA_PAIR);

    if (!happens(hub, event))
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = room && hub->set.write >= 0 ? hub->set.write : hub->set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

/* Nothing is coming: gives the receive buffers back. */
static void cool_down(via_hub *hub)
{
    while (!via_hub_ring_is_empty(&hub->warm)) {
        via_hub_peer *peer = VIA_HUB_PEER_OF(hub->warm.next, warm);
        via_hub_link_remove(&peer->warm);
        (void)via_stream_arm(&peer->stream, VIA_READ);
    }
}

static bool can_receive(via_hub *hub)
{
    via_status status;

    if (hub->has_stash)
        return true;
    via_hub_work(hub);
    status = via_hub_pull(hub, &hub->stash);
    hub->has_stash = status == VIA_OK;
    if (status == VIA_ETIMEDOUT)
        cool_down(hub);
    return status != VIA_ETIMEDOUT;
}

static bool can_send(via_hub *hub)
{
    via_hub_work(hub);
    if (hub->finished)
        return true;
    return hub->config.role == VIA_PUBLISH ? via_hub_publish_ready(hub) : via_hub_push_ready(hub);
}

static via_status arm(via_hub *hub, uint32_t event)
{
    if (via_wake_is_raised(&hub->wake))
        return event == VIA_WORK ? VIA_ENOENT : VIA_EREADY;
    if (event == VIA_READ)
        return can_receive(hub) ? VIA_EREADY : VIA_OK;
    if (event == VIA_WRITE)
        return can_send(hub) ? VIA_EREADY : VIA_OK;
    via_hub_work(hub);
    if (hub->config.role == VIA_PAIR)
        return via_hub_pair_arm_work(hub);
    if (!hub->gathering)
        via_hub_series_fini(hub); /* an idle publisher needs none */
    return VIA_OK;                /* somebody may always come, or leave */
}

via_status via_hub_arm(void *self, uint32_t event)
{
    via_hub *hub = self;
    via_status status;

    if (!happens(hub, event))
        return VIA_ENOTSUP;
    (void)pthread_mutex_lock(&hub->lock);
    status = arm(hub, event);
    (void)pthread_mutex_unlock(&hub->lock);
    return status;
}
