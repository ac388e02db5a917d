/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an SP greeting and as pair 1's hop count.
 *
 * What is taken for a greeting is one that would be written for its number. Each protocol takes the greeting of its peer and
 * no other, and a number of hops up to 255.
 */
#include "greeting.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint16_t protocols[] = {SOCKET_SP_PAIR0, SOCKET_SP_PAIR1, SOCKET_SP_PUB,
                                     SOCKET_SP_SUB,   SOCKET_SP_PUSH,  SOCKET_SP_PULL};

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_read(const uint8_t bytes[SOCKET_GREETING_SIZE])
{
    uint8_t again[SOCKET_GREETING_SIZE];
    uint16_t protocol = 0;

    if (socket_greeting_read(bytes, &protocol) != VIA_OK)
        return;
    socket_greeting_write(protocol, again);
    demand(memcmp(bytes, again, sizeof(again)) == 0);
    uint16_t peer = socket_greeting_peer(protocol);
    demand(peer == 0 || socket_greeting_peer(peer) == protocol);
}

static void check_protocol(uint16_t protocol, const uint8_t bytes[SOCKET_GREETING_SIZE])
{
    via_stream_config config = {0};
    uint8_t expected[SOCKET_GREETING_SIZE];

    socket_greeting_configure(&config, protocol, true);
    socket_greeting_write(socket_greeting_peer(protocol), expected);
    demand(config.greeting_size == sizeof(expected));
    demand((config.greeting(config.user, bytes) == VIA_OK) == (memcmp(bytes, expected, sizeof(expected)) == 0));
    demand(config.greeting(config.user, expected) == VIA_OK);
    if (config.check_prefix)
        demand((config.check_prefix(config.user, bytes) == VIA_OK) == (memcmp(bytes, "\0\0\0", 3) == 0));
    demand(!config.check_prefix || config.check_prefix(config.user, config.prefix) == VIA_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < SOCKET_GREETING_SIZE)
        return 0;
    check_read(data);
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
        check_protocol(protocols[i], data);
    return 0;
}
