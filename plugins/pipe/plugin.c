/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin's entry: pipe:, exec: and stdio:.
 *
 * Owns: the table of transports. The plugin keeps no state of its own: what the slots get is the host's table.
 */
#include "exec.h"
#include "listener.h"
#include "named.h"
#include "standard.h"

#include "kit/stream_open.h"

static via_status pipe_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void pipe_fini(void *state)
{
    (void)state;
}

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE,
        .scheme = "pipe",
        .listen = pipe_named_listen,
        .dial = pipe_named_dial,
        .join = pipe_named_join,
        .listener_ops = &pipe_listener_ops,
        .channel_ops = &pipe_named_ops,
    },
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR,
        .scheme = "exec",
        .dial = pipe_exec_dial,
        .channel_ops = &pipe_exec_ops,
    },
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR,
        .scheme = "stdio",
        .dial = pipe_stdio_dial,
        .channel_ops = &via_stream_ops,
    },
};

VIA_PLUGIN("pipe", pipe_init, pipe_fini, transports);
