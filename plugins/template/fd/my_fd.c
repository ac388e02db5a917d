/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport over anything that has a descriptor: a serial line, a device, a socket of a family of its own.
 *
 * Owns: how an address becomes an open descriptor. The rest comes from the kit: a stream does framing, gathering,
 * deadlines, kept tails, interruption and polling, so connect_to() is all there is to change. Must never include anything
 * but <viaduct/...>, the kit's headers and the system's, and never link libviaduct.
 */
#include "kit/fail.h"
#include "kit/plain.h"
#include "kit/stream_open.h"
#include "kit/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

/*
 * The function to change. `place` is what follows the scheme in the address, decoded; via_option_find(request, "NAME")
 * is an option of the manifest, checked and with its default filled in. Answers a descriptor that is O_NONBLOCK and
 * close-on-exec, or -1 with errno. Never waits for the other end.
 */
static int connect_to(const char *place, const via_open *request)
{
    (void)request;
    return open(place, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
}

/* VIA_ENOPEER makes the host try again until the caller's deadline: a device that is plugged in later is waited for. */
static via_status my_fd_dial(void *state, const via_open *request, void **channel, via_error *error)
{
    const via_host_api *host = state;
    char *place = NULL;

    via_status status = via_text_decode(request->rest, &place);
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write % as %25", "'%s' is not percent-encoded rightly", request->rest);
    const int descriptor = connect_to(place, request);
    const int code = errno;
    if (descriptor < 0)
        status = via_fail(host, error, code == ENOENT ? VIA_ENOPEER : via_status_of_errno(code), code,
                          "see that it is there, and that you may read and write it", "%s cannot be opened", place);
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
        .scheme = "my-fd",
        .dial = my_fd_dial,
        .channel_ops = &via_stream_ops,
    },
};

VIA_PLUGIN("my_fd", via_plain_init, via_plain_fini, transports);
