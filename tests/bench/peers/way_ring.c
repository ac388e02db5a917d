/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring for one producer and one consumer, as one writes it by hand for two programs that trust each other: each index
 * on a cache line of its own, a cached copy of the other's index, a message contiguous behind its size. The yardstick
 * for shared memory.
 *
 * Waiting: spinning looks at the index; blocking sleeps on it with a futex, and whoever moves it makes a system call
 * only if somebody sleeps; hybrid spins first.
 *
 * The plain ring is the same without the cached copies: each message looks at the other side's index and moves its own.
 */
#include "futex.h"
#include "way.h"

#include <stdalign.h>
#include <string.h>

enum { LINE = 128, USUAL_CAPACITY = 256 * 1024, WRAP = -1 }; /* LINE: processors fetch cache lines in pairs */

/* How far one side has come, in bytes that are never reset; the capacity is a power of two. */
struct side {
    alignas(LINE) _Atomic(uint32_t) position;
    _Atomic(uint32_t) is_watched; /* the other side sleeps until this one moves */
};

struct ring {
    struct side written, read;
    alignas(LINE) uint8_t bytes[];
};

/* One end of one ring. */
struct half {
    struct ring *ring;
    uint32_t own;   /* our position */
    uint32_t other; /* the other side's, when we last looked */
};

struct ends {
    unsigned wake;
    uint32_t capacity;
    bool is_plain;
    struct half out, in;
};

struct header {
    int32_t size; /* WRAP: go on at the start */
    uint32_t reserved[3];
};

static uint32_t capacity_for(size_t size)
{
    uint32_t capacity = USUAL_CAPACITY;

    while (capacity < 2 * (size + 2 * sizeof(struct header)))
        capacity *= 2;
    return capacity;
}

static size_t bytes_for(const struct place *place)
{
    return sizeof(struct ring) + capacity_for(place->size);
}

static void *prepare_ring(const struct place *place)
{
    return way_share(2 * bytes_for(place));
}

static struct ends *make_ends(const struct place *place, bool is_server)
{
    struct ends *self = calloc(1, sizeof(*self));
    struct ring *first = place->shared;
    struct ring *second = (struct ring *)(void *)((char *)place->shared + bytes_for(place));

    if (!self)
        way_failed("calloc", "no memory");
    self->wake = place->wake;
    self->capacity = capacity_for(place->size);
    self->out.ring = is_server ? first : second;
    self->in.ring = is_server ? second : first;
    return self;
}

static void *open_ring(const struct place *place, bool is_server)
{
    return make_ends(place, is_server);
}

static void *open_plain_ring(const struct place *place, bool is_server)
{
    struct ends *self = make_ends(place, is_server);

    self->is_plain = true;
    return self;
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static uint32_t look(struct side *side)
{
    return atomic_load_explicit(&side->position, memory_order_acquire);
}

static void move_to(const struct ends *self, struct side *side, uint32_t position)
{
    atomic_store_explicit(&side->position, position, memory_order_release);
    if (self->wake == WAKE_SPIN)
        return;
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&side->is_watched, memory_order_relaxed))
        futex_wake(&side->position);
}

static void sleep_until_it_moves(struct side *side, uint32_t seen)
{
    atomic_store_explicit(&side->is_watched, 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    if (look(side) == seen)
        futex_wait(&side->position, seen);
    atomic_store_explicit(&side->is_watched, 0, memory_order_relaxed);
}

/* The other side's position, once it is not `seen` any more. */
static uint32_t await(const struct ends *self, struct side *side, uint32_t seen)
{
    unsigned tries = self->wake == WAKE_BLOCK ? 1 : WAY_HYBRID_TRIES;
    uint32_t position;

    for (unsigned i = 0; (position = look(side)) == seen; i++) {
        if (self->wake == WAKE_SPIN || i < tries)
            way_relax();
        else
            sleep_until_it_moves(side, seen);
    }
    return position;
}

/* ---- the way ------------------------------------------------------------------------------------------------ */

static uint32_t room_for(size_t size)
{
    return (uint32_t)((sizeof(struct header) + size + sizeof(struct header) - 1) & ~(sizeof(struct header) - 1));
}

static void need_room(struct ends *self, uint32_t wanted)
{
    struct half *out = &self->out;

    if (self->is_plain)
        out->other = look(&out->ring->read);
    while (self->capacity - (out->own - out->other) < wanted)
        out->other = await(self, &out->ring->read, out->other);
}

static struct header *header_at(const struct ends *self, const struct half *half)
{
    return (struct header *)(void *)&half->ring->bytes[half->own & (self->capacity - 1)];
}

static void send_ring(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;
    struct half *out = &self->out;
    uint32_t wanted = room_for(size);
    uint32_t until_end = self->capacity - (out->own & (self->capacity - 1));

    (void)more;
    if (until_end < wanted) {
        need_room(self, until_end);
        header_at(self, out)->size = WRAP;
        out->own += until_end;
    }
    need_room(self, wanted);
    header_at(self, out)->size = (int32_t)size;
    memcpy(header_at(self, out) + 1, data, size);
    out->own += wanted;
    move_to(self, &out->ring->written, out->own);
}

static size_t receive_ring(void *argument)
{
    struct ends *self = argument;
    struct half *in = &self->in;
    const struct header *header;
    size_t size;

    if (self->is_plain)
        in->other = look(&in->ring->written);
    if (in->own == in->other)
        in->other = await(self, &in->ring->written, in->other);
    header = header_at(self, in);
    if (header->size == WRAP) { /* what follows a wrap was published together with it */
        in->own += self->capacity - (in->own & (self->capacity - 1));
        header = header_at(self, in);
    }
    size = (size_t)header->size;
    way_look(header + 1, size);
    in->own += room_for(size);
    move_to(self, &in->ring->read, in->own);
    return size;
}

const struct way way_ring = {
    .name = "peer:ring",
    .wakes = SPIN | HYBRID | BLOCK,
    .prepare = prepare_ring,
    .open = open_ring,
    .send = send_ring,
    .receive = receive_ring,
    .close = free,
};

const struct way way_plain_ring = {
    .name = "peer:plain-ring",
    .wakes = SPIN | HYBRID | BLOCK,
    .prepare = prepare_ring,
    .open = open_plain_ring,
    .send = send_ring,
    .receive = receive_ring,
    .close = free,
};
