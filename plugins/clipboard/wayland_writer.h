/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who writes into the other end, and how he ended.
 *
 * The end of a transfer is the end of the file, and that is all the protocol has: an owner that is killed in the middle ends
 * it just like one that has written everything. So the descriptor that an owner is given is a socket, which says for every
 * piece what process has written it; once the file has ended, the kernel is asked whether a signal has ended that process.
 *
 * Owns: that question. Where it cannot be answered (the writer is in a foreign PID namespace, or was reaped before a kernel
 * older than 6.15 could be asked) the answer is no.
 */
#ifndef CLIPBOARD_WAYLAND_WRITER_H
#define CLIPBOARD_WAYLAND_WRITER_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

typedef struct wayland_writer {
    pid_t pid; /* 0 = unknown */
    int pidfd; /* -1 = unknown */
} wayland_writer;

void wayland_writer_init(wayland_writer *writer);
void wayland_writer_fini(wayland_writer *writer);
/* Makes a pair of connected sockets: ours, non-blocking, that tells who writes, and the writer's. False with errno. */
bool wayland_writer_pair(int *ours, int *theirs);
/* As recv(2), never blocks; remembers who has written. Descriptors that come along are closed. */
ssize_t wayland_writer_read(wayland_writer *writer, int descriptor, void *into, size_t size);
/* Has a signal ended the one who wrote last? For the moment after the end of the file. */
bool wayland_writer_was_killed(const wayland_writer *writer);

#endif
