/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer zstd: the channel, its slots, and the table.
 *
 * Owns: the byte before each message, and the slots that received ones are lent from; they are used again, so that no message
 * costs an allocation once the largest has come.
 */
#include "zstd_layer.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/layer.h>

enum { FEW_SLICES = 14 }; /* with the byte, and the host's mark, within what goes without a copy */

/* One message that is lent: the one below, whose bytes or at least texts it has, and what was in it. */
typedef struct zstd_slot {
    struct zstd_slot *next;
    via_msg below;
    zstd_buffer content;
} zstd_slot;

typedef struct zstd_channel {
    const via_host_api *host;
    via_inner *inner;
    via_context *context;
    via_counters *counters;
    uint64_t max_message;
    zstd_packer packer;      /* the sending thread's */
    zstd_buffer plain;       /* likewise: many slices in one, with the byte before them */
    ZSTD_DCtx *unpacker;     /* the receiving thread's; made with the first frame */
    zstd_slot *spare, *next; /* `next` has a received message that is not handed out yet */
    via_status ended;
} zstd_channel;

/* ---- sending ------------------------------------------------------------------------------------------------ */

static via_status send_with_kind(const zstd_channel *zstd, unsigned char kind, const via_slice *slices, size_t count,
                                 const via_meta *meta, via_deadline deadline)
{
    via_slice all[FEW_SLICES + 1] = {{&kind, sizeof(kind)}};
    for (size_t i = 0; i < count; i++)
        all[i + 1] = slices[i];
    return zstd->host->inner->send(zstd->inner, all, count + 1, meta, deadline);
}

static via_status send_joined(zstd_channel *zstd, const via_slice *slices, size_t count, const via_meta *meta,
                              via_deadline deadline)
{
    size_t size = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        size += slices[i].size;
    if (!zstd_buffer_reserve(&zstd->plain, size, 0))
        return VIA_ENOMEM;
    for (size_t i = 0; i < count; at += slices[i].size, i++) {
        if (slices[i].size > 0)
            memcpy(zstd->plain.bytes + at, slices[i].data, slices[i].size);
    }
    const via_slice joined = {zstd->plain.bytes, size};
    return send_with_kind(zstd, ZSTD_KIND_PLAIN, &joined, 1, meta, deadline);
}

static via_status zstd_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                            via_deadline deadline)
{
    zstd_channel *zstd = channel;
    via_slice frame;
    const via_status status = zstd_pack(&zstd->packer, slices, count, &frame);
    if (status == VIA_OK)
        return send_with_kind(zstd, ZSTD_KIND_FRAME, &frame, 1, meta, deadline);
    if (status != VIA_ENOTSUP)
        return status;
    return count > FEW_SLICES ? send_joined(zstd, slices, count, meta, deadline)
                              : send_with_kind(zstd, ZSTD_KIND_PLAIN, slices, count, meta, deadline);
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

static via_status take_from_below(zstd_channel *zstd, via_deadline deadline)
{
    if (zstd->next != NULL)
        return VIA_OK;
    zstd_slot *slot = zstd->spare != NULL ? zstd->spare : calloc(1, sizeof(*slot));
    if (slot == NULL)
        return VIA_ENOMEM;
    zstd->spare = slot->next;
    slot->next = NULL;
    const via_status status = zstd->host->inner->recv(zstd->inner, deadline, &slot->below);
    if (status == VIA_OK) {
        zstd->next = slot;
        return VIA_OK;
    }
    slot->next = zstd->spare;
    zstd->spare = slot;
    return status;
}

static void give_back(zstd_channel *zstd, zstd_slot *slot)
{
    zstd->host->inner->release(zstd->inner, &slot->below);
    slot->next = zstd->spare;
    zstd->spare = slot;
}

/* The mark has told unlike ends before this; what is left is a peer that marks and does not compress as it should. */
static via_status refuse(zstd_channel *zstd, const char *why)
{
    via_count(&zstd->counters->protocol_errors, 1);
    give_back(zstd, zstd->next);
    zstd->next = NULL;
    zstd->ended = via_fail_channel(zstd->host, zstd->context, VIA_EPROTO, 0,
                                   "open both ends with this version of the layer, and the same max_message",
                                   "zstd: the other end sent %s", why);
    return zstd->ended;
}

static via_status unpack(zstd_channel *zstd, zstd_slot *slot, via_msg *out)
{
    const char *why = "";
    const unsigned char *bytes = slot->below.data;
    if (zstd->unpacker == NULL)
        zstd->unpacker = zstd_unpacker_create();
    if (zstd->unpacker == NULL)
        return VIA_ENOMEM;
    const via_status status = zstd_unpack(zstd->unpacker, bytes + ZSTD_HEADER, slot->below.size - ZSTD_HEADER,
                                          zstd->max_message, &slot->content, &out->size, &why);
    out->data = slot->content.bytes;
    return status == VIA_EPROTO ? refuse(zstd, why) : status;
}

static via_status zstd_recv(void *channel, via_deadline deadline, via_msg *out)
{
    zstd_channel *zstd = channel;
    if (zstd->ended != VIA_OK)
        return zstd->ended;
    via_status status = take_from_below(zstd, deadline);
    if (status != VIA_OK)
        return status;
    zstd_slot *slot = zstd->next;
    unsigned char *bytes = slot->below.data;
    *out = slot->below;
    if (slot->below.size < ZSTD_HEADER || bytes[0] > ZSTD_KIND_FRAME)
        return refuse(zstd, "a message of a kind that there is not");
    if (bytes[0] == ZSTD_KIND_PLAIN) {
        out->data = bytes + ZSTD_HEADER;
        out->size = slot->below.size - ZSTD_HEADER;
    } else {
        status = unpack(zstd, slot, out);
    }
    if (status != VIA_OK)
        return status;
    zstd->next = NULL;
    out->token[0] = (uintptr_t)slot;
    return VIA_OK;
}

static void zstd_release(void *channel, via_msg *message)
{
    zstd_channel *zstd = channel;
    give_back(zstd, (zstd_slot *)message->token[0]); // NOLINT(performance-no-int-to-ptr): it was put there by zstd_recv
}

/* A message that is here already is no event below. */
static via_status zstd_arm(void *channel, uint32_t event)
{
    const zstd_channel *zstd = channel;
    if (event == VIA_READ && (zstd->next != NULL || zstd->ended != VIA_OK))
        return VIA_EREADY;
    return zstd->host->inner->arm(zstd->inner, event);
}

/* ---- opening and ending ------------------------------------------------------------------------------------- */

static void free_slot(zstd_slot *slot)
{
    if (slot == NULL)
        return;
    zstd_buffer_fini(&slot->content);
    free(slot);
}

static void zstd_close(void *channel, uint32_t how)
{
    zstd_channel *zstd = channel;
    if (zstd->next != NULL && how != VIA_CLOSE_FORKED)
        zstd->host->inner->release(zstd->inner, &zstd->next->below);
    free_slot(zstd->next);
    while (zstd->spare != NULL) {
        zstd_slot *slot = zstd->spare;
        zstd->spare = slot->next;
        free_slot(slot);
    }
    zstd_packer_fini(&zstd->packer);
    zstd_buffer_fini(&zstd->plain);
    (void)ZSTD_freeDCtx(zstd->unpacker);
    free(zstd);
}

static via_status zstd_wrap(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error)
{
    const int level = (int)via_option_find(open, "level")->number;
    const size_t threshold = (size_t)via_option_find(open, "threshold")->number;
    zstd_channel *zstd = calloc(1, sizeof(*zstd));
    (void)error;
    if (zstd == NULL)
        return VIA_ENOMEM;
    if (zstd_packer_init(&zstd->packer, level, threshold) != VIA_OK) {
        free(zstd);
        return VIA_ENOMEM;
    }
    zstd->host = state;
    zstd->inner = inner;
    zstd->context = open->context;
    zstd->counters = open->counters;
    zstd->max_message = open->max_message;
    *channel = zstd;
    return VIA_OK;
}

/* The host's table outlives everything here, so it is all the state there is. */
static via_status zstd_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void zstd_fini(void *state)
{
    (void)state;
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = zstd_send,
    .recv = zstd_recv,
    .release = zstd_release,
    .arm = zstd_arm,
    .close = zstd_close,
};

static const via_layer layers[] = {
    {.size = sizeof(via_layer),
     .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE,
     .flags = VIA_LAYER_CHANGES,
     .name = "zstd",
     .wrap = zstd_wrap,
     .channel_ops = &channel_ops},
};

VIA_LAYER_PLUGIN("zstd", zstd_init, zstd_fini, layers);
