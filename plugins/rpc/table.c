/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extension "via.rpc/1": what the application calls; see <viaduct/rpc.h>.
 */
#include "kit/deadline.h"
#include "peer.h"

#include <string.h>

enum { MESSAGES_AT_ONCE = 64 };

static via_status table_authorize(void *self, via_rpc_authorize_fn ask, void *user)
{
    rpc_peer *peer = self;

    peer->authorize = ask;
    peer->authorize_user = user;
    return VIA_OK;
}

/* ---- pumping ------------------------------------------------------------------------------------------------ */

static bool has_done_something(rpc_peer *peer, void *argument)
{
    (void)peer;
    return ((const rpc_wait *)argument)->done > 0;
}

/* An end that never stops asking must not keep a loop from its other channels. */
static bool has_done_enough(rpc_peer *peer, void *argument)
{
    (void)peer;
    return ((const rpc_wait *)argument)->done >= MESSAGES_AT_ONCE;
}

/*
 * An event loop is woken once and takes all that is there. Whoever waits takes one, and comes again: asking for a second one each time
 * would be a system call for nothing.
 */
static via_status table_pump(void *self, via_deadline deadline)
{
    rpc_peer *peer = self;
    rpc_wait wait = {.is_over = deadline == VIA_NOW ? has_done_enough : has_done_something, .argument = &wait};

    if (rpc_peer_is_foreign(peer))
        return VIA_EFORK;
    if (!(wait.thread = rpc_thread_here(peer)))
        return VIA_ENOMEM;
    via_status status = rpc_wait_for(peer, &wait, deadline);
    return wait.done > 0 ? VIA_OK : status; /* how the channel ended is for the next to tell */
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

static via_status table_stats(void *self, via_rpc_stats *stats)
{
    rpc_peer *peer = self;
    via_rpc_stats now;
    uint32_t size = stats->size < sizeof(now) ? stats->size : (uint32_t)sizeof(now);

    if (rpc_peer_is_foreign(peer))
        return VIA_EFORK;
    (void)pthread_mutex_lock(&peer->lock);
    now = peer->stats;
    rpc_calls_count(peer, &now);
    (void)pthread_mutex_unlock(&peer->lock);
    now.handles = rpc_handles_open(&peer->handles);
    now.size = stats->size;
    memcpy(stats, &now, size);
    return VIA_OK;
}

const via_rpc rpc_table = {
    .size = sizeof(via_rpc),
    .serve = rpc_table_serve,
    .serve_library = rpc_table_serve_library,
    .authorize = table_authorize,
    .import = rpc_table_import,
    .last_error = rpc_table_last_error,
    .call = rpc_table_call,
    .start = rpc_table_start,
    .cancel = rpc_table_cancel,
    .notify = rpc_table_notify,
    .call_json = rpc_table_call_json,
    .start_json = rpc_table_start_json,
    .notify_json = rpc_table_notify_json,
    .describe = rpc_table_describe,
    .pump = table_pump,
    .stats = table_stats,
};
