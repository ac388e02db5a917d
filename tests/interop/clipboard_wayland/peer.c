/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wl-copy and wl-paste beside the driver; see peer.h.
 */
#include "peer.h"

#include "kit/deadline.h"
#include "kit/quiet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const int64_t patience_ns = INT64_C(60000000000);

void peer_start(peer *self, const char *const *arguments)
{
    int in[2];
    int out[2];

    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    self->pid = fork();
    assert_true(self->pid >= 0);
    if (self->pid == 0) {
        dup2(in[0], STDIN_FILENO);
        dup2(out[1], STDOUT_FILENO);
        execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    assert_int_equal(fcntl(in[1], F_SETFL, O_NONBLOCK), 0);
    assert_int_equal(fcntl(out[0], F_SETFL, O_NONBLOCK), 0);
    self->input = in[1];
    self->output = out[0];
}

static int watched_descriptor(void *self)
{
    return *(int *)self;
}

static void no_work(void *self)
{
    (void)self;
}

/* Turns, that also end when this descriptor can be read. */
static void turn_until_readable(int descriptor, via_deadline limit)
{
    const driver_also also = {watched_descriptor, no_work, &descriptor};

    if (via_deadline_left(limit) == 0)
        fail_msg("a peer hangs");
    driver_turn_with(&also);
    driver_turn(limit);
    driver_turn_with(NULL);
}

/* Peers read their input before they do anything with us, so this needs no turns. */
void peer_feed(peer *self, const void *data, size_t size)
{
    const via_deadline limit = via_deadline_after(patience_ns);
    size_t done = 0;

    while (done < size) {
        const via_slice rest = {(const char *)data + done, size - done};
        const int64_t moved = via_stream_write_quietly(self->input, &rest, 1, 0);
        struct pollfd set = {.fd = self->input, .events = POLLOUT};

        if (moved >= 0) {
            done += (size_t)moved;
            continue;
        }
        assert_int_equal(errno, EAGAIN);
        assert_true(via_deadline_left(limit) > 0);
        assert_true(poll(&set, 1, 1000) >= 0);
    }
    close(self->input);
    self->input = -1;
}

peer_result peer_finish(peer *self)
{
    const via_deadline limit = via_deadline_after(patience_ns);
    peer_result result = {0};
    size_t capacity = 1 << 16;
    ssize_t moved;

    if (self->input >= 0)
        close(self->input);
    result.output = malloc(capacity);
    assert_non_null(result.output);
    while ((moved = read(self->output, result.output + result.size, capacity - result.size - 1)) != 0) {
        if (moved < 0) {
            assert_int_equal(errno, EAGAIN);
            turn_until_readable(self->output, limit);
            continue;
        }
        result.size += (size_t)moved;
        if (capacity - result.size < capacity / 2) {
            capacity *= 2;
            result.output = realloc(result.output, capacity);
            assert_non_null(result.output);
        }
    }
    result.output[result.size] = '\0';
    close(self->output);
    assert_int_equal(waitpid(self->pid, &result.status, 0), self->pid);
    return result;
}

peer_result peer_run(const char *const *arguments, const void *data, size_t size)
{
    peer self;

    peer_start(&self, arguments);
    peer_feed(&self, data, size);
    return peer_finish(&self);
}

void peer_copy(const char *const *arguments, const void *data, size_t size)
{
    peer_result result = peer_run(arguments, data, size);

    assert_int_equal(result.status, 0);
    free(result.output);
}

void peer_expect(peer_result *result, const void *data, size_t size)
{
    assert_int_equal(result->status, 0);
    assert_int_equal(result->size, size);
    if (size > 0)
        assert_memory_equal(result->output, data, size);
    free(result->output);
    result->output = NULL;
}
