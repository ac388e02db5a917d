/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: hosts, patterns, channels; see session.h. Owns: the shared options' meaning. */
#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "program.h"
#include "stop.h"
#include "wait.h"

static const uint32_t pattern_of_choice[] = {VIA_PATTERN_PAIR, VIA_PATTERN_QUEUE, VIA_PATTERN_TOPIC, VIA_PATTERN_VALUE};

/* The library leaves out what is not there, since a search path may name it; what a person names has to be there. */
static int check_named(const char *option, const via_cli_list *paths)
{
    char subject[1024];
    for (size_t i = 0; i < paths->count; i++)
        if (access(paths->items[i], F_OK) != 0) {
            const int code = errno;
            (void)snprintf(subject, sizeof subject, "--%s %s", option, paths->items[i]);
            return via_cli_os_error(subject, code, "check the path");
        }
    return VIA_EXIT_OK;
}

/* Who runs a command sees its errors only; a variable that names nothing is worth a line before one of them comes. */
static void show_warning(void *user, uint32_t level, const char *plugin, const char *text)
{
    (void)user;
    (void)level;
    via_cli_warn(plugin, text);
}

int via_cli_host_open(const via_cli_args *args, via_host **host)
{
    via_error error;
    via_host_options options;
    if (check_named("plugins", &args->plugins) != VIA_EXIT_OK ||
        check_named("endpoints", &args->endpoints) != VIA_EXIT_OK || check_named("trust", &args->trust) != VIA_EXIT_OK)
        return VIA_EXIT_FAILED;
    via_host_options_init(&options);
    options.plugin_paths = args->plugins.items;
    options.plugin_path_count = args->plugins.count;
    options.endpoint_paths = args->endpoints.items;
    options.endpoint_path_count = args->endpoints.count;
    options.trusted_paths = args->trust.items;
    options.trusted_path_count = args->trust.count;
    options.log_level = VIA_LOG_WARNING;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no thread writes variables */
    options.log = getenv("VIADUCT_LOG") ? NULL : show_warning;
    via_error_init(&error);
    if (via_host_open(&options, host, &error) == VIA_OK)
        return VIA_EXIT_OK;
    return via_cli_error(NULL, &error);
}

void via_cli_open_options(const via_cli_args *args, via_open_options *options)
{
    via_open_options_init(options);
    options->options = args->options.items;
    options->option_count = args->options.count;
}

/* What the endpoint states; 0 = it is an address, or says nothing. */
static uint32_t endpoint_pattern(via_host *host, const char *address)
{
    size_t length = strcspn(address, "?"), cursor = 0;
    via_endpoint_info info = {.size = sizeof info};
    while (via_endpoint_next(host, &cursor, &info) == VIA_OK) {
        if (strlen(info.name) == length && strncmp(info.name, address, length) == 0)
            return info.pattern;
        info.size = sizeof info;
    }
    return 0;
}

const char *via_cli_pattern_name(uint32_t pattern)
{
    switch (pattern) {
    case VIA_PATTERN_PAIR:
        return "pair";
    case VIA_PATTERN_QUEUE:
        return "queue";
    case VIA_PATTERN_TOPIC:
        return "topic";
    case VIA_PATTERN_VALUE:
        return "value";
    case VIA_PATTERN_REGION:
        return "region";
    default:
        return "";
    }
}

uint32_t via_cli_pattern(const via_cli_args *args, via_host *host, const char *address)
{
    if (via_cli_given(args, VIA_CLI_PATTERN))
        return pattern_of_choice[args->pattern];
    uint32_t stated = endpoint_pattern(host, address);
    return stated ? stated : VIA_PATTERN_PAIR;
}

uint32_t via_cli_side(const via_cli_args *args, uint32_t otherwise)
{
    if (args->listen)
        return VIA_SIDE_BIND;
    return args->dial ? VIA_SIDE_CONNECT : otherwise;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

static const char nobody_came[] = "nobody has connected before the deadline";
static const char call_somebody[] = "start the other end, or wait longer with --timeout";

static via_status explain_wait(via_status status, via_error *error)
{
    via_error_init(error);
    error->status = status;
    if (status == VIA_ETIMEDOUT) {
        (void)snprintf(error->what, sizeof error->what, "%s", nobody_came);
        (void)snprintf(error->mend, sizeof error->mend, "%s", call_somebody);
    }
    return status;
}

bool via_cli_counts_nobody(const via_counters *counters)
{
    return counters->peers == 0 && counters->connects > counters->disconnects;
}

int via_cli_send_waited(const char *subject, via_channel *channel, via_status status)
{
    via_counters counters = {.size = sizeof counters};
    const int lost = via_cli_program_lost(channel, subject, status);
    if (lost != VIA_EXIT_OK)
        return lost;
    if (status != VIA_ETIMEDOUT || via_stats(channel, &counters) != VIA_OK || !via_cli_counts_nobody(&counters))
        return via_cli_waited(subject, channel, status);
    return via_cli_complain(VIA_EXIT_TIMEOUT, "start one that takes from it, or wait longer with --timeout",
                            "%s: it is full, and nobody has taken anything from it before the deadline", subject);
}

int via_cli_waited(const char *subject, via_channel *channel, via_status status)
{
    via_counters counters = {.size = sizeof counters};
    if (status != VIA_ETIMEDOUT || via_stats(channel, &counters) != VIA_OK || counters.peers > 0 ||
        via_cli_counts_nobody(&counters))
        return via_cli_status(subject, channel, status);
    if (counters.connects == 0)
        return via_cli_complain(VIA_EXIT_TIMEOUT, call_somebody, "%s: %s", subject, nobody_came);
    return via_cli_complain(VIA_EXIT_TIMEOUT, call_somebody,
                            "%s: nobody is connected any more, and the deadline passed", subject);
}

static via_status wait_for_dialer(via_listener *listener, via_deadline deadline, via_channel **channel,
                                  via_error *error)
{
    for (;;) {
        via_status status = via_accept(listener, VIA_NOW, channel, error);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = via_cli_wait_listener(listener, NULL, deadline);
        if (status != VIA_OK)
            return explain_wait(status, error);
    }
}

/* Whoever asks for any free port has to be told which. */
static void tell_chosen(const char *asked, via_listener *listener)
{
    char chosen[512];
    size_t size = strcspn(asked, "?");

    if (size < 2 || strncmp(asked + size - 2, ":0", 2) != 0)
        return;
    if (via_listener_address(listener, chosen, sizeof chosen) == VIA_OK)
        (void)fprintf(stderr, "via: listening at %s\n", chosen);
}

/* Serves one: the name is given up as soon as somebody came. */
static via_status accept_one(const via_cli_open *what, const via_open_options *options, via_channel **channel,
                             via_error *error)
{
    via_listener *listener;
    via_status status = via_listen(what->host, what->address, options, &listener, error);
    if (status != VIA_OK)
        return status;
    tell_chosen(what->address, listener);
    status = wait_for_dialer(listener, what->deadline, channel, error);
    via_listener_close(listener);
    return status;
}

via_status via_cli_channel_try(const via_cli_args *args, const via_cli_open *what, via_channel **channel,
                               via_error *error)
{
    via_open_options options;
    via_error_init(error);
    via_cli_open_options(args, &options);
    options.side = what->role == VIA_PAIR ? VIA_SIDE_DEFAULT : what->side;
    if (what->role != VIA_PAIR)
        return via_join(what->host, what->address, what->role, &options, what->deadline, channel, error);
    if (what->side == VIA_SIDE_BIND)
        return accept_one(what, &options, channel, error);
    return via_dial(what->host, what->address, &options, what->deadline, channel, error);
}

int via_cli_channel_open(const via_cli_args *args, const via_cli_open *what, via_channel **channel)
{
    via_error error;
    if (what->side == VIA_SIDE_BIND)
        via_cli_stop_gently(); /* this does not block, and a name that was taken is to be given up */
    via_status status = via_cli_channel_try(args, what, channel, &error);
    via_cli_stop_gently();
    if (status == VIA_OK)
        return VIA_EXIT_OK;
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    return via_cli_error(what->address, &error);
}

via_cli_format via_cli_format_for(const via_cli_args *args, via_channel *channel)
{
    via_channel_info info = {.size = sizeof info};
    bool is_stream = via_info(channel, &info) == VIA_OK && (info.flags & VIA_INFO_KEEPS_BOUNDARIES) == 0;
    return is_stream && !via_cli_given(args, VIA_CLI_FORMAT) ? VIA_CLI_RAW : (via_cli_format)args->format;
}

/* ---- sending and receiving ---------------------------------------------------------------------------------- */

via_status via_cli_send(via_channel *channel, const via_slice *bytes, const via_meta *meta, via_deadline deadline)
{
    for (;;) {
        via_status status = via_send(channel, bytes->data, bytes->size, meta, VIA_NOW);
        if (status != VIA_ETIMEDOUT)
            return status;
        bool is_heard = via_cli_is_program(channel) && via_cli_program_hush(channel);
        status = via_cli_wait(channel, is_heard ? VIA_READ | VIA_WRITE : VIA_WRITE, deadline);
        if (status != VIA_OK)
            return status;
    }
}

via_status via_cli_recv(via_channel *channel, via_deadline deadline, via_msg *message)
{
    for (;;) {
        via_status status = via_recv(channel, VIA_NOW, message);
        if (status == VIA_ETIMEDOUT)
            status = via_cli_wait(channel, VIA_READ, deadline);
        else
            return status;
        if (status != VIA_OK)
            return status;
    }
}

via_status via_cli_drain(via_channel *channel, via_deadline deadline)
{
    /* Short turns, so that a signal is seen: draining may wait for the other end. */
    for (;;) {
        via_deadline turn = via_after_ms(100);
        via_status status = via_drain(channel, turn < deadline ? turn : deadline, NULL);
        if (status != VIA_ETIMEDOUT || via_now_ns() >= deadline)
            return status;
        if (via_cli_stopped())
            return VIA_ECANCELED;
        if (via_cli_is_program(channel))
            (void)via_cli_program_hush(channel); /* it reads on only if somebody takes what it says */
    }
}

void via_cli_drain_briefly(via_channel *channel)
{
    via_status status = via_drain(channel, via_after_ms(1000), NULL);
    (void)status; /* there is nobody left to tell */
}
