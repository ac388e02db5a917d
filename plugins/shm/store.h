/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that many processes share and that can grow.
 *
 * Owns: one sealed memfd and its mapping. It can never shrink, so what was seen to be there stays; it grows in place, and every
 * member has reserved the addresses for it, so no pointer changes. What is allocated has its pages at once: a full machine
 * is an error then, and no SIGBUS later. All members write to it: nothing in it is to be believed.
 */
#ifndef SHM_STORE_H
#define SHM_STORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <viaduct/plugin.h>

typedef struct shm_store {
    int descriptor; /* -1 = none */
    unsigned char *base;
    uint64_t reserve;             /* bytes of address space */
    _Atomic(uint64_t) known_size; /* bytes that are there for certain */
} shm_store;

void shm_store_init(shm_store *store);
/* Makes `size` bytes of zeroes. VIA_OK; VIA_ENOMEM, VIA_ELIMIT, VIA_EIO with errno. */
via_status shm_store_create(shm_store *store, uint64_t size, uint64_t reserve);
/*
 * Maps what another made, of at least `size` bytes; takes the descriptor over on VIA_OK. `is_writable` false: only its first page
 * can be written to. VIA_EPROTO: it could shrink, or is smaller; VIA_ENOMEM, VIA_EIO with errno.
 */
via_status shm_store_adopt(shm_store *store, int descriptor, uint64_t size, uint64_t reserve, bool is_writable);
/* Are all bytes before `end` there? */
bool shm_store_reaches(shm_store *store, uint64_t end);
/* Has pages for the bytes from `place` on, growing if need be. VIA_OK; VIA_ENOMEM: nothing was changed; VIA_EIO with errno. */
via_status shm_store_allocate(shm_store *store, uint64_t place, uint64_t size);
/* Gives whole pages back to the system; they read as zeroes. */
void shm_store_discard(const shm_store *store, uint64_t place, uint64_t size);
void shm_store_drop(shm_store *store);

#endif
