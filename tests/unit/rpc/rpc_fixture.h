/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of the codecs share: a writer and a reader with their memory, and a walk over everything in a message.
 */
#ifndef RPC_FIXTURE_H
#define RPC_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#undef skip /* a codec has a member of that name */

#include "codec.h"

enum { FIXTURE_LIMIT = 16 * 1024 * 1024 };

typedef struct rpc_fixture {
    rpc_writer writer;
    rpc_arena arena;
    rpc_reader reader;
    rpc_envelope envelope;
    unsigned char *copy; /* the message, in memory of exactly its size */
} rpc_fixture;

int rpc_set_up(void **state);
int rpc_tear_down(void **state);

/* Opens a copy of these bytes. Close it with rpc_shut. */
via_status rpc_open_bytes(rpc_fixture *f, const rpc_codec *codec, const void *bytes, size_t size);
via_status rpc_open_text(rpc_fixture *f, const rpc_codec *codec, const char *text);
/* Opens what the writer has, which must be a good message. */
void rpc_open_written(rpc_fixture *f, const rpc_codec *codec);
void rpc_shut(rpc_fixture *f, const rpc_codec *codec);

/* Reads everything that the open message has, each value by the way that `next` suggests. Returns how many there were. */
size_t rpc_walk_values(const rpc_codec *codec, rpc_reader *reader);

/* A small generator of numbers that look random. */
uint64_t rpc_random(uint64_t *seed);

#endif
