/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SP greeting and the hop count of pair 1; see greeting.h.
 *
 * Owns: bytes. Must never touch a descriptor.
 */
#include "greeting.h"

#include <string.h>

#define HOPS_SIZE 4
#define HOPS_MAX 255 /* above it the field is no hop count */

static const struct {
    uint32_t role;
    uint16_t protocol;
    uint16_t peer;
} protocols[] = {
    {VIA_PAIR, SOCKET_SP_PAIR0, SOCKET_SP_PAIR0}, {VIA_PAIR, SOCKET_SP_PAIR1, SOCKET_SP_PAIR1},
    {VIA_PUSH, SOCKET_SP_PUSH, SOCKET_SP_PULL},   {VIA_PULL, SOCKET_SP_PULL, SOCKET_SP_PUSH},
    {VIA_PUBLISH, SOCKET_SP_PUB, SOCKET_SP_SUB},  {VIA_SUBSCRIBE, SOCKET_SP_SUB, SOCKET_SP_PUB},
};

#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(protocols[0]))

uint16_t socket_greeting_protocol(uint32_t role)
{
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (protocols[i].role == role)
            return protocols[i].protocol;
    return 0;
}

uint16_t socket_greeting_peer(uint16_t protocol)
{
    for (size_t i = 0; i < PROTOCOL_COUNT; i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].peer;
    return 0;
}

void socket_greeting_write(uint16_t protocol, uint8_t out[SOCKET_GREETING_SIZE])
{
    const uint8_t greeting[SOCKET_GREETING_SIZE] = {
        0, 'S', 'P', 0, (uint8_t)(protocol >> 8), (uint8_t)(protocol & 0xff), 0, 0};

    memcpy(out, greeting, sizeof(greeting));
}

via_status socket_greeting_read(const uint8_t bytes[SOCKET_GREETING_SIZE], uint16_t *protocol)
{
    if (memcmp(bytes, "\0SP", 4) != 0 || bytes[6] != 0 || bytes[7] != 0)
        return VIA_EPROTO;
    *protocol = (uint16_t)(bytes[4] << 8 | bytes[5]);
    return VIA_OK;
}

/* `user` is the number that is expected, so that nothing has to outlive the stream. */
static via_status check_greeting(void *user, const uint8_t *bytes)
{
    uint16_t protocol;

    if (socket_greeting_read(bytes, &protocol) != VIA_OK || protocol != (uint16_t)(uintptr_t)user)
        return VIA_EPROTO;
    return VIA_OK;
}

static via_status check_hops(void *user, const uint8_t *bytes)
{
    (void)user;
    return bytes[0] == 0 && bytes[1] == 0 && bytes[2] == 0 ? VIA_OK : VIA_EPROTO;
}

_Static_assert(HOPS_MAX == 0xff, "check_hops looks at the upper three bytes");

void socket_greeting_configure(via_stream_config *config, uint16_t protocol, bool expect)
{
    static const uint8_t one_hop[HOPS_SIZE] = {0, 0, 0, 1};

    if (expect) {
        config->greeting_size = SOCKET_GREETING_SIZE;
        config->greeting = check_greeting;
        config->user = (void *)(uintptr_t)socket_greeting_peer(protocol);
    }
    if (protocol == SOCKET_SP_PAIR1) {
        config->prefix_size = HOPS_SIZE;
        memcpy(config->prefix, one_hop, sizeof(one_hop));
        config->check_prefix = check_hops;
    }
}
