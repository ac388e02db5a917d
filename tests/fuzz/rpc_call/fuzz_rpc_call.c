/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes to an end that serves calc, and may have calls of its own under way: from the channel below to functions and back.
 *
 * The first byte says how: codec, whole messages or a stream, what is called, and what stands in the way. Every message that leaves
 * can be read; what was lent is given back, what was started ends, and what handles stand for is closed with the connection.
 */
#include <stdlib.h>

#include "calls.h"
#include "inner.h"
#include "peer_life.h"
#include "serving.h"

enum {
    BYTES_OF_HEAD = 2,
    IS_JSON = 1,
    IS_STREAM = 2, /* only of MessagePack: JSON needs boundaries */
    GREETS = 4,
    IS_TIGHT = 8, /* who sends without waiting finds no room */
    IS_BARE = 16, /* no interface */
    CALLS_SHIFT = 5,
    LIMIT = 1 << 16,
    MEMORY = 1 << 18
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context;
    (void)os_code;
    if (status == VIA_OK || !what || !mend)
        abort();
}

static via_status fill_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)what;
    (void)mend;
    error->status = status;
    error->os_code = os_code;
    return status;
}

static rpc_plugin *plugin_of_all(void)
{
    static const via_host_api host = {
        .size = sizeof(host), .error = fill_error, .failed = failed, .inner = &fuzz_inner_ops};
    static rpc_plugin *plugin;

    if (!plugin && rpc_plugin_create(&host, &plugin) != VIA_OK)
        abort();
    return plugin;
}

static via_status allow_some(void *user, const via_peer_info *peer, const char *method)
{
    (void)user;
    return peer->known == VIA_PEER_PROCESS && method[0] < 's' ? VIA_OK : VIA_EPERM;
}

static rpc_peer *create(unsigned how, fuzz_inner *inner)
{
    static via_counters counters;
    const via_open open = {.size = sizeof(open), .counters = &counters};
    rpc_settings settings = {.codec = inner->codec,
                             .deadline_ns = -1,
                             .max_message = LIMIT,
                             .max_memory = MEMORY,
                             .max_depth = 4,
                             .greets = how & GREETS,
                             .is_stream = inner->piece > 0};
    rpc_peer *peer;
    via_error error;

    if (!(how & IS_BARE) &&
        rpc_plugin_interface(plugin_of_all(), CALC_INTERFACE, &settings.interface, &error) != VIA_OK)
        abort();
    if (rpc_peer_create(plugin_of_all(), &settings, &open, (via_inner *)inner, &peer) != VIA_OK)
        abort();
    if (settings.interface)
        fuzz_serve(peer);
    return peer;
}

static void pump_to_the_end(rpc_peer *peer)
{
    via_rpc_stats stats = {.size = sizeof(stats)};

    while (rpc_table.pump(peer, VIA_FOREVER) == VIA_OK)
        ;
    if (rpc_table.stats(peer, &stats) != VIA_OK || stats.in_flight != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < BYTES_OF_HEAD)
        return 0;
    const unsigned how = data[0], more = data[1];
    const bool is_stream = how & IS_STREAM && !(how & IS_JSON);
    fuzz_inner inner = {.codec = how & IS_JSON ? &rpc_json : &rpc_msgpack,
                        .data = data + BYTES_OF_HEAD,
                        .size = size - BYTES_OF_HEAD,
                        .piece = is_stream ? (size_t)more + 1 : 0,
                        .is_tight = how & IS_TIGHT};
    rpc_peer *peer = create(how, &inner);

    if (!is_stream && more & 1)
        (void)rpc_table.authorize(peer, allow_some, NULL);
    fuzz_call(peer, how >> CALLS_SHIFT);
    pump_to_the_end(peer);
    fuzz_calls_check();
    rpc_peer_destroy(peer, false);
    if (inner.lent != 0 || calc_counters() != 0)
        abort();
    return 0;
}
