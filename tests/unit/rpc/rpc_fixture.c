/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc_fixture.h"

int rpc_set_up(void **state)
{
    rpc_fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    rpc_writer_init(&f->writer, FIXTURE_LIMIT);
    rpc_arena_init(&f->arena, 4 * (size_t)FIXTURE_LIMIT);
    *state = f;
    return 0;
}

int rpc_tear_down(void **state)
{
    rpc_fixture *f = *state;

    rpc_writer_fini(&f->writer);
    rpc_arena_fini(&f->arena);
    free(f->copy);
    free(f);
    return 0;
}

via_status rpc_open_bytes(rpc_fixture *f, const rpc_codec *codec, const void *bytes, size_t size)
{
    rpc_arena_reset(&f->arena);
    free(f->copy);
    f->copy = malloc(size ? size : 1);
    assert_non_null(f->copy);
    if (size > 0)
        memcpy(f->copy, bytes, size);
    return codec->open(&f->reader, f->copy, size, &f->arena, &f->envelope);
}

via_status rpc_open_text(rpc_fixture *f, const rpc_codec *codec, const char *text)
{
    return rpc_open_bytes(f, codec, text, strlen(text));
}

void rpc_open_written(rpc_fixture *f, const rpc_codec *codec)
{
    assert_int_equal(f->writer.status, VIA_OK);
    if (rpc_open_bytes(f, codec, f->writer.data, f->writer.size) != VIA_OK)
        fail_msg("%.*s: %s", (int)f->writer.size, (const char *)f->writer.data, f->reader.wrong);
}

void rpc_shut(rpc_fixture *f, const rpc_codec *codec)
{
    codec->close(&f->reader);
}

static uint64_t sum_bytes(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    uint64_t sum = 0;

    for (size_t i = 0; i < size; i++)
        sum += at[i];
    return sum;
}

/* So that a sanitizer sees each byte that is given out. */
static volatile uint64_t seen;

/* Reads a value that holds no others; one that `next` was wrong about is skipped. */
static bool read_scalar(const rpc_codec *codec, rpc_reader *reader, rpc_token token)
{
    const unsigned char *bytes;
    const char *text;
    uint64_t natural;
    int64_t integer;
    double number;
    size_t size;
    bool truth;

    if ((token == RPC_NIL && codec->get_nil(reader)) || (token == RPC_BOOLEAN && codec->get_bool(reader, &truth)) ||
        (token == RPC_UNSIGNED && codec->get_unsigned(reader, &natural)) ||
        (token == RPC_NEGATIVE && codec->get_signed(reader, &integer)) ||
        (token == RPC_FLOAT && codec->get_float(reader, &number)))
        return true;
    if (token == RPC_TEXT && codec->get_text(reader, &text, &size)) {
        seen = seen + sum_bytes(text, size);
        return true;
    }
    if (token == RPC_BINARY && codec->get_bytes(reader, &bytes, &size)) {
        seen = seen + sum_bytes(bytes, size);
        return true;
    }
    return codec->skip(reader);
}

static size_t walk(const rpc_codec *codec, rpc_reader *reader);

static size_t walk_map(const rpc_codec *codec, rpc_reader *reader, size_t count)
{
    size_t values = 0, size;
    const char *key;

    for (; count > 0; count--) {
        if (codec->get_key(reader, &key, &size))
            seen = seen + sum_bytes(key, size);
        else
            (void)codec->skip(reader);
        values += walk(codec, reader);
    }
    codec->leave_map(reader);
    return values;
}

/* The next value, with all that is in it. */
static size_t walk(const rpc_codec *codec, rpc_reader *reader)
{
    rpc_token token = codec->next(reader);
    size_t values = 1, count;

    if (token == RPC_LIST && codec->enter_list(reader, &count)) {
        for (; count > 0; count--)
            values += walk(codec, reader);
        codec->leave_list(reader);
    } else if (token == RPC_MAP && codec->enter_map(reader, &count))
        values += walk_map(codec, reader, count);
    else
        return read_scalar(codec, reader, token);
    return values;
}

size_t rpc_walk_values(const rpc_codec *codec, rpc_reader *reader)
{
    size_t values = 0;

    while (codec->next(reader) != RPC_NOTHING)
        values += walk(codec, reader);
    return values;
}

uint64_t rpc_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed * UINT64_C(0x2545f4914f6cdd1d);
}
