/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: bytes are read into a block, messages are lent out of it.
 *
 * Owns: the blocks. A block is counted by the messages lent from it and lives as long as one of them. Bytes are
 * never copied from block to block but for the beginning of a frame that a read happened to end in: of a large frame
 * the rest is read in place, and the read asks for little more than that frame, so that of the next one only the
 * header comes along.
 * Must never trust a size before it is checked, nor commit memory for much more than has really come.
 */
#include "kit/stream_internal.h"

#include <stdlib.h>
#include <string.h>

#include "kit/fail.h"

struct via_stream_block {
    size_t capacity;
    size_t lent; /* messages */
    uint8_t data[];
};

enum {
    BLOCK_SIZE = 65536 - sizeof(via_stream_block),
    LARGE_FRAME = 16 * 1024,         /* from here on copying hurts more than a short read */
    SPILL_SIZE = 64,                 /* what is read beyond a large frame: the next one's header */
    ROOM_MIN = 8 * 1024,             /* a read into less is not worth its system call */
    CHEAP_MOVE = 256,                /* bytes that are moved to the front without a thought */
    TRUSTED_SIZE = 16 * 1024 * 1024, /* memory given on the word of a header; beyond it, as much as has come */
    SPARE_MAX = 8 * 1024 * 1024      /* a larger block is not kept */
};

/* ---- blocks ------------------------------------------------------------------------------------------------- */

static via_stream_block *create_block(size_t capacity)
{
    via_stream_block *block = malloc(sizeof(*block) + capacity);

    if (block) {
        block->capacity = capacity;
        block->lent = 0;
    }
    return block;
}

/* `block` is lent to nobody and not the current one. */
static void retire_block(via_stream *stream, via_stream_block *block)
{
    if (stream->spare && stream->spare->capacity >= block->capacity) {
        free(block);
        return;
    }
    if (block->capacity > SPARE_MAX || !stream->block) {
        free(block);
        return;
    }
    free(stream->spare);
    stream->spare = block;
}

static via_stream_block *obtain_block(via_stream *stream, size_t capacity)
{
    via_stream_block *block = stream->spare;

    if (block && block->capacity >= capacity) {
        stream->spare = NULL;
        return block;
    }
    return create_block(capacity > BLOCK_SIZE ? capacity : BLOCK_SIZE);
}

static void move_to_front(via_stream *stream)
{
    size_t have = stream->end - stream->begin;

    if (have > 0 && stream->begin > 0)
        memmove(stream->block->data, stream->block->data + stream->begin, have);
    stream->begin = 0;
    stream->end = have;
}

/* Makes a block with room for `span` bytes, the unconsumed ones at its front, the current one. */
static via_status change_block(via_stream *stream, size_t span)
{
    via_stream_block *old = stream->block;
    size_t have = stream->end - stream->begin;
    via_stream_block *block;

    if (old && old->lent == 0 && have >= LARGE_FRAME) { /* realloc moves pages where it can, not bytes */
        move_to_front(stream);
        block = realloc(old, sizeof(*block) + span);
        if (!block)
            return VIA_ENOMEM;
        block->capacity = span;
        stream->block = block;
        return VIA_OK;
    }
    block = obtain_block(stream, span);
    if (!block)
        return VIA_ENOMEM;
    if (old)
        memcpy(block->data, old->data + stream->begin, have);
    stream->begin = 0;
    stream->end = have;
    stream->block = block;
    if (old && old->lent == 0)
        retire_block(stream, old);
    return VIA_OK;
}

/* ---- room for a read ---------------------------------------------------------------------------------------- */

/* The frame to be read is large: its size, known or guessed from the one before. Else 0. */
static size_t large_frame(const via_stream *stream)
{
    if (stream->need > 0)
        return stream->need >= LARGE_FRAME ? stream->need : 0;
    return stream->begin == stream->end ? stream->expected : 0;
}

/* The most memory that a large frame gets for now: doubled whenever that much has really come. */
static size_t trusted_size(size_t have)
{
    size_t most = TRUSTED_SIZE;

    while (most < have + ROOM_MIN)
        most *= 2;
    return most;
}

/* How many bytes from `begin` on must fit into the block. */
static size_t wanted_span(const via_stream *stream)
{
    size_t have = stream->end - stream->begin;
    size_t large = large_frame(stream);

    if (large > 0) {
        size_t most = trusted_size(have);

        return large + SPILL_SIZE < most ? large + SPILL_SIZE : most;
    }
    if (have > ROOM_MIN) /* the end is not in sight: grow by doubling */
        return 2 * have;
    return stream->need > have + ROOM_MIN ? stream->need : have + ROOM_MIN;
}

/* Where the next bytes go. */
static via_status make_room(via_stream *stream, via_slice *into)
{
    size_t span = wanted_span(stream);
    size_t large = large_frame(stream);
    size_t have = stream->end - stream->begin;
    via_stream_block *block = stream->block;

    if (block && block->lent == 0 && (have <= CHEAP_MOVE || stream->begin + span > block->capacity))
        move_to_front(stream);
    if (!block || stream->begin + span > block->capacity) {
        via_status status = change_block(stream, span);

        if (status != VIA_OK)
            return status;
        block = stream->block;
    }
    into->data = block->data + stream->end;
    into->size = block->capacity - stream->end;
    if (large > 0 && large + SPILL_SIZE - have < into->size)
        into->size = large + SPILL_SIZE - have;
    return VIA_OK;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static via_status end_receiving(via_stream *stream, via_status status, int os_code, const char *what)
{
    const via_stream_config *config = &stream->config;

    stream->recv_status = status;
    via_stream_end(stream, status == VIA_ECLOSED ? VIA_STREAM_OVER_RECEIVING : VIA_STREAM_OVER);
    via_stream_look_for_end(stream);
    if (status == VIA_ECLOSED)
        return status;
    if (status == VIA_EPROTO || status == VIA_ETOOBIG)
        via_count(&config->counters->protocol_errors, 1);
    return via_fail_channel(config->host, config->context, status, os_code,
                            status == VIA_ETOOBIG ? "raise max_message at this end if such sizes are meant" : NULL,
                            "receiving (framing %s): %s", config->framing->name, what);
}

static via_status end_of_file(via_stream *stream)
{
    size_t have = stream->end - stream->begin;

    stream->at_eof = true;
    if (have == 0)
        return end_receiving(stream, VIA_ECLOSED, 0, NULL);
    if (stream->config.framing->ends_at_eof && stream->greeted)
        return VIA_OK; /* what is left is the last message */
    return end_receiving(stream, VIA_EPEER, 0, "the other end went away in the middle of a message");
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static via_status check_greeting(via_stream *stream)
{
    const via_stream_config *config = &stream->config;

    if (stream->end - stream->begin < config->greeting_size)
        return VIA_ETIMEDOUT;
    if (config->greeting && config->greeting(config->user, stream->block->data + stream->begin) != VIA_OK)
        return end_receiving(stream, VIA_EPROTO, 0, "the greeting is not the one this protocol begins with");
    stream->begin += config->greeting_size;
    stream->taken += config->greeting_size;
    stream->greeted = true;
    return VIA_OK;
}

static via_status parse_frame(via_stream *stream)
{
    const via_stream_config *config = &stream->config;
    const uint8_t *start = stream->block->data + stream->begin;
    size_t have = stream->end - stream->begin;
    via_status status = config->framing->parse(start, have, config->max_message + config->prefix_size, &stream->frame);

    if (status == VIA_ETIMEDOUT && stream->at_eof) { /* ends_at_eof, or we would not be here */
        stream->frame.header = 0;
        stream->frame.body = have;
        stream->frame.trailer = 0;
        status = VIA_OK;
    }
    if (status == VIA_ETOOBIG)
        return end_receiving(stream, status, 0, "the other end sends a message above max_message");
    if (status == VIA_EPROTO)
        return end_receiving(stream, status, 0, "the bytes do not begin a message");
    if (status == VIA_OK && stream->frame.body < config->prefix_size)
        return end_receiving(stream, VIA_EPROTO, 0, "a message is shorter than the protocol's own header");
    if (status == VIA_OK)
        stream->need = stream->frame.header + stream->frame.body + stream->frame.trailer;
    return status;
}

static via_status lend(via_stream *stream, via_msg *out)
{
    const via_stream_config *config = &stream->config;
    uint8_t *body = stream->block->data + stream->begin + stream->frame.header;

    if (config->check_prefix && config->check_prefix(config->user, body) != VIA_OK)
        return end_receiving(stream, VIA_EPROTO, 0, "the protocol's own header of a message is wrong");
    memset(out, 0, sizeof(*out));
    out->data = body + config->prefix_size;
    out->size = stream->frame.body - config->prefix_size;
    out->token[0] = (uintptr_t)stream->block;
    stream->block->lent++;
    stream->begin += stream->need;
    stream->taken += stream->need;
    stream->expected = stream->need >= LARGE_FRAME ? stream->need : 0;
    stream->need = 0;
    stream->frame.scanned = 0;
    return VIA_OK;
}

/* The next message out of the buffer. VIA_ETIMEDOUT: more bytes are needed. */
static via_status take(via_stream *stream, via_msg *out)
{
    via_status status = VIA_OK;

    if (stream->recv_status != VIA_OK)
        return stream->recv_status;
    if (stream->begin == stream->end)
        return VIA_ETIMEDOUT;
    if (!stream->greeted)
        status = check_greeting(stream);
    if (status == VIA_OK && stream->need == 0)
        status = stream->begin < stream->end ? parse_frame(stream) : VIA_ETIMEDOUT;
    if (status != VIA_OK)
        return status;
    if (stream->end - stream->begin < stream->need)
        return VIA_ETIMEDOUT;
    return lend(stream, out);
}

static via_status fill(via_stream *stream, via_deadline deadline)
{
    via_slice into;
    via_status status = make_room(stream, &into);
    int64_t moved;

    if (status != VIA_OK)
        return status;
    if (atomic_load_explicit(&stream->due, memory_order_relaxed))
        (void)via_stream_send_due(stream);
    moved = stream->config.io->read(stream, &into, 1, deadline);
    if (moved > 0) {
        stream->end += (size_t)moved;
        stream->arrived += (uint64_t)moved;
        return VIA_OK;
    }
    if (moved == 0)
        return via_wake_is_raised(&stream->wake) ? VIA_ECANCELED : end_of_file(stream);
    if (moved == VIA_ETIMEDOUT || moved == VIA_ECANCELED || moved == VIA_ENOMEM || moved == VIA_ELIMIT)
        return (via_status)moved;
    return end_receiving(stream, (via_status)moved, errno, "the connection broke");
}

static via_status receive(via_stream *stream, via_deadline deadline, via_msg *out)
{
    via_status status;

    while ((status = take(stream, out)) == VIA_ETIMEDOUT) {
        status = stream->at_eof ? end_of_file(stream) : fill(stream, deadline);
        if (status != VIA_OK)
            return status;
    }
    return status;
}

via_status via_stream_recv(void *self, via_deadline deadline, via_msg *out)
{
    via_stream *stream = self;
    via_status status;

    if (via_wake_is_raised(&stream->wake))
        return VIA_ECANCELED;
    if (stream->config.read_fd < 0)
        return VIA_ENOTSUP;
    if (stream->greeted)
        return receive(stream, deadline, out);
    via_stream_answer_taking(stream);
    status = receive(stream, deadline, out);
    via_stream_answer_taken(stream);
    return status;
}

void via_stream_release(void *self, via_msg *message)
{
    via_stream *stream = self;
    via_stream_block *block = (via_stream_block *)message->token[0]; /* as lend() put it there */

    if (!block)
        return;
    message->token[0] = 0;
    if (--block->lent == 0 && block != stream->block)
        retire_block(stream, block);
}

/* ---- idle --------------------------------------------------------------------------------------------------- */

bool via_stream_receive_ready(const via_stream *stream)
{
    const via_stream_config *config = &stream->config;
    size_t have = stream->end - stream->begin;
    via_frame frame = stream->frame;
    via_status status;

    if (stream->recv_status != VIA_OK || stream->at_eof)
        return true;
    if (have == 0 || !stream->greeted)
        return have > 0 && have >= config->greeting_size;
    if (stream->need > 0)
        return have >= stream->need;
    status = config->framing->parse(stream->block->data + stream->begin, have,
                                    config->max_message + config->prefix_size, &frame);
    if (status != VIA_OK)
        return status != VIA_ETIMEDOUT;
    return have >= frame.header + frame.body + frame.trailer;
}

void via_stream_receive_idle(via_stream *stream)
{
    via_stream_block *block = stream->block;

    free(stream->spare);
    stream->spare = NULL;
    if (!block || stream->begin < stream->end)
        return;
    stream->block = NULL; /* if it is lent, the last release frees it */
    stream->begin = 0;
    stream->end = 0;
    if (block->lent == 0)
        free(block);
}

void via_stream_receive_fini(via_stream *stream)
{
    stream->begin = stream->end;
    via_stream_receive_idle(stream);
}
