/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An address that others can connect to; see listening.h.
 *
 * Owns: binding and giving up. Must never accept, nor touch a file: the kit does.
 */
#include "listening.h"

#include "kit/fail.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>

/* ---- both --------------------------------------------------------------------------------------------------- */

static via_status fail_os(const socket_settings *settings, via_error *error, const char *what, const char *name)
{
    int code = errno;

    return via_fail(settings->host, error, via_status_of_errno(code), code, NULL, "cannot %s '%.200s'", what, name);
}

static int make_socket(const socket_settings *settings, int family, via_error *error)
{
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (descriptor < 0) {
        (void)fail_os(settings, error, "make a socket for", family == AF_UNIX ? "unix:" : "tcp:");
        return -1;
    }
    if (socket_settings_apply(settings, descriptor, error) == VIA_OK)
        return descriptor;
    (void)close(descriptor);
    return -1;
}

static via_status start(const socket_settings *settings, socket_listening *listening, via_error *error)
{
    char text[160];

    listening->bound.size = sizeof(listening->bound.storage);
    if (getsockname(listening->descriptor, (struct sockaddr *)&listening->bound.storage, &listening->bound.size) == 0 &&
        listen(listening->descriptor, settings->backlog) == 0)
        return VIA_OK;
    int code = errno;
    socket_address_print(&listening->bound, text, sizeof(text));
    errno = code;
    return fail_os(settings, error, "listen on", text);
}

/* ---- unix --------------------------------------------------------------------------------------------------- */

/* The options come after the name; nobody can connect before listen(2). */
static via_status bind_file(const socket_settings *settings, const socket_address *address, socket_listening *listening,
                            via_error *error)
{
    via_status status =
        via_unix_name_take(settings->host, address->path, SOCK_STREAM, settings->mode, &listening->file, error);

    if (status != VIA_OK)
        return status;
    listening->descriptor = listening->file.descriptor;
    return socket_settings_apply(settings, listening->descriptor, error);
}

static via_status bind_abstract(const socket_settings *settings, const socket_address *address,
                                socket_listening *listening, via_error *error)
{
    const socket_endpoint *name = &address->endpoints[0];

    listening->descriptor = make_socket(settings, AF_UNIX, error);
    if (listening->descriptor < 0)
        return error->status;
    if (bind(listening->descriptor, (const struct sockaddr *)&name->storage, name->size) == 0)
        return VIA_OK;
    if (errno == EADDRINUSE)
        return via_fail(settings->host, error, VIA_EBUSY, errno, "end that program, or choose another name",
                        "a live program listens on '@%s'", address->path);
    return fail_os(settings, error, "bind", address->path);
}

/* ---- tcp ---------------------------------------------------------------------------------------------------- */

static via_status check_public(const socket_settings *settings, const socket_address *address, via_error *error)
{
    char text[128];

    for (size_t i = 0; i < address->count && !settings->is_public; i++) {
        if (socket_address_is_local(&address->endpoints[i]))
            continue;
        socket_address_print(&address->endpoints[i], text, sizeof(text));
        return via_fail(settings->host, error, VIA_EPERM, 0,
                        "add ?public=true if other machines are to connect, else listen on 127.0.0.1 or [::1]",
                        "%s can be reached from other machines", text);
    }
    return VIA_OK;
}

static via_status fail_bind(const socket_settings *settings, const socket_endpoint *name, via_error *error)
{
    int code = errno;
    char text[128];

    socket_address_print(name, text, sizeof(text));
    if (code == EADDRINUSE)
        return via_fail(settings->host, error, VIA_EBUSY, code, "choose another port, or 0 for one that is free",
                        "somebody listens on %s", text);
    if (code == EACCES)
        return via_fail(settings->host, error, VIA_EPERM, code, "choose a port above 1023",
                        "this user must not listen on %s", text);
    if (code == EADDRNOTAVAIL)
        return via_fail(settings->host, error, VIA_EINVAL, code, "list this machine's addresses with: ip addr",
                        "%s is not an address of this machine", text);
    return fail_os(settings, error, "listen on", text);
}

static via_status bind_tcp(const socket_settings *settings, const socket_address *address, const socket_endpoint *name,
                           socket_listening *listening, via_error *error)
{
    const int on = 1, six_only = strcmp(address->host, "*") != 0;

    listening->descriptor = make_socket(settings, name->storage.ss_family, error);
    if (listening->descriptor < 0)
        return error->status;
    (void)setsockopt(listening->descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (name->storage.ss_family == AF_INET6)
        (void)setsockopt(listening->descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &six_only, sizeof(six_only));
    if (bind(listening->descriptor, (const struct sockaddr *)&name->storage, name->size) == 0)
        return VIA_OK;
    via_status status = fail_bind(settings, name, error);
    (void)close(listening->descriptor);
    listening->descriptor = -1;
    return status;
}

/* A name may stand for several addresses, of which this machine has perhaps not all: the first that works. */
static via_status open_tcp(const socket_settings *settings, const socket_address *address, socket_listening *listening,
                           via_error *error)
{
    via_status status = check_public(settings, address, error);

    if (status != VIA_OK)
        return status;
    status = VIA_EINVAL;
    for (size_t i = 0; i < address->count; i++) {
        status = bind_tcp(settings, address, &address->endpoints[i], listening, error);
        if (status == VIA_OK || status == VIA_EBUSY)
            break;
    }
    return status;
}

/* ---- open and close ----------------------------------------------------------------------------------------- */

via_status socket_listening_open(const socket_settings *settings, const socket_address *address,
                                 socket_listening *listening, via_error *error)
{
    via_status status;

    memset(listening, 0, sizeof(*listening));
    listening->descriptor = -1;
    listening->file.descriptor = -1;
    if (!address->is_unix)
        status = open_tcp(settings, address, listening, error);
    else
        status = address->is_abstract ? bind_abstract(settings, address, listening, error)
                                      : bind_file(settings, address, listening, error);
    if (status == VIA_OK)
        status = start(settings, listening, error);
    if (status != VIA_OK)
        socket_listening_close(listening, VIA_CLOSE_FLUSH);
    return status;
}

void socket_listening_close(socket_listening *listening, uint32_t how)
{
    if (listening->file.descriptor >= 0)
        via_unix_name_give_up(&listening->file, how);
    else if (listening->descriptor >= 0)
        (void)close(listening->descriptor);
    listening->descriptor = -1;
}
