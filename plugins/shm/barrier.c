/* SPDX-License-Identifier: Apache-2.0 */
/* See barrier.h. Source: membarrier(2), the commands that are called global and expedited (Linux 4.16). */
#include "barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

bool shm_barrier_register(void)
{
    int kept = errno;
    bool is_granted = syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;

    errno = kept;
    return is_granted;
}

void shm_barrier_cross(void)
{
    int kept = errno;

    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0);
    errno = kept;
}
