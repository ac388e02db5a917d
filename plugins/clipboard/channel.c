/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a channel, and the slots that are one line.
 *
 * Owns: what is freed when, also in a forked child, where the worker does not exist.
 */
#include "channel.h"

#include "kit/fail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static via_status channel_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    clip_channel *channel = self;

    if (event == VIA_WORK)
        return VIA_ENOTSUP;
    clip_desk_lock(&channel->desk);
    const int descriptor = clip_desk_handle(&channel->desk, event);
    clip_desk_unlock(&channel->desk);
    if (descriptor < 0)
        return via_status_of_errno(errno);
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = descriptor;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status channel_arm(void *self, uint32_t event)
{
    clip_channel *channel = self;

    if (event == VIA_WORK)
        return VIA_ENOENT;
    if (event == VIA_READ)
        return clip_arm_read(channel);
    clip_desk_lock(&channel->desk);
    const bool is_ready = clip_desk_is_ready(&channel->desk, event);
    clip_desk_unlock(&channel->desk);
    return is_ready ? VIA_EREADY : VIA_OK;
}

static void channel_interrupt(void *self)
{
    clip_desk_interrupt(&((clip_channel *)self)->desk);
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

static void channel_info(void *self, via_channel_info *inout)
{
    const clip_channel *channel = self;

    if (inout->max_message > channel->options.settings.max_size)
        inout->max_message = channel->options.settings.max_size;
    char *query = strchr(inout->address, '?');
    if (query)
        *query = '\0';
    const size_t size = strlen(inout->address);
    (void)snprintf(inout->address + size, sizeof(inout->address) - size, "?backend=%s", channel->backend->name);
}

static const void *channel_extension(void *self, const char *id, void **table_self)
{
    if (strcmp(id, VIA_OFFERS_ID) != 0)
        return NULL;
    *table_self = self;
    return &clip_offers;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void dispose(clip_channel *channel, uint32_t how)
{
    if (channel->self)
        channel->backend->close(channel->self, how);
    clip_desk_fini(&channel->desk, how);
    clip_options_fini(&channel->options);
    free(channel);
}

/* In a child the worker may have been in the middle of anything when it was left behind; then nothing is touched. */
static bool is_consistent(clip_channel *channel)
{
    if (atomic_load(&channel->naps) % 2 == 0 || pthread_mutex_trylock(&channel->desk.lock) != 0)
        return false;
    clip_desk_unlock(&channel->desk);
    return true;
}

static void channel_close(void *self, uint32_t how)
{
    clip_channel *channel = self;

    if (how != VIA_CLOSE_FORKED)
        clip_worker_stop(channel);
    else if (!is_consistent(channel))
        return;
    dispose(channel, how);
}

via_status clip_join(const via_host_api *host, const via_open *open, void **out, via_error *error)
{
    clip_channel *channel = calloc(1, sizeof(*channel));

    if (!channel)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    channel->host = host;
    channel->context = open->context;
    channel->counters = open->counters;
    via_status status = clip_desk_init(&channel->desk);
    if (status != VIA_OK)
        (void)via_fail(host, error, status, errno, "raise the limit of open files (ulimit -n)",
                       "no event for the clipboard's thread");
    if (status == VIA_OK)
        status = clip_options_init(&channel->options, host, open, error);
    if (status == VIA_OK)
        status = clip_display_open(channel, open->deadline, error);
    if (status == VIA_OK)
        status = clip_worker_start(channel, error);
    if (status == VIA_OK)
        *out = channel;
    else
        dispose(channel, VIA_CLOSE_FLUSH);
    return status;
}

const via_channel_ops clip_channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = clip_send,
    .recv = clip_receive,
    .release = clip_release,
    .flush = clip_flush,
    .drain = clip_drain,
    .pollable = channel_pollable,
    .arm = channel_arm,
    .interrupt = channel_interrupt,
    .close = channel_close,
    .info = channel_info,
    .extension = channel_extension,
};
