/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What no way can beat: a cache line that goes there and back, and a futex that wakes the other process. They carry a
 * number and no message.
 */
#include "futex.h"
#include "way.h"

#include <stdalign.h>

enum { LINE = 128 };

struct words {
    alignas(LINE) _Atomic(uint32_t) to_server;
    alignas(LINE) _Atomic(uint32_t) to_client;
};

struct ends {
    _Atomic(uint32_t) *out, *in;
    uint32_t sent, received;
    size_t size;
};

static void *prepare_words(const struct place *place)
{
    (void)place;
    return way_share(sizeof(struct words));
}

static void *open_words(const struct place *place, bool is_server)
{
    struct words *words = place->shared;
    struct ends *self = calloc(1, sizeof(*self));

    if (!self)
        way_failed("calloc", "no memory");
    self->size = place->size;
    self->out = is_server ? &words->to_client : &words->to_server;
    self->in = is_server ? &words->to_server : &words->to_client;
    return self;
}

/* The last message of a run is told by its size: the upper bit carries that. */
enum { COUNT_MASK = 0x7fffffff };
static const uint32_t short_bit = 0x80000000u;

static uint32_t next_word(struct ends *self, size_t size)
{
    self->sent = (self->sent + 1) & COUNT_MASK;
    return self->sent | (size == self->size ? 0 : short_bit);
}

static size_t take_word(struct ends *self, uint32_t word)
{
    self->received = (self->received + 1) & COUNT_MASK;
    return word & short_bit ? 1 : self->size;
}

static void send_line(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;

    (void)data;
    (void)more;
    atomic_store_explicit(self->out, next_word(self, size), memory_order_release);
}

static size_t receive_line(void *argument)
{
    struct ends *self = argument;
    uint32_t word;

    while (((word = atomic_load_explicit(self->in, memory_order_acquire)) & COUNT_MASK) == self->received)
        way_relax();
    return take_word(self, word);
}

static void send_futex(void *argument, const void *data, size_t size, bool more)
{
    struct ends *self = argument;

    send_line(self, data, size, more);
    futex_wake(self->out);
}

static size_t receive_futex(void *argument)
{
    struct ends *self = argument;
    uint32_t word;

    while (((word = atomic_load_explicit(self->in, memory_order_acquire)) & COUNT_MASK) == self->received)
        futex_wait(self->in, word);
    return take_word(self, word);
}

const struct way way_line = {
    .name = "limit:cache-line",
    .wakes = SPIN,
    .is_limit = true,
    .prepare = prepare_words,
    .open = open_words,
    .send = send_line,
    .receive = receive_line,
    .close = free,
};

const struct way way_futex = {
    .name = "limit:futex",
    .wakes = BLOCK,
    .is_limit = true,
    .prepare = prepare_words,
    .open = open_words,
    .send = send_futex,
    .receive = receive_futex,
    .close = free,
};
