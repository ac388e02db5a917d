/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a connection carries bytes, and how its ends part; see link.h.
 *
 * Owns: what an end of file means. Moves bytes as the kit's pipes do, except before a dialer is taken up.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/fail.h"

#include <sys/epoll.h>
#include <sys/stat.h>

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static via_status refused(const pipe_link *link)
{
    const char *mend;
    const char *what = pipe_link_refusal_text(link->refusal, &mend);

    return pipe_link_fail(link, VIA_EPROTO, mend, what);
}

via_status pipe_link_verdict(const pipe_link *link)
{
    if (pipe_link_is_refused(link))
        return refused(link);
    if (link->welcome || !link->sent_ahead || (!atomic_load(&link->attached) && !link->gone))
        return VIA_OK;
    return pipe_link_fail(link, VIA_EPEER, "dial again: another listener may come",
                          "the listener ended before it took this connection up");
}

static via_status peer_died(const pipe_link *link)
{
    return pipe_link_fail(link, VIA_EPEER, NULL, "the other end died: it went without a word");
}

/* The byte in the pipe that stood for the file. */
static int64_t take_poke(via_stream *stream, via_deadline deadline)
{
    pipe_link *link = stream->config.user;
    uint8_t poke;
    via_slice slice = {&poke, 1};
    int64_t moved = via_stream_io_pipe.read(stream, &slice, 1, deadline);

    if (moved == 1)
        link->poke_due = false;
    return moved;
}

static int64_t read_pipe(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    pipe_link *link = stream->config.user;
    int64_t moved = link->poke_due ? take_poke(stream, deadline) : 1;

    if (moved == 1)
        moved = via_stream_io_pipe.read(stream, into, count, deadline);
    if (moved == 0 && !pipe_link_is_marked(link->in))
        return peer_died(link);
    return moved;
}

static int64_t link_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    pipe_link *link = stream->config.user;
    via_status status = pipe_link_await_word(link, stream, deadline);
    int64_t moved;

    if (status != VIA_OK)
        return status;
    if (link->refusal)
        return refused(link);
    moved = link->rest >= 0 ? pipe_rest_read(link, into) : 0;
    if (moved != 0)
        return moved;
    if (!link->rest_only)
        return read_pipe(stream, into, count, deadline);
    return link->rest_clean ? 0 : peer_died(link);
}

/* One attempt, which nobody empties the pipe during. `*status`: VIA_ETIMEDOUT = still not taken up. */
static int64_t write_once_ahead(via_stream *stream, const via_slice *from, size_t count, via_status *status)
{
    pipe_link *link = stream->config.user;
    int64_t moved = VIA_OK;

    pthread_mutex_lock(&link->lock);
    *status = pipe_link_check_locked(link);
    if (*status == VIA_ETIMEDOUT)
        moved = via_stream_io_pipe.write(stream, from, count, VIA_NOW);
    link->sent_ahead = link->sent_ahead || moved > 0;
    pthread_mutex_unlock(&link->lock);
    return moved;
}

/* Nobody reads yet, but for ourselves: what fits into the pipe is accepted. VIA_OK: taken up meanwhile. */
static int64_t write_ahead(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    pipe_link *link = stream->config.user;

    for (;;) {
        via_status status;
        int64_t moved = write_once_ahead(stream, from, count, &status);

        if (status != VIA_ETIMEDOUT)
            return status;
        if (moved != VIA_ETIMEDOUT || deadline == VIA_NOW)
            return moved;
        /* An interrupt no longer counts while the stream closes. */
        status = pipe_link_await(link, stream->closing ? NULL : &stream->wake, true, deadline);
        if (status != VIA_OK)
            return status;
    }
}

static int64_t link_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    pipe_link *link = stream->config.user;
    int64_t moved = VIA_OK;

    if (!atomic_load_explicit(&link->attached, memory_order_acquire))
        moved = write_ahead(stream, from, count, deadline);
    if (moved != VIA_OK)
        return moved;
    if (link->refusal)
        return refused(link);
    moved = via_stream_io_pipe.write(stream, from, count, deadline);
    if (moved == VIA_ECLOSED && !link->rest_only && !pipe_link_is_marked(link->in))
        return peer_died(link);
    return moved;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static via_status link_finish(via_stream *stream)
{
    pipe_link *link = stream->config.user;

    pipe_link_mark(link->out);
    pthread_mutex_lock(&link->lock);
    pipe_link_watch_writer(link, 0);
    via_stream_close_writer(stream);
    link->spent = link->out;
    link->out = -1;
    pipe_link_watch_writer(link, EPOLLIN);
    pthread_mutex_unlock(&link->lock);
    return VIA_OK;
}

/* A listener that died between taking up and tidying has left names behind. */
static void tidy(const pipe_link *link)
{
    struct stat status;
    pipe_names names;

    if (!link->gone && (fstat(link->in, &status) != 0 || status.st_nlink == 0))
        return;
    pipe_link_names(link, &names);
    pipe_place_remove(&names);
}

/*
 * `complete`: everything that was accepted has gone into the pipe. Between the listener's claim and its word the names
 * are the listener's, which may just be about to open them; should it come too late for `down`, the mark there tells it
 * from a death, and that what is in the pipe counts.
 */
static void part(pipe_link *link, bool complete)
{
    via_status status = pipe_link_check(link);

    if (status == VIA_ETIMEDOUT && pipe_rest_leave(link, complete))
        return;
    if (status == VIA_ETIMEDOUT)
        status = pipe_link_check(link);
    if (status == VIA_ETIMEDOUT)
        pipe_link_mark(link->in);
    if (link->out >= 0 && complete)
        pipe_link_mark(link->out);
    if (link->path && status != VIA_ETIMEDOUT)
        tidy(link);
}

void pipe_link_abandon(pipe_link *link)
{
    part(link, true);
    pipe_link_destroy(link, VIA_CLOSE_FLUSH);
}

static void link_close(via_stream *stream, uint32_t how)
{
    pipe_link *link = stream->config.user;

    if (how != VIA_CLOSE_FORKED)
        part(link, via_stream_backlog(stream) == 0);
    pipe_link_destroy(link, how);
}

const via_stream_io pipe_link_io = {
    .read = link_read,
    .write = link_write,
    .finish = link_finish,
    .close = link_close,
};
