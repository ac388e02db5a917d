/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where two ends of shared memory meet; see listener.h.
 *
 * Must never wait for the hello of one dialer in particular: the kit's acceptor keeps those that are slow.
 */
#include "listener.h"

#include "kit/acceptor.h"
#include "kit/credentials.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"
#include "kit/unix_name.h"
#include "pair.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct shm_listener {
    shm_settings settings;
    via_unix_name name;
    via_acceptor *acceptor;
    via_pollset set;
    via_wake wake;
    pthread_mutex_t lock; /* of the acceptor: one thread accepts while a waitset's arms */
    char *rest;           /* of the address, as it was given */
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
    via_acceptor_destroy(listener->acceptor, how);
    via_unix_name_give_up(&listener->name, how);
    via_pollset_fini(&listener->set);
    via_wake_fini(&listener->wake);
    (void)pthread_mutex_destroy(&listener->lock);
    free(listener->rest);
    free(listener);
}

/* An interrupt shows on the handle too. */
static via_status watch(shm_listener *listener, via_error *error)
{
    int interrupt = via_wake_descriptor(&listener->wake);

    if (interrupt >= 0 && via_pollset_init(&listener->set, false) == VIA_OK &&
        via_pollset_add(&listener->set, interrupt, EPOLLIN, 0, NULL) == VIA_OK)
        return VIA_OK;
    return via_fail(listener->settings.host, error, via_status_of_errno(errno), errno, "raise the limit of open files",
                    "cannot make what a listener sleeps on");
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
        .set = &listener->set,
        .handshake_ns = settings->handshake_ns,
        .handshake_limit = settings->handshake_limit,
        .greeter = &greeter,
        .user = listener,
    };
    return via_acceptor_create(&config, &listener->acceptor, error);
}

via_status shm_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error)
{
    shm_listener *made = calloc(1, sizeof(*made));
    via_status status;

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    shm_settings_read(host, open, &made->settings);
    made->name.descriptor = made->name.lock.descriptor = -1;
    made->set = (via_pollset){-1, -1};
    via_wake_init(&made->wake);
    (void)pthread_mutex_init(&made->lock, NULL);
    made->rest = strdup(open->rest);
    status = made->rest ? watch(made, error) : via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    if (status == VIA_OK)
        status = start(made, open, error);
    if (status == VIA_OK)
        *listener = made;
    else
        release(made, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static via_status next(shm_listener *listener, int *descriptor, shm_greeting *greeting)
{
    (void)pthread_mutex_lock(&listener->lock);
    via_status status = via_acceptor_next(listener->acceptor, descriptor, greeting);
    (void)pthread_mutex_unlock(&listener->lock);
    return status;
}

static via_status wait_for_next(shm_listener *listener, via_deadline deadline, int *descriptor, shm_greeting *greeting)
{
    for (;;) {
        if (via_wake_is_raised(&listener->wake))
            return VIA_ECANCELED;
        via_status status = next(listener, descriptor, greeting);
        if (status != VIA_ETIMEDOUT || via_deadline_left(deadline) == 0)
            return status;
        status = via_wake_poll(&listener->wake, listener->set.main, POLLIN, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static via_status listener_accept(void *self, via_deadline deadline, const via_open *open, void **channel,
                                  via_error *error)
{
    shm_listener *listener = self;
    shm_settings settings = listener->settings;
    shm_greeting greeting = {.memory = 0};
    int descriptor = -1;
    via_status status = wait_for_next(listener, deadline, &descriptor, &greeting);
    int code = errno;

    if (status == VIA_ETIMEDOUT || status == VIA_ECANCELED)
        return settings.host->error(error, status, 0, NULL, NULL);
    if (status != VIA_OK)
        return via_fail(settings.host, error, status, code, "raise the limit of open files (ulimit -n)",
                        "cannot accept a connection now; it waits in the backlog");
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

static via_status listener_pollable(void *self, via_poll_handle *out)
{
    const shm_listener *listener = self;

    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = listener->set.main;
    out->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

static via_status listener_arm(void *self)
{
    shm_listener *listener = self;

    if (via_wake_is_raised(&listener->wake))
        return VIA_EREADY;
    (void)pthread_mutex_lock(&listener->lock);
    bool ready = via_acceptor_ready(listener->acceptor);
    (void)pthread_mutex_unlock(&listener->lock);
    return ready ? VIA_EREADY : VIA_OK;
}

static void listener_interrupt(void *self)
{
    shm_listener *listener = self;

    via_wake_raise(&listener->wake);
}

static void listener_close(void *self, uint32_t how)
{
    release(self, how);
}

const via_listener_ops shm_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = listener_pollable,
    .arm = listener_arm,
    .interrupt = listener_interrupt,
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
