/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connected socket, before it becomes a stream; see connection.h.
 *
 * Owns: nothing for longer than a call. Must never block.
 */
#include "connection.h"

#include "address.h"
#include "greeting.h"
#include "kit/credentials.h"
#include "kit/lock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A listener that is in a call answers at once; one that is not accepts when it likes, and is not waited for any longer. */
#define ANSWER_NS 1000000000U

via_status socket_connection_greet(int descriptor, uint16_t protocol)
{
    uint8_t greeting[SOCKET_GREETING_SIZE];
    ssize_t sent;

    socket_greeting_write(protocol, greeting);
    do
        sent = send(descriptor, greeting, sizeof(greeting), MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent == (ssize_t)sizeof(greeting) ? VIA_OK : VIA_EPEER;
}

via_status socket_connection_check_user(const socket_settings *settings, int descriptor)
{
    return settings->is_unix ? via_credentials_check_user(descriptor, settings->any_user) : VIA_OK;
}

void socket_connection_close(socket_connection *connection)
{
    if (connection->descriptor >= 0)
        (void)close(connection->descriptor);
    connection->descriptor = -1;
}

/* Only our own listeners hold the lock beside their socket file; and they take what was sent by one that has gone. */
static bool is_served_by_viaduct(int descriptor)
{
    struct sockaddr_un name;
    socklen_t size = sizeof(name) - 1;

    memset(&name, 0, sizeof(name)); /* with a NUL at the end, whatever the system fills in */
    return getpeername(descriptor, (struct sockaddr *)&name, &size) == 0 && name.sun_family == AF_UNIX &&
           name.sun_path[0] != '\0' && via_lock_owner(name.sun_path) != 0;
}

void socket_connection_describe(const socket_settings *settings, const socket_connection *connection,
                                via_stream_config *config)
{
    config->host = settings->host;
    config->context = settings->context;
    config->counters = settings->counters;
    config->io = &via_stream_io_socket;
    config->read_fd = connection->descriptor;
    config->write_fd = connection->descriptor;
    config->framing = settings->framing;
    config->max_message = settings->max_message;
    config->linger_ns = settings->linger_ns;
    config->spin_ns = settings->spin_ns;
    if (settings->speaks_sp)
        socket_greeting_configure(config, connection->protocol, connection->expects_greeting);
    if (connection->expects_greeting && settings->side != VIA_SIDE_BIND)
        config->answer_ns = ANSWER_NS;
    config->greeting_optional = connection->expects_greeting && is_served_by_viaduct(connection->descriptor);
}

via_status socket_connection_peer(int descriptor, via_peer_info *peer)
{
    socket_endpoint other = {.size = sizeof(other.storage)};

    if (via_credentials_of_socket(descriptor, peer) != VIA_OK)
        peer->known = 0;
    if (getpeername(descriptor, (struct sockaddr *)&other.storage, &other.size) == 0)
        socket_address_print(&other, peer->address, sizeof(peer->address));
    if (peer->address[0])
        peer->known |= VIA_PEER_ADDRESS;
    return VIA_OK;
}
