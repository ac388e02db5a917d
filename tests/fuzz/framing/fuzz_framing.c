/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, cut into any pieces, through a stream.
 *
 * The first two bytes of the input choose the pieces and how many messages are held back; the rest comes from the peer.
 * Whatever the pieces, the messages and the end must be the same as in one piece; a message that is lent must not
 * change; and what was accepted, framed again, must be what came (where a framing has but one way to write a frame).
 */
#include <stdlib.h>
#include <string.h>

#include "kit/stream.h"

enum { LIMIT = 20000, HELD_MOST = 4, INPUT_MOST = 200000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* ---- a host and a peer in memory ---------------------------------------------------------------------------- */

static via_status ignore_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)error;
    (void)os_code;
    (void)what;
    (void)mend;
    return status;
}

static void ignore_failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context;
    (void)status;
    (void)os_code;
    (void)what;
    (void)mend;
}

static const via_host_api host = {.size = sizeof(via_host_api), .error = ignore_error, .failed = ignore_failed};

struct peer {
    const uint8_t *data;
    size_t size;
    size_t at;
    unsigned random; /* 0 = everything in one piece */
};

static int64_t read_piece(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    struct peer *peer = stream->config.user;
    size_t piece = peer->size - peer->at;

    (void)count;
    (void)deadline;
    if (peer->random != 0) {
        peer->random = peer->random * 1103515245u + 12345u;
        size_t most = 1 + (peer->random >> 16) % (peer->random & 0x8000u ? 16 : 4096);
        piece = piece < most ? piece : most;
    }
    piece = piece < into->size ? piece : into->size;
    if (piece > 0)
        memcpy((void *)(uintptr_t)into->data, peer->data + peer->at, piece);
    peer->at += piece;
    return (int64_t)piece;
}

static void close_nothing(via_stream *stream, uint32_t how)
{
    (void)stream;
    (void)how;
}

static const via_stream_io memory = {.read = read_piece, .close = close_nothing};

/* ---- what came of it ---------------------------------------------------------------------------------------- */

struct outcome {
    uint64_t hash; /* of sizes and bodies; of the bodies alone where a framing keeps no boundaries */
    uint64_t messages;
    via_status end;
};

static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static void check_same_on_wire(const via_framing *framing, const struct peer *peer, size_t from, const via_msg *message)
{
    uint8_t header[VIA_FRAME_HEADER_MAX];
    size_t size = framing->header(message->size, header);

    if (framing == &via_framing_content_length || framing == &via_framing_line)
        return;
    if (memcmp(peer->data + from, header, size) != 0 ||
        memcmp(peer->data + from + size, message->data, message->size) != 0)
        abort();
}

struct held {
    via_msg message;
    uint64_t hash;
};

static void give_back(via_stream *stream, struct held *held)
{
    if (!held->message.data)
        return;
    if (hash_bytes(1, held->message.data, held->message.size) != held->hash)
        abort();
    via_stream_release(stream, &held->message);
    memset(held, 0, sizeof(*held));
}

static void note_message(struct outcome *outcome, const via_framing *framing, const via_msg *message)
{
    if (message->size > LIMIT)
        abort();
    if (framing->keeps_boundaries) {
        outcome->hash = hash_bytes(outcome->hash, &message->size, sizeof(message->size));
        outcome->messages++;
    }
    outcome->hash = hash_bytes(outcome->hash, message->data, message->size);
}

static struct outcome receive_all(const uint8_t *data, size_t size, unsigned random, unsigned hold)
{
    const via_framing *framing = &FUZZED_FRAMING;
    struct outcome outcome = {.hash = 1};
    struct held held[HELD_MOST] = {{{0}, 0}};
    struct peer peer = {data, size, 0, random};
    via_counters counters = {.size = sizeof(counters)};
    via_stream_config config = {.host = &host,
                                .counters = &counters,
                                .io = &memory,
                                .write_fd = -1,
                                .framing = framing,
                                .max_message = LIMIT,
                                .user = &peer};
    via_stream stream;

    if (via_stream_init(&stream, &config) != VIA_OK)
        abort();
    for (unsigned turn = 0; outcome.end == VIA_OK; turn++) {
        struct held *slot = &held[turn % (hold + 1)];
        size_t from = stream.taken;
        bool ready = via_stream_has_message(&stream);
        size_t read_before = peer.at;

        give_back(&stream, slot);
        outcome.end = via_stream_recv(&stream, VIA_NOW, &slot->message);
        if (ready && peer.at != read_before) /* it said that it need not look */
            abort();
        if (outcome.end != VIA_OK)
            break;
        slot->hash = hash_bytes(1, slot->message.data, slot->message.size);
        note_message(&outcome, framing, &slot->message);
        check_same_on_wire(framing, &peer, from, &slot->message);
        if (turn % 5 == 0)
            (void)via_stream_arm(&stream, VIA_READ);
    }
    for (unsigned i = 0; i < HELD_MOST; i++)
        give_back(&stream, &held[i]);
    via_stream_fini(&stream, VIA_CLOSE_FLUSH);
    return outcome;
}

static void check_equal(const struct outcome *a, const struct outcome *b)
{
    if (a->hash != b->hash || a->messages != b->messages || a->end != b->end)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole;
    struct outcome pieces;
    struct outcome bytes;

    if (size < 2 || size > INPUT_MOST)
        return 0;
    whole = receive_all(data + 2, size - 2, 0, 0);
    pieces = receive_all(data + 2, size - 2, 1u + data[0], data[1] % HELD_MOST);
    bytes = receive_all(data + 2, size - 2, 77777u + data[1], 0);
    check_equal(&whole, &pieces);
    check_equal(&whole, &bytes);
    return 0;
}
