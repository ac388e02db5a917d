/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting messages into pcapng blocks; see pcapng.h.
 *
 * Owns: how the meta data of a message stand in a packet's comment: "key=K type=T priority=N sequence=N", what there is of
 * them, with blanks, '%', '=' and control characters of texts as %XX. Must never allocate or wait: it runs in the traffic.
 */
#include "kit/pcapng.h"

#include <string.h>

enum {
    BYTE_ORDER_MAGIC = 0x1a2b3c4d,
    END_OF_OPTIONS = 0,
    COMMENT = 1,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_RESOLUTION = 9,
    PACKET_FLAGS = 2,
    PACKET_DROPPED = 4,
    STATISTICS_RECEIVED = 4,
    STATISTICS_DROPPED = 5,
    PACKET_HEAD = 28, /* up to its data */
    OPTION_HEAD = 4,
    LENGTH = 4,
    COMMENT_MOST = 3 * 255 * 2 + 96
};

/* ---- pieces ------------------------------------------------------------------------------------------------- */

typedef struct writer {
    uint8_t *to;
    size_t at, capacity;
    bool overflows;
} writer;

static void put(writer *out, const void *bytes, size_t size)
{
    if (size > out->capacity - out->at) {
        out->overflows = true;
        return;
    }
    if (size > 0)
        memcpy(out->to + out->at, bytes, size);
    out->at += size;
}

static void put_u16(writer *out, uint16_t value)
{
    put(out, &value, sizeof(value));
}

static void put_u32(writer *out, uint32_t value)
{
    put(out, &value, sizeof(value));
}

static size_t padding(size_t size)
{
    return (4 - size % 4) % 4;
}

static void pad(writer *out)
{
    static const uint8_t zeros[4];
    put(out, zeros, padding(out->at));
}

static void put_option(writer *out, uint16_t code, const void *bytes, size_t size)
{
    put_u16(out, code);
    put_u16(out, (uint16_t)size);
    put(out, bytes, size);
    pad(out);
}

static void put_text(writer *out, uint16_t code, const char *text)
{
    if (text != NULL && text[0] != '\0')
        put_option(out, code, text, strnlen(text, 4096));
}

/* The type, a place for the size, and the writer behind them. */
static writer begin(uint8_t *to, size_t capacity, uint32_t type)
{
    writer out = {to, 0, capacity, false};
    put_u32(&out, type);
    put_u32(&out, 0);
    return out;
}

static size_t end(writer *out)
{
    put_u16(out, END_OF_OPTIONS);
    put_u16(out, 0);
    const uint32_t size = (uint32_t)(out->at + LENGTH);
    put_u32(out, size);
    if (out->overflows)
        return 0;
    memcpy(out->to + 4, &size, sizeof(size));
    return size;
}

/* ---- blocks ------------------------------------------------------------------------------------------------- */

size_t via_pcapng_put_section(uint8_t *to, size_t capacity, const char *comment)
{
    static const uint64_t unknown_size = UINT64_MAX;
    writer out = begin(to, capacity, VIA_PCAPNG_SECTION);
    put_u32(&out, BYTE_ORDER_MAGIC);
    put_u16(&out, 1); /* version 1.0 */
    put_u16(&out, 0);
    put(&out, &unknown_size, sizeof(unknown_size));
    put_text(&out, COMMENT, comment);
    put_text(&out, SECTION_APPLICATION, "Viaduct, layer tap");
    return end(&out);
}

size_t via_pcapng_put_interface(uint8_t *to, size_t capacity, const char *name, const char *description,
                                uint32_t snaplen)
{
    static const uint8_t nanoseconds = 9;
    writer out = begin(to, capacity, VIA_PCAPNG_INTERFACE);
    put_u16(&out, VIA_PCAPNG_USER0);
    put_u16(&out, 0);
    put_u32(&out, snaplen);
    put_text(&out, INTERFACE_NAME, name);
    put_text(&out, INTERFACE_DESCRIPTION, description);
    put_option(&out, INTERFACE_RESOLUTION, &nanoseconds, sizeof(nanoseconds));
    return end(&out);
}

size_t via_pcapng_put_statistics(uint8_t *to, size_t capacity, uint32_t channel, uint64_t time_ns, uint64_t recorded,
                                 uint64_t dropped)
{
    writer out = begin(to, capacity, VIA_PCAPNG_STATISTICS);
    put_u32(&out, channel);
    put_u32(&out, (uint32_t)(time_ns >> 32));
    put_u32(&out, (uint32_t)time_ns);
    put_option(&out, STATISTICS_RECEIVED, &recorded, sizeof(recorded));
    put_option(&out, STATISTICS_DROPPED, &dropped, sizeof(dropped));
    return end(&out);
}

void via_pcapng_put_padding(uint8_t *to, size_t size)
{
    const uint32_t type = VIA_PCAPNG_PADDING, length = (uint32_t)size;
    memset(to, 0, size);
    memcpy(to, &type, sizeof(type));
    memcpy(to + sizeof(type), &length, sizeof(length));
    memcpy(to + size - LENGTH, &length, sizeof(length));
}

/* ---- a message's meta data ---------------------------------------------------------------------------------- */

static void put_escaped(writer *out, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < 255 && text[i] != '\0'; i++) {
        const unsigned char byte = (unsigned char)text[i];
        const char escaped[3] = {'%', digits[byte >> 4], digits[byte & 15]};
        if (byte <= ' ' || byte == '%' || byte == '=' || byte == 0x7f)
            put(out, escaped, sizeof(escaped));
        else
            put(out, &text[i], 1);
    }
}

static void put_number(writer *out, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    put(out, digits + at, sizeof(digits) - at);
}

static void put_name(writer *out, const char *name)
{
    if (out->at > 0)
        put(out, " ", 1);
    put(out, name, strlen(name));
}

static size_t describe(const via_meta *meta, uint8_t text[COMMENT_MOST])
{
    writer out = {text, 0, COMMENT_MOST, false};
    if (meta->key != NULL) {
        put_name(&out, "key=");
        put_escaped(&out, meta->key);
    }
    if (meta->content_type != NULL) {
        put_name(&out, "type=");
        put_escaped(&out, meta->content_type);
    }
    if (meta->priority != 0) {
        put_name(&out, meta->priority < 0 ? "priority=-" : "priority=");
        put_number(&out, meta->priority < 0 ? (uint64_t) - (int64_t)meta->priority : (uint64_t)meta->priority);
    }
    if (meta->sequence != 0) {
        put_name(&out, "sequence=");
        put_number(&out, meta->sequence);
    }
    return out.at;
}

static bool has_meta(const via_meta *meta)
{
    return meta->key != NULL || meta->content_type != NULL || meta->priority != 0 || meta->sequence != 0;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

size_t via_pcapng_message_size(const via_pcapng_message *message)
{
    uint8_t comment[COMMENT_MOST];
    const size_t length = has_meta(&message->meta) ? describe(&message->meta, comment) : 0;
    size_t size = PACKET_HEAD + message->captured + padding(message->captured);
    size += OPTION_HEAD + 4;                                         /* flags */
    size += message->dropped > 0 ? OPTION_HEAD + 8 : 0;              /* drop count */
    size += length > 0 ? OPTION_HEAD + length + padding(length) : 0; /* comment */
    return size + OPTION_HEAD + LENGTH;                              /* end of options, size */
}

static void put_data(writer *out, const via_slice *slices, size_t count, size_t captured)
{
    for (size_t i = 0; i < count && captured > 0; i++) {
        const size_t part = slices[i].size < captured ? slices[i].size : captured;
        put(out, slices[i].data, part);
        captured -= part;
    }
    pad(out);
}

void via_pcapng_put_message(uint8_t *to, size_t size, const via_pcapng_message *message, const via_slice *slices,
                            size_t count)
{
    uint8_t comment[COMMENT_MOST];
    writer out = begin(to, size, VIA_PCAPNG_PACKET);
    put_u32(&out, message->channel);
    put_u32(&out, (uint32_t)(message->time_ns >> 32));
    put_u32(&out, (uint32_t)message->time_ns);
    put_u32(&out, message->captured);
    put_u32(&out, message->size);
    put_data(&out, slices, count, message->captured);
    put_option(&out, PACKET_FLAGS, &message->direction, sizeof(message->direction));
    if (message->dropped > 0)
        put_option(&out, PACKET_DROPPED, &message->dropped, sizeof(message->dropped));
    if (has_meta(&message->meta))
        put_option(&out, COMMENT, comment, describe(&message->meta, comment));
    (void)end(&out);
}

uint64_t via_pcapng_time_of(const uint8_t *block)
{
    uint32_t words[2];
    memcpy(words, block + 12, sizeof(words));
    return (uint64_t)words[0] << 32 | words[1];
}

void via_pcapng_set_channel(uint8_t *block, uint32_t channel)
{
    memcpy(block + 8, &channel, sizeof(channel));
}
