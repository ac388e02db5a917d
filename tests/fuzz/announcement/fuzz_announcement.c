/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes on a listener's FIFO, and any bytes as a greeting.
 *
 * The bytes are read as the listener does: an announcement, or on to the next place where one may begin. Whatever comes,
 * reading ends, skips no announcement, and what is taken for one means the same when it is written again. Fields that are
 * made of the bytes are an announcement exactly if they may be: no bytes but those with the right sum come that far.
 */
#include "record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static bool is_same(const pipe_record *a, const pipe_record *b)
{
    return a->kind == b->kind && a->role == b->role && a->framing == b->framing && a->pid == b->pid &&
           memcmp(a->id, b->id, sizeof(a->id)) == 0;
}

static void check_written_again(const pipe_record *record)
{
    uint8_t bytes[PIPE_RECORD_SIZE];
    pipe_record again;

    pipe_record_write(record, bytes);
    demand(pipe_record_read(bytes, &again) == VIA_OK);
    demand(is_same(record, &again));
}

/* ---- a stream of them ----------------------------------------------------------------------------------------- */

/* How many announcements were found. */
static size_t read_stream(const uint8_t *data, size_t size)
{
    size_t found = 0;

    while (size >= PIPE_RECORD_SIZE) {
        pipe_record record;
        size_t taken = PIPE_RECORD_SIZE;
        if (pipe_record_read(data, &record) == VIA_OK) {
            check_written_again(&record);
            found++;
        } else {
            taken = pipe_record_resync(data, PIPE_RECORD_SIZE);
            demand(taken >= 1 && taken <= PIPE_RECORD_SIZE);
        }
        data += taken;
        size -= taken;
    }
    return found;
}

/* ---- fields --------------------------------------------------------------------------------------------------- */

static bool may_be(const pipe_record *record)
{
    return record->kind >= PIPE_RECORD_CONNECT && record->kind <= PIPE_RECORD_AGAIN && record->role <= VIA_PULL &&
           record->pid > 0 && record->pid <= INT32_MAX;
}

/* The first bytes decide how large a field is, since most large numbers are wrong. */
static void take_fields(const uint8_t *data, pipe_record *record)
{
    memcpy(&record->kind, data + 4, sizeof(record->kind));
    memcpy(&record->role, data + 8, sizeof(record->role));
    memcpy(&record->framing, data + 12, sizeof(record->framing));
    memcpy(&record->pid, data + 16, sizeof(record->pid));
    memcpy(record->id, data + 24, sizeof(record->id));
    record->kind >>= data[0] & 31;
    record->role >>= data[1] & 31;
    record->pid >>= data[2] & 63;
}

/* Behind any other bytes an announcement is found, unless they begin one themselves. */
static void check_fields(const uint8_t *data, size_t size)
{
    uint8_t stream[200 + 2 * PIPE_RECORD_SIZE] = {0};
    size_t before = size - 40 < 200 ? size - 40 : 200;
    pipe_record record;

    take_fields(data, &record);
    memcpy(stream, data + 40, before);
    for (size_t i = 0; i < before; i++)
        if (stream[i] == 'V')
            stream[i] = 'v';
    pipe_record_write(&record, stream + before);
    demand(read_stream(stream, sizeof(stream)) == may_be(&record));
}

static void check_greeting(const uint8_t bytes[PIPE_GREETING_SIZE])
{
    uint8_t again[PIPE_GREETING_SIZE];
    uint8_t verdict = pipe_greeting_read(bytes);

    demand(verdict <= PIPE_GREETING_FRAMING);
    pipe_greeting_write(verdict, again);
    demand(verdict == 0 || memcmp(bytes, again, sizeof(again)) == 0);
    pipe_greeting_write(bytes[0], again);
    demand(pipe_greeting_read(again) == (bytes[0] <= PIPE_GREETING_FRAMING ? bytes[0] : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)read_stream(data, size);
    if (size >= PIPE_GREETING_SIZE)
        check_greeting(data);
    if (size >= 40)
        check_fields(data, size);
    return 0;
}
