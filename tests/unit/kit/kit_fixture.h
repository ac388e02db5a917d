/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kit's tests share: a host that only remembers, and pairs of streams over every kind of descriptor.
 */
#ifndef KIT_FIXTURE_H
#define KIT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kit/stream.h"

/* What the kit told the host. */
typedef struct fake_host {
    via_error failure; /* the last `failed` */
    unsigned failures;
    atomic_uint attentions;
} fake_host;

extern const via_host_api fake_host_api;

/* A context for the kit; `fake_host_api` finds the record behind it. */
via_context *fake_context(fake_host *host);

enum { KIND_SOCKET, KIND_TCP, KIND_PIPE, KIND_SHARED, KIND_SPINNING /* a socket */, KIND_COUNT };
extern const char *const kind_names[KIND_COUNT];

/* Two streams that talk to each other. */
typedef struct stream_pair {
    fake_host host[2];
    via_counters counters[2];
    via_stream *end[2];
    int peer_fd[2]; /* with one end only (pair_open_half): what the test itself writes to and reads from */
} stream_pair;

/* `template` gives framing and the like; host, counters, io and descriptors are filled in. */
void pair_open(stream_pair *pair, int kind, const via_stream_config *template);
/* end[0] is a stream, the other end the test's: peer_fd[0] to write to it, peer_fd[1] to read what it sends. */
void pair_open_half(stream_pair *pair, int kind, const via_stream_config *template);
void pair_close(stream_pair *pair);
void pair_close_peer_fds(stream_pair *pair);

via_stream_config config_of(const via_framing *framing);
/* A deadline that only a hanging test reaches. */
via_deadline soon_enough(void);

void send_text(via_stream *stream, const char *text, uint32_t flags);
void expect_text(via_stream *stream, const char *text);
void expect_end(via_stream *stream, via_status status);
/* A message of `size` bytes that depend on `seed`. */
uint8_t *make_body(size_t size, unsigned seed);
void expect_body(const via_msg *message, size_t size, unsigned seed);

#endif
