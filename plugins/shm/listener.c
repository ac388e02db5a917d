/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening for pairs, and dialing one; see listener.h.
 *
 * Must never wait for one dialer in particular.
 */
#include "listener.h"

#include "kit/fail.h"
#include "kit/gate.h"
#include "meeting.h"
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct shm_listener {
    via_gate gate; /* first: it has slots of its own */
    shm_meeting meeting;
    char *rest; /* of the address, as it was given */
} shm_listener;

/* ---- opening ------------------------------------------------------------------------------------------------ */

static void release(shm_listener *listener, uint32_t how)
{
    listener->gate.acceptor = NULL; /* the meeting's */
    shm_meeting_close(&listener->meeting, how);
    via_gate_fini(&listener->gate, how);
    free(listener->rest);
    free(listener);
}

static via_status start(shm_listener *listener, const via_open *open, via_error *error)
{
    char path[108];
    via_status status = shm_meeting_path(listener->meeting.settings.host, open, path, error);

    if (status == VIA_OK)
        status = shm_meeting_take(&listener->meeting, path, error);
    if (status == VIA_OK)
        status = shm_meeting_listen(&listener->meeting, &listener->gate.set, NULL, error);
    listener->gate.acceptor = listener->meeting.acceptor;
    return status;
}

via_status shm_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error)
{
    shm_listener *made = calloc(1, sizeof(*made));
    shm_settings settings;
    via_status status;

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    shm_settings_read(host, open, &settings);
    shm_meeting_init(&made->meeting, &settings, shm_pair_is_hello);
    status = via_gate_init(&made->gate, host, error);
    made->rest = strdup(open->rest);
    if (status == VIA_OK && !made->rest)
        status = via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    if (status == VIA_OK)
        status = start(made, open, error);
    if (status == VIA_OK)
        *listener = made;
    else
        release(made, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status listener_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    shm_listener *listener = self;
    shm_settings settings = listener->meeting.settings;
    shm_greeting greeting = {.memory = 0};
    int descriptor = -1;
    via_status status = via_gate_wait(&listener->gate, deadline, &descriptor, &greeting, error);

    if (status != VIA_OK)
        return status;
    settings.context = open->context;
    settings.counters = open->counters;
    status = shm_pair_create(&settings, descriptor, &greeting.word, greeting.memory - 1, channel, error);
    shm_greeting_drop(&greeting);
    return status;
}

static via_status listener_address(void *self, char *buffer, size_t capacity)
{
    const shm_listener *listener = self;
    int size = snprintf(buffer, capacity, "shm:%s", listener->rest);

    return size >= 0 && (size_t)size < capacity ? VIA_OK : VIA_EBUFFER;
}

static void listener_close(void *self, uint32_t how)
{
    release(self, how);
}

const via_listener_ops shm_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = via_gate_pollable,
    .arm = via_gate_arm,
    .interrupt = via_gate_interrupt,
    .close = listener_close,
};

/* ---- dialing ------------------------------------------------------------------------------------------------ */

via_status shm_dial(const via_host_api *host, const via_open *open, void **channel, via_error *error)
{
    shm_settings settings;
    char path[108];
    int descriptor = -1;
    via_status status = shm_meeting_path(host, open, path, error);

    shm_settings_read(host, open, &settings);
    if (status == VIA_OK)
        status = shm_meeting_dial(&settings, path, &descriptor, error);
    if (status != VIA_OK)
        return status;
    return shm_pair_create(&settings, descriptor, NULL, -1, channel, error);
}
