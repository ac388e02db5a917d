/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying records that begin with their size.
 */
#include "core/record.h"

#include <string.h>

static uint32_t size_of(const void *record)
{
    uint32_t size;
    memcpy(&size, record, sizeof(size));
    return size;
}

via_status via_record_read(void *full, uint32_t full_size, const void *record, uint32_t least)
{
    const uint32_t size = size_of(record);
    if (size < least)
        return VIA_EINVAL;
    memcpy(full, record, size < full_size ? size : full_size);
    memcpy(full, &full_size, sizeof(full_size));
    return VIA_OK;
}

via_status via_record_write(void *record, const void *full, uint32_t full_size, uint32_t least)
{
    const uint32_t size = size_of(record);
    if (size < least)
        return VIA_EINVAL;
    memcpy(record, full, size < full_size ? size : full_size);
    memcpy(record, &size, sizeof(size));
    return VIA_OK;
}
