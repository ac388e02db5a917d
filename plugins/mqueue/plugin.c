/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin's entry: mq:.
 *
 * Owns: the table of transports. The plugin keeps no state of its own: what the slots get is the host's table.
 */
#include "pair.h"
#include "queue.h"

static via_status mqueue_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void mqueue_fini(void *state)
{
    (void)state;
}

static via_status listen_for_pairs(void *state, const via_open *open, void **listener, via_error *error)
{
    return mqueue_listener_open(state, open, listener, error);
}

static via_status dial(void *state, const via_open *open, void **channel, via_error *error)
{
    mqueue_settings settings;

    mqueue_settings_read(state, open, &settings);
    return mqueue_pair_dial(&settings, open, channel, error);
}

static via_status join(void *state, const via_open *open, void **channel, via_error *error)
{
    mqueue_settings settings;

    mqueue_settings_read(state, open, &settings);
    return mqueue_queue_join(&settings, open, channel, error);
}

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE,
        .scheme = "mq",
        .listen = listen_for_pairs,
        .dial = dial,
        .join = join,
        .listener_ops = &mqueue_listener_ops,
        .channel_ops = &mqueue_channel_ops,
    },
};

VIA_PLUGIN("mqueue", mqueue_init, mqueue_fini, transports);
