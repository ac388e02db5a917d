/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clipboard plugin: what it offers to the host.
 *
 * Owns: the table of schemes. Must never hold state but the host's table.
 */
#include "channel.h"

#include "kit/fail.h"

#include <stdlib.h>

typedef struct clip_plugin {
    const via_host_api *host;
} clip_plugin;

static via_status plugin_init(const via_host_api *host, void **state, via_error *error)
{
    clip_plugin *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for the plugin");
    made->host = host;
    *state = made;
    return VIA_OK;
}

static void plugin_fini(void *state)
{
    free(state);
}

static via_status plugin_join(void *state, const via_open *open, void **channel, via_error *error)
{
    return clip_join(((const clip_plugin *)state)->host, open, channel, error);
}

static const via_transport clip_transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_VALUE,
        .scheme = "clipboard",
        .join = plugin_join,
        .channel_ops = &clip_channel_ops,
    },
};

VIA_PLUGIN("clipboard", plugin_init, plugin_fini, clip_transports);
