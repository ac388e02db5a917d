/* SPDX-License-Identifier: Apache-2.0 */
#include "inner.h"

#include <stdlib.h>
#include <string.h>

enum { SEPARATOR = 0xc1, MEMORY = 1 << 22 };

/* ---- what comes --------------------------------------------------------------------------------------------- */

static size_t next_size(const fuzz_inner *inner)
{
    const uint8_t *end = memchr(inner->data, SEPARATOR, inner->size);

    if (inner->piece)
        return inner->piece < inner->size ? inner->piece : inner->size;
    return end ? (size_t)(end - inner->data) : inner->size;
}

static void skip(fuzz_inner *inner, size_t size)
{
    inner->data += size;
    inner->size -= size;
}

static via_status receive(void *channel, via_deadline deadline, via_msg *out)
{
    fuzz_inner *inner = channel;

    (void)deadline;
    if (inner->size == 0)
        return VIA_ECLOSED;
    size_t size = next_size(inner);
    *out = (via_msg){.data = malloc(size ? size : 1), .size = size};
    if (!out->data)
        return VIA_ENOMEM;
    memcpy(out->data, inner->data, size);
    skip(inner, size);
    if (!inner->piece && inner->size > 0)
        skip(inner, 1);
    inner->lent++;
    return VIA_OK;
}

static void release(void *channel, via_msg *message)
{
    fuzz_inner *inner = channel;

    if (inner->lent == 0)
        abort();
    inner->lent--;
    free(message->data);
}

/* ---- what is sent ------------------------------------------------------------------------------------------- */

static const char too_large[] = "it has a number that is too large";

/* The other end could read it, whatever it has said before. A number of a call that is too large for us it gets back as it is. */
static via_status send_slices(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                              via_deadline deadline)
{
    const fuzz_inner *inner = channel;
    rpc_envelope envelope;
    rpc_reader reader;
    rpc_arena arena;

    (void)meta;
    if (inner->is_tight && deadline == VIA_NOW)
        return VIA_ETIMEDOUT;
    rpc_arena_init(&arena, MEMORY);
    if (count != 1 || (inner->codec->open(&reader, slices[0].data, slices[0].size, &arena, &envelope) != VIA_OK &&
                       strcmp(reader.wrong, too_large) != 0))
        abort();
    inner->codec->close(&reader);
    rpc_arena_fini(&arena);
    return VIA_OK;
}

/* ---- the rest ----------------------------------------------------------------------------------------------- */

static via_status pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    (void)channel;
    (void)event;
    out->handle = -1;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

/* There is always something to read, be it the end, and room as soon as somebody waits for it. */
static via_status arm(void *channel, uint32_t event)
{
    (void)channel;
    (void)event;
    return VIA_EREADY;
}

static via_status peer(void *channel, via_peer_info *out)
{
    (void)channel;
    out->known = VIA_PEER_PROCESS;
    out->pid = 1;
    return VIA_OK;
}

const via_channel_ops fuzz_inner_ops = {
    .size = sizeof(via_channel_ops),
    .send = send_slices,
    .recv = receive,
    .release = release,
    .pollable = pollable,
    .arm = arm,
    .peer = peer,
};
