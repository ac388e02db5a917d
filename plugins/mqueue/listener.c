/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening for pairs.
 *
 * Owns: the socket's name, and what a dialer's hello has to bring: two queues, each open for one direction. Must never wait for one
 * dialer in particular.
 */
#include "kit/credentials.h"
#include "kit/fail.h"
#include "kit/gate.h"
#include "kit/packet.h"
#include "kit/unix_name.h"
#include "pair.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

typedef struct mqueue_listener {
    via_gate gate; /* first: it has slots of its own */
    mqueue_settings settings;
    via_unix_name name;
    char *rest; /* of the address, as it was given */
} mqueue_listener;

/* What one who dials has brought; the descriptors plus one, since zero is none. */
typedef struct greeting {
    mqueue_kernel in;
    mqueue_kernel out;
    bool is_there;
} greeting;

/* ---- greeting ----------------------------------------------------------------------------------------------- */

static via_status take_queues(int descriptors[MQUEUE_WORD_DESCRIPTORS], greeting *brought, const char **why)
{
    *why = "what it brought are no queues for both directions";
    if (descriptors[0] < 0 || descriptors[1] < 0 ||
        mqueue_kernel_take(descriptors[0], O_RDONLY, &brought->in) != VIA_OK)
        return VIA_EPROTO;
    descriptors[0] = -1;
    if (mqueue_kernel_take(descriptors[1], O_WRONLY, &brought->out) != VIA_OK) {
        mqueue_kernel_close(&brought->in);
        return VIA_EPROTO;
    }
    descriptors[1] = -1;
    brought->is_there = true;
    /* So small a slot holds no reference to a large message. */
    return brought->out.size >= MQUEUE_REFERENCE_SIZE ? VIA_OK : VIA_EPROTO;
}

static via_status hear_hello(void *user, int descriptor, void *state, const char **why)
{
    int descriptors[MQUEUE_WORD_DESCRIPTORS];
    mqueue_word word;
    via_status status = mqueue_word_receive(descriptor, &word, descriptors);

    (void)user;
    if (status == VIA_ELIMIT)
        *why = "the limit of open files kept its queues out";
    if (status == VIA_EPROTO)
        *why = "it does not speak mq, or another version of it";
    if (status != VIA_OK)
        return status;
    if (word.kind == MQUEUE_HELLO && word.role == VIA_PAIR) {
        status = take_queues(descriptors, state, why);
    } else {
        *why = "it does not want a pair";
        status = VIA_EPROTO;
    }
    via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
    return status;
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    const mqueue_listener *listener = user;

    if (via_credentials_check_user(descriptor, listener->settings.any_user) == VIA_OK)
        return hear_hello(user, descriptor, state, why);
    *why = "it is another user's (users=any would let it in)";
    return VIA_EPERM;
}

static void drop(greeting *brought)
{
    if (!brought->is_there)
        return;
    mqueue_kernel_close(&brought->in);
    mqueue_kernel_close(&brought->out);
    brought->is_there = false;
}

static void forget(void *user, void *state)
{
    (void)user;
    drop(state);
}

static const via_greeter greeter = {sizeof(greeting), begin, hear_hello, forget};

/* ---- opening ------------------------------------------------------------------------------------------------ */

static void release(mqueue_listener *listener, uint32_t how)
{
    via_gate_fini(&listener->gate, how);
    via_unix_name_give_up(&listener->name, how);
    free(listener->rest);
    free(listener);
}

static via_status start(mqueue_listener *listener, via_error *error)
{
    const mqueue_settings *settings = &listener->settings;
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

    if (listen(listener->name.descriptor, settings->backlog) < 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot listen on '%s'",
                        listener->name.path);
    return via_acceptor_create(&config, &listener->gate.acceptor, error);
}

static via_status take_name(mqueue_listener *listener, const via_open *open, via_error *error)
{
    const mqueue_settings *settings = &listener->settings;
    mqueue_place place;
    via_status status = mqueue_place_find(settings, open->rest, &place, error);

    if (status == VIA_OK)
        status = via_unix_name_take(settings->host, place.path, SOCK_SEQPACKET, settings->mode, &listener->name, error);
    if (status == VIA_OK)
        (void)mq_unlink(place.queue); /* if a dialer died in the moment in which its queue had a name */
    return status;
}

via_status mqueue_listener_open(const via_host_api *host, const via_open *open, void **listener, via_error *error)
{
    mqueue_listener *made = calloc(1, sizeof(*made));

    if (!made)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    made->name.descriptor = made->name.lock.descriptor = -1;
    mqueue_settings_read(host, open, &made->settings);
    made->rest = strdup(open->rest);
    via_status status = via_gate_init(&made->gate, host, error);
    if (status == VIA_OK && !made->rest)
        status = via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a listener");
    if (status == VIA_OK)
        status = take_name(made, open, error);
    if (status == VIA_OK)
        status = start(made, error);
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
    mqueue_listener *listener = self;
    mqueue_settings settings = listener->settings;
    greeting brought = {.is_there = false};
    int descriptor = -1;
    via_status status = via_gate_wait(&listener->gate, deadline, &descriptor, &brought, error);

    if (status != VIA_OK)
        return status;
    settings.context = open->context;
    settings.counters = open->counters;
    return mqueue_pair_create(&settings, descriptor, &brought.in, &brought.out, channel, error);
}

static via_status listener_address(void *self, char *buffer, size_t capacity)
{
    const mqueue_listener *listener = self;
    int size = snprintf(buffer, capacity, "mq:%s", listener->rest);

    return size >= 0 && (size_t)size < capacity ? VIA_OK : VIA_EBUFFER;
}

static void listener_close(void *self, uint32_t how)
{
    release(self, how);
}

const via_listener_ops mqueue_listener_ops = {
    .size = sizeof(via_listener_ops),
    .accept = listener_accept,
    .address = listener_address,
    .pollable = via_gate_pollable,
    .arm = via_gate_arm,
    .interrupt = via_gate_interrupt,
    .close = listener_close,
};
