/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the other end admitted us? One that dials sends before it knows, and a refusal takes with it what was sent.
 *
 * Owns: what the sending half knows of the greeting. Looks without taking anything, since what comes is the receiver's.
 * Must never judge by what it sees while a receive may have taken the beginning.
 */
#include "kit/stream_internal.h"

#include <poll.h>

#include "kit/deadline.h"
#include "kit/fail.h"

enum { PAUSE_NS = 1000000, LOOK_NS = 10 * 1000 * 1000 };

/* ---- the receiving half ------------------------------------------------------------------------------------- */

void via_stream_answer_taking(via_stream *stream)
{
    if (atomic_load(&stream->answer) == VIA_STREAM_UNHEARD)
        atomic_store(&stream->answer, VIA_STREAM_TAKING);
}

void via_stream_answer_taken(via_stream *stream)
{
    if (stream->greeted)
        atomic_store(&stream->answer, VIA_STREAM_ADMITTED);
    else if (stream->recv_status != VIA_OK)
        atomic_store(&stream->answer, VIA_STREAM_REFUSED);
    else if (stream->arrived == 0)
        atomic_store(&stream->answer, VIA_STREAM_UNHEARD);
}

/* ---- the sending half --------------------------------------------------------------------------------------- */

/* VIA_OK: admitted; VIA_ETIMEDOUT: nobody knows; VIA_EPROTO, VIA_EPEER: refused. */
static via_status peek(const via_stream *stream)
{
    const via_stream_config *config = &stream->config;
    uint8_t bytes[16];
    int64_t size = config->io->peek(stream, bytes, config->greeting_size);

    if (size == 0)
        return VIA_EPEER;
    if (size < (int64_t)config->greeting_size)
        return VIA_ETIMEDOUT;
    return config->greeting && config->greeting(config->user, bytes) != VIA_OK ? VIA_EPROTO : VIA_OK;
}

via_status via_stream_answer(via_stream *stream)
{
    int answer = atomic_load(&stream->answer);
    via_status seen = VIA_ETIMEDOUT;

    if (stream->config.answer_ns == 0 || answer == VIA_STREAM_ADMITTED)
        return VIA_OK;
    if (answer == VIA_STREAM_REFUSED)
        return stream->recv_status == VIA_ECLOSED ? VIA_EPEER : stream->recv_status;
    if (answer == VIA_STREAM_UNHEARD)
        seen = peek(stream);
    /* A receiver may have begun meanwhile; and an interrupt looks like an end. */
    if (atomic_load(&stream->answer) != answer || via_wake_is_raised(&stream->wake))
        return VIA_ETIMEDOUT;
    return seen;
}

bool via_stream_is_unanswered(via_stream *stream)
{
    return stream->sent > 0 && via_stream_answer(stream) == VIA_ETIMEDOUT && via_deadline_left(stream->answer_by) > 0;
}

void via_stream_tell_refusal(const via_stream_config *config, via_status status)
{
    const char *what = status == VIA_EPROTO ? "the other end's greeting is that of another pattern"
                                            : "the other end closed the connection before its greeting";

    (void)via_fail_channel(
        config->host, config->context, status, 0,
        "use the same pattern and framing at both ends, and a listener that admits this user (users=)",
        "%s: what was sent to it is lost", what);
}

via_status via_stream_judge(via_stream *stream, via_status status)
{
    via_status answer = via_stream_answer(stream);

    if (answer == VIA_OK || answer == VIA_ETIMEDOUT)
        return status;
    via_stream_tell_refusal(&stream->config, answer);
    return answer;
}

/* Sleeps until the greeting may have come, which another thread may take. */
static via_status wait_for_more(via_stream *stream, via_deadline deadline)
{
    bool quiet = stream->config.io->peek(stream, &(uint8_t){0}, 1) == VIA_ETIMEDOUT;
    via_deadline next = via_deadline_min(deadline, via_deadline_after(quiet ? LOOK_NS : PAUSE_NS));
    via_status status = via_stream_wait(stream, quiet ? stream->config.read_fd : -1, POLLIN, next);

    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

/* Whoever does not answer for long is not accepting just now; it will find what was sent when it does. */
via_status via_stream_await_answer(via_stream *stream, via_deadline deadline)
{
    while (via_stream_is_unanswered(stream)) {
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        via_status status = wait_for_more(stream, via_deadline_min(deadline, stream->answer_by));
        if (status != VIA_OK)
            return status;
    }
    return stream->sent > 0 ? via_stream_judge(stream, VIA_OK) : VIA_OK;
}
