/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a file from where it stands.
 *
 * Owns: the loop over what read(2) gives in pieces, or interrupts.
 */
#ifndef VIADUCT_KIT_READ_ALL_H
#define VIADUCT_KIT_READ_ALL_H

#include <stddef.h>
#include <sys/types.h>

/* Until there are `capacity` bytes, or the file ends: how many there are. -1 with errno: it cannot be read. */
ssize_t via_read_all(int descriptor, void *bytes, size_t capacity);

#endif
