/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once; see settings.h.
 *
 * Owns: option names, the size of pipes. Must never open a descriptor.
 */
#include "settings.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

uint64_t pipe_settings_duration(const via_open *open, const char *name)
{
    int64_t ns = via_option_find(open, name)->number;

    return ns < 0 ? UINT64_MAX : (uint64_t)ns;
}

via_status pipe_settings_read(const via_host_api *host, const via_open *open, pipe_settings *settings, via_error *error)
{
    *settings = (pipe_settings){
        .host = host,
        .context = open->context,
        .counters = open->counters,
        .role = open->role,
        .side = open->side,
        .framing = via_framing_find(via_option_find(open, "framing")->text),
        .max_message = open->max_message,
        .linger_ns = pipe_settings_duration(open, "linger"),
        .buffer = (uint64_t)via_option_find(open, "buffer")->number,
    };
    if (!settings->framing)
        return via_fail(host, error, VIA_EINVAL, 0, "use framing=raw, line, length32 or content-length",
                        "this plugin has no framing of that name");
    if (settings->role != VIA_PAIR && !settings->framing->keeps_boundaries)
        return via_fail(host, error, VIA_ENOTSUP, 0, "use the pair pattern, or framing=length32",
                        "framing=%s has no message boundaries, so a queue would tear messages apart",
                        settings->framing->name);
    return VIA_OK;
}

void pipe_settings_describe(const pipe_settings *settings, via_stream_config *config)
{
    config->host = settings->host;
    config->context = settings->context;
    config->counters = settings->counters;
    config->framing = settings->framing;
    config->max_message = settings->max_message;
    config->linger_ns = settings->linger_ns;
}

void pipe_settings_enlarge(const pipe_settings *settings, int descriptor)
{
    int present = fcntl(descriptor, F_GETPIPE_SZ);
    uint64_t size = settings->buffer > INT_MAX ? INT_MAX : settings->buffer;

    /* Above the user's share (pipe(7), pipe-max-size and pipe-user-pages-soft) a smaller one has to do. */
    while (present > 0 && size > (uint64_t)present && fcntl(descriptor, F_SETPIPE_SZ, (int)size) < 0)
        size /= 2;
}
