/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A filter that changes what is sent: a checksum goes behind each message, and is checked and taken off at the other end.
 *
 * Owns: the four bytes behind each message. A layer writes the slots that it changes; all others go to the channel below
 * by themselves, and so do metadata, deadlines and VIA_MORE. The manifest says "bytes": "changed", so the host marks what
 * is sent, and ends whose layers are unlike find out. Must never link libviaduct, nor know what is below.
 */
#include "kit/fail.h"
#include "kit/plain.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/layer.h>

enum { SUM_SIZE = 4, FEW = 16 /* slices that need no memory of their own */ };

typedef struct my_layer_channel {
    const via_host_api *host;
    via_inner *inner; /* the channel below; every call on it goes through host->inner */
    via_context *context;
} my_layer_channel;

/* FNV-1a, 32 bit. */
static uint32_t add_to_sum(uint32_t sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * UINT32_C(16777619);
    return sum;
}

static const uint32_t sum_of_nothing = UINT32_C(2166136261);

static void put_sum(uint32_t sum, unsigned char out[SUM_SIZE])
{
    for (int i = 0; i < SUM_SIZE; i++)
        out[i] = (unsigned char)(sum >> (8 * i));
}

/* The slices as they came, and one more: nothing is copied. */
static via_status my_layer_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                                via_deadline deadline)
{
    const my_layer_channel *layer = channel;
    via_slice few[FEW + 1], *all = count <= FEW ? few : malloc((count + 1) * sizeof(*all));
    unsigned char trailer[SUM_SIZE];
    uint32_t sum = sum_of_nothing;

    if (!all)
        return VIA_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        all[i] = slices[i];
        sum = add_to_sum(sum, slices[i].data, slices[i].size);
    }
    put_sum(sum, trailer);
    all[count] = (via_slice){trailer, sizeof(trailer)};
    const via_status status = layer->host->inner->send(layer->inner, all, count + 1, meta, deadline);
    if (all != few)
        free(all);
    return status;
}

/* The message below, shorter: what is lent is its own memory. */
static via_status my_layer_recv(void *channel, via_deadline deadline, via_msg *out)
{
    const my_layer_channel *layer = channel;
    unsigned char expected[SUM_SIZE];

    const via_status status = layer->host->inner->recv(layer->inner, deadline, out);
    if (status != VIA_OK)
        return status;
    const size_t size = out->size < SUM_SIZE ? 0 : out->size - SUM_SIZE;
    put_sum(add_to_sum(sum_of_nothing, out->data, size), expected);
    if (out->size >= SUM_SIZE && memcmp((const unsigned char *)out->data + size, expected, SUM_SIZE) == 0) {
        out->size = size;
        return VIA_OK;
    }
    layer->host->inner->release(layer->inner, out);
    return via_fail_channel(layer->host, layer->context, VIA_EPROTO, 0, NULL, "a message came damaged");
}

static void my_layer_release(void *channel, via_msg *message)
{
    const my_layer_channel *layer = channel;
    layer->host->inner->release(layer->inner, message);
}

static void my_layer_close(void *channel, uint32_t how)
{
    (void)how;
    free(channel);
}

static via_status my_layer_wrap(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error)
{
    my_layer_channel *layer = malloc(sizeof(*layer));

    if (!layer)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    *layer = (my_layer_channel){state, inner, open->context};
    *channel = layer;
    return VIA_OK;
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = my_layer_send,
    .recv = my_layer_recv,
    .release = my_layer_release,
    .close = my_layer_close,
};

static const via_layer layers[] = {
    {
        .size = sizeof(via_layer),
        .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE,
        .flags = VIA_LAYER_CHANGES,
        .name = "my-layer",
        .wrap = my_layer_wrap,
        .channel_ops = &channel_ops,
    },
};

VIA_LAYER_PLUGIN("my_layer", via_plain_init, via_plain_fini, layers);
