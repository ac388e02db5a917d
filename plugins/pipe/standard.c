/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scheme stdio: the program's own standard input and output as a channel.
 *
 * Owns: duplicates of descriptors 0 and 1; those two themselves stay the program's. Never sets O_NONBLOCK, which would
 * belong to whoever else has the same terminal or pipe open. One channel at a time: two readers would steal from
 * each other.
 */
#include "standard.h"

#include "descriptors.h"
#include "kit/fail.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_bool is_open;

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static int64_t stdio_read(via_stream *stream, via_slice *into, size_t count, via_deadline deadline)
{
    return via_stream_io_shared.read(stream, into, count, deadline);
}

static int64_t stdio_write(via_stream *stream, const via_slice *from, size_t count, via_deadline deadline)
{
    return via_stream_io_shared.write(stream, from, count, deadline);
}

static bool is_same_file(int a, int b)
{
    struct stat first;
    struct stat second;

    return fstat(a, &first) == 0 && fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

/*
 * The reader sees the end only when the program's own descriptor goes too: it becomes /dev/null, so that a later
 * printf does no harm and the number 1 is not given to another file.
 */
static via_status stdio_finish(via_stream *stream)
{
    int nowhere;

    if (shutdown(stream->config.write_fd, SHUT_WR) == 0)
        return VIA_OK;
    if (is_same_file(stream->config.write_fd, STDOUT_FILENO)) {
        nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (nowhere < 0)
            return via_status_of_errno(errno);
        if (dup2(nowhere, STDOUT_FILENO) < 0) {
            pipe_descriptors_close(&nowhere);
            return via_status_of_errno(errno);
        }
        pipe_descriptors_close(&nowhere);
    }
    return via_stream_io_shared.finish(stream);
}

static void stdio_close_stream(via_stream *stream, uint32_t how)
{
    via_stream_io_shared.close(stream, how);
    atomic_store(&is_open, false); /* in a forked child this is the child's own flag */
}

static const via_stream_io stdio_io = {
    .read = stdio_read,
    .write = stdio_write,
    .finish = stdio_finish,
    .close = stdio_close_stream,
};

/* ---- opening ------------------------------------------------------------------------------------------------ */

static via_status duplicate(const via_host_api *host, int descriptor, const char *name, int *out, via_error *error)
{
    *out = pipe_descriptors_duplicate(descriptor);
    if (*out >= 0)
        return VIA_OK;
    if (errno == EBADF)
        return via_fail(host, error, VIA_EINVAL, EBADF, "start the program with stdin and stdout open (</dev/null)",
                        "the program's %s is closed", name);
    return via_fail(host, error, via_status_of_errno(errno), errno, NULL, "cannot duplicate the program's %s", name);
}

static via_status take_streams(const via_host_api *host, via_stream_config *config, via_error *error)
{
    via_status status = duplicate(host, STDIN_FILENO, "stdin", &config->read_fd, error);

    if (status == VIA_OK)
        status = duplicate(host, STDOUT_FILENO, "stdout", &config->write_fd, error);
    if (status != VIA_OK)
        pipe_descriptors_close(&config->read_fd);
    return status;
}

static via_status create(const pipe_settings *settings, void **channel, via_error *error)
{
    via_stream_config config = {.io = &stdio_io, .read_fd = -1, .write_fd = -1};
    via_stream *stream = malloc(sizeof(*stream));
    via_status status;

    if (!stream)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "out of memory");
    pipe_settings_describe(settings, &config);
    status = take_streams(settings->host, &config, error);
    if (status == VIA_OK && via_stream_init(stream, &config) != VIA_OK)
        status = via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "out of memory");
    if (status != VIA_OK) {
        pipe_descriptors_close(&config.read_fd);
        pipe_descriptors_close(&config.write_fd);
        free(stream);
        return status;
    }
    *channel = stream;
    return VIA_OK;
}

static via_status check_rest(const via_host_api *host, const via_open *open, via_error *error)
{
    if (open->rest[0] == '\0' || (open->rest[0] == '-' && open->rest[1] == '\0'))
        return VIA_OK;
    return via_fail(host, error, VIA_EINVAL, 0, "write stdio: and nothing else, but for options",
                    "stdio: takes no name, and '%.100s' was given", open->rest);
}

via_status pipe_stdio_dial(void *state, const via_open *open, void **channel, via_error *error)
{
    pipe_settings settings;
    via_status status = pipe_settings_read(state, open, &settings, error);

    if (status == VIA_OK)
        status = check_rest(state, open, error);
    if (status != VIA_OK)
        return status;
    if (atomic_exchange(&is_open, true))
        return via_fail(state, error, VIA_EBUSY, 0, "close the other channel first",
                        "this program's stdin and stdout are a channel already");
    status = create(&settings, channel, error);
    if (status != VIA_OK)
        atomic_store(&is_open, false);
    return status;
}
