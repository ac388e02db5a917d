/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to listen or to dial; see address.h.
 *
 * Owns: parsing, looking up and printing. Must never open a socket.
 */
#include "address.h"

#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TCP_MEND "write tcp://HOST:PORT, such as tcp://127.0.0.1:7000 or tcp://[::1]:7000"

/* ---- unix --------------------------------------------------------------------------------------------------- */

static void add_unix(socket_address *address)
{
    struct sockaddr_un *name = (struct sockaddr_un *)&address->endpoints[0].storage;
    size_t length = strlen(address->path);

    memset(name, 0, sizeof(*name));
    name->sun_family = AF_UNIX;
    memcpy(name->sun_path + (address->is_abstract ? 1 : 0), address->path, length);
    address->endpoints[0].size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    address->count = 1;
}

static via_status read_name(const via_host_api *host, const char *name, socket_address *address, via_error *error)
{
    if (*name != '@')
        return via_runtime_path(host, name, ".sock", address->path, sizeof(address->path), error);
    if (!name[1] || strlen(name + 1) > sizeof(address->path) - 2)
        return via_fail(host, error, VIA_EINVAL, 0, "write unix:@NAME with 1 to 106 characters",
                        "the abstract name is empty or too long");
    address->is_abstract = true;
    (void)snprintf(address->path, sizeof(address->path), "%s", name + 1);
    return VIA_OK;
}

static via_status resolve_unix(const via_host_api *host, const char *rest, socket_address *address, via_error *error)
{
    char *name = NULL;
    via_status status;

    if (strncmp(rest, "//", 2) == 0) /* ipc:///PATH and ipc://NAME, as nanomsg writes them */
        rest += 2;
    status = via_text_decode(rest, &name);
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25 and leave control characters out",
                        "'%.100s' has a bad percent escape or a control character", rest);
    address->is_unix = true;
    status = read_name(host, name, address, error);
    if (status == VIA_OK)
        add_unix(address);
    free(name);
    return status;
}

/* ---- tcp ---------------------------------------------------------------------------------------------------- */

static via_status fail_tcp(const via_host_api *host, const char *rest, const char *what, via_error *error)
{
    return via_fail(host, error, VIA_EINVAL, 0, TCP_MEND, "'tcp:%.200s': %s", rest, what);
}

static bool is_port(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits > 0 && digits <= 5 && text[digits] == '\0' && atoi(text) <= 65535;
}

/* Finds where the host ends and where the port begins; NULL or what is wrong. */
static const char *find_parts(const char *text, const char **host, size_t *host_size, const char **port)
{
    if (*text == '[') {
        const char *end = strchr(text, ']');
        if (!end || end[1] != ':')
            return "an IPv6 address is written [ADDRESS]:PORT";
        *host = text + 1;
        *host_size = (size_t)(end - text) - 1;
        *port = end + 2;
        return NULL;
    }
    const char *colon = strchr(text, ':');
    if (!colon)
        return "the port is missing";
    if (strchr(colon + 1, ':'))
        return "an IPv6 address needs brackets";
    *host = text;
    *host_size = (size_t)(colon - text);
    *port = colon + 1;
    return NULL;
}

via_status socket_address_split(const via_host_api *host, const char *rest, socket_address *address, via_error *error)
{
    const char *name = NULL, *port = NULL;
    size_t size = 0;

    if (strncmp(rest, "//", 2) != 0)
        return fail_tcp(host, rest, "two slashes are missing before the host", error);
    const char *wrong = find_parts(rest + 2, &name, &size, &port);
    if (wrong)
        return fail_tcp(host, rest, wrong, error);
    if (size == 0 || size >= sizeof(address->host))
        return fail_tcp(host, rest, "the host is empty or longer than 255 characters", error);
    if (!is_port(port))
        return fail_tcp(host, rest, "the port is not a number from 0 to 65535", error);
    memcpy(address->host, name, size);
    address->host[size] = '\0';
    (void)snprintf(address->port, sizeof(address->port), "%s", port);
    return VIA_OK;
}

static void add_endpoint(socket_address *address, const struct sockaddr *name, socklen_t size)
{
    if (address->count == SOCKET_ADDRESS_MAX || size > sizeof(address->endpoints[0].storage))
        return;
    memcpy(&address->endpoints[address->count].storage, name, size);
    address->endpoints[address->count++].size = size;
}

/* Every address of this machine: one IPv6 socket takes IPv4 too; where there is no IPv6, the second is tried. */
static void add_wildcard(socket_address *address)
{
    in_port_t port = htons((uint16_t)atoi(address->port));
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = port, .sin6_addr = IN6ADDR_ANY_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_ANY)};

    add_endpoint(address, (const struct sockaddr *)&six, sizeof(six));
    add_endpoint(address, (const struct sockaddr *)&four, sizeof(four));
}

/* Only what may be better soon is VIA_ENOPEER, which the host tries again; a listener's name is nobody else's business. */
static via_status status_of_lookup(int code, int os_code, uint32_t side)
{
    switch (code) {
    case EAI_MEMORY:
        return VIA_ENOMEM;
    case EAI_SYSTEM:
        return via_status_of_errno(os_code);
    case EAI_AGAIN:
        return side == VIA_SIDE_CONNECT ? VIA_ENOPEER : VIA_EIO;
    case EAI_FAIL:
        return VIA_EIO;
    default: /* there is no such name, or it has no address */
        return VIA_EINVAL;
    }
}

static via_status fail_lookup(const via_host_api *host, const char *name, int code, uint32_t side, via_error *error)
{
    int os_code = code == EAI_SYSTEM ? errno : 0;
    via_status status = status_of_lookup(code, os_code, side);
    const char *mend = "check the name with: getent ahosts NAME";

    if (status == VIA_EINVAL && side != VIA_SIDE_CONNECT)
        mend = "listen on 127.0.0.1, [::1] or another address of this machine (ip addr lists them)";
    return via_fail(host, error, status, os_code, mend, "the host '%.200s' cannot be looked up: %s", name,
                    gai_strerror(code));
}

static via_status look_up(const via_host_api *host, uint32_t side, socket_address *address, via_error *error)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char *name = NULL;
    via_status status = via_text_decode(address->host, &name);

    if (status != VIA_OK)
        return via_fail(host, error, status, 0, TCP_MEND, "the host '%.200s' has a bad percent escape", address->host);
    int code = getaddrinfo(name, address->port, &hints, &found);
    if (code != 0)
        status = fail_lookup(host, name, code, side, error);
    for (const struct addrinfo *i = found; i; i = i->ai_next)
        add_endpoint(address, i->ai_addr, i->ai_addrlen);
    if (found)
        freeaddrinfo(found);
    free(name);
    return status;
}

static via_status resolve_tcp(const via_host_api *host, const via_open *open, socket_address *address, via_error *error)
{
    via_status status = socket_address_split(host, open->rest, address, error);

    if (status != VIA_OK)
        return status;
    if (open->side == VIA_SIDE_CONNECT && strcmp(address->port, "0") == 0)
        return fail_tcp(host, open->rest, "port 0 can be listened on, not dialled", error);
    if (strcmp(address->host, "*") != 0)
        return look_up(host, open->side, address, error);
    if (open->side == VIA_SIDE_CONNECT)
        return fail_tcp(host, open->rest, "'*' can be listened on, not dialled", error);
    add_wildcard(address);
    return VIA_OK;
}

/* ---- both --------------------------------------------------------------------------------------------------- */

via_status socket_address_resolve(const via_host_api *host, const via_open *open, socket_address *address,
                                  via_error *error)
{
    memset(address, 0, sizeof(*address));
    if (strcmp(open->scheme, "unix") == 0)
        return resolve_unix(host, open->rest, address, error);
    return resolve_tcp(host, open, address, error);
}

static bool is_loopback4(uint32_t network_order)
{
    return ntohl(network_order) >> 24 == 127;
}

bool socket_address_is_local(const socket_endpoint *endpoint)
{
    const struct sockaddr *name = (const struct sockaddr *)&endpoint->storage;

    if (name->sa_family == AF_INET)
        return is_loopback4(((const struct sockaddr_in *)name)->sin_addr.s_addr);
    if (name->sa_family != AF_INET6)
        return name->sa_family == AF_UNIX;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)name)->sin6_addr;
    uint32_t mapped;
    memcpy(&mapped, &six->s6_addr[12], sizeof(mapped));
    return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && is_loopback4(mapped));
}

static void print_unix(const socket_endpoint *endpoint, char *text, size_t capacity)
{
    const struct sockaddr_un *name = (const struct sockaddr_un *)&endpoint->storage;
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    size_t size = endpoint->size > offset ? endpoint->size - offset : 0;

    if (size > 1 && name->sun_path[0] == '\0')
        (void)snprintf(text, capacity, "unix:@%.*s", (int)(size - 1), name->sun_path + 1);
    else if (size > 0)
        (void)snprintf(text, capacity, "unix:%.*s", (int)size, name->sun_path);
}

void socket_address_print(const socket_endpoint *endpoint, char *text, size_t capacity)
{
    char host[INET6_ADDRSTRLEN + 32], port[8];

    text[0] = '\0';
    if (endpoint->storage.ss_family == AF_UNIX) {
        print_unix(endpoint, text, capacity);
        return;
    }
    if (getnameinfo((const struct sockaddr *)&endpoint->storage, endpoint->size, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return;
    if (endpoint->storage.ss_family == AF_INET6)
        (void)snprintf(text, capacity, "tcp://[%s]:%s", host, port);
    else
        (void)snprintf(text, capacity, "tcp://%s:%s", host, port);
}
