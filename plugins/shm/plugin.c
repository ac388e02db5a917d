/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shm plugin: what it offers to the host.
 *
 * Owns: the table of schemes. Must never hold state but the host's table and the porter.
 */
#include "kit/barrier.h"
#include "kit/fail.h"
#include "listener.h"
#include "member.h"
#include "topic.h"

#include <stdlib.h>

typedef struct shm_state {
    const via_host_api *host;
    shm_porter porter; /* of all members of values and regions, and of publishers that many subscribe to */
} shm_state;

static via_status shm_init(const via_host_api *host, void **state, via_error *error)
{
    shm_state *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for the plugin");
    made->host = host;
    shm_porter_init(&made->porter);
    via_barrier_register();
    *state = made;
    return VIA_OK;
}

static void shm_fini(void *state)
{
    shm_porter_fini(&((shm_state *)state)->porter);
    free(state);
}

static via_status listen_for_pairs(void *state, const via_open *open, void **listener, via_error *error)
{
    return shm_listener_open(((const shm_state *)state)->host, open, listener, error);
}

static via_status dial(void *state, const via_open *open, void **channel, via_error *error)
{
    return shm_dial(((const shm_state *)state)->host, open, channel, error);
}

static via_status join(void *state, const via_open *open, void **channel, via_error *error)
{
    shm_state *self = state;

    if (open->pattern == VIA_PATTERN_TOPIC)
        return topic_join(self->host, &self->porter, open, channel, error);
    if (open->pattern == VIA_PATTERN_VALUE)
        return shm_value_join(self->host, &self->porter, open, channel, error);
    return shm_region_join(self->host, &self->porter, open, channel, error);
}

static const via_transport shm_transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_TOPIC | VIA_PATTERN_VALUE | VIA_PATTERN_REGION,
        .scheme = "shm",
        .listen = listen_for_pairs,
        .dial = dial,
        .join = join,
        .listener_ops = &shm_listener_ops,
        .channel_ops = &shm_channel_ops,
    },
};

VIA_PLUGIN("shm", shm_init, shm_fini, shm_transports);
