/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connecting to a listener; see dialer.h.
 *
 * Owns: one socket until it is connected. Must never sleep.
 */
#include "dialer.h"

#include "greeting.h"
#include "kit/fail.h"
#include "kit/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

void socket_dialer_init(socket_dialer *dialer, const socket_settings *settings, const socket_address *address)
{
    *dialer = (socket_dialer){.settings = *settings, .address = *address, .descriptor = -1};
}

void socket_dialer_cancel(socket_dialer *dialer)
{
    if (dialer->descriptor >= 0)
        (void)close(dialer->descriptor);
    dialer->descriptor = -1;
    dialer->next = 0;
}

/* ---- errors ------------------------------------------------------------------------------------------------- */

/* What a failed connect means: is nobody there (now), or is something wrong with us? */
static via_status status_of_connect(int code)
{
    switch (code) {
    case ECONNREFUSED:
    case ENOENT:
    case EAGAIN: /* a Unix listener's backlog is full */
    case ECONNRESET:
    case ECONNABORTED:
    case ETIMEDOUT:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT: /* a name's IPv6 address on a machine without */
    case ENOTDIR:
    case EPIPE:
        return VIA_ENOPEER;
    default:
        return via_status_of_errno(code);
    }
}

static via_status fail_connect(const socket_dialer *dialer, const socket_endpoint *to, int code, via_error *error)
{
    const char *mend = "start the listening program, or check the address";
    const char *what = "nobody listens on";
    char text[160];

    socket_address_print(to, text, sizeof(text));
    if (code == EAGAIN) {
        mend = "the listening program should accept faster, or listen with a larger backlog";
        what = "too many connections wait already at";
    } else if (code == EACCES || code == EPERM) {
        mend = "ask its owner to listen with mode=0666 and users=any";
        what = "this user must not connect to";
    } else if (status_of_connect(code) != VIA_ENOPEER) {
        mend = status_of_connect(code) == VIA_ELIMIT ? "raise the limit of open files (ulimit -n)" : NULL;
        what = "cannot connect to";
    }
    return via_fail(dialer->settings.host, error, status_of_connect(code), code, mend, "%s %s", what, text);
}

/* ---- one address -------------------------------------------------------------------------------------------- */

/* A TCP socket that dials a free port of its own machine can reach itself (simultaneous open, RFC 9293). */
static bool is_itself(int descriptor)
{
    socket_endpoint here = {.size = sizeof(here.storage)}, there = {.size = sizeof(there.storage)};

    memset(&here.storage, 0, sizeof(here.storage));
    memset(&there.storage, 0, sizeof(there.storage));
    return getsockname(descriptor, (struct sockaddr *)&here.storage, &here.size) == 0 &&
           getpeername(descriptor, (struct sockaddr *)&there.storage, &there.size) == 0 &&
           here.storage.ss_family != AF_UNIX && here.size == there.size &&
           memcmp(&here.storage, &there.storage, here.size) == 0;
}

static via_status check_listener(const socket_dialer *dialer, const socket_endpoint *to, via_error *error)
{
    char text[160];

    if (socket_connection_check_user(&dialer->settings, dialer->descriptor) == VIA_OK)
        return VIA_OK;
    socket_address_print(to, text, sizeof(text));
    return via_fail(dialer->settings.host, error, VIA_EPERM, 0, "dial with users=any if you trust that user",
                    "%s is served by another user", text);
}

/* Connected: from here on the descriptor blocks, as the kit's streams want it. */
static via_status finish(socket_dialer *dialer, const socket_endpoint *to, socket_connection *connection,
                         via_error *error)
{
    const socket_settings *settings = &dialer->settings;

    if (is_itself(dialer->descriptor))
        return fail_connect(dialer, to, ECONNREFUSED, error);
    via_status status = check_listener(dialer, to, error);
    if (status != VIA_OK)
        return status;
    int flags = fcntl(dialer->descriptor, F_GETFL);
    if (flags < 0 || fcntl(dialer->descriptor, F_SETFL, flags & ~O_NONBLOCK) < 0)
        return fail_connect(dialer, to, errno, error);
    if (settings->speaks_sp && socket_connection_greet(dialer->descriptor, settings->protocol) != VIA_OK)
        return fail_connect(dialer, to, ECONNRESET, error);
    *connection = (socket_connection){dialer->descriptor, settings->protocol, settings->speaks_sp};
    dialer->descriptor = -1;
    dialer->next = 0;
    return VIA_OK;
}

/* A dead listener's child keeps its socket open: the system would connect us to a backlog that nobody will ever accept. */
static bool is_orphaned(const socket_endpoint *to)
{
    const struct sockaddr_un *name = (const struct sockaddr_un *)&to->storage;

    return name->sun_family == AF_UNIX && name->sun_path[0] != '\0' && via_lock_is_orphaned(name->sun_path);
}

static via_status begin(socket_dialer *dialer, const socket_endpoint *to, socket_connection *connection,
                        via_error *error)
{
    int code;

    if (is_orphaned(to))
        return fail_connect(dialer, to, ECONNREFUSED, error);
    dialer->descriptor = socket(to->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (dialer->descriptor < 0)
        return fail_connect(dialer, to, errno, error);
    via_status status = socket_settings_apply(&dialer->settings, dialer->descriptor, error);
    if (status != VIA_OK)
        return status;
    do
        code = connect(dialer->descriptor, (const struct sockaddr *)&to->storage, to->size) < 0 ? errno : 0;
    while (code == EINTR && to->storage.ss_family == AF_UNIX);
    if (code == EINPROGRESS || code == EINTR)
        return VIA_ETIMEDOUT;
    return code ? fail_connect(dialer, to, code, error) : finish(dialer, to, connection, error);
}

static via_status go_on(socket_dialer *dialer, const socket_endpoint *to, socket_connection *connection,
                        via_error *error)
{
    struct pollfd state = {.fd = dialer->descriptor, .events = POLLOUT};
    int code = 0;
    socklen_t size = sizeof(code);

    if (poll(&state, 1, 0) <= 0) /* a signal makes it fail, and says nothing */
        return VIA_ETIMEDOUT;
    if (getsockopt(dialer->descriptor, SOL_SOCKET, SO_ERROR, &code, &size) < 0)
        code = errno;
    return code ? fail_connect(dialer, to, code, error) : finish(dialer, to, connection, error);
}

/* ---- all addresses ------------------------------------------------------------------------------------------ */

via_status socket_dialer_step(socket_dialer *dialer, socket_connection *connection, via_error *error)
{
    via_status status = VIA_ENOPEER;

    while (dialer->next < dialer->address.count) {
        const socket_endpoint *to = &dialer->address.endpoints[dialer->next];
        status = dialer->descriptor < 0 ? begin(dialer, to, connection, error) : VIA_ETIMEDOUT;
        if (status == VIA_ETIMEDOUT)
            status = go_on(dialer, to, connection, error);
        if (status == VIA_OK || status == VIA_ETIMEDOUT)
            return status;
        if (dialer->descriptor >= 0)
            (void)close(dialer->descriptor);
        dialer->descriptor = -1;
        dialer->next++;
    }
    dialer->next = 0;
    return status;
}
