/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the formatting of error texts and the translation of errno. Never decides what is an error.
 */
#include "kit/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

enum { TEXT_SIZE = 512 };

via_status via_fail(const via_host_api *host, via_error *error, via_status status, int os_code, const char *mend,
                    const char *format, ...)
{
    char what[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return host->error(error, status, os_code, what, mend);
}

via_status via_fail_channel(const via_host_api *host, via_context *context, via_status status, int os_code,
                            const char *mend, const char *format, ...)
{
    char what[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    host->failed(context, status, os_code, what, mend);
    return status;
}

void via_note(const via_host_api *host, via_context *context, uint32_t level, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    host->log(context, level, text);
}

static const struct errno_status {
    int os_code;
    via_status status;
} errno_table[] = {
    {EAGAIN, VIA_ETIMEDOUT},
    {ETIMEDOUT, VIA_ETIMEDOUT},
    {ECANCELED, VIA_ECANCELED},
    {EPIPE, VIA_ECLOSED},
    {ECONNRESET, VIA_EPEER},
    {ECONNABORTED, VIA_EPEER},
    {ECONNREFUSED, VIA_ENOPEER},
    {EHOSTUNREACH, VIA_ENOPEER},
    {ENETUNREACH, VIA_ENOPEER},
    {EFBIG, VIA_ELIMIT},
    {EMSGSIZE, VIA_ETOOBIG},
    {EINVAL, VIA_EINVAL},
    {ENAMETOOLONG, VIA_EINVAL},
    {ENOTDIR, VIA_EINVAL},
    {EADDRNOTAVAIL, VIA_EINVAL},
    {EOPNOTSUPP, VIA_ENOTSUP},
    {ENOSYS, VIA_ENOTSUP},
    {EAFNOSUPPORT, VIA_ENOTSUP},
    {EPROTONOSUPPORT, VIA_ENOTSUP},
    {ENOMEM, VIA_ENOMEM},
    {ENOBUFS, VIA_ENOMEM},
    {EMFILE, VIA_ELIMIT},
    {ENFILE, VIA_ELIMIT},
    {ENOSPC, VIA_ELIMIT},
    {EDQUOT, VIA_ELIMIT},
    {EADDRINUSE, VIA_EBUSY},
    {EBUSY, VIA_EBUSY},
    {EACCES, VIA_EPERM},
    {EPERM, VIA_EPERM},
    {EROFS, VIA_EPERM},
    {ELOOP, VIA_EPERM},
    {ENOENT, VIA_ENOENT},
    {ESRCH, VIA_ENOENT},
};

via_status via_status_of_errno(int os_code)
{
    for (size_t i = 0; i < sizeof(errno_table) / sizeof(errno_table[0]); i++)
        if (errno_table[i].os_code == os_code)
            return errno_table[i].status;
    return VIA_EIO;
}
