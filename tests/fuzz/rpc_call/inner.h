/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel below that brings what a fuzzer has made up, never waits, and looks at what is sent.
 *
 * Owns: how the bytes are cut. Whole messages end at each byte c1, which begins no value of MessagePack and stands in no text of
 * UTF-8; a stream comes in pieces of the same size. Each lies in memory of exactly its size.
 */
#ifndef FUZZ_INNER_H
#define FUZZ_INNER_H

#include "peer.h"

typedef struct fuzz_inner {
    const rpc_codec *codec;
    const uint8_t *data;
    size_t size;
    size_t piece;  /* of a stream; 0 = whole messages */
    bool is_tight; /* who sends without waiting is told that there is no room */
    size_t lent;   /* messages that have not been given back */
} fuzz_inner;

extern const via_channel_ops fuzz_inner_ops;

#endif
