/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host that only keeps error records; see socket_fixture.h.
 */
#include "socket_fixture.h"

#include <stdio.h>

static via_status keep_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    (void)snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
    return status;
}

static void no_log(via_context *context, uint32_t level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static void no_failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context;
    (void)status;
    (void)os_code;
    (void)what;
    (void)mend;
}

static void no_attention(via_context *context)
{
    (void)context;
}

const via_host_api fixture_host = {
    .size = sizeof(via_host_api),
    .error = keep_error,
    .log = no_log,
    .failed = no_failed,
    .attention = no_attention,
};

via_open fixture_open(const char *scheme, const char *rest, uint32_t side)
{
    return (via_open){.size = sizeof(via_open), .scheme = scheme, .rest = rest, .side = side};
}
