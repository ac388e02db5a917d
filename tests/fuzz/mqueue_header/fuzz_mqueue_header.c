/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what came out of a message queue.
 *
 * What is taken for a message is one that would be written for what was read, and its size is that of its bytes; everything else is
 * refused with a reason.
 */
#include "header.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char again[MQUEUE_REFERENCE_SIZE];
    mqueue_header header = {.kind = 99};
    const char *why = NULL;

    if (mqueue_header_read(data, size, &header, &why) != VIA_OK) {
        demand(why != NULL && header.kind == 99);
        return 0;
    }
    demand(header.kind == MQUEUE_WHOLE || header.kind == MQUEUE_BODY);
    size_t written = mqueue_header_write(&header, again);
    demand(written <= size && memcmp(again, data, written) == 0);
    demand(header.kind == MQUEUE_BODY ? written == size : header.size == size - written);
    return 0;
}
