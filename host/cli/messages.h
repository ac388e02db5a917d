/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages on standard input and output, in the formats of --format.
 *
 * Owns: where one message ends and the next begins in a stream of bytes, in both directions. What one format writes,
 * the same format reads back, meta data included where it has room for it (json).
 */
#ifndef VIADUCT_CLI_MESSAGES_H
#define VIADUCT_CLI_MESSAGES_H

#include "cli.h"

/* Writes one message. False: the stream has failed (errno says why), or out of memory. */
bool via_cli_message_put(FILE *out, via_cli_format format, const via_msg *message);

/* A stream of messages being read. Fields are its own. */
typedef struct via_cli_source {
    int descriptor;
    via_cli_format format;
    bool whole; /* raw: everything up to the end is one message, not what one read brought */
    bool ended;
    bool has_given; /* an empty stream read as a whole is one empty message */
    char *buffer;
    size_t start, end, capacity;
    size_t searched; /* bytes from `start` that are known to hold no end mark */
    uint64_t number; /* of the message given last, from 1 */
    char key[256], type[256];
    via_meta meta; /* what every message gets unless it brings its own */
} via_cli_source;

void via_cli_source_init(via_cli_source *source, int descriptor, via_cli_format format, const via_meta *meta);
/* The same for a text that is there already, copied. False: out of memory. */
bool via_cli_source_init_text(via_cli_source *source, const char *text, via_cli_format format, const via_meta *meta);
/*
 * The next message that is complete; valid until the next call. VIA_OK; VIA_ETIMEDOUT: read more first; VIA_ECLOSED:
 * the end; VIA_EINVAL: it is not in this format (the message is skipped).
 */
via_status via_cli_source_next(via_cli_source *source, via_slice *body, via_meta *meta);
/* Another message is complete already. */
bool via_cli_source_has_next(const via_cli_source *source);
/* One read(2), which may block. VIA_OK (also at the end), VIA_ENOMEM, VIA_EIO (errno says why). */
via_status via_cli_source_fill(via_cli_source *source);
/* Bytes that have not been given yet, as far as is known without reading on: a file tells, so it is all. */
uint64_t via_cli_source_size(const via_cli_source *source, bool *is_all);
void via_cli_source_fini(via_cli_source *source);

/* What a message looks like in the format; for errors. */
const char *via_cli_format_expected(via_cli_format format);

#endif
