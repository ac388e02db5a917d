/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shm plugin: what it offers to the host.
 *
 * Owns: the table of schemes. Must never hold state but the host's table.
 */
#include "channel.h"
#include "listener.h"
#include "topic.h"

/* The only state is the host's table, which outlives every channel. */
static via_status shm_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void shm_fini(void *state)
{
    (void)state;
}

static via_status listen_for_pairs(void *state, const via_open *open, void **listener, via_error *error)
{
    return shm_listener_open(state, open, listener, error);
}

static via_status dial(void *state, const via_open *open, void **channel, via_error *error)
{
    return shm_dial(state, open, channel, error);
}

static via_status join(void *state, const via_open *open, void **channel, via_error *error)
{
    return topic_join(state, open, channel, error);
}

static const via_transport shm_transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_TOPIC,
        .scheme = "shm",
        .listen = listen_for_pairs,
        .dial = dial,
        .join = join,
        .listener_ops = &shm_listener_ops,
        .channel_ops = &shm_channel_ops,
    },
};

VIA_PLUGIN("shm", shm_init, shm_fini, shm_transports);
