/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to listen or to dial.
 *
 * Owns: the notation of the two schemes and what the system makes of it.
 *   unix:NAME            a socket file in the runtime folder     unix:/PATH, ipc:///PATH   a file anywhere
 *   unix:@NAME           a name in the kernel, no file (Linux)
 *   tcp://HOST:PORT      HOST = name, IPv4, [IPv6], or * = every address of this machine (listening only)
 */
#ifndef SOCKET_ADDRESS_H
#define SOCKET_ADDRESS_H

#include <sys/socket.h>
#include <sys/un.h>
#include <viaduct/plugin.h>

#define SOCKET_ADDRESS_MAX 8 /* of a host name that has many */

typedef struct socket_endpoint {
    struct sockaddr_storage storage;
    socklen_t size;
} socket_endpoint;

typedef struct socket_address {
    bool is_unix;
    bool is_abstract;                                       /* unix: no file */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* unix: of the file, or the abstract name */
    char host[256];                                         /* tcp: without brackets; "*" = all */
    char port[6];                                           /* tcp */
    socket_endpoint endpoints[SOCKET_ADDRESS_MAX];          /* what to try, in this order */
    size_t count;
} socket_address;

/* Splits "//HOST:PORT". VIA_OK, VIA_EINVAL. */
via_status socket_address_split(const via_host_api *host, const char *rest, socket_address *address, via_error *error);
/*
 * Everything, as far as sockaddrs. A host name is looked up by the system's resolver, which may block for longer than any
 * deadline; numbers never do. VIA_OK, VIA_EINVAL, VIA_EPERM, VIA_ENOPEER (no such host, now), VIA_ENOMEM, VIA_EIO.
 */
via_status socket_address_resolve(const via_host_api *host, const via_open *open, socket_address *address,
                                  via_error *error);
/* Is it one that only this machine can reach? */
bool socket_address_is_local(const socket_endpoint *endpoint);
/* "tcp://HOST:PORT" in numbers, or "unix:PATH"; "" if it has no name. */
void socket_address_print(const socket_endpoint *endpoint, char *text, size_t capacity);

#endif
