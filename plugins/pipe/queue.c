/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How connections are made for a queue; see queue.h.
 *
 * Owns: the listener (the side that binds) or the knowledge of the one connection there is (the side that connects).
 */
#include "queue.h"

#include "kit/fail.h"
#include "kit/text.h"
#include "link.h"
#include "listener.h"

#include <errno.h>
#include <stdlib.h>

struct pipe_queue {
    pipe_settings settings;
    pipe_listener *listener; /* NULL = this side connects */
    pipe_place place;        /* where to */
    const via_pollset *set;  /* the hub's, and its tag */
    void *tag;
    pthread_mutex_t lock;
    pipe_link *link; /* not taken up when it was looked at last; NULL = none. Under the lock */
    bool has_lost;   /* a listener left with what was sent to it before its word: to be told once. Under the lock */
    bool has_told;   /* that, of `link`. Under the lock */
};

/* ---- the side that binds ------------------------------------------------------------------------------------ */

static via_status queue_accept(void *user, via_stream_config *out)
{
    pipe_queue *queue = user;

    return pipe_listener_next(queue->listener, &queue->settings, out);
}

static int queue_accept_fd(void *user)
{
    pipe_queue *queue = user;

    return pipe_listener_descriptor(queue->listener);
}

/* ---- the side that connects --------------------------------------------------------------------------------- */

static void forget(void *user)
{
    pipe_queue *queue = user;

    pthread_mutex_lock(&queue->lock);
    if (queue->link && !queue->has_told && pipe_link_verdict(queue->link) != VIA_OK)
        queue->has_lost = true;
    queue->link = NULL;
    pthread_mutex_unlock(&queue->lock);
}

static via_status queue_watch(void *user, const via_pollset *set, void *tag)
{
    pipe_queue *queue = user;

    queue->set = set;
    queue->tag = tag;
    return VIA_OK;
}

static via_status queue_connect(void *user, via_stream_config *out, via_error *error)
{
    pipe_queue *queue = user;
    via_status status = pipe_link_dial(&queue->settings, &queue->place, VIA_NOW, out, error);

    if (status != VIA_OK)
        return status;
    pipe_link_on_destroy(out->user, forget, queue);
    (void)pipe_link_watch(out->user, queue->set, queue->tag);
    pthread_mutex_lock(&queue->lock);
    queue->link = out->user;
    queue->has_told = false;
    pthread_mutex_unlock(&queue->lock);
    return VIA_OK;
}

/*
 * Called when a watched descriptor shows: the listener's FIFO has lost its reader. The look makes the connection show
 * its end, which the hub then meets as that of any other. Never has a connection to give.
 */
static via_status queue_look(void *user, via_stream_config *out)
{
    pipe_queue *queue = user;

    (void)out;
    pthread_mutex_lock(&queue->lock);
    if (queue->link)
        (void)pipe_link_check(queue->link);
    pthread_mutex_unlock(&queue->lock);
    return VIA_ETIMEDOUT;
}

static via_status secure_link(pipe_queue *queue)
{
    via_status status = pipe_link_secure(queue->link);

    if (status != VIA_ENOENT && status != VIA_EPEER)
        return status;
    if (!queue->has_told && pipe_link_verdict(queue->link) != VIA_OK) {
        queue->has_lost = true;
        queue->has_told = true;
    }
    return VIA_ENOENT;
}

via_status pipe_queue_secure(pipe_queue *queue)
{
    via_status status = VIA_ENOENT;

    pthread_mutex_lock(&queue->lock);
    if (queue->link)
        status = secure_link(queue);
    if (status == VIA_ENOENT && queue->has_lost)
        status = VIA_EPEER;
    if (status == VIA_EPEER)
        queue->has_lost = false;
    pthread_mutex_unlock(&queue->lock);
    return status;
}

/* ---- both --------------------------------------------------------------------------------------------------- */

static void queue_close(void *user, uint32_t how)
{
    pipe_queue *queue = user;

    if (queue->listener)
        pipe_listener_close(queue->listener, how);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static const via_hub_port binding_port = {
    .accept = queue_accept,
    .accept_fd = queue_accept_fd,
    .close = queue_close,
};

static const via_hub_port connecting_port = {
    .accept = queue_look,
    .watch = queue_watch,
    .connect = queue_connect,
    .close = queue_close,
};

static via_status open_queue(const pipe_settings *settings, const via_open *open, pipe_queue **out, via_error *error)
{
    pipe_queue *queue = calloc(1, sizeof(*queue));
    via_status status;

    if (!queue || pthread_mutex_init(&queue->lock, NULL) != 0) {
        free(queue);
        return via_fail(settings->host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
    }
    queue->settings = *settings;
    if (settings->side == VIA_SIDE_BIND)
        status = pipe_listener_open(settings, open->rest, &queue->listener, error);
    else
        status = pipe_place_find(settings->host, open->rest, &queue->place, error);
    if (status == VIA_OK)
        *out = queue;
    else
        queue_close(queue, VIA_CLOSE_FLUSH);
    return status;
}

via_status pipe_queue_create(const pipe_settings *settings, const via_open *open, void **hub, pipe_queue **queue,
                             via_error *error)
{
    via_hub_config config = {
        .port = settings->side == VIA_SIDE_BIND ? &binding_port : &connecting_port,
        .role = settings->role,
        .reconnect_ns = pipe_settings_duration(open, "reconnect"),
        .peer_limit = (uint32_t)via_option_find(open, "peers")->number,
    };
    via_status status = open_queue(settings, open, queue, error);

    if (status != VIA_OK)
        return status;
    config.user = *queue;
    config.stream = (via_stream_config){.io = &pipe_link_io, .read_fd = -1, .write_fd = -1};
    pipe_settings_describe(settings, &config.stream);
    return via_hub_create(&config, open->deadline, hub, error);
}
