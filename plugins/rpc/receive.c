/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking messages from the channel below; see peer.h.
 *
 * Owns: where one message ends and the next begins, in a channel that does not know.
 */
#include "peer.h"

#include <stdlib.h>
#include <string.h>

void rpc_queue_init(rpc_queue *queue)
{
    *queue = (rpc_queue){NULL, &queue->first, 0};
}

void rpc_queue_put(rpc_queue *queue, rpc_incoming *incoming)
{
    incoming->next = NULL;
    *queue->last = incoming;
    queue->last = &incoming->next;
    queue->count++;
}

rpc_incoming *rpc_queue_take(rpc_queue *queue)
{
    rpc_incoming *incoming = queue->first;

    if (!incoming)
        return NULL;
    if (!(queue->first = incoming->next))
        queue->last = &queue->first;
    queue->count--;
    return incoming;
}

/* A thread receives while what it received before is seldom still there, so one record does for most. */
static rpc_incoming *take_record(rpc_thread *thread)
{
    rpc_incoming *record = thread ? thread->incoming : NULL;

    if (!record)
        return malloc(sizeof(*record));
    thread->incoming = NULL;
    return record;
}

static void give_record(rpc_thread *thread, rpc_incoming *record)
{
    if (thread && !thread->incoming)
        thread->incoming = record;
    else
        free(record);
}

void rpc_incoming_free(rpc_peer *peer, rpc_thread *thread, rpc_incoming *incoming)
{
    if (!incoming)
        return;
    if (incoming->copy)
        free(incoming->copy);
    else
        peer->plugin->host->inner->release(peer->inner, &incoming->message);
    give_record(thread, incoming);
}

static unsigned char *copy_of(const void *data, size_t size)
{
    unsigned char *made = malloc(size ? size : 1);

    if (made && size)
        memcpy(made, data, size);
    return made;
}

/* ---- whole messages ----------------------------------------------------------------------------------------- */

static via_status receive_whole(rpc_peer *peer, rpc_thread *thread, via_deadline deadline, rpc_incoming **out)
{
    rpc_incoming *incoming = take_record(thread);

    if (!incoming)
        return VIA_ENOMEM;
    via_status status = peer->plugin->host->inner->recv(peer->inner, deadline, &incoming->message);
    if (status != VIA_OK) {
        give_record(thread, incoming);
        return status;
    }
    incoming->next = NULL;
    incoming->came_ns = incoming->id = 0;
    incoming->is_cancelled = false;
    incoming->copy = NULL;
    incoming->data = incoming->message.data;
    incoming->size = incoming->message.size;
    if (peer->codec->reads_twice && !(incoming->copy = copy_of(incoming->data, incoming->size))) {
        rpc_incoming_free(peer, thread, incoming);
        return VIA_ENOMEM;
    }
    if (incoming->copy) {
        incoming->data = incoming->copy;
        peer->plugin->host->inner->release(peer->inner, &incoming->message);
    }
    *out = incoming;
    return VIA_OK;
}

/* ---- a stream ----------------------------------------------------------------------------------------------- */

static bool make_room(rpc_peer *peer, size_t more)
{
    size_t capacity = peer->stream_capacity ? peer->stream_capacity : 4096;

    while (capacity < peer->stream_size + more)
        capacity *= 2;
    if (capacity == peer->stream_capacity)
        return true;
    unsigned char *larger = realloc(peer->stream, capacity);
    if (!larger)
        return false;
    peer->stream = larger;
    peer->stream_capacity = capacity;
    return true;
}

static via_status append(rpc_peer *peer, via_deadline deadline)
{
    const via_channel_ops *inner = peer->plugin->host->inner;
    via_msg piece;
    via_status status = inner->recv(peer->inner, deadline, &piece);

    if (status != VIA_OK)
        return status;
    if (make_room(peer, piece.size)) {
        memcpy(peer->stream + peer->stream_size, piece.data, piece.size);
        peer->stream_size += piece.size;
    } else {
        status = VIA_ENOMEM;
    }
    inner->release(peer->inner, &piece);
    return status;
}

static rpc_incoming *copy_out(const unsigned char *data, size_t size)
{
    rpc_incoming *made = calloc(1, sizeof(*made));

    if (!made || !(made->copy = copy_of(data, size))) {
        free(made);
        return NULL;
    }
    made->data = made->copy;
    made->size = size;
    return made;
}

static __attribute__((cold)) via_status stream_failed(rpc_peer *peer, via_status status, const char *why)
{
    if (status == VIA_EPROTO || status == VIA_ETOOBIG)
        peer->plugin->host->failed(peer->context, status, 0, why,
                                   rpc_codec_mend(peer->codec, peer->stream, peer->stream_size));
    return status == VIA_ETOOBIG ? VIA_EPROTO : status;
}

/* Cuts every message that is whole. VIA_OK, also if none is. */
static via_status cut(rpc_peer *peer)
{
    const char *why = "a message above max_message";
    size_t done = 0, used;
    via_status status = VIA_OK;

    while (done < peer->stream_size &&
           (status = peer->codec->measure(peer->stream + done, peer->stream_size - done, peer->max_message,
                                          &peer->measure, &used, &why)) == VIA_OK) {
        rpc_incoming *made = copy_out(peer->stream + done, used);
        if (!made)
            return VIA_ENOMEM;
        rpc_queue_put(&peer->cut, made);
        memset(&peer->measure, 0, sizeof(peer->measure));
        done += used;
    }
    peer->stream_size -= done;
    if (done > 0)
        memmove(peer->stream, peer->stream + done, peer->stream_size);
    return status == VIA_ETIMEDOUT ? VIA_OK : stream_failed(peer, status, why);
}

static __attribute__((noinline)) via_status receive_cut(rpc_peer *peer, via_deadline deadline, rpc_incoming **out)
{
    via_status status = VIA_OK;

    while (!(*out = rpc_queue_take(&peer->cut)) && status == VIA_OK) {
        status = append(peer, deadline);
        if (status == VIA_OK)
            status = cut(peer);
    }
    return *out ? VIA_OK : status;
}

via_status rpc_receive(rpc_peer *peer, rpc_thread *thread, via_deadline deadline, rpc_incoming **out)
{
    *out = NULL;
    return peer->is_stream ? receive_cut(peer, deadline, out) : receive_whole(peer, thread, deadline, out);
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

via_status rpc_opened_open(rpc_peer *peer, const rpc_incoming *incoming, rpc_opened *opened)
{
    opened->callback = 0;
    rpc_arena_init(&opened->arena, peer->max_memory);
    return peer->codec->open(&opened->reader, incoming->data, incoming->size, &opened->arena, &opened->envelope);
}

void rpc_opened_close(rpc_peer *peer, rpc_opened *opened)
{
    peer->codec->close(&opened->reader);
    rpc_arena_fini(&opened->arena);
}
