/* SPDX-License-Identifier: Apache-2.0 */
/* Records: header, key, content type, body. Key and type are there with their NUL, or have no bytes at all. */
#include "breaker.h"

#include <stdlib.h>
#include <string.h>

typedef struct via_packet_header {
    uint64_t sequence;
    int32_t priority;
    uint8_t kind;
    uint8_t missed;
    uint16_t key_size;
    uint16_t type_size;
    uint16_t zero[3];
} via_packet_header;

static size_t text_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

via_packet *via_packet_make(int kind, const via_slice *slices, size_t count, const via_meta *meta, uint64_t sequence)
{
    size_t key = meta ? text_size(meta->key) : 0, type = meta ? text_size(meta->content_type) : 0, body = 0;
    via_packet_header header = {sequence, meta ? meta->priority : 0, (uint8_t)kind, 0, (uint16_t)key, (uint16_t)type,
                                {0}};

    for (size_t i = 0; i < count; i++)
        body += slices[i].size;
    via_packet *packet = malloc(sizeof(*packet) + sizeof(header) + key + type + body);
    if (!packet)
        return NULL;
    packet->next = NULL;
    packet->size = sizeof(header) + key + type + body;
    unsigned char *at = packet->bytes;
    memcpy(at, &header, sizeof(header));
    at += sizeof(header);
    if (key)
        memcpy(at, meta->key, key);
    at += key;
    if (type)
        memcpy(at, meta->content_type, type);
    at += type;
    for (size_t i = 0; i < count; at += slices[i++].size) {
        if (slices[i].size)
            memcpy(at, slices[i].data, slices[i].size);
    }
    return packet;
}

static via_packet_header header_of(const via_packet *packet)
{
    via_packet_header header;
    memcpy(&header, packet->bytes, sizeof(header));
    return header;
}

int via_packet_kind(const via_packet *packet)
{
    return header_of(packet).kind;
}

uint64_t via_packet_sequence(const via_packet *packet)
{
    return header_of(packet).sequence;
}

size_t via_packet_body(const via_packet *packet, const unsigned char **body)
{
    via_packet_header header = header_of(packet);
    size_t before = sizeof(header) + header.key_size + header.type_size;
    *body = packet->bytes + before;
    return packet->size - before;
}

const char *via_packet_key(const via_packet *packet)
{
    return header_of(packet).key_size ? (const char *)packet->bytes + sizeof(via_packet_header) : NULL;
}

void via_packet_lend(via_packet *packet, via_msg *message)
{
    via_packet_header header = header_of(packet);
    const unsigned char *body;

    memset(message, 0, sizeof(*message));
    message->size = via_packet_body(packet, &body);
    message->data = packet->bytes + (body - packet->bytes);
    message->meta.sequence = header.sequence;
    message->meta.priority = header.priority;
    message->meta.key = via_packet_key(packet);
    if (header.type_size)
        message->meta.content_type = (const char *)packet->bytes + sizeof(header) + header.key_size;
    message->token[0] = (uintptr_t)packet;
}

void via_packets_push(via_packets *packets, via_packet *packet)
{
    packet->next = NULL;
    if (packets->last)
        packets->last->next = packet;
    else
        packets->first = packet;
    packets->last = packet;
    packets->bytes += packet->size;
    packets->count++;
}

via_packet *via_packets_pop(via_packets *packets)
{
    via_packet *packet = packets->first;

    if (!packet)
        return NULL;
    packets->first = packet->next;
    if (!packets->first)
        packets->last = NULL;
    packets->bytes -= packet->size;
    packets->count--;
    return packet;
}

void via_packets_clear(via_packets *packets)
{
    via_packet *packet;
    while ((packet = via_packets_pop(packets)) != NULL)
        free(packet);
}
