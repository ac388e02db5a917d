/* SPDX-License-Identifier: Apache-2.0 */
/* See barrier.h. Source: membarrier(2), the commands that are called global and expedited (Linux 4.16). */
#include "kit/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the process: registering again is granted again. */
static atomic_bool is_registered;

void via_barrier_register(void)
{
    atomic_store(&is_registered, syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0);
}

bool via_barrier_reaches_us(void)
{
    return atomic_load(&is_registered);
}

bool via_barrier_cross(void)
{
    int kept = errno;
    bool has_crossed = syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;

    errno = kept;
    return has_crossed;
}
