/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server in a thread of its own, one connection after the other, and ends that speak to it in bytes.
 */
#ifndef TEST_RAW_END_H
#define TEST_RAW_END_H

#include "calc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* How the server listens, and how somebody without the layer reaches the same socket. */
typedef struct wire {
    const char *framing;     /* "&framing=raw", or "" */
    const char *raw_framing; /* of the one without the layer */
    const char *codec;       /* "msgpack" or "json" */
    bool has_header;         /* each message begins with Content-Length */
} wire;

typedef struct raw_end {
    const wire *on;
    via_host *host;
    via_listener *listener;
    pthread_t thread;
    char name[64];
} raw_end;

void raw_end_open(raw_end *end, const wire *on);
void raw_end_close(raw_end *end);

/* A connection without the layer. */
via_channel *raw_end_dial(const raw_end *end);
/* Sends it all, and no more; then reads until the server has closed, which it has to. How many replies there were. */
size_t raw_end_say(const raw_end *end, const void *bytes, size_t size);
/* The same of many messages. */
typedef struct raw_message {
    const void *bytes;
    size_t size;
} raw_message;
size_t raw_end_say_all(const raw_end *end, const raw_message *messages, size_t count);
/* A fresh connection with the layer calls. */
void raw_end_still_serves(const raw_end *end);

/* A good message in this format, "add(40, 2)", with its header if it has one. Its size; `out` has 256 bytes. */
size_t raw_end_good_call(const wire *on, unsigned char *out);
/* Puts the header before it, if there is one. Its size. */
size_t raw_end_frame(const wire *on, const char *text, size_t size, unsigned char *out, size_t capacity);

#endif
