/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An interface out of a file.
 *
 * Owns: opening and reading it, and no more of it than an interface may have. Must never wait: a FIFO is refused.
 */
#include "interface.h"

#include "kit/error.h"
#include "kit/fail.h"
#include "kit/read_all.h"

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
    ssize_t size = via_read_all(fd, text, RPC_FILE_BYTES + 1); /* one byte above the limit: the parser says so */
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
