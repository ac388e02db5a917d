/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a plugin's library: preflight must read inside them, and refuse with what and the way out.
 */
#include "platform/preflight.h"

#include <viaduct/plugin.h>

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    via_abi abi;
    via_error error;

    via_error_init(&error);
    via_status status = via_preflight_check(data, size, &abi, &error);
    if (status == VIA_OK ? abi.major != VIA_ABI_MAJOR : !error.what[0] || !error.mend[0])
        abort();
    return 0;
}
