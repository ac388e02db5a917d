/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file; see kit/read_all.h. */
#include "kit/read_all.h"

#include <errno.h>
#include <unistd.h>

ssize_t via_read_all(int descriptor, void *bytes, size_t capacity)
{
    size_t at = 0;

    while (at < capacity) {
        ssize_t n = read(descriptor, (char *)bytes + at, capacity - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        at += (size_t)n;
    }
    return (ssize_t)at;
}
