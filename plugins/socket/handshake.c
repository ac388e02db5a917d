/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happens to a connection that others make to us; see handshake.h.
 *
 * Owns: the steps of one handshake. Must never wait for anybody.
 */
#include "handshake.h"

#include "greeting.h"

#include <errno.h>
#include <sys/socket.h>

/* Of one connection: what has come so far, and in the end what was agreed. */
typedef struct handshake {
    size_t have;
    uint8_t greeting[SOCKET_GREETING_SIZE];
    uint16_t protocol;     /* that we speak on it; 0 = no SP */
    bool expects_greeting; /* ours is sent, theirs still to come */
} handshake;

/* ---- the greeting ------------------------------------------------------------------------------------------- */

/* What we answer to a dialer that speaks `theirs`; 0 = nothing we have in common. */
static uint16_t choose_protocol(const socket_settings *settings, uint16_t theirs)
{
    if (settings->role == VIA_PAIR)
        return theirs == SOCKET_SP_PAIR0 || theirs == SOCKET_SP_PAIR1 ? theirs : 0;
    return socket_greeting_peer(settings->protocol) == theirs ? settings->protocol : 0;
}

/* The greeting is whole: answers it. */
static via_status answer(const socket_settings *settings, int descriptor, handshake *with, const char **why)
{
    uint16_t theirs = 0;

    if (socket_greeting_read(with->greeting, &theirs) != VIA_OK) {
        *why = "it does not speak SP; is framing= the same at both ends?";
        return VIA_EPROTO;
    }
    with->protocol = choose_protocol(settings, theirs);
    if (with->protocol == 0) {
        *why = "it speaks another SP pattern";
        return VIA_EPROTO;
    }
    /* One that has sent its messages and closed takes no answer any more; the messages are to be received all the same. */
    (void)socket_connection_greet(descriptor, with->protocol);
    return VIA_OK;
}

/* Reads on. VIA_OK: all there; VIA_ETIMEDOUT: more to come; VIA_EPEER: there will be no more. */
static via_status read_greeting(int descriptor, handshake *with)
{
    while (with->have < SOCKET_GREETING_SIZE) {
        ssize_t got = recv(descriptor, with->greeting + with->have, SOCKET_GREETING_SIZE - with->have, MSG_DONTWAIT);
        if (got > 0)
            with->have += (size_t)got;
        else if (got < 0 && errno == EINTR)
            continue;
        else
            return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? VIA_ETIMEDOUT : VIA_EPEER;
    }
    return VIA_OK;
}

static via_status go_on(void *user, int descriptor, void *state, const char **why)
{
    via_status status = read_greeting(descriptor, state);

    return status == VIA_OK ? answer(user, descriptor, state, why) : status;
}

/* ---- the beginning ------------------------------------------------------------------------------------------ */

/* A subscriber is attached from its connect on: it gets what is published while its greeting is under way. */
static via_status attach_subscriber(const socket_settings *settings, int descriptor, handshake *with)
{
    with->protocol = settings->protocol;
    with->expects_greeting = true;
    return socket_connection_greet(descriptor, settings->protocol);
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    const socket_settings *settings = user;
    via_error ignored;

    if (socket_connection_check_user(settings, descriptor) != VIA_OK) {
        *why = "it is another user's (users=any would let it in)";
        return VIA_EPERM;
    }
    /* Options of the listening socket are inherited for TCP, and for Unix sockets only the buffer is of interest. */
    if (settings->is_unix && settings->send_buffer && socket_settings_apply(settings, descriptor, &ignored) != VIA_OK) {
        *why = "its buffer could not be set";
        return VIA_EIO;
    }
    if (!settings->speaks_sp)
        return VIA_OK;
    return settings->role == VIA_PUBLISH ? attach_subscriber(settings, descriptor, state)
                                         : go_on(user, descriptor, state, why);
}

/* ---- the acceptor ------------------------------------------------------------------------------------------- */

static const via_greeter greeter = {
    .state_size = sizeof(handshake),
    .begin = begin,
    .go_on = go_on,
};

via_status socket_handshake_accept_on(const socket_listening *listening, socket_settings *settings,
                                      const via_pollset *set, void *tag, via_acceptor **acceptor, via_error *error)
{
    const via_acceptor_config config = {
        .host = settings->host,
        .context = settings->context,
        .counters = settings->counters,
        .listening = listening->descriptor,
        .set = set,
        .tag = tag,
        .handshake_ns = settings->handshake_ns,
        .handshake_limit = settings->handshake_limit,
        .greeter = &greeter,
        .user = settings,
    };

    return via_acceptor_create(&config, acceptor, error);
}

static void describe(const handshake *done, socket_connection *connection)
{
    connection->protocol = done->protocol;
    connection->expects_greeting = done->expects_greeting;
}

via_status socket_handshake_next(via_acceptor *acceptor, socket_connection *connection)
{
    handshake done;
    via_status status = via_acceptor_next(acceptor, &connection->descriptor, &done);

    if (status == VIA_OK)
        describe(&done, connection);
    return status;
}

via_status socket_handshake_wait(via_gate *gate, via_deadline deadline, socket_connection *connection, via_error *error)
{
    handshake done;
    via_status status = via_gate_wait(gate, deadline, &connection->descriptor, &done, error);

    if (status == VIA_OK)
        describe(&done, connection);
    return status;
}
