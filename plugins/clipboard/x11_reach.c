/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there an X server, and does it answer?
 *
 * Owns: one short connection that asks for nothing. libxcb waits without end for a server that has stopped, and says of any
 * failure only that there was one; so whether somebody is there is found out first.
 */
#include "x11_state.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "kit/deadline.h"
#include "kit/fail.h"

static const char mend[] = "start an X server, correct DISPLAY or display=, or take backend=embedded";

enum { TCP_BASE = 6000 /* port of display 0 */ };

static int wait_for(int descriptor, short events, via_deadline deadline)
{
    struct pollfd set = {.fd = descriptor, .events = events};
    struct timespec left;
    int ready;

    do
        ready = ppoll(&set, 1, via_deadline_timespec(deadline, &left), NULL);
    while (ready < 0 && errno == EINTR);
    return ready > 0 ? 0 : ready == 0 ? ETIMEDOUT : errno;
}

/* Connects; an errno. */
static int connect_to(const struct sockaddr *address, socklen_t size, via_deadline deadline, int *descriptor)
{
    int error = 0;
    socklen_t error_size = sizeof(error);

    *descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*descriptor < 0)
        return errno;
    if (connect(*descriptor, address, size) != 0) {
        error = errno == EINPROGRESS || errno == EAGAIN ? wait_for(*descriptor, POLLOUT, deadline) : errno;
        if (error == 0 && getsockopt(*descriptor, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0)
            error = errno;
    }
    if (error != 0) {
        (void)close(*descriptor);
        *descriptor = -1;
    }
    return error;
}

static int connect_unix(const char *path, bool is_abstract, via_deadline deadline, int *descriptor)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const size_t length = strlen(path);

    if (length + 1 + is_abstract > sizeof(address.sun_path))
        return ENAMETOOLONG;
    memcpy(address.sun_path + is_abstract, path, length);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + is_abstract + length + !is_abstract);
    return connect_to((const struct sockaddr *)&address, size, deadline, descriptor);
}

static int connect_tcp(const char *host, int display, via_deadline deadline, int *descriptor)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char port[16];
    int error = EHOSTUNREACH;

    (void)snprintf(port, sizeof(port), "%d", TCP_BASE + display);
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return error;
    for (const struct addrinfo *at = found; at && *descriptor < 0; at = at->ai_next)
        error = connect_to(at->ai_addr, at->ai_addrlen, deadline, descriptor);
    freeaddrinfo(found);
    return error;
}

/* As libxcb finds it: no host or "unix" = the socket of that number, a path = itself, anything else = TCP. */
static int connect_display(const char *host, int display, via_deadline deadline, int *descriptor)
{
    char path[64];

    if (host[0] == '/')
        return connect_unix(host, false, deadline, descriptor);
    if (host[0] != '\0' && strcmp(host, "unix") != 0)
        return connect_tcp(host, display, deadline, descriptor);
    (void)snprintf(path, sizeof(path), "/tmp/.X11-unix/X%d", display);
    int error = connect_unix(path, true, deadline, descriptor);
    if (error == ECONNREFUSED || error == ENOENT)
        error = connect_unix(path, false, deadline, descriptor);
    return error;
}

/* Says hello without any authority, and waits for whatever comes back: yes, no and "who are you" are all a life sign. */
static int greet(int descriptor, via_deadline deadline)
{
    const uint16_t one = 1;
    xcb_setup_request_t hello = {.byte_order = *(const uint8_t *)&one ? 'l' : 'B', .protocol_major_version = 11};
    char first;

    if (send(descriptor, &hello, sizeof(hello), MSG_NOSIGNAL) != (ssize_t)sizeof(hello))
        return errno ? errno : EIO;
    int error = wait_for(descriptor, POLLIN, deadline);
    if (error == 0 && recv(descriptor, &first, 1, 0) != 1)
        error = ECONNRESET;
    return error;
}

via_status x11_reach(const x11_library *xcb, const via_host_api *host, const char *display, via_deadline deadline,
                     via_error *error)
{
    char *name = NULL;
    int number = 0;
    int descriptor = -1;

    if (!display || !xcb->parse_display(display, &name, &number, NULL))
        return via_fail(host, error, VIA_EINVAL, 0, "write it as :0, or HOST:0; \"echo $DISPLAY\" shows the one in use",
                        "\"%.100s\" is not the name of an X display", display ? display : "");
    int code = connect_display(name, number, deadline, &descriptor);
    if (code == 0)
        code = greet(descriptor, deadline);
    if (descriptor >= 0)
        (void)close(descriptor);
    free(name);
    if (code == ETIMEDOUT)
        return via_fail(host, error, VIA_ETIMEDOUT, 0, mend, "the X server at \"%.100s\" did not answer in time",
                        display);
    if (code != 0)
        return via_fail(host, error, VIA_EIO, code, mend, "the X server at \"%.100s\" cannot be reached", display);
    return VIA_OK;
}
