/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via recv`, `via sub`, `via pull`: messages to standard output or a file.
 *
 * Owns: how many are taken, and when what was taken is handed on: before every sleep. A file that is there keeps what it
 * holds until there is something to replace it with.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"
#include "program.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

struct receiver {
    const via_cli_args *args;
    const char *address;
    via_channel *channel;
    FILE *out;
    via_cli_format format;
    uint64_t wanted; /* messages; UINT64_MAX = until the end */
    uint64_t taken;
};

static uint32_t role_for(uint32_t pattern)
{
    switch (pattern) {
    case VIA_PATTERN_QUEUE:
        return VIA_PULL;
    case VIA_PATTERN_TOPIC:
        return VIA_SUBSCRIBE;
    case VIA_PATTERN_VALUE:
        return VIA_VALUE;
    default:
        return VIA_PAIR;
    }
}

/* ---- handing on --------------------------------------------------------------------------------------------- */

/* A reader of standard output that went away ends the command quietly. */
static int explain_output(const struct receiver *receiver)
{
    if (receiver->out == stdout && errno == EPIPE) {
        via_cli_stdout_lost();
        return VIA_EXIT_OK;
    }
    return via_cli_os_error(receiver->args->output ? receiver->args->output : "standard output", errno,
                            "make room where the output goes");
}

/* The file is to hold what has come from now on, and nothing else. What is no regular file has nothing to empty. */
static bool empty_output(const struct receiver *receiver)
{
    return receiver->out == stdout || ftruncate(fileno(receiver->out), 0) == 0 || errno == EINVAL;
}

static bool put(struct receiver *receiver, via_msg *message)
{
    errno = 0;
    bool done = (receiver->taken > 0 || empty_output(receiver)) &&
                via_cli_message_put(receiver->out, receiver->format, message);
    int saved = errno;
    via_release(receiver->channel, message);
    receiver->taken++;
    errno = saved;
    return done;
}

/* Sleeps until a message may be there; a terminal or pipe that goes away ends the sleep. */
static via_status wait_for_message(const struct receiver *receiver, via_deadline deadline)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, deadline);
    sleep.on[0].channel = receiver->channel;
    sleep.on[0].events = VIA_READ | VIA_WORK;
    sleep.hangup = receiver->out == stdout ? STDOUT_FILENO : -1;
    return via_cli_sleep_wait(&sleep);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static int ended(const struct receiver *receiver, via_status status)
{
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (status != VIA_ECLOSED)
        return via_cli_waited(receiver->address, receiver->channel, status);
    if (receiver->wanted == UINT64_MAX)
        return via_cli_program_end(receiver->channel, receiver->address);
    return via_cli_complain(VIA_EXIT_PEER, "send more at the other end, or ask for less with --count",
                            "%s: the other end finished after %llu of %llu messages", receiver->address,
                            (unsigned long long)receiver->taken, (unsigned long long)receiver->wanted);
}

static int receive(struct receiver *receiver)
{
    via_deadline deadline = via_cli_deadline(receiver->args, UINT64_MAX);
    while (receiver->taken < receiver->wanted) {
        via_msg message;
        via_status status = via_recv(receiver->channel, VIA_NOW, &message);
        if (status == VIA_OK) {
            if (!put(receiver, &message))
                return explain_output(receiver);
            deadline = via_cli_deadline(receiver->args, UINT64_MAX);
            continue;
        }
        if (fflush(receiver->out) != 0)
            return explain_output(receiver);
        if (status != VIA_ETIMEDOUT)
            return ended(receiver, status);
        status = wait_for_message(receiver, deadline);
        if (status == VIA_ECLOSED)
            return via_cli_stdout_lost(), VIA_EXIT_OK;
        if (status != VIA_OK)
            return ended(receiver, status);
    }
    return fflush(receiver->out) == 0 ? VIA_EXIT_OK : explain_output(receiver);
}

/* Whoever sent it takes it for delivered, and there is nobody to hand it on to. A topic's rest is everybody's. */
static void tell_rest(const struct receiver *receiver)
{
    via_msg message;
    via_channel_info info = {.size = sizeof info};
    if (via_info(receiver->channel, &info) != VIA_OK ||
        (info.pattern != VIA_PATTERN_PAIR && info.pattern != VIA_PATTERN_QUEUE) ||
        via_cli_is_program(receiver->channel) || via_recv(receiver->channel, VIA_NOW, &message) != VIA_OK)
        return;
    via_release(receiver->channel, &message);
    via_cli_warn(receiver->address, "more had come than --count takes, and is lost");
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static int open_output(struct receiver *receiver)
{
    const via_cli_args *args = receiver->args;
    receiver->out = stdout;
    if (!args->output)
        return VIA_EXIT_OK;
    int descriptor = open(args->output, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    receiver->out = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (receiver->out)
        return VIA_EXIT_OK;
    return via_cli_os_error(args->output, errno, "name a file that can be written");
}

static int open_channel(struct receiver *receiver, via_host *host, uint32_t role)
{
    const via_cli_args *args = receiver->args;
    if (role == VIA_PAIR)
        role = role_for(via_cli_pattern(args, host, receiver->address));
    receiver->wanted = role == VIA_VALUE ? 1 : UINT64_MAX;
    if (via_cli_given(args, VIA_CLI_COUNT))
        receiver->wanted = args->count;
    uint32_t usual = role == VIA_SUBSCRIBE ? VIA_SIDE_CONNECT : VIA_SIDE_BIND;
    via_cli_open what = {.host = host, .address = receiver->address, .role = role, .side = via_cli_side(args, usual)};
    what.deadline = via_cli_deadline(args, UINT64_MAX);
    int result = via_cli_channel_open(args, &what, &receiver->channel);
    if (result == VIA_EXIT_OK)
        receiver->format = args->output && !via_cli_given(args, VIA_CLI_FORMAT)
                               ? VIA_CLI_RAW
                               : via_cli_format_for(args, receiver->channel);
    return result;
}

static int close_output(const struct receiver *receiver, int result)
{
    if (!receiver->args->output || !receiver->out)
        return result;
    if (result == VIA_EXIT_OK && receiver->taken == 0 && !empty_output(receiver))
        result = explain_output(receiver); /* all that came is nothing */
    return fclose(receiver->out) == 0 || result != VIA_EXIT_OK ? result : explain_output(receiver);
}

/* To come, take nothing and go would lose what the other end sends to whoever comes. */
static int check(const via_cli_args *args)
{
    if (!via_cli_given(args, VIA_CLI_COUNT) || args->count > 0)
        return VIA_EXIT_OK;
    return via_cli_usage(args->command, "ask for at least one: --count 1", "--count 0 would receive nothing");
}

static int receive_as(const via_cli_args *args, uint32_t role)
{
    via_host *host = NULL;
    struct receiver receiver = {.args = args, .address = args->operands.items[0]};
    int result = check(args);
    if (result == VIA_EXIT_OK)
        result = via_cli_host_open(args, &host);
    if (result == VIA_EXIT_OK)
        result = open_output(&receiver);
    if (result == VIA_EXIT_OK)
        result = open_channel(&receiver, host, role);
    if (result == VIA_EXIT_OK)
        result = receive(&receiver);
    if (result == VIA_EXIT_OK && receiver.taken == receiver.wanted)
        tell_rest(&receiver);
    via_close(receiver.channel);
    via_host_close(host);
    return close_output(&receiver, result);
}

int via_cli_run_recv(const via_cli_args *args)
{
    return receive_as(args, VIA_PAIR);
}

int via_cli_run_sub(const via_cli_args *args)
{
    return receive_as(args, VIA_SUBSCRIBE);
}

int via_cli_run_pull(const via_cli_args *args)
{
    return receive_as(args, VIA_PULL);
}
