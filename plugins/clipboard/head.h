/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a content stands in a file of the embedded backend.
 *
 * Owns: the format. A file is one content: a head, then the bytes of all formats, one after the other. It never changes once it
 * has its name. Numbers are little-endian:
 *
 *   0  "VIACLIP1"          24  flags (u32)              40  bytes of all formats together (u64)
 *   8  id (u64, random)    28  formats (u32)            48  for each format: bytes (u64), length of its type (u32), 0 (u32)
 *  16  generation (u64)    32  bytes of the head (u32)      then the types, each ended by a NUL
 *                          36  0 (u32)
 */
#ifndef CLIPBOARD_HEAD_H
#define CLIPBOARD_HEAD_H

#include "content.h"

enum {
    CLIP_HEAD_FORMATS = VIA_OFFERS_MAX + 1, /* the hint of a secret */
    CLIP_HEAD_LARGEST = 48 + CLIP_HEAD_FORMATS * (16 + 256)
};

/* clip_head.flags */
enum { CLIP_HEAD_SENSITIVE = 1u, CLIP_HEAD_ONCE = 2u };

/* No file has a larger generation: those who count on from it never come to an end of the numbers. */
#define CLIP_GENERATION_LAST ((uint64_t)INT64_MAX / 2)

typedef struct clip_head {
    uint64_t id;         /* of this content, unlike that of any other */
    uint64_t generation; /* how many there have been */
    uint32_t flags;
    uint32_t count; /* 0 = the clipboard is empty */
    struct {
        const char *type; /* in the bytes that were parsed */
        uint64_t offset;  /* in the file */
        uint64_t size;
    } formats[CLIP_HEAD_FORMATS];
} clip_head;

/* `bytes`: the first `size` of a file that has `file_size`; all of the head must be there. VIA_OK, VIA_EPROTO. */
via_status clip_head_parse(const uint8_t *bytes, size_t size, uint64_t file_size, clip_head *head);
/* Writes the head of this content; NULL = empty. generation: 1 to CLIP_GENERATION_LAST. At most CLIP_HEAD_LARGEST bytes; returns how many. */
size_t clip_head_write(const clip_content *content, uint64_t id, uint64_t generation, uint8_t *bytes);

#endif
