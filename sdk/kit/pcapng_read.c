/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading messages out of pcapng files; see pcapng.h.
 *
 * Owns: the checks. A file may come from anywhere: no size in it is believed before the bytes are there.
 */
#include "kit/pcapng.h"

#include "kit/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    SECTION_HEAD = 28,
    INTERFACE_HEAD = 20,
    PACKET_HEAD = 32,
    BLOCK_LEAST = 12,
    BLOCK_MOST = 1280 * 1024 * 1024, /* the largest message of any transport, and some */
    READ_STEP = 1024 * 1024,
    OPTION_COMMENT = 1,
    OPTION_FLAGS = 2,
    OPTION_DROPPED = 4,
    OPTION_RESOLUTION = 9
};

static const char remedy[] = "record it again with the layer tap or 'via tap', or give a file that they have written";

/* ---- numbers ------------------------------------------------------------------------------------------------ */

static uint32_t u32(const via_pcapng_reader *reader, const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return reader->is_swapped ? __builtin_bswap32(value) : value;
}

static uint16_t u16(const via_pcapng_reader *reader, const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return reader->is_swapped ? __builtin_bswap16(value) : value;
}

static uint64_t u64(const via_pcapng_reader *reader, const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return reader->is_swapped ? __builtin_bswap64(value) : value;
}

/* ---- errors ------------------------------------------------------------------------------------------------- */

static via_status damaged(const via_pcapng_reader *reader, via_error *error, const char *what)
{
    return via_error_set(error, VIA_EPROTO, VIA_STAGE_PARSE, remedy, "%s: offset %" PRIu64 ": %s", reader->file,
                         reader->offset, what);
}

static via_status cut_short(const via_pcapng_reader *reader, via_error *error)
{
    return via_error_set(error, VIA_EPEER, VIA_STAGE_PARSE, "what comes before is whole",
                         "%s: offset %" PRIu64 ": the file ends inside a block, as when its writer was killed",
                         reader->file, reader->offset);
}

static via_status failed(const via_pcapng_reader *reader, via_error *error, via_status status, const char *what)
{
    const int code = errno;
    (void)via_error_set(error, status, VIA_STAGE_OPEN, NULL, "%s: %s", reader->file, what);
    via_error_os(error, code);
    return status;
}

/* ---- blocks ------------------------------------------------------------------------------------------------- */

static bool reserve(via_pcapng_reader *reader, size_t size)
{
    if (size <= reader->capacity)
        return true;
    uint8_t *block = realloc(reader->block, size);
    if (block == NULL)
        return false;
    reader->block = block;
    reader->capacity = size;
    return true;
}

/* Reads on until `size` bytes of the block are there; room is made step by step, for what really comes. */
static via_status fill(via_pcapng_reader *reader, size_t *have, size_t size, via_error *error)
{
    while (*have < size) {
        const size_t step = size - *have < READ_STEP ? size - *have : READ_STEP;
        if (!reserve(reader, *have + step))
            return failed(reader, error, VIA_ENOMEM, "out of memory for a block");
        const ssize_t got = read(reader->descriptor, reader->block + *have, step);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(reader, error, VIA_EIO, "cannot be read");
        if (got == 0)
            return *have == 0 ? VIA_ECLOSED : cut_short(reader, error);
        *have += (size_t)got;
    }
    return VIA_OK;
}

/* A section says in which order its bytes are, and its own size stands before that. */
static via_status read_order(via_pcapng_reader *reader, via_error *error)
{
    uint32_t magic;
    memcpy(&magic, reader->block + 8, sizeof(magic));
    if (magic != BYTE_ORDER_MAGIC && __builtin_bswap32(magic) != BYTE_ORDER_MAGIC)
        return damaged(reader, error, "a section without its byte order; expected 1A2B3C4D");
    reader->is_swapped = magic != BYTE_ORDER_MAGIC;
    reader->channel_count = 0;
    return VIA_OK;
}

/* One whole block. *size is its size. */
static via_status read_block(via_pcapng_reader *reader, size_t *size, via_error *error)
{
    uint32_t type;
    size_t have = 0;
    via_status status = fill(reader, &have, BLOCK_LEAST, error);
    if (status != VIA_OK)
        return status;
    memcpy(&type, reader->block, sizeof(type));
    if (type == VIA_PCAPNG_SECTION)
        status = read_order(reader, error);
    if (status != VIA_OK)
        return status;
    *size = u32(reader, reader->block + 4);
    if (*size < BLOCK_LEAST || *size > BLOCK_MOST || *size % 4 != 0)
        return damaged(reader, error, "a block's size is no multiple of 4, or out of bounds");
    status = fill(reader, &have, *size, error);
    if (status == VIA_OK && u32(reader, reader->block + *size - 4) != *size)
        return damaged(reader, error, "a block has another size at its end than at its beginning");
    return status;
}

/* ---- options ------------------------------------------------------------------------------------------------ */

typedef struct option {
    uint16_t code, size;
    const uint8_t *value;
} option;

/* The option at *at, which moves on. false = the end, or nonsense, which ends them too. */
static bool next_option(const via_pcapng_reader *reader, const uint8_t **at, const uint8_t *end, option *out)
{
    if (end - *at < 4)
        return false;
    out->code = u16(reader, *at);
    out->size = u16(reader, *at + 2);
    out->value = *at + 4;
    const size_t whole = ((size_t)out->size + 3) / 4 * 4;
    if (out->code == 0 || (size_t)(end - out->value) < whole)
        return false;
    *at = out->value + whole;
    return true;
}

static via_status take_interface(via_pcapng_reader *reader, size_t size, via_error *error)
{
    option found;
    if (size < INTERFACE_HEAD)
        return damaged(reader, error, "an interface block that is too short");
    if (reader->channel_count == VIA_PCAPNG_CHANNELS)
        return damaged(reader, error, "more than 256 interfaces in a section");
    via_pcapng_channel *channel = &reader->channels[reader->channel_count++];
    *channel = (via_pcapng_channel){u16(reader, reader->block + 8), false, 6};
    const uint8_t *at = reader->block + 16;
    while (next_option(reader, &at, reader->block + size - 4, &found)) {
        if (found.code == OPTION_RESOLUTION && found.size == 1) {
            channel->is_binary = (found.value[0] & 0x80) != 0;
            channel->exponent = found.value[0] & 0x7f;
        }
    }
    return VIA_OK;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

static uint64_t to_ns(const via_pcapng_channel *channel, uint64_t ticks)
{
    double seconds_ns = 1e9;
    if (!channel->is_binary && channel->exponent == 9)
        return ticks;
    if (!channel->is_binary && channel->exponent < 9) {
        uint64_t factor = 1;
        for (unsigned i = channel->exponent; i < 9; i++)
            factor *= 10;
        return ticks > UINT64_MAX / factor ? UINT64_MAX : ticks * factor;
    }
    for (unsigned i = 0; i < channel->exponent; i++)
        seconds_ns /= channel->is_binary ? 2 : 10;
    const double ns = (double)ticks * seconds_ns;
    return ns >= 1.8e19 ? UINT64_MAX : (uint64_t)ns;
}

static void take_options(via_pcapng_reader *reader, const uint8_t *at, const uint8_t *end, via_pcapng_message *message)
{
    option found;
    while (next_option(reader, &at, end, &found)) {
        if (found.code == OPTION_FLAGS && found.size == 4)
            message->direction = u32(reader, found.value) & 3;
        else if (found.code == OPTION_DROPPED && found.size == 8)
            message->dropped = u64(reader, found.value);
        else if (found.code == OPTION_COMMENT)
            via_pcapng_read_comment((const char *)found.value, found.size, &message->meta, reader->key,
                                    reader->content_type);
    }
}

static via_status take_packet(via_pcapng_reader *reader, size_t size, via_pcapng_message *message, const uint8_t **data,
                              via_error *error)
{
    const uint8_t *block = reader->block;
    if (size < PACKET_HEAD)
        return damaged(reader, error, "a packet block that is too short");
    memset(message, 0, sizeof(*message));
    message->channel = u32(reader, block + 8);
    message->captured = u32(reader, block + 20);
    message->size = u32(reader, block + 24);
    if (message->channel >= reader->channel_count)
        return damaged(reader, error, "a packet of an interface that is not described before it");
    if (message->captured > size - PACKET_HEAD)
        return damaged(reader, error, "a packet claims more bytes than its block has");
    const via_pcapng_channel *channel = &reader->channels[message->channel];
    if (channel->link_type != VIA_PCAPNG_USER0)
        return damaged(reader, error, "a packet of a network; expected messages (link type USER0, 147)");
    message->time_ns = to_ns(channel, (uint64_t)u32(reader, block + 12) << 32 | u32(reader, block + 16));
    *data = block + 28;
    take_options(reader, *data + ((size_t)message->captured + 3) / 4 * 4, block + size - 4, message);
    return VIA_OK;
}

via_status via_pcapng_next(via_pcapng_reader *reader, via_pcapng_message *message, const uint8_t **data,
                           via_error *error)
{
    for (;;) {
        size_t size = 0;
        via_status status = read_block(reader, &size, error);
        if (status != VIA_OK)
            return status;
        const uint32_t type = u32(reader, reader->block);
        if (type == VIA_PCAPNG_INTERFACE)
            status = take_interface(reader, size, error);
        else if (type == VIA_PCAPNG_PACKET)
            status = take_packet(reader, size, message, data, error);
        if (status != VIA_OK)
            return status;
        reader->offset += size;
        if (type == VIA_PCAPNG_PACKET)
            return VIA_OK;
    }
}

via_status via_pcapng_read_own(via_pcapng_reader *scratch, uint8_t *block, size_t size, via_pcapng_message *message,
                               const uint8_t **data, via_error *error)
{
    *scratch = (via_pcapng_reader){.descriptor = -1, .file = "a running program", .block = block, .channel_count = 1};
    scratch->channels[0] = (via_pcapng_channel){VIA_PCAPNG_USER0, false, 9};
    const via_status status = take_packet(scratch, size, message, data, error);
    scratch->block = NULL;
    return status;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static via_status check_kind(via_pcapng_reader *reader, via_error *error)
{
    size_t have = 0;
    uint32_t type;
    via_status status = fill(reader, &have, BLOCK_LEAST, error);
    if (status == VIA_ECLOSED)
        return damaged(reader, error, "the file is empty; expected a pcapng file");
    if (status == VIA_EPEER)
        return damaged(reader, error, "too short for a pcapng file");
    if (status != VIA_OK)
        return status;
    memcpy(&type, reader->block, sizeof(type));
    if (type == VIA_PCAPNG_SECTION)
        return lseek(reader->descriptor, 0, SEEK_SET) == 0 ? VIA_OK
                                                           : failed(reader, error, VIA_EIO, "cannot be sought");
    const uint32_t swapped = __builtin_bswap32(type);
    if (type == 0xa1b2c3d4 || swapped == 0xa1b2c3d4 || type == 0xa1b23c4d || swapped == 0xa1b23c4d)
        return damaged(reader, error, "a pcap file of the older kind; expected a pcapng file");
    return damaged(reader, error, "no pcapng file: it does not begin with 0A0D0D0A");
}

via_status via_pcapng_open(via_pcapng_reader *reader, const char *file, via_error *error)
{
    memset(reader, 0, sizeof(*reader));
    reader->file = file;
    reader->descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (reader->descriptor < 0)
        return failed(reader, error,
                      errno == ENOENT   ? VIA_ENOENT
                      : errno == EACCES ? VIA_EPERM
                                        : VIA_EIO,
                      "cannot be opened");
    const via_status status = check_kind(reader, error);
    if (status != VIA_OK)
        via_pcapng_close(reader);
    return status;
}

void via_pcapng_close(via_pcapng_reader *reader)
{
    if (reader->descriptor >= 0)
        (void)close(reader->descriptor);
    reader->descriptor = -1;
    free(reader->block);
    reader->block = NULL;
    reader->capacity = 0;
}
