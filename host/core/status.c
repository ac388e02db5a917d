/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small helpers that need no object: names of statuses, the version, deadlines.
 */
#include "platform/clock.h"
#include <stdlib.h>
#include <viaduct/viaduct.h>

typedef struct words {
    const char *name;
    const char *text;
} words;

/* By the number of the status, without its sign. */
static const words table[] = {
    {"VIA_OK", "success"},
    {"VIA_ETIMEDOUT", "the deadline passed"},
    {"VIA_EREADY", "there is something to do now"},
    {"VIA_ECANCELED", "interrupted"},
    {"VIA_ECLOSED", "the other end has finished"},
    {"VIA_EPEER", "the other end died"},
    {"VIA_EPROTO", "the other end broke the protocol"},
    {"VIA_ENOPEER", "nobody serves this address"},
    {"VIA_EFORK", "this object belongs to the parent process"},
    {"VIA_ETOOBIG", "the message is too large for this channel"},
    {"VIA_EBUFFER", "the buffer is too small"},
    {"VIA_EINVAL", "something given is wrong"},
    {"VIA_ENOTSUP", "this transport cannot do that"},
    {"VIA_ENOMEM", "out of memory"},
    {"VIA_ELIMIT", "a limit was met"},
    {"VIA_EBUSY", "somebody else holds it"},
    {"VIA_EPERM", "permission or trust refused"},
    {"VIA_ENOENT", "no such thing"},
    {"VIA_ETYPE", "wrong type"},
    {"VIA_EIO", "the operating system failed"},
    {"VIA_ESTALLED", "the other end lives but has stopped"},
    {"VIA_EREVOKED", "what was granted has been taken back"},
    {"VIA_EREFUSED", "refused"},
    {"VIA_EDROPPED", "discarded by the overflow policy"},
    {"VIA_EREMOTE", "the other end answered with an error"},
};

static const words *find(via_status status)
{
    static const words unknown = {"VIA_?", "unknown status"};
    const size_t count = sizeof(table) / sizeof(table[0]);
    return status <= 0 && (size_t) - (int64_t)status < count ? &table[-status] : &unknown;
}

const char *via_version(void)
{
    return VIADUCT_VERSION;
}

uint64_t via_now_ns(void)
{
    return via_clock_now();
}

via_deadline via_after_ms(uint64_t milliseconds)
{
    uint64_t span_ns;
    uint64_t point_ns;
    if (__builtin_mul_overflow(milliseconds, UINT64_C(1000000), &span_ns) ||
        __builtin_add_overflow(via_clock_now(), span_ns, &point_ns))
        return VIA_FOREVER;
    return point_ns;
}

void via_free(void *memory)
{
    free(memory);
}

const char *via_status_name(via_status status)
{
    return find(status)->name;
}

const char *via_status_text(via_status status)
{
    return find(status)->text;
}
