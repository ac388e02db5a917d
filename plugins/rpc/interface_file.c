/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface out of a file.
 *
 * Owns: opening and reading it, and no more of it than an interface may have. Must never wait: a FIFO is refused.
 */
#include "interface.h"

#include "kit/error.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static via_status fail(via_error *error, const char *file, int code, const char *mend, const char *what)
{
    via_status status = via_error_set(error, via_status_of_errno(code), VIA_STAGE_DISCOVER, mend, "%s %s", file, what);

    via_error_os(error, code);
    via_error_at(error, file, NULL, 0, 0);
    return status;
}

/* One byte above the limit is enough to see that it is too large: the parser says so. -1: errno says why. */
static ssize_t read_all(int fd, char *text, size_t capacity)
{
    size_t at = 0;

    while (at < capacity) {
        ssize_t n = read(fd, text + at, capacity - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        at += (size_t)n;
    }
    return (ssize_t)at;
}

static via_status read_open(int fd, const char *file, rpc_interface **out, via_error *error)
{
    struct stat stat;

    if (fstat(fd, &stat) != 0)
        return fail(error, file, errno, NULL, "cannot be looked at");
    if (!S_ISREG(stat.st_mode)) {
        via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "give the path of an interface file",
                                          "%s is no regular file", file);
        via_error_at(error, file, NULL, 0, 0);
        return status;
    }
    char *text = malloc(RPC_FILE_BYTES + 1);
    if (!text)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, NULL, "out of memory");
    ssize_t size = read_all(fd, text, RPC_FILE_BYTES + 1);
    via_status status = size < 0 ? fail(error, file, errno, NULL, "cannot be read")
                                 : rpc_interface_parse(file, text, (size_t)size, out, error);
    free(text);
    return status;
}

via_status rpc_interface_read(const char *file, rpc_interface **out, via_error *error)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    *out = NULL;
    if (fd < 0)
        return fail(error, file, errno, errno == ENOENT ? "check the path" : "make it readable for this user",
                    "cannot be opened");
    via_status status = read_open(fd, file, out, error);
    (void)close(fd);
    return status;
}
