/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rings of a tap: messages in, packet blocks out; see tap_area.h.
 *
 * Owns: the bytes between head and tail. A block is never split: what is left before the end of the memory is skipped, with a
 * mark. The channel's thread goes by its own head, the recorder by its own tail; the other's number is only ever believed as
 * far as it makes sense.
 */
#include "kit/tap_area.h"

#include <string.h>

enum { SKIP = 0x7fffffff, BLOCK_LEAST = 44, LINE = 64, FETCH_MOST = 8192, AHEAD = 4 };

static size_t place(const via_tap_area *area, uint64_t position)
{
    return (size_t)(position & (area->ring_size - 1));
}

/* ---- the channel -------------------------------------------------------------------------------------------- */

/* Bytes that the recorder has not read; a tail that makes no sense leaves no room. */
static uint64_t used_by(const via_tap_area *area, const via_tap_ring *ring, uint64_t head)
{
    const uint64_t used = head - atomic_load_explicit(&((via_tap_ring *)ring)->tail, memory_order_acquire);
    return used > area->ring_size ? area->ring_size : used;
}

/* Where `size` bytes in one piece begin, with what has to be skipped before them. false = no room. */
static bool find_room(const via_tap_area *area, unsigned direction, const via_tap_writer *writer, size_t size,
                      uint64_t *at)
{
    const size_t begin = place(area, writer->head);
    const uint64_t rest = area->ring_size - begin;
    const uint64_t skipped = rest < size ? rest : 0;
    if (skipped + size > area->ring_size - used_by(area, &area->head->rings[direction], writer->head))
        return false;
    if (skipped > 0) {
        const uint32_t mark = SKIP;
        memcpy(area->bytes[direction] + begin, &mark, sizeof(mark));
    }
    *at = writer->head + skipped;
    return true;
}

/* A message never takes more than a quarter of the ring, so that one large one leaves room for others. */
static uint32_t limit_of(const via_tap_area *area)
{
    const uint64_t quarter = area->ring_size / 4;
    return area->head->snaplen < quarter ? area->head->snaplen : (uint32_t)quarter;
}

bool via_tap_write(const via_tap_area *area, unsigned direction, via_tap_writer *writer, via_pcapng_message *message,
                   const via_slice *slices, size_t count)
{
    uint64_t at;
    const uint32_t limit = limit_of(area);
    message->captured = message->size < limit ? message->size : limit;
    message->dropped = writer->missing;
    const size_t size = via_pcapng_message_size(message);
    if (!find_room(area, direction, writer, size, &at))
        return false;
    via_pcapng_put_message(area->bytes[direction] + place(area, at), size, message, slices, count);
    writer->pending = at + size;
    return true;
}

/*
 * Where the next message will stand, if it is as large, another processor has read a while ago: to fetch it back from there takes
 * longer than to copy, so that begins now, while the channel does something else. A processor without the instruction takes it
 * for none.
 */
#ifdef __x86_64__
__attribute__((target("prfchw")))
#endif
static void
fetch(const via_tap_area *area, unsigned direction, uint64_t position, uint64_t size)
{
    uint8_t *bytes = area->bytes[direction];
    size = size < FETCH_MOST ? size : FETCH_MOST;
    for (uint64_t i = 0; i < size; i += LINE)
        __builtin_prefetch(bytes + place(area, position + i), 1, 3);
}

void via_tap_publish(const via_tap_area *area, unsigned direction, via_tap_writer *writer)
{
    via_tap_ring *ring = &area->head->rings[direction];
    const uint64_t size = writer->pending - writer->head;
    writer->head = writer->pending;
    writer->missing = 0;
    atomic_store_explicit(&ring->recorded, atomic_load_explicit(&ring->recorded, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    atomic_store_explicit(&ring->head, writer->head, memory_order_release);
    fetch(area, direction, writer->head, size);
}

void via_tap_lose(const via_tap_area *area, unsigned direction, via_tap_writer *writer)
{
    writer->missing++;
    (void)atomic_fetch_add_explicit(&area->head->rings[direction].dropped, 1, memory_order_relaxed);
}

uint64_t via_tap_waiting(const via_tap_area *area, unsigned direction)
{
    const via_tap_ring *ring = &area->head->rings[direction];
    return used_by(area, ring, atomic_load_explicit(&((via_tap_ring *)ring)->head, memory_order_relaxed));
}

/* ---- the recorder ------------------------------------------------------------------------------------------- */

via_status via_tap_look(const via_tap_area *area, via_tap_reader *reader)
{
    for (unsigned i = 0; i < 2; i++) {
        reader->heads[i] = atomic_load(&area->head->rings[i].head);
        if (reader->heads[i] - reader->tails[i] > area->ring_size)
            return VIA_EPROTO;
    }
    return VIA_OK;
}

/* The block at the tail of one ring. VIA_OK, VIA_ETIMEDOUT, VIA_EPROTO. */
static via_status peek_one(const via_tap_area *area, via_tap_reader *reader, unsigned direction, const uint8_t **block,
                           size_t *size)
{
    for (;;) {
        uint32_t words[2];
        const uint64_t used = reader->heads[direction] - reader->tails[direction];
        const size_t at = place(area, reader->tails[direction]), rest = (size_t)area->ring_size - at;
        if (used == 0)
            return VIA_ETIMEDOUT;
        if (used > area->ring_size || used < sizeof(words[0]) || at % 4 != 0)
            return VIA_EPROTO;
        memcpy(&words[0], area->bytes[direction] + at, sizeof(words[0]));
        if (words[0] == SKIP && rest <= used) {
            reader->tails[direction] += rest;
            continue;
        }
        if (words[0] != VIA_PCAPNG_PACKET || rest < BLOCK_LEAST)
            return VIA_EPROTO;
        memcpy(&words[1], area->bytes[direction] + at + 4, sizeof(words[1]));
        if (words[1] < BLOCK_LEAST || words[1] > used || words[1] > rest || words[1] % 4 != 0)
            return VIA_EPROTO;
        *block = area->bytes[direction] + at;
        *size = words[1];
        __builtin_prefetch(area->bytes[direction] +
                           place(area, at + AHEAD * (uint64_t)words[1])); /* where one more may begin */
        return VIA_OK;
    }
}

via_status via_tap_peek(const via_tap_area *area, via_tap_reader *reader, const uint8_t **block, size_t *size,
                        unsigned *direction)
{
    const uint8_t *blocks[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    for (unsigned i = 0; i < 2; i++) {
        if (peek_one(area, reader, i, &blocks[i], &sizes[i]) == VIA_EPROTO)
            return VIA_EPROTO;
    }
    if (blocks[0] == NULL && blocks[1] == NULL)
        return VIA_ETIMEDOUT;
    *direction =
        blocks[0] == NULL || (blocks[1] != NULL && via_pcapng_time_of(blocks[1]) < via_pcapng_time_of(blocks[0]));
    *block = blocks[*direction];
    *size = sizes[*direction];
    return VIA_OK;
}

void via_tap_next(via_tap_reader *reader, unsigned direction, size_t size)
{
    reader->tails[direction] += size;
}

void via_tap_release(const via_tap_area *area, const via_tap_reader *reader, unsigned direction)
{
    atomic_store_explicit(&area->head->rings[direction].tail, reader->tails[direction], memory_order_release);
}
