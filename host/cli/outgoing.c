/* SPDX-License-Identifier: Apache-2.0 */
/* Channels that messages are to go into; see outgoing.h. */
#include "outgoing.h"

#include "session.h"
#include "stop.h"
#include "wait.h"

enum { USUAL_WAIT_S = 5 };
static const uint64_t second_ns = UINT64_C(1000000000);

static uint32_t role_for(uint32_t pattern)
{
    switch (pattern) {
    case VIA_PATTERN_QUEUE:
        return VIA_PUSH;
    case VIA_PATTERN_TOPIC:
        return VIA_PUBLISH;
    case VIA_PATTERN_VALUE:
        return VIA_VALUE;
    default:
        return VIA_PAIR;
    }
}

int via_cli_outgoing_open(via_cli_outgoing *what, via_channel **channel)
{
    const via_cli_args *args = what->args;
    if (what->role == VIA_PAIR)
        what->role = role_for(via_cli_pattern(args, what->host, what->address));
    via_cli_open open = {.host = what->host,
                         .address = what->address,
                         .role = what->role,
                         .side = via_cli_side(args, what->role == VIA_PUBLISH ? VIA_SIDE_BIND : VIA_SIDE_CONNECT)};
    open.deadline = via_cli_deadline(args, USUAL_WAIT_S * second_ns);
    what->must_wait = (what->role == VIA_PUBLISH || what->role == VIA_PUSH) && open.side == VIA_SIDE_BIND;
    if (via_cli_given(args, VIA_CLI_WAIT) && args->wait > 1 && !what->must_wait)
        return via_cli_usage(args->command, "leave it out, or wait where others come: pub, or push --listen",
                             "--wait %llu: there is one other end here", (unsigned long long)args->wait);
    return via_cli_channel_open(args, &open, channel);
}

/* Whoever asks to wait is told that nobody can be waited for; who does not, does not wait. */
static int wait_for_nobody(const via_cli_outgoing *what)
{
    if (!via_cli_given(what->args, VIA_CLI_WAIT))
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "leave --wait out, or write --wait 0",
                            "%s: who takes from it is not known here, so nobody can be waited for", what->address);
}

/* A side that binds waits for --wait others, or what it sends first would reach nobody. */
static int wait_for_others(const via_cli_outgoing *what, via_channel *channel, uint64_t wanted)
{
    via_deadline deadline = via_cli_deadline(what->args, USUAL_WAIT_S * second_ns);
    for (;;) {
        via_counters counters = {.size = sizeof counters};
        via_status status = via_stats(channel, &counters);
        if (status != VIA_OK)
            return via_cli_status(what->address, channel, status);
        if (counters.peers >= wanted)
            return VIA_EXIT_OK;
        if (via_cli_counts_nobody(&counters))
            return wait_for_nobody(what);
        via_deadline turn = via_after_ms(10);
        status = via_cli_wait(channel, 0, turn < deadline ? turn : deadline);
        if (status == VIA_ECANCELED)
            return via_cli_stop_result(VIA_EXIT_FAILED);
        if (via_now_ns() >= deadline && counters.connects == 0)
            return via_cli_waited(what->address, channel, VIA_ETIMEDOUT);
        if (via_now_ns() >= deadline)
            return via_cli_complain(VIA_EXIT_TIMEOUT,
                                    "start them, wait longer with --timeout, or do not wait with --wait 0",
                                    "%s: waited for %llu to connect, %llu came", what->address,
                                    (unsigned long long)wanted, (unsigned long long)counters.peers);
    }
}

int via_cli_outgoing_wait(const via_cli_outgoing *what, via_channel *channel)
{
    uint64_t wanted = via_cli_given(what->args, VIA_CLI_WAIT) ? what->args->wait : 1;
    return what->must_wait ? wait_for_others(what, channel, wanted) : VIA_EXIT_OK;
}
