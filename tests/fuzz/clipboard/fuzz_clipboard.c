/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a file of the clipboard, and any types as what is offered and wanted.
 *
 * What is taken for a content adds up, and means the same when it is written again; what is chosen was offered. The first two bytes
 * say how much of the file there is beyond what is given, since most lengths are wrong.
 */
#include "choice.h"
#include "head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* In memory of exactly its size, so that a look beyond it shows. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);

    demand(copy != NULL);
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

static void check_written_again(const clip_head *head, const uint8_t *bytes, size_t size)
{
    static uint8_t again[CLIP_HEAD_LARGEST];
    static uint8_t nothing[1 << 17];
    via_offer offers[CLIP_HEAD_FORMATS];

    for (uint32_t i = 0; i < head->count; i++) {
        if (head->formats[i].size > sizeof(nothing))
            return;
        offers[i] = (via_offer){head->formats[i].type, nothing, (size_t)head->formats[i].size};
    }
    clip_content *content =
        clip_content_create(offers, head->count, (clip_marks){false, head->flags & CLIP_HEAD_ONCE}, 1);
    demand(content != NULL);
    content->is_sensitive = head->flags & CLIP_HEAD_SENSITIVE;
    const size_t written = clip_head_write(content, head->id, head->generation, again);
    demand(written <= size && memcmp(again, bytes, written) == 0);
    clip_content_drop(content);
}

static void check_choice(const clip_head *head, const char *wanted)
{
    const char *types[CLIP_HEAD_FORMATS];
    clip_choice choice = {NULL, NULL};
    bool is_offered = false;

    for (uint32_t i = 0; i < head->count; i++)
        types[i] = head->formats[i].type;
    if (!clip_choose(wanted, types, head->count, &choice))
        return;
    for (uint32_t i = 0; i < head->count; i++)
        is_offered |= types[i] == choice.asked;
    demand(is_offered && choice.told && clip_type_is_valid(choice.told));
}

static void read_head(const uint8_t *data, size_t size, uint64_t file_size, const char *wanted)
{
    static clip_head head;
    uint8_t *bytes = copy_of(data, size);

    if (clip_head_parse(bytes, size, file_size, &head) == VIA_OK) {
        uint64_t end = head.count ? head.formats[0].offset : file_size;
        for (uint32_t i = 0; i < head.count; i++) {
            demand(head.formats[i].offset == end && clip_type_is_valid(head.formats[i].type));
            end += head.formats[i].size;
        }
        demand(end == file_size);
        check_written_again(&head, bytes, size);
        check_choice(&head, wanted);
        check_choice(&head, "text/plain,*");
    }
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char wanted[16] = "";

    if (size < 2 + sizeof(wanted) - 1)
        return 0;
    const uint64_t more = (uint64_t)data[0] | (uint64_t)data[1] << 8;
    memcpy(wanted, data + 2, sizeof(wanted) - 1);
    data += 2 + sizeof(wanted) - 1;
    size -= 2 + sizeof(wanted) - 1;
    const size_t head_size = size < CLIP_HEAD_LARGEST ? size : CLIP_HEAD_LARGEST;
    read_head(data, head_size, size + more, wanted);
    return 0;
}
