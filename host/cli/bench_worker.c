/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker of a bench: the second process, which listens, pulls or subscribes, and answers what is measured.
 *
 * Owns: its end of the channel. It ends with the process that started it.
 */
#include <signal.h>
#include <sys/prctl.h>

#include "bench.h"
#include "commands.h"
#include "session.h"

static uint32_t role_of(const via_bench_job *job, bool is_worker)
{
    switch (job->pattern) {
    case VIA_PATTERN_QUEUE:
        return is_worker ? VIA_PULL : VIA_PUSH;
    case VIA_PATTERN_TOPIC:
        return is_worker ? VIA_SUBSCRIBE : VIA_PUBLISH;
    case VIA_PATTERN_VALUE:
        return VIA_VALUE;
    default:
        return VIA_PAIR;
    }
}

via_status via_bench_join(const via_cli_args *args, via_host *host, const char *address, const via_bench_job *job,
                          bool is_worker, via_channel **channel, via_error *error)
{
    via_open_options options;
    via_cli_open_options(args, &options);
    via_deadline deadline = via_cli_deadline(args, VIA_BENCH_WAIT_S * UINT64_C(1000000000));
    uint32_t role = role_of(job, is_worker);
    if (role == VIA_PAIR)
        return via_dial(host, address, &options, deadline, channel, error);
    if (role != VIA_VALUE) /* whose members are equals */
        options.side = (job->pattern == VIA_PATTERN_QUEUE) == is_worker ? VIA_SIDE_BIND : VIA_SIDE_CONNECT;
    return via_join(host, address, role, &options, deadline, channel, error);
}

/* Listens, says where, and takes the one that dials. */
static via_status serve(const via_cli_args *args, via_host *host, int control, via_channel **channel, via_error *error)
{
    via_listener *listener;
    via_open_options options;
    via_bench_note ready = {.kind = VIA_BENCH_READY};
    via_cli_open_options(args, &options);
    via_status status = via_listen(host, args->operands.items[0], &options, &listener, error);
    if (status != VIA_OK)
        return status;
    status = via_listener_address(listener, ready.address, sizeof ready.address);
    if (status == VIA_OK && !via_bench_note_send(control, &ready))
        status = VIA_EPEER;
    if (status == VIA_OK)
        status = via_accept(listener, via_after_ms(VIA_BENCH_WAIT_S * UINT64_C(1000)), channel, error);
    via_listener_close(listener);
    if (error->status == VIA_OK)
        error->status = status;
    return status;
}

/* A value that was there before is none of those that are measured. */
static void forget(via_channel *channel)
{
    via_msg message;
    while (via_recv(channel, VIA_NOW, &message) == VIA_OK)
        via_release(channel, &message);
}

static via_status open_worker(const via_cli_args *args, via_host *host, const via_bench_job *job, int control,
                              via_channel **channel, via_error *error)
{
    via_bench_note ready = {.kind = VIA_BENCH_READY};
    if (job->pattern == VIA_PATTERN_PAIR)
        return serve(args, host, control, channel, error);
    via_status status = via_bench_join(args, host, args->operands.items[0], job, true, channel, error);
    if (status == VIA_OK && job->pattern == VIA_PATTERN_VALUE)
        forget(*channel);
    if (status == VIA_OK && !via_bench_note_send(control, &ready))
        status = error->status = VIA_EPEER;
    return status;
}

static via_status work(via_bench_end *end, via_bench_result *result)
{
    if (end->job->mode == VIA_BENCH_THROUGHPUT)
        return via_bench_count(end, result);
    return end->job->pattern == VIA_PATTERN_PAIR ? via_bench_echo(end) : via_bench_read_stamps(end, result);
}

static int run_worker(const via_cli_args *args, via_host *host, const via_bench_job *job)
{
    via_bench_end end;
    via_error error;
    via_bench_note done = {.kind = VIA_BENCH_DONE};
    via_error_init(&error);
    if (!via_bench_end_init(&end, job, VIA_BENCH_DESCRIPTOR))
        return via_cli_out_of_memory();
    int result = VIA_EXIT_OK;
    if (open_worker(args, host, job, end.control, &end.channel, &error) != VIA_OK) {
        if (error.status == VIA_ENOTSUP && job->pattern == VIA_PATTERN_PAIR)
            (void)snprintf(error.mend, sizeof error.mend,
                           "measure it with --echo, with a program behind it that echoes");
        result = via_cli_error(args->operands.items[0], &error);
    } else {
        via_bench_watch(end.channel, VIA_BENCH_STILL_S);
        via_status status = work(&end, &done.result);
        via_bench_unwatch();
        if (status != VIA_OK)
            result = via_cli_status(args->operands.items[0], end.channel, status);
        else if (!via_bench_note_send(end.control, &done))
            result = VIA_EXIT_PEER;
    }
    via_close(end.channel);
    via_bench_end_fini(&end);
    return result;
}

int via_cli_run_bench_worker(const via_cli_args *args)
{
    via_host *host = NULL;
    via_bench_note note;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!via_bench_note_recv(VIA_BENCH_DESCRIPTOR, VIA_BENCH_JOB, &note))
        return via_cli_complain(VIA_EXIT_USAGE, "use 'via bench'", "this command is started by 'via bench' only");
    int result = via_cli_host_open(args, &host);
    if (result == VIA_EXIT_OK)
        result = run_worker(args, host, &note.job);
    via_host_close(host);
    return result;
}
