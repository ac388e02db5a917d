/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via listen` and `via dial`: standard input out as messages, messages to standard output.
 *
 * Owns: the two directions, a thread each, so that a full standard output never stops what goes the other way. This
 * thread reads and sends; the other receives and writes. It ends when both directions have: standard input is told
 * on with via_finish(), and the other end has finished too. A signal, an error, or a reader of standard output that
 * went away ends it at once.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"
#include "program.h"
#include "refusal.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

enum { USUAL_WAIT_S = 5, LAST_WAIT_MS = 1000 };

enum { LOOK_MS = 100 }; /* between two looks whether an end that has finished still reads */

struct talk {
    const via_cli_args *args;
    via_host *host;
    const char *address;
    via_channel *channel;
    via_cli_format format;
    via_cli_source source;
    int received_all; /* eventfd: the receiver has ended */
    pthread_t receiver;
    _Atomic via_status receive_status; /* VIA_OK = still receiving; VIA_ECLOSED = the other end finished */
    int output_result; /* an exit status if standard output was lost, -1 otherwise; read after the receiver has ended */
    int input_result;  /* an exit status if standard input failed, or what came from it, -1 otherwise; told already */
};

/* ---- the receiving thread ----------------------------------------------------------------------------------- */

static bool hand_on(struct talk *talk, via_msg *message)
{
    bool done = via_cli_message_put(stdout, talk->format, message);
    int saved = errno;
    via_release(talk->channel, message);
    errno = saved;
    return done;
}

/* Standard output takes no more: quiet if nobody reads it, told otherwise. */
static via_status lose_output(struct talk *talk, int os_code)
{
    talk->output_result = VIA_EXIT_OK;
    if (os_code == EPIPE)
        via_cli_stdout_lost();
    else
        talk->output_result = via_cli_os_error("standard output", os_code, "make room where the output goes");
    return VIA_ECANCELED;
}

static via_status wait_for_message(struct talk *talk)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, VIA_FOREVER);
    sleep.on[0].channel = talk->channel;
    sleep.on[0].events = VIA_READ; /* the sending thread serves the internal work */
    sleep.hangup = STDOUT_FILENO;
    return via_cli_sleep_wait(&sleep);
}

static via_status receive_all(struct talk *talk)
{
    for (;;) {
        via_msg message;
        via_status status = via_recv(talk->channel, VIA_NOW, &message);
        if (status == VIA_OK) {
            if (!hand_on(talk, &message))
                return lose_output(talk, errno);
            continue;
        }
        if (fflush(stdout) != 0)
            return lose_output(talk, errno);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = wait_for_message(talk);
        if (status == VIA_ECLOSED)
            return lose_output(talk, EPIPE);
        if (status != VIA_OK)
            return status;
    }
}

static void *run_receiver(void *argument)
{
    struct talk *talk = argument;
    uint64_t one = 1;
    atomic_store(&talk->receive_status, receive_all(talk));
    if (write(talk->received_all, &one, sizeof one) < 0)
        via_cli_stop_now(); /* cannot happen to a fresh eventfd; ending is better than waiting for ever */
    return NULL;
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

/* Where the channel shows that nobody will ever read what is sent; -1 = it does not show. */
static int hangup_of(struct talk *talk)
{
    via_poll_handle handle = {.size = sizeof handle};
    return via_pollable(talk->channel, VIA_WRITE, &handle) == VIA_OK ? (int)handle.handle : -1;
}

/* The same, asked: a pipe's hang-up shows on no handle. */
static bool has_left(struct talk *talk)
{
    via_counters counters = {.size = sizeof counters};
    return via_stats(talk->channel, &counters) == VIA_OK && counters.peers == 0;
}

/*
 * VIA_OK: look again. VIA_ECLOSED: no more can or need be sent. VIA_ECANCELED: asked to stop.
 * Once the other end has finished, it may still read: only a hang-up says that it does not.
 */
static via_status wait_to_send(struct talk *talk, uint32_t event, bool reads_input)
{
    bool has_finished = atomic_load(&talk->receive_status) != VIA_OK;
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, has_finished ? via_after_ms(LOOK_MS) : VIA_FOREVER);
    sleep.on[0].channel = talk->channel;
    sleep.on[0].events = event | VIA_WORK;
    sleep.readable[0] = reads_input ? talk->source.descriptor : -1;
    sleep.readable[1] = has_finished ? -1 : talk->received_all;
    sleep.hangup = has_finished ? hangup_of(talk) : -1;
    if (has_finished && (atomic_load(&talk->receive_status) != VIA_ECLOSED || has_left(talk)))
        return VIA_ECLOSED;
    via_status status = via_cli_sleep_wait(&sleep);
    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

static via_status send_one(struct talk *talk, const via_slice *body, via_meta *meta)
{
    meta->flags = via_cli_source_has_next(&talk->source) ? VIA_MORE : 0;
    for (;;) {
        via_status status = via_send(talk->channel, body->data, body->size, meta, VIA_NOW);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = wait_to_send(talk, VIA_WRITE, false);
        if (status != VIA_OK)
            return status;
    }
}

/* Reads once, when there is something to read. */
static via_status fill(struct talk *talk)
{
    via_status status = wait_to_send(talk, 0, true);
    if (status != VIA_OK || !via_cli_readable_now(talk->source.descriptor))
        return status;
    status = via_cli_source_fill(&talk->source);
    if (status == VIA_EIO)
        talk->input_result = via_cli_os_error("standard input", errno, "see that it can be read, or use </dev/null");
    return status;
}

/* The input is not in the format that it should have. */
static via_status refuse_input(struct talk *talk)
{
    talk->input_result =
        via_cli_complain(VIA_EXIT_FAILED, "mend the input, or choose another --format",
                         "message %llu of the input is not in the format: expected %s",
                         (unsigned long long)talk->source.number, via_cli_format_expected(talk->source.format));
    return VIA_EINVAL;
}

/* The input is as it should be, and the channel does not carry it. */
static via_status refuse_message(struct talk *talk, const via_slice *body, via_status status)
{
    via_cli_letter letter = {talk->args, talk->host, talk->address, talk->channel, *body, talk->source.number, false};
    talk->input_result = via_cli_refused(&letter, status);
    return status;
}

/* VIA_OK: everything was read and sent. VIA_ENOPEER: the other end hung up while there was nothing to send. */
static via_status send_input(struct talk *talk)
{
    for (;;) {
        via_slice body;
        via_meta meta;
        via_status status = via_cli_source_next(&talk->source, &body, &meta);
        if (status == VIA_ECLOSED)
            return VIA_OK;
        if (status == VIA_OK) {
            status = send_one(talk, &body, &meta);
            status = via_cli_is_refusal(status) ? refuse_message(talk, &body, status) : status;
        } else if (status == VIA_EINVAL) {
            return refuse_input(talk);
        } else if (status == VIA_ETIMEDOUT) {
            status = fill(talk);
            status = status == VIA_ECLOSED ? VIA_ENOPEER : status;
        }
        if (status != VIA_OK)
            return status;
    }
}

/* Tells the other end that nothing follows. VIA_ENOTSUP: this transport cannot say it. */
static via_status finish(struct talk *talk)
{
    for (;;) {
        via_status status = via_finish(talk->channel, VIA_NOW);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = wait_to_send(talk, VIA_WRITE, false);
        if (status != VIA_OK)
            return status;
    }
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void wait_for_receiver(struct talk *talk)
{
    while (atomic_load(&talk->receive_status) == VIA_OK && !via_cli_stopped())
        (void)wait_to_send(talk, 0, false);
}

/* What the conversation comes to, once both directions have ended. */
static int outcome(struct talk *talk, via_status sent)
{
    via_status received = atomic_load(&talk->receive_status);
    if (via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (talk->output_result >= 0)
        return talk->output_result;
    if (talk->input_result >= 0)
        return talk->input_result;
    if (received != VIA_ECLOSED && received != VIA_OK)
        return via_cli_status(talk->address, talk->channel, received);
    if (sent == VIA_OK || sent == VIA_ENOPEER || sent == VIA_ENOTSUP)
        return via_cli_program_end(talk->channel, talk->address);
    return via_cli_status(talk->address, talk->channel, sent);
}

static int converse(struct talk *talk)
{
    via_status sent = send_input(talk);
    if (sent == VIA_OK)
        sent = finish(talk);
    if (sent == VIA_ENOTSUP || via_cli_stopped())
        via_cli_drain_briefly(talk->channel);
    else if (talk->input_result < 0)
        wait_for_receiver(talk);
    return outcome(talk, sent);
}

/*
 * A receiver that is stuck in a standard output that nobody reads cannot be joined; then the process ends as it is,
 * with everything that was accepted already drained.
 */
static int join_receiver(struct talk *talk, int result)
{
    struct timespec limit;
    via_cli_stop_now();
    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += LAST_WAIT_MS / 1000;
    if (pthread_timedjoin_np(talk->receiver, NULL, &limit) != 0)
        _exit(result);
    return result;
}

static int run_talk(struct talk *talk)
{
    talk->format = via_cli_format_for(talk->args, talk->channel);
    talk->received_all = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (talk->received_all < 0)
        return via_cli_os_error("eventfd", errno, "close some files, or raise 'ulimit -n'");
    via_meta plain = {.key = NULL};
    via_cli_source_init(&talk->source, STDIN_FILENO, talk->format, &plain);
    int failed = pthread_create(&talk->receiver, NULL, run_receiver, talk);
    int result = failed ? via_cli_os_error("thread", failed, "raise 'ulimit -u'") : VIA_EXIT_OK;
    if (!failed)
        result = join_receiver(talk, converse(talk));
    via_cli_source_fini(&talk->source);
    (void)close(talk->received_all);
    return result;
}

static int talk_as(const via_cli_args *args, uint32_t side)
{
    struct talk talk = {
        .args = args, .address = args->operands.items[0], .received_all = -1, .output_result = -1, .input_result = -1};
    uint64_t usual_ns = side == VIA_SIDE_BIND ? UINT64_MAX : USUAL_WAIT_S * UINT64_C(1000000000);
    int result = via_cli_host_open(args, &talk.host);
    if (result != VIA_EXIT_OK)
        return result;
    via_cli_open what = {.host = talk.host, .address = talk.address, .role = VIA_PAIR, .side = side};
    what.deadline = via_cli_deadline(args, usual_ns);
    result = via_cli_channel_open(args, &what, &talk.channel);
    if (result == VIA_EXIT_OK)
        result = run_talk(&talk);
    via_close(talk.channel);
    via_host_close(talk.host);
    return result;
}

int via_cli_run_listen(const via_cli_args *args)
{
    return talk_as(args, VIA_SIDE_BIND);
}

int via_cli_run_dial(const via_cli_args *args)
{
    return talk_as(args, VIA_SIDE_CONNECT);
}
