/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme exec: a child's standard input and output as a channel.
 *
 * Owns: when such a channel has ended. Its receiving half ends when the child has closed its output AND has ended, so
 * that "it finished" (VIA_ECLOSED, whatever its exit status) and "it was killed" (VIA_EPEER) are always told apart.
 * Closing leaves neither a process nor a zombie behind.
 */
#include "exec.h"

#include "descriptors.h"
#include "exec_plan.h"
#include "exec_state.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "settings.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { GRACE_NS = 100 * 1000 * 1000 }; /* between the last descriptor that an ending process closes and its end */

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void watch(exec_channel *channel, int operation, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN};

    if (descriptor >= 0)
        (void)epoll_ctl(channel->read_set, operation, descriptor, &event);
}

/* From now on the handle of VIA_READ stands for the child's end. */
static void note_end_of_output(exec_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    if (!channel->output_ended && channel->read_set >= 0) {
        watch(channel, EPOLL_CTL_DEL, channel->stream.config.read_fd);
        watch(channel, EPOLL_CTL_ADD, channel->child.pidfd);
    }
    channel->output_ended = true;
    pthread_mutex_unlock(&channel->lock);
}

/* The child has ended: VIA_ECLOSED or VIA_EPEER, with the reason kept for via_failure(). */
static via_status verdict(exec_channel *channel)
{
    const via_stream_config *config = &channel->stream.config;
    const pipe_child *child = &channel->child;

    if (!child->known)
        return via_fail_channel(config->host, config->context, VIA_ECLOSED, 0,
                                "let the program keep SIGCHLD at its default, and wait for its own children only",
                                "process %ld ended, and how was not to be learned", (long)child->pid);
    if (child->signal != 0)
        return via_fail_channel(config->host, config->context, VIA_EPEER, 0, NULL,
                                "process %ld was killed by signal %d (%s)%s", (long)child->pid, child->signal,
                                /* NOLINTNEXTLINE(concurrency-mt-unsafe): glibc has a text for each thread */
                                strsignal(child->signal), child->core_dumped ? ", core dumped" : "");
    if (child->code != 0)
        return via_fail_channel(config->host, config->context, VIA_ECLOSED, 0,
                                "its standard error, or via_process_wait(), tells more",
                                "process %ld exited with status %d", (long)child->pid, child->code);
    return VIA_ECLOSED;
}

/* ---- bytes -------------------------------------------------------------------------------------------------- */

/* It may have closed its output and still read what is sent. */
static via_status await_end(exec_channel *channel, via_deadline deadline)
{
    while (!pipe_child_has_ended(&channel->child)) {
        struct pollfd end = {.fd = channel->child.pidfd, .events = POLLIN};
        via_status status = deadline == VIA_NOW ? VIA_ETIMEDOUT : via_stream_sleep(&channel->stream, &end, 1, deadline);

        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

static int64_t exec_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    exec_channel *channel = (exec_channel *)stream;
    via_status status;

    if (!channel->output_ended) {
        int64_t moved = via_stream_io_pipe.read(stream, into, count, deadline);

        if (moved != 0)
            return moved;
        note_end_of_output(channel);
    }
    status = await_end(channel, deadline);
    if (status != VIA_OK)
        return status;
    return verdict(channel) == VIA_EPEER ? VIA_EPEER : 0;
}

static int64_t exec_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    exec_channel *channel = (exec_channel *)stream;
    int64_t moved = via_stream_io_pipe.write(stream, from, count, deadline);

    if (moved != VIA_ECLOSED)
        return moved;
    /* It reads no more: has it ended, and how? */
    if (pipe_child_wait(&channel->child, &stream->wake, via_deadline_min(deadline, via_deadline_after(GRACE_NS))) ==
            VIA_OK &&
        verdict(channel) == VIA_EPEER)
        return VIA_EPEER;
    return VIA_ECLOSED;
}

static via_status exec_finish(via_stream *stream)
{
    pipe_exec_keep_input((exec_channel *)stream);
    return via_stream_io_pipe.finish(stream);
}

static void exec_close_stream(via_stream *stream, uint32_t how)
{
    exec_channel *channel = (exec_channel *)stream;
    uint64_t linger_ns = stream->config.linger_ns;

    pipe_descriptors_close(&stream->config.write_fd);
    if (how != VIA_CLOSE_FORKED) {
        if (!pipe_exec_outlive(channel, via_deadline_after(linger_ns > INT64_MAX ? -1 : (int64_t)linger_ns)))
            pipe_child_end(&channel->child, channel->terminate_ns);
    }
    pipe_descriptors_close(&stream->config.read_fd);
    pipe_descriptors_close(&channel->input);
}

static const via_stream_io exec_io = {
    .read = exec_read,
    .write = exec_write,
    .finish = exec_finish,
    .close = exec_close_stream,
};

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* The four ends of the two pipes; -1 = not open. */
typedef struct exec_ends {
    int to_child[2];
    int from_child[2];
} exec_ends;

static void close_ends(exec_ends *ends)
{
    for (int i = 0; i < 2; i++) {
        pipe_descriptors_close(&ends->to_child[i]);
        pipe_descriptors_close(&ends->from_child[i]);
    }
}

static via_status make_ends(const pipe_settings *settings, exec_ends *ends, via_error *error)
{
    *ends = (exec_ends){{-1, -1}, {-1, -1}};
    if (pipe_descriptors_make(ends->to_child) == 0 && pipe_descriptors_make(ends->from_child) == 0 &&
        pipe_descriptors_unblock(ends->to_child[1]) == 0 && pipe_descriptors_unblock(ends->from_child[0]) == 0) {
        pipe_settings_enlarge(settings, ends->to_child[1]);
        pipe_settings_enlarge(settings, ends->from_child[0]);
        return VIA_OK;
    }
    (void)via_fail(settings->host, error, via_status_of_errno(errno), errno,
                   "close something, or raise the limit of open files (ulimit -n)", "cannot make a pipe");
    close_ends(ends);
    return error->status;
}

static via_status start(const pipe_settings *settings, const via_open *open, exec_ends *ends, pipe_child *child,
                        via_error *error)
{
    pipe_exec_plan words;
    pipe_child_plan plan;
    via_status status = pipe_exec_plan_read(settings->host, open, &words, error);

    if (status != VIA_OK)
        return status;
    plan = (pipe_child_plan){words.arguments, words.environment, words.folder, ends->to_child[0], ends->from_child[1]};
    status = pipe_child_start(settings->host, &plan, child, error);
    pipe_exec_plan_fini(&words);
    return status;
}

static via_status init_stream(const pipe_settings *settings, const exec_ends *ends, exec_channel *channel,
                              via_error *error)
{
    via_stream_config config = {.io = &exec_io, .read_fd = ends->from_child[0], .write_fd = ends->to_child[1]};
    via_status status;

    pipe_settings_describe(settings, &config);
    status = via_stream_init(&channel->stream, &config);
    if (status != VIA_OK)
        return via_fail(settings->host, error, status, 0, NULL, "out of memory");
    if (pthread_mutex_init(&channel->lock, NULL) == 0)
        return VIA_OK;
    return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "out of memory");
}

via_status pipe_exec_dial(void *state, const via_open *open, void **out, via_error *error)
{
    pipe_settings settings;
    exec_ends ends;
    exec_channel *channel;
    via_status status = pipe_settings_read(state, open, &settings, error);

    if (status != VIA_OK)
        return status;
    channel = calloc(1, sizeof(*channel));
    if (!channel)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "out of memory");
    channel->read_set = -1;
    channel->input = -1;
    channel->deliver_ns = pipe_settings_duration(open, "deliver");
    channel->terminate_ns = pipe_settings_duration(open, "terminate");
    status = make_ends(&settings, &ends, error);
    if (status != VIA_OK)
        goto cleanup;
    status = start(&settings, open, &ends, &channel->child, error);
    if (status != VIA_OK)
        goto cleanup;
    status = init_stream(&settings, &ends, channel, error);
    if (status != VIA_OK) {
        pipe_child_end(&channel->child, 0);
        pipe_child_fini(&channel->child);
        goto cleanup;
    }
    pipe_descriptors_close(&ends.to_child[0]);
    pipe_descriptors_close(&ends.from_child[1]);
    *out = channel;
    return VIA_OK;
cleanup:
    close_ends(&ends);
    free(channel);
    return status;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static via_status make_read_set(exec_channel *channel)
{
    if (channel->read_set >= 0)
        return VIA_OK;
    channel->read_set = epoll_create1(EPOLL_CLOEXEC);
    if (channel->read_set < 0)
        return via_status_of_errno(errno);
    watch(channel, EPOLL_CTL_ADD, channel->output_ended ? channel->child.pidfd : channel->stream.config.read_fd);
    return VIA_OK;
}

static via_status exec_pollable(void *self, uint32_t event, via_poll_handle *out)
{
    exec_channel *channel = self;
    via_status status;

    if (event != VIA_READ)
        return via_stream_pollable(self, event, out);
    pthread_mutex_lock(&channel->lock);
    status = make_read_set(channel);
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = channel->read_set;
    out->wait = VIA_WAIT_READABLE;
    pthread_mutex_unlock(&channel->lock);
    return status;
}

static via_status exec_arm(void *self, uint32_t event)
{
    exec_channel *channel = self;
    via_status status = via_stream_arm(self, event);

    /* A child that nobody could watch has no descriptor that shows its end. */
    if (event == VIA_READ && status == VIA_OK && channel->output_ended && channel->child.pidfd < 0)
        return VIA_EREADY;
    return status;
}

static void exec_close(void *self, uint32_t how)
{
    exec_channel *channel = self;

    if (how != VIA_CLOSE_FORKED)
        pipe_exec_deliver(channel);
    via_stream_fini(&channel->stream, how);
    if (channel->read_set >= 0)
        close(channel->read_set);
    pipe_child_fini(&channel->child);
    if (how != VIA_CLOSE_FORKED)
        pthread_mutex_destroy(&channel->lock);
    free(channel);
}

static via_status exec_peer(void *self, via_peer_info *out)
{
    exec_channel *channel = self;

    out->known = VIA_PEER_PROCESS;
    out->pid = channel->child.pid;
    return VIA_OK;
}

/* ---- via.process/1 ------------------------------------------------------------------------------------------ */

static int64_t process_pid(void *self)
{
    exec_channel *channel = self;

    return channel->child.pid;
}

static via_status process_wait(void *self, via_deadline deadline, via_process_exit *out)
{
    exec_channel *channel = self;
    via_process_exit result = {.size = out->size, .code = -1};
    via_status status = pipe_child_wait(&channel->child, &channel->stream.wake, deadline);

    if (status != VIA_OK)
        return status;
    result.signal = channel->child.signal;
    result.core_dumped = channel->child.core_dumped;
    if (channel->child.known && channel->child.signal == 0)
        result.code = channel->child.code;
    memcpy(out, &result, out->size < sizeof(result) ? out->size : sizeof(result));
    return VIA_OK;
}

static via_status process_kill(void *self, int32_t signal_number)
{
    exec_channel *channel = self;

    return pipe_child_kill(&channel->child, signal_number);
}

static const via_process process_table = {
    .size = sizeof(via_process),
    .pid = process_pid,
    .wait = process_wait,
    .kill = process_kill,
};

static const void *exec_extension(void *self, const char *id, void **extension_self)
{
    if (strcmp(id, VIA_PROCESS_ID) != 0)
        return NULL;
    *extension_self = self;
    return &process_table;
}

const via_channel_ops pipe_exec_ops = {
    .size = sizeof(via_channel_ops),
    .send = via_stream_send,
    .recv = via_stream_recv,
    .release = via_stream_release,
    .flush = via_stream_flush,
    .finish = via_stream_finish,
    .drain = via_stream_drain,
    .pollable = exec_pollable,
    .arm = exec_arm,
    .interrupt = via_stream_interrupt,
    .close = exec_close,
    .peer = exec_peer,
    .info = via_stream_info,
    .refresh_counters = via_stream_refresh_counters,
    .extension = exec_extension,
};
