/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making pipes.
 *
 * Owns: nothing that lasts. Every descriptor is close-on-exec and above 2, also in a program that has closed its own
 * stdin, so that none is ever taken for a standard stream.
 */
#ifndef PIPE_DESCRIPTORS_H
#define PIPE_DESCRIPTORS_H

#include <stdbool.h>

/* ends[0] reads, ends[1] writes; both block. 0, or -1 with errno. */
int pipe_descriptors_make(int ends[2]);
/* A close-on-exec duplicate above 2, or -1 with errno. */
int pipe_descriptors_duplicate(int descriptor);
/* Sets O_NONBLOCK. 0, or -1 with errno. */
int pipe_descriptors_unblock(int descriptor);
/* Closes it if it is not -1, sets it to -1, keeps errno. */
void pipe_descriptors_close(int *descriptor);
/* Writes it all to a non-blocking pipe without SIGPIPE, at most PIPE_BUF bytes: all of them or nothing. 0, or an errno. */
int pipe_descriptors_put(int descriptor, const void *bytes, unsigned size);

#endif
