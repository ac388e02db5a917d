/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory without a name.
 *
 * Owns: sealed memfds (memfd_create(2), fcntl(2)) and their mappings. What this process makes it alone can write, for good;
 * all of it is there from the start, so that a full machine is an error when a channel is opened and no SIGBUS later. What
 * another process made is mapped for reading, and only if it can neither shrink nor grow.
 */
#ifndef SHM_MEMORY_H
#define SHM_MEMORY_H

#include <viaduct/plugin.h>

typedef struct shm_memory {
    unsigned char *base; /* NULL = none */
    size_t size;
} shm_memory;

/* shm_memory_create(): how */
enum { SHM_TOUCH = 1u, SHM_HUGE = 2u };

/*
 * Makes `size` bytes of zeroes, rounded up to whole pages, for this process to write and, through *descriptor, for another to
 * read. VIA_OK; VIA_ENOMEM, VIA_ELIMIT, VIA_EIO with errno.
 */
via_status shm_memory_create(size_t size, uint32_t how, shm_memory *memory, int *descriptor);
/*
 * Maps what another process made, for reading. The descriptor stays the caller's. VIA_OK; VIA_EPROTO: not sealed, or not of
 * that size; VIA_ENOMEM, VIA_EIO with errno.
 */
via_status shm_memory_adopt(int descriptor, size_t size, uint32_t how, shm_memory *memory);
void shm_memory_drop(shm_memory *memory);
/* May a file be that large in this process? False: errno is EFBIG. */
bool shm_memory_is_allowed(uint64_t size);
/* A memfd without a byte and without a seal, or -1 with errno. */
int shm_memory_descriptor(uint32_t how);
/* `size` in whole pages. */
size_t shm_memory_round(size_t size, uint32_t how);

#endif
