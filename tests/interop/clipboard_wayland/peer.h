/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wl-copy and wl-paste, run beside the driver: turns go on while they do.
 */
#ifndef WAYLAND_PEER_H
#define WAYLAND_PEER_H

#include "driver.h"

#include <sys/types.h>

/* What a program has printed, and how it ended (wait(2)). */
typedef struct peer_result {
    int status;
    uint8_t *output; /* freed by the caller; a NUL follows */
    size_t size;
} peer_result;

/* One that is running. */
typedef struct peer {
    pid_t pid;
    int input;  /* written to; -1 = closed */
    int output; /* read from */
} peer;

/* The arguments end with NULL. Input and output are pipes of ours. */
void peer_start(peer *self, const char *const *arguments);
/* Gives it these bytes, then the end of the file, while turns go on. */
void peer_feed(peer *self, const void *data, size_t size);
/* Waits for the end of its output and its own, while turns go on. */
peer_result peer_finish(peer *self);
/* All three. */
peer_result peer_run(const char *const *arguments, const void *data, size_t size);
/* Must end well; its output is not looked at. */
void peer_copy(const char *const *arguments, const void *data, size_t size);

/* Must end well, and have printed exactly this. */
void peer_expect(peer_result *result, const void *data, size_t size);

#endif
