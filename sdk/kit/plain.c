/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin without state; see plain.h. Owns: nothing. */
#include "kit/plain.h"

via_status via_plain_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

void via_plain_fini(void *state)
{
    (void)state;
}
