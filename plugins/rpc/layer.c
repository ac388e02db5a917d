/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer "rpc": what the host is offered.
 *
 * Owns: the entry, the options by their place in the manifest, and the slots that differ from those of the channel below.
 */
#include "check.h"
#include "kit/fail.h"
#include "peer.h"
#include "peer_life.h"

#include <string.h>

/* In the order of manifests/plugins/rpc.json. */
enum { OPTION_INTERFACE, OPTION_CODEC, OPTION_DEADLINE, OPTION_DEPTH, OPTION_MEMORY, OPTION_FRAME, OPTION_GREET };

static via_status read_settings(rpc_plugin *plugin, const via_open *open, rpc_settings *settings, via_error *error)
{
    const via_option *options = open->options;
    uint64_t frame = (uint64_t)options[OPTION_FRAME].number;

    *settings = (rpc_settings){.codec = rpc_codec_find(options[OPTION_CODEC].text),
                               .deadline_ns = options[OPTION_DEADLINE].number,
                               .max_message = frame < open->max_message ? frame : open->max_message,
                               .max_memory = (size_t)options[OPTION_MEMORY].number,
                               .max_depth = (uint32_t)options[OPTION_DEPTH].number,
                               .greets = options[OPTION_GREET].number != 0};
    if (!options[OPTION_INTERFACE].text || !options[OPTION_INTERFACE].text[0])
        return VIA_OK;
    return rpc_plugin_interface(plugin, options[OPTION_INTERFACE].text, &settings->interface, error);
}

static via_status rpc_wrap(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error)
{
    rpc_plugin *plugin = state;
    via_channel_info below = {.size = sizeof(below)};
    rpc_settings settings;
    rpc_peer *peer;
    via_status status = read_settings(plugin, open, &settings, error);

    if (status != VIA_OK)
        return status;
    plugin->host->inner->info(inner, &below);
    settings.is_stream = !(below.flags & VIA_INFO_KEEPS_BOUNDARIES);
    settings.dials_again = below.flags & VIA_INFO_REDIALS;
    if (settings.is_stream && settings.codec->needs_boundaries) {
        rpc_interface_drop(settings.interface);
        return via_fail(plugin->host, error, VIA_ENOTSUP, 0,
                        "add framing=content-length to the address, which is how programs speak JSON-RPC",
                        "codec=%s needs a channel that keeps messages apart", settings.codec->name);
    }
    if ((status = rpc_peer_create(plugin, &settings, open, inner, &peer)) != VIA_OK)
        return status;
    *channel = peer;
    return VIA_OK;
}

static void rpc_close(void *channel, uint32_t how)
{
    rpc_peer_destroy(channel, how == VIA_CLOSE_FORKED);
}

static via_status rpc_arm(void *channel, uint32_t event)
{
    rpc_peer *peer = channel;

    if (event == VIA_READ)
        return rpc_arm_reading(peer);
    (void)pthread_mutex_lock(&peer->send_lock);
    via_status status = peer->plugin->host->inner->arm(peer->inner, event);
    (void)pthread_mutex_unlock(&peer->send_lock);
    return status;
}

static const void *rpc_extension(void *channel, const char *id, void **self)
{
    if (strcmp(id, VIA_RPC_ID) != 0)
        return NULL;
    *self = channel;
    return &rpc_table;
}

static via_status rpc_init(const via_host_api *host, void **state, via_error *error)
{
    rpc_plugin *plugin;
    via_status status = rpc_plugin_create(host, &plugin);

    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "free some memory", "out of memory");
    *state = plugin;
    return VIA_OK;
}

static void rpc_fini(void *state)
{
    rpc_plugin_destroy(state);
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .arm = rpc_arm,
    .close = rpc_close,
    .extension = rpc_extension,
};

static const via_layer layers[] = {
    {.size = sizeof(via_layer),
     .patterns = VIA_PATTERN_PAIR,
     .flags = VIA_LAYER_TERMINAL,
     .name = "rpc",
     .wrap = rpc_wrap,
     .channel_ops = &channel_ops,
     .check = rpc_check_file},
};

VIA_LAYER_PLUGIN("rpc", rpc_init, rpc_fini, layers);
