/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Linux says about this process.
 */
#include "platform/os.h"

#include <errno.h>
#include <sys/auxv.h>

bool via_os_is_secure(void)
{
    return getauxval(AT_SECURE) != 0;
}

via_status via_os_error_status(int32_t os_code)
{
    switch (os_code) {
    case 0:
        return VIA_OK;
    case ENOMEM:
        return VIA_ENOMEM;
    case EMFILE:
    case ENFILE:
    case ENOSPC:
    case EDQUOT:
        return VIA_ELIMIT;
    case EPERM:
    case EACCES:
        return VIA_EPERM;
    case ENOENT:
        return VIA_ENOENT;
    case EINVAL:
        return VIA_EINVAL;
    case ENOTSUP:
    case ENOSYS:
        return VIA_ENOTSUP;
    default:
        return VIA_EIO;
    }
}
