/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Announcements and greetings; see record.h. The checksum (FNV-1a) is against chance, not against malice: whoever may
 * write to the FIFO is the same user.
 */
#include "record.h"

#include <string.h>

static const uint8_t magic[8] = {'V', 'I', 'A', 'P', 'I', 'P', 'E', '1'};

/* Both ends are on one machine, so the machine's byte order will do. */
struct wire {
    uint8_t magic[8];
    uint32_t kind;
    uint32_t role;
    uint32_t framing;
    uint32_t zero;
    int64_t pid;
    uint8_t id[16];
    uint64_t reserved;
    uint64_t check;
};

_Static_assert(sizeof(struct wire) == PIPE_RECORD_SIZE, "an announcement has 64 bytes everywhere");

static uint64_t fnv(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

void pipe_record_write(const pipe_record *record, uint8_t out[PIPE_RECORD_SIZE])
{
    struct wire wire = {.kind = record->kind, .role = record->role, .framing = record->framing, .pid = record->pid};

    memcpy(wire.magic, magic, sizeof(magic));
    memcpy(wire.id, record->id, sizeof(wire.id));
    wire.check = fnv(&wire, offsetof(struct wire, check));
    memcpy(out, &wire, sizeof(wire));
}

via_status pipe_record_read(const uint8_t bytes[PIPE_RECORD_SIZE], pipe_record *record)
{
    struct wire wire;

    memcpy(&wire, bytes, sizeof(wire));
    if (memcmp(wire.magic, magic, sizeof(magic)) != 0 || wire.check != fnv(&wire, offsetof(struct wire, check)))
        return VIA_EPROTO;
    if (wire.kind < PIPE_RECORD_CONNECT || wire.kind > PIPE_RECORD_AGAIN)
        return VIA_EPROTO;
    if (wire.role > 2 || wire.pid <= 0 || wire.pid > INT32_MAX)
        return VIA_EPROTO;
    record->kind = wire.kind;
    record->role = wire.role;
    record->framing = wire.framing;
    record->pid = wire.pid;
    memcpy(record->id, wire.id, sizeof(wire.id));
    return VIA_OK;
}

size_t pipe_record_resync(const uint8_t *bytes, size_t size)
{
    size_t at = 1;

    for (; at < size; at++) {
        size_t rest = size - at < sizeof(magic) ? size - at : sizeof(magic);

        if (memcmp(bytes + at, magic, rest) == 0)
            break;
    }
    return at < size ? at : size;
}

/* Who may talk to this role: a pair to a pair, one end of a queue to the other. */
static uint32_t counterpart(uint32_t role)
{
    return role == VIA_PUSH ? VIA_PULL : role == VIA_PULL ? VIA_PUSH : role;
}

uint8_t pipe_record_judge(const pipe_record *record, uint32_t role, uint32_t framing)
{
    if (record->role != counterpart(role))
        return PIPE_GREETING_PATTERN;
    return record->framing == framing ? PIPE_GREETING_WELCOME : PIPE_GREETING_FRAMING;
}

uint32_t pipe_record_framing(const char *name)
{
    return (uint32_t)fnv(name, strlen(name));
}

void pipe_greeting_write(uint8_t verdict, uint8_t out[PIPE_GREETING_SIZE])
{
    memcpy(out, magic, PIPE_GREETING_SIZE - 1);
    out[PIPE_GREETING_SIZE - 1] = verdict;
}

uint8_t pipe_greeting_read(const uint8_t bytes[PIPE_GREETING_SIZE])
{
    uint8_t verdict = bytes[PIPE_GREETING_SIZE - 1];

    if (memcmp(bytes, magic, PIPE_GREETING_SIZE - 1) != 0 || verdict > PIPE_GREETING_FRAMING)
        return 0;
    return verdict;
}
