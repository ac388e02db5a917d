/* SPDX-License-Identifier: Apache-2.0 */
#include "walk.h"

#include <stdlib.h>

/* Every byte that is given out is read, so that a sanitizer sees it. */
static void touch(const void *bytes, size_t size)
{
    static volatile unsigned char seen;
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        seen = (unsigned char)(seen ^ at[i]);
}

static void copy_number(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer, rpc_token token)
{
    uint64_t natural;
    int64_t integer;
    double number;

    if (token == RPC_UNSIGNED && codec->get_unsigned(reader, &natural))
        codec->put_unsigned(writer, natural);
    else if (token == RPC_NEGATIVE && codec->get_signed(reader, &integer))
        codec->put_signed(writer, integer);
    else if (token == RPC_FLOAT && codec->get_float(reader, &number))
        codec->put_float(writer, number);
    else
        abort();
}

/* Text that is not UTF-8, and extensions, have no getter that takes them. */
static void copy_scalar(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer, rpc_token token)
{
    const unsigned char *bytes;
    const char *text;
    size_t size;
    bool truth;

    if (token == RPC_NIL && codec->get_nil(reader))
        codec->put_nil(writer);
    else if (token == RPC_BOOLEAN && codec->get_bool(reader, &truth))
        codec->put_bool(writer, truth);
    else if (token == RPC_TEXT && codec->get_text(reader, &text, &size)) {
        touch(text, size);
        codec->put_text(writer, text, size);
    } else if (token == RPC_BINARY && codec->get_bytes(reader, &bytes, &size)) {
        touch(bytes, size);
        codec->put_bytes(writer, bytes, size);
    } else if (token == RPC_TEXT || token == RPC_OTHER) {
        if (!codec->skip(reader))
            abort();
        codec->put_nil(writer);
    } else
        copy_number(codec, reader, writer, token);
}

static void copy(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer);

static void copy_list(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer)
{
    size_t count;

    if (!codec->enter_list(reader, &count) || count > reader->size)
        abort();
    codec->begin_list(writer, count);
    for (size_t i = 0; i < count; i++)
        copy(codec, reader, writer);
    if (codec->next(reader) != RPC_NOTHING)
        abort();
    codec->leave_list(reader);
    codec->end_list(writer);
}

static void copy_map(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer)
{
    size_t count;

    if (!codec->enter_map(reader, &count) || count > reader->size / 2)
        abort();
    codec->begin_map(writer, count);
    for (size_t i = 0; i < count; i++) {
        const char *key = "?";
        size_t size = 1;

        if (!codec->get_key(reader, &key, &size) && !codec->skip(reader))
            abort();
        touch(key, size);
        codec->put_key(writer, key, size);
        copy(codec, reader, writer);
    }
    codec->leave_map(reader);
    codec->end_map(writer);
}

/* A value that is not what was asked for stays the next. */
static void ask_for_the_wrong_type(const rpc_codec *codec, rpc_reader *reader, rpc_token token)
{
    const unsigned char *bytes;
    const char *text;
    size_t size;
    bool truth;

    if (token != RPC_NIL && codec->get_nil(reader))
        abort();
    if (token != RPC_BOOLEAN && codec->get_bool(reader, &truth))
        abort();
    if (token != RPC_TEXT && codec->get_text(reader, &text, &size))
        abort();
    if (token != RPC_TEXT && token != RPC_BINARY && codec->get_bytes(reader, &bytes, &size))
        abort();
    if ((token != RPC_LIST && codec->enter_list(reader, &size)) ||
        (token != RPC_MAP && codec->enter_map(reader, &size)))
        abort();
    if (codec->next(reader) != token || !reader->wrong)
        abort();
}

static void copy(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer)
{
    rpc_token token = codec->next(reader);

    ask_for_the_wrong_type(codec, reader, token);
    if (token == RPC_LIST)
        copy_list(codec, reader, writer);
    else if (token == RPC_MAP)
        copy_map(codec, reader, writer);
    else
        copy_scalar(codec, reader, writer, token);
}

void fuzz_walk(const rpc_codec *codec, rpc_reader *reader, rpc_writer *writer)
{
    while (codec->next(reader) != RPC_NOTHING)
        copy(codec, reader, writer);
}
