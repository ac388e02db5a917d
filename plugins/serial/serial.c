/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serial: the pair pattern over a serial line.
 *
 * Owns: opening it, for one channel at a time: two readers would steal from each other. The rest comes from the kit's
 * stream. It began as `via new-plugin serial --kind fd`; plugins/README.md goes that way. Both ends dial: a line has nobody
 * who listens, and says of nobody that he has gone.
 */
#include "kit/fail.h"
#include "kit/plain.h"
#include "kit/stream_open.h"
#include "kit/text.h"
#include "line.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

static via_status open_line(const via_host_api *host, const char *place, int *descriptor, via_error *error)
{
    *descriptor = open(place, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    const int code = errno;
    if (*descriptor >= 0)
        return VIA_OK;
    const bool is_absent = code == ENOENT || code == ENXIO || code == ENODEV;
    return via_fail(host, error, is_absent ? VIA_ENOPEER : via_status_of_errno(code), code,
                    is_absent ? "plug it in, or look for its name below /dev/serial/by-id"
                              : "join the group that owns it (often dialout)",
                    "%s cannot be opened", place);
}

/* The lock is the open file's: it goes with the channel, and a forked child that closes its copy does not drop it. */
static via_status claim(const via_host_api *host, const char *place, int descriptor, via_error *error)
{
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        return VIA_OK;
    return via_fail(host, error, errno == EWOULDBLOCK ? VIA_EBUSY : via_status_of_errno(errno), errno,
                    "close the other one first; fuser shows it", "%s is somebody else's now", place);
}

static via_status connect_to(const via_host_api *host, const via_open *request, const char *place, int *descriptor,
                             via_error *error)
{
    via_status status = open_line(host, place, descriptor, error);
    if (status != VIA_OK)
        return status;
    status = claim(host, place, *descriptor, error);
    if (status == VIA_OK)
        status = serial_line_set_up(host, request, *descriptor, error);
    if (status != VIA_OK)
        (void)close(*descriptor);
    return status;
}

static via_status serial_dial(void *state, const via_open *request, void **channel, via_error *error)
{
    const via_host_api *host = state;
    char *place = NULL;
    int descriptor = -1;

    via_status status = via_text_decode(request->rest, &place);
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", request->rest);
    status = connect_to(host, request, place, &descriptor, error);
    free(place);
    if (status != VIA_OK)
        return status;
    const via_stream_ends ends = {&via_stream_io_device, descriptor, descriptor, NULL};
    return via_stream_open(host, request, &ends, channel, error);
}

static const via_transport transports[] = {
    {
        .size = sizeof(via_transport),
        .patterns = VIA_PATTERN_PAIR,
        .scheme = "serial",
        .dial = serial_dial,
        .channel_ops = &via_stream_ops,
    },
};

VIA_PLUGIN("serial", via_plain_init, via_plain_fini, transports);
