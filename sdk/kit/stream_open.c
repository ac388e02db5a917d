/* SPDX-License-Identifier: Apache-2.0 */
/* Streams from descriptors; see stream_open.h. Owns: what becomes of the descriptors when it fails. */
#include "kit/stream_open.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <stdlib.h>
#include <unistd.h>

static void close_ends(const via_stream_ends *ends)
{
    if (ends->read_fd >= 0)
        (void)close(ends->read_fd);
    if (ends->write_fd >= 0 && ends->write_fd != ends->read_fd)
        (void)close(ends->write_fd);
}

static const via_framing *framing_of(const via_open *open, const via_stream_ends *ends)
{
    const char *name = via_option_find(open, "framing")->text;
    return ends->framing ? ends->framing : via_framing_find(name ? name : "");
}

via_status via_stream_open(const via_host_api *host, const via_open *open, const via_stream_ends *ends, void **channel,
                           via_error *error)
{
    via_stream_config config = {
        .host = host,
        .context = open->context,
        .counters = open->counters,
        .io = ends->io,
        .read_fd = ends->read_fd,
        .write_fd = ends->write_fd,
        .framing = framing_of(open, ends),
        .max_message = open->max_message,
        .linger_ns = (uint64_t)via_option_find(open, "linger")->number, /* "forever" is -1 */
    };
    via_stream *stream = config.framing ? malloc(sizeof(*stream)) : NULL;
    via_status status = stream ? via_stream_init(stream, &config) : VIA_ENOMEM;

    if (status == VIA_OK) {
        *channel = stream; /* via_stream_close() frees it */
        return VIA_OK;
    }
    free(stream);
    close_ends(ends);
    if (!config.framing)
        return via_fail(host, error, VIA_EINVAL, 0, "see kit/framing.h for those that there are",
                        "the manifest's option framing is none that the kit knows");
    return via_fail(host, error, status, 0, NULL, "no memory for a channel");
}

const via_channel_ops via_stream_ops = {
    .size = sizeof(via_channel_ops),
    .send = via_stream_send,
    .recv = via_stream_recv,
    .release = via_stream_release,
    .flush = via_stream_flush,
    .finish = via_stream_finish,
    .drain = via_stream_drain,
    .pollable = via_stream_pollable,
    .arm = via_stream_arm,
    .interrupt = via_stream_interrupt,
    .close = via_stream_close,
    .info = via_stream_info,
    .refresh_counters = via_stream_refresh_counters,
};
