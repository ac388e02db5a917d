/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending on the channel below; see peer.h.
 *
 * Owns: that two ends which both send more than the other reads do not wait for each other for ever.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <poll.h>

enum {
    LOOK_NS = 20 * 1000 * 1000
}; /* how long a full channel is waited for without looking whether anybody else reads it */

static via_status send_once(rpc_peer *peer, const rpc_writer *writer, via_deadline deadline)
{
    const via_slice slice = {writer->data, writer->size};

    (void)pthread_mutex_lock(&peer->send_lock);
    via_status status = peer->plugin->host->inner->send(peer->inner, &slice, 1, NULL, deadline);
    (void)pthread_mutex_unlock(&peer->send_lock);
    return status;
}

static short events_of(const via_poll_handle *handle)
{
    return handle->wait == VIA_WAIT_WRITABLE ? POLLOUT : POLLIN;
}

/* Until there is room, or something to read. */
static void sleep_for_either(rpc_peer *peer, via_deadline deadline)
{
    const via_channel_ops *inner = peer->plugin->host->inner;
    via_poll_handle read = {.size = sizeof(read)}, write = {.size = sizeof(write)};
    struct timespec storage;

    if (inner->pollable(peer->inner, VIA_READ, &read) != VIA_OK ||
        inner->pollable(peer->inner, VIA_WRITE, &write) != VIA_OK)
        return;
    (void)pthread_mutex_lock(&peer->send_lock);
    via_status can_sleep = inner->arm(peer->inner, VIA_WRITE);
    (void)pthread_mutex_unlock(&peer->send_lock);
    if (can_sleep != VIA_OK || inner->arm(peer->inner, VIA_READ) != VIA_OK)
        return;
    struct pollfd set[] = {{.fd = (int)read.handle, .events = events_of(&read)},
                           {.fd = (int)write.handle, .events = events_of(&write)}};
    (void)ppoll(set, 2, via_deadline_timespec(via_deadline_min(deadline, via_deadline_after(LOOK_NS)), &storage), NULL);
}

/* The only reader is us, or somebody who reads anyway. */
static bool lead(rpc_peer *peer)
{
    (void)pthread_mutex_lock(&peer->lock);
    bool may = !peer->is_led && peer->ended == VIA_OK;
    if (may)
        peer->is_led = true;
    (void)pthread_mutex_unlock(&peer->lock);
    return may;
}

static __attribute__((cold)) void wait_for_room(rpc_peer *peer, via_deadline deadline)
{
    if (!lead(peer))
        return;
    sleep_for_either(peer, deadline);
    rpc_take_aside(peer); /* and leads no more */
}

via_status rpc_send_now(rpc_peer *peer, const rpc_writer *writer)
{
    return writer->status == VIA_OK ? send_once(peer, writer, VIA_NOW) : writer->status;
}

via_status rpc_send(rpc_peer *peer, const rpc_writer *writer, via_deadline deadline)
{
    via_status status = rpc_send_now(peer, writer);

    while (status == VIA_ETIMEDOUT && via_deadline_left(deadline) > 0) {
        wait_for_room(peer, deadline);
        status = send_once(peer, writer, via_deadline_min(deadline, via_deadline_after(LOOK_NS)));
    }
    return status;
}
