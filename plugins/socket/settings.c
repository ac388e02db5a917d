/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once; see settings.h.
 *
 * Owns: option names, socket options. Must never open a socket.
 */
#include "settings.h"

#include "greeting.h"
#include "kit/fail.h"
#include "kit/spin.h"
#include "kit/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static int64_t number_of(const via_open *open, const char *name)
{
    return via_option_find(open, name)->number;
}

/* An option's "forever" is -1; as a count of nanoseconds it becomes the largest. */
static uint64_t duration_of(const via_open *open, const char *name)
{
    int64_t ns = number_of(open, name);

    return ns < 0 ? UINT64_MAX : (uint64_t)ns;
}

static void read_framing(const via_open *open, socket_settings *settings)
{
    const char *name = via_option_find(open, "framing")->text;

    settings->framing = name && *name && strcmp(name, "sp") != 0 ? via_framing_find(name) : NULL;
    settings->speaks_sp = settings->framing == NULL;
    if (!settings->framing)
        settings->framing = settings->is_unix ? &via_framing_sp_ipc : &via_framing_sp_tcp;
    if (settings->role != VIA_PAIR)
        settings->protocol = socket_greeting_protocol(settings->role);
    else if (settings->side == VIA_SIDE_CONNECT)
        settings->protocol = number_of(open, "sp") == 1 ? SOCKET_SP_PAIR1 : SOCKET_SP_PAIR0;
}

static void read_numbers(const via_open *open, socket_settings *settings)
{
    settings->max_message = open->max_message;
    settings->linger_ns = duration_of(open, "linger");
    if (settings->role == VIA_PAIR)
        settings->spin_ns = via_spin_most_of(via_option_find(open, "wake")->text);
    settings->handshake_ns = duration_of(open, "handshake_timeout");
    settings->handshake_limit = (uint32_t)number_of(open, "handshake_limit");
    settings->backlog = (int)number_of(open, "backlog");
    settings->send_buffer = number_of(open, "send_buffer");
    settings->reconnect_ns = duration_of(open, "reconnect");
    settings->redials = settings->role == VIA_PAIR && number_of(open, "redial") != 0;
    if (settings->is_unix) {
        settings->mode = (uint32_t)number_of(open, "mode");
        settings->any_user = strcmp(via_option_find(open, "users")->text, "any") == 0;
        settings->handles = number_of(open, "handles") != 0;
        return;
    }
    settings->receive_buffer = number_of(open, "receive_buffer");
    settings->is_public = number_of(open, "public") != 0;
    settings->nodelay = number_of(open, "nodelay") != 0;
    settings->keepalive_ns = duration_of(open, "keepalive");
    settings->user_timeout_ns = duration_of(open, "user_timeout");
}

static via_status check(const socket_settings *settings, via_error *error)
{
    if (settings->role != VIA_PAIR && !settings->framing->keeps_boundaries)
        return via_fail(settings->host, error, VIA_ENOTSUP, 0, "use the pair pattern, or framing=line or length32",
                        "framing=%s has no message boundaries, so a queue or topic would tear messages apart",
                        settings->framing->name);
    if (settings->handles && !settings->speaks_sp && settings->framing != &via_framing_length32)
        return via_fail(settings->host, error, VIA_ENOTSUP, 0, "use framing=sp or framing=length32",
                        "handles=true needs a framing that shows where a message begins, and framing=%s does not",
                        settings->framing->name);
    return VIA_OK;
}

/* What the endpoint says counts for both ends, so a listener refuses what its dialers would, and ignores the rest. */
static via_status check_redial(const via_open *open, const socket_settings *settings, via_error *error)
{
    if (settings->redials && settings->handles)
        return via_fail(settings->host, error, VIA_ENOTSUP, 0, "take one of the two out",
                        "handles=true does not go with redial=true: descriptors that were lost with a connection could "
                        "not be told from those that the next one brings");
    if (settings->redials && !settings->framing->keeps_boundaries)
        return via_fail(settings->host, error, VIA_ENOTSUP, 0, "use another framing, or take redial=true out",
                        "framing=%s has no message boundaries, so nothing would show where a lost connection tore the "
                        "bytes",
                        settings->framing->name);
    if (settings->role == VIA_PAIR && settings->side == VIA_SIDE_CONNECT && !settings->redials &&
        via_option_find(open, "reconnect")->is_set)
        return via_fail(settings->host, error, VIA_EINVAL, 0, "add redial=true, or take reconnect out",
                        "option reconnect has no meaning for a pair that does not dial again");
    return VIA_OK;
}

via_status socket_settings_read(const via_host_api *host, const via_open *open, socket_settings *settings,
                                via_error *error)
{
    via_status status;

    *settings = (socket_settings){
        .host = host,
        .context = open->context,
        .counters = open->counters,
        .is_unix = strcmp(open->scheme, "unix") == 0,
        .role = open->role,
        .side = open->side,
    };
    read_framing(open, settings);
    read_numbers(open, settings);
    status = check(settings, error);
    return status == VIA_OK ? check_redial(open, settings, error) : status;
}

static bool set_int(int descriptor, int level, int option, int value)
{
    return setsockopt(descriptor, level, option, &value, sizeof(value)) == 0;
}

/* Whole seconds, at least 1: what TCP's timers count in. */
static int seconds_of(uint64_t ns)
{
    uint64_t seconds = ns / 1000000000U;

    return seconds < 1 ? 1 : seconds > 32767 ? 32767 : (int)seconds;
}

static bool set_keepalive(int descriptor, uint64_t ns)
{
    int third = seconds_of(ns / 3);

    return set_int(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1) &&
           set_int(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, seconds_of(ns)) &&
           set_int(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, third) && set_int(descriptor, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

static bool set_tcp(const socket_settings *settings, int descriptor)
{
    uint64_t milliseconds = settings->user_timeout_ns / 1000000U;

    if (!set_int(descriptor, IPPROTO_TCP, TCP_NODELAY, settings->nodelay ? 1 : 0))
        return false;
    if (settings->keepalive_ns > 0 && settings->keepalive_ns != UINT64_MAX &&
        !set_keepalive(descriptor, settings->keepalive_ns))
        return false;
    return settings->user_timeout_ns == 0 || milliseconds > INT32_MAX ||
           set_int(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, milliseconds ? (int)milliseconds : 1);
}

via_status socket_settings_apply(const socket_settings *settings, int descriptor, via_error *error)
{
    if ((settings->send_buffer == 0 || set_int(descriptor, SOL_SOCKET, SO_SNDBUF, (int)settings->send_buffer)) &&
        (settings->receive_buffer == 0 || set_int(descriptor, SOL_SOCKET, SO_RCVBUF, (int)settings->receive_buffer)) &&
        (settings->is_unix || set_tcp(settings, descriptor)))
        return VIA_OK;
    return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL,
                    "the system refused an option of the socket");
}
