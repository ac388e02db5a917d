/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message boundaries on a byte stream.
 *
 * Owns: how a frame begins and ends: sp-ipc, sp-tcp, raw, line, length32, content-length. Knows nothing of descriptors
 * or buffers. Parsers trust no byte: sizes are checked against the limit before anything is allocated.
 */
#ifndef VIADUCT_KIT_FRAMING_H
#define VIADUCT_KIT_FRAMING_H

#include <viaduct/plugin.h>

#define VIA_FRAME_HEADER_MAX 64 /* bytes that any framing puts before a body */
#define VIA_FRAME_TRAILER_MAX 8 /* and after it */

/* What a parser found out about the frame that begins the bytes it was given. */
typedef struct via_frame {
    size_t header;  /* bytes before the body */
    size_t body;    /* bytes of the body */
    size_t trailer; /* bytes after it */
    size_t scanned; /* in and out: bytes already searched for an end; start a new frame with 0 */
} via_frame;

typedef struct via_framing {
    const char *name;
    bool keeps_boundaries;
    bool ends_at_eof; /* unfinished bytes at the end of the stream are a last message (raw, line), not a torn one */
    /*
     * Looks at the first `size` bytes of a frame. VIA_OK: all three sizes are known; the frame may still be incomplete.
     * VIA_ETIMEDOUT: more bytes are needed to tell. VIA_EPROTO; VIA_ETOOBIG: the body is above `limit`.
     * While `size` grows, the same frame is handed in again.
     */
    via_status (*parse)(const uint8_t *data, size_t size, uint64_t limit, via_frame *frame);
    /* Writes what goes before a body of `body` bytes; returns its size. */
    size_t (*header)(uint64_t body, uint8_t out[VIA_FRAME_HEADER_MAX]);
    const char *trailer; /* what goes after it, "" = nothing */
    uint64_t max_body;   /* bytes that the size field can say */
    /* May this body be sent? NULL = any. VIA_EINVAL: it has the separator in it. */
    via_status (*check)(const via_slice *slices, size_t count);
} via_framing;

extern const via_framing via_framing_sp_ipc;         /* 01, u64be size; nng's and nanomsg's IPC mapping */
extern const via_framing via_framing_sp_tcp;         /* u64be size; RFC sp-tcp-mapping-01 */
extern const via_framing via_framing_raw;            /* none: a byte stream, one read is one message */
extern const via_framing via_framing_line;           /* up to \n, which is not part of the message */
extern const via_framing via_framing_length32;       /* u32be size */
extern const via_framing via_framing_content_length; /* "Content-Length: N\r\n\r\n", as the Language Server Protocol */

/* By name: "raw", "line", "length32", "content-length"; NULL for anything else ("sp" is the transport's to choose). */
const via_framing *via_framing_find(const char *name);

#endif
