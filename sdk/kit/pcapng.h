/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages in pcapng files (draft-ietf-opsawg-pcapng).
 *
 * Owns: the blocks that a recording consists of, in both directions: a section, one interface for each channel, a packet for
 * each message, statistics at the end. Writing is into memory, in this machine's byte order; reading takes both orders and
 * skips blocks that it does not know. Link type USER0, since a message is no packet of any network.
 */
#ifndef VIADUCT_KIT_PCAPNG_H
#define VIADUCT_KIT_PCAPNG_H

#include <viaduct/types.h>

enum {
    VIA_PCAPNG_SECTION = 0x0a0d0d0a,
    VIA_PCAPNG_INTERFACE = 1,
    VIA_PCAPNG_STATISTICS = 5,
    VIA_PCAPNG_PACKET = 6,
    VIA_PCAPNG_USER0 = 147,
    VIA_PCAPNG_PADDING_LEAST = 12,
    VIA_PCAPNG_RECEIVED = 1, /* epb_flags, the direction: "inbound" */
    VIA_PCAPNG_SENT = 2      /* "outbound" */
};

#define VIA_PCAPNG_PADDING UINT32_C(0x80616976) /* a type for local use, which readers skip: "via", and the high bit */

/* A message that is recorded. */
typedef struct via_pcapng_message {
    uint32_t channel;   /* number of its interface in the section, from 0 */
    uint32_t direction; /* VIA_PCAPNG_RECEIVED, VIA_PCAPNG_SENT; 0 = not known */
    uint64_t time_ns;   /* since 1970 */
    uint32_t captured;  /* bytes that are kept of it */
    uint32_t size;      /* bytes that it had */
    uint64_t dropped;   /* messages of the channel that could not be recorded since the one before */
    via_meta meta;      /* texts are borrowed */
} via_pcapng_message;

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* Each puts one block at `to` and gives its size; 0 = `capacity` is too small. Texts may be NULL. */
size_t via_pcapng_put_section(uint8_t *to, size_t capacity, const char *comment);
size_t via_pcapng_put_interface(uint8_t *to, size_t capacity, const char *name, const char *description,
                                uint32_t snaplen);
size_t via_pcapng_put_statistics(uint8_t *to, size_t capacity, uint32_t channel, uint64_t time_ns, uint64_t recorded,
                                 uint64_t dropped);
/* A block of exactly that size that says nothing: a multiple of 4, from VIA_PCAPNG_PADDING_LEAST. */
void via_pcapng_put_padding(uint8_t *to, size_t size);
/* The size of a packet block for the message. */
size_t via_pcapng_message_size(const via_pcapng_message *message);
/* Puts it, of exactly that size, with the first `captured` bytes of the slices. */
void via_pcapng_put_message(uint8_t *to, size_t size, const via_pcapng_message *message, const via_slice *slices,
                            size_t count);
/* In a packet block that this machine has put: its time, and another number for its channel. */
uint64_t via_pcapng_time_of(const uint8_t *block);
void via_pcapng_set_channel(uint8_t *block, uint32_t channel);

/* ---- reading ------------------------------------------------------------------------------------------------ */

enum { VIA_PCAPNG_CHANNELS = 256 };

typedef struct via_pcapng_channel {
    uint16_t link_type;
    bool is_binary; /* of the resolution: a power of two */
    uint8_t exponent;
} via_pcapng_channel;

/* A recording that is read. Fields are its own. */
typedef struct via_pcapng_reader {
    int descriptor;
    const char *file; /* borrowed, for errors */
    bool is_swapped;
    uint64_t offset; /* of the block that comes next */
    uint8_t *block;
    size_t capacity;
    uint32_t channel_count;
    via_pcapng_channel channels[VIA_PCAPNG_CHANNELS];
    char key[256], content_type[256];
} via_pcapng_reader;

/* Opens it and reads the first section's header. VIA_OK; VIA_ENOENT, VIA_EPERM, VIA_EIO; VIA_EPROTO: it is no pcapng. */
via_status via_pcapng_open(via_pcapng_reader *reader, const char *file, via_error *error);
void via_pcapng_close(via_pcapng_reader *reader);
/*
 * The next message; `data` and the texts are valid until the next call. VIA_OK; VIA_ECLOSED: the end; VIA_EPEER: it ends
 * inside a block, as when its writer was killed; VIA_EPROTO: damaged, or recorded by something else; VIA_EIO, VIA_ENOMEM.
 * All but the first two fill `error`, with the offset of the block.
 */
via_status via_pcapng_next(via_pcapng_reader *reader, via_pcapng_message *message, const uint8_t **data,
                           via_error *error);

/*
 * A packet block of this machine that is in memory already. `scratch` needs no opening; the texts go there, and `data` points
 * into the block. VIA_OK, VIA_EPROTO with `error` filled.
 */
via_status via_pcapng_read_own(via_pcapng_reader *scratch, uint8_t *block, size_t size, via_pcapng_message *message,
                               const uint8_t **data, via_error *error);

/* A message's description as it stands in a comment: reads it, or leaves the meta data empty. Texts go to `reader`'s room. */
void via_pcapng_read_comment(const char *text, size_t size, via_meta *meta, char key[256], char content_type[256]);

#endif
