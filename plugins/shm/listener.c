/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two ends of shared memory meet; see listener.h.
 *
 * Must never wait for the hello of one dialer in particular: the kit's acceptor keeps those that are slow.
 */
#include "listener.h"

#include "kit/credentials.h"
#include "kit/fail.h"
#include "kit/gate.h"
#include "kit/runtime.h"
#include "kit/text.h"
#include "kit/unix_name.h"
#include "pair.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct shm_listener {
    via_gate gate; /* first: it has slots of its own */
    shm_settings settings;
    via_unix_name name;
    char *rest; /* of the address, as it was given */
} shm_listener;

static via_status find_path(const via_host_api *host, const via_open *open, char path[108], via_error *error)
{
    char *name = NULL;
    via_status status = via_text_decode(open->rest, &name);

    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", open->rest);
    status = via_runtime_path(host, name, ".shm", path, 108, error);
    free(name);
    return status;
}

/* ---- hello -------------------------------------------------------------------------------------------------- */

/* What a dialer has said; the descriptor is of its memory. */
typedef struct shm_greeting {
    shm_word word;
    int memory; /* plus one: 0 = none */
} shm_greeting;

static void refuse(int descriptor, const char *why)
{
    shm_word word = {.kind = SHM_REFUSED};

    (void)snprintf(word.text, sizeof(word.text), "refused: %s", why);
    (void)shm_word_send(descriptor, &word, NULL, 0);
}

static via_status hear_hello(void *user, int descriptor, void *state, const char **why)
{
    shm_greeting *greeting = state;
    int descriptors[SHM_WORD_DESCRIPTORS];
    via_status status = shm_word_receive(descriptor, &greeting->word, descriptors);

    (void)user;
    if (status == VIA_EPROTO)
        *why = "it does not speak shm, or another version of it";
    else if (status == VIA_ELIMIT)
        *why = "the limit of open files kept its memory out";
    if (status != VIA_OK)
        return status;
    if (!shm_pair_is_hello(&greeting->word, descriptors[0], why)) {
        refuse(descriptor, *why);
        shm_word_close(descriptors);
        return VIA_EPROTO;
    }
    greeting->memory = descriptors[0] + 1;
    descriptors[0] = -1;
    shm_word_close(descriptors);
    return VIA_OK;
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    const shm_listener *listener = user;

    if (via_credentials_check_user(descriptor, listener->settings.any_user) == VIA_OK)
        return hear_hello(user, descriptor, state, why);
    *why = "it is another user's (users=any would let it in)";
    refuse(descriptor, *why);
    return VIA_EPERM;
}

static void forget(void *user, void *state)
{
    shm_greeting *greeting = state;

    (void)user;
    if (greeting->memory > 0)
        (void)close(greeting->memory - 1);
    greeting->memory = 0;
}

static const via_greeter greeter = {sizeof(shm_greeting), begin, hear_hello, forget};

/* ---- opening ------------------------------------------------------------------------------------------------ */

static void release(shm_listener *listener, uint32_t how)
{
    via_gate_fini(&listener->gate, how);
    via_unix_name_give_up(&listener->name, how);
    free(listener->rest);
    free(listener);
}

static via_status start(shm_listener *listener, const via_open *open, via_error *error)
{
    const shm_settings *settings = &listener->settings;
    char path[108];
    via_status status = find_path(settings->host, open, path, error);

    if (status == VIA_OK)
        status = via_unix_name_take(settings->host, path, SOCK_SEQPACKET, settings->mode, &listener->name, error);
    if (status != VIA_OK)
        return status;
    if (listen(listener->name.descriptor, settings->backlog) < 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot listen on '%s'", path);
    const via_acceptor_config config = {
        .host = settings->host,
        .context = settings->context,
        .counters = settings->counters,
        .listening = listener->name.descriptor,
        .set = &listener->gate.set,
        .handshake_ns = settings->handshake_ns,
        .handshake_limit = settings->handshake_limit,
        .greeter = &greeter,
        .user = listener,
    };
    return via_acceptor_create(&config, &listener->gate.acceptor, error);
}

via_status shm_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error)
{
    shm_listener *made = calloc(1, sizeof(*made));
    via_status status;

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    shm_settings_read(host, open, &made->settings);
    made->name.descriptor = made->name.lock.descriptor = -1;
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
    shm_settings settings = listener->settings;
    shm_greeting greeting = {.memory = 0};
    int descriptor = -1;
    via_status status = via_gate_wait(&listener->gate, deadline, &descriptor, &greeting, error);

    if (status != VIA_OK)
        return status;
    settings.context = open->context;
    settings.counters = open->counters;
    status = shm_pair_create(&settings, descriptor, &greeting.word, greeting.memory - 1, channel, error);
    forget(listener, &greeting);
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
    via_status status = find_path(host, open, path, error);

    shm_settings_read(host, open, &settings);
    if (status == VIA_OK)
        status = via_unix_name_dial(host, path, SOCK_SEQPACKET, &descriptor, error);
    if (status != VIA_OK)
        return status;
    if (via_credentials_check_user(descriptor, settings.any_user) == VIA_OK)
        return shm_pair_create(&settings, descriptor, NULL, -1, channel, error);
    (void)close(descriptor);
    return via_fail(host, error, VIA_EPERM, 0, "dial with users=any if you trust that user",
                    "'%s' is served by another user", path);
}
