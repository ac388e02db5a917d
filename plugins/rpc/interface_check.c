/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via validate` on an interface file.
 */
#include "check.h"

#include "interface.h"

via_status rpc_check_file(void *state, const char *file, via_error *error)
{
    rpc_interface *interface = NULL;
    via_status status = rpc_interface_read(file, &interface, error);

    (void)state;
    rpc_interface_drop(interface);
    return status;
}
