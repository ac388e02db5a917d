/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that many processes share and that can grow; see store.h. Source: memfd_create(2), fallocate(2).
 *
 * Must never touch a byte of it.
 */
#include "store.h"

#include "kit/fail.h"
#include "layout.h"
#include "memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS F_SEAL_SHRINK

void shm_store_init(shm_store *store)
{
    store->descriptor = -1;
    store->base = NULL;
    store->reserve = 0;
    atomic_init(&store->known_size, 0);
}

static via_status map(shm_store *store, int descriptor, uint64_t reserve, bool is_writable)
{
    void *base = mmap(NULL, reserve, is_writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_NORESERVE,
                      descriptor, 0);

    if (base == MAP_FAILED)
        return via_status_of_errno(errno);
    if (!is_writable && mprotect(base, SHM_PAGE, PROT_READ | PROT_WRITE) < 0) {
        via_status status = via_status_of_errno(errno);
        (void)munmap(base, reserve);
        return status;
    }
    (void)madvise(base, reserve, MADV_DONTDUMP); /* a core of so many addresses helps nobody */
    store->base = base;
    store->reserve = reserve;
    store->descriptor = descriptor;
    return VIA_OK;
}

via_status shm_store_create(shm_store *store, uint64_t size, uint64_t reserve)
{
    int descriptor = shm_memory_descriptor(0);
    via_status status = descriptor < 0 ? via_status_of_errno(errno) : VIA_OK;

    if (status == VIA_OK)
        status = map(store, descriptor, reserve, true);
    if (status == VIA_OK)
        status = shm_store_allocate(store, 0, size);
    if (status == VIA_OK && fcntl(descriptor, F_ADD_SEALS, SEALS | F_SEAL_SEAL) < 0)
        status = via_status_of_errno(errno);
    if (status == VIA_OK)
        return VIA_OK;
    int code = errno;
    if (descriptor >= 0 && store->descriptor < 0)
        (void)close(descriptor);
    shm_store_drop(store);
    errno = code;
    return status;
}

via_status shm_store_adopt(shm_store *store, int descriptor, uint64_t size, uint64_t reserve, bool is_writable)
{
    int seals = fcntl(descriptor, F_GET_SEALS);
    struct stat state;

    if (seals < 0 || (seals & SEALS) != SEALS || fstat(descriptor, &state) < 0 || (uint64_t)state.st_size < size)
        return VIA_EPROTO;
    via_status status = map(store, descriptor, reserve, is_writable);
    if (status == VIA_OK)
        atomic_store(&store->known_size, (uint64_t)state.st_size);
    return status;
}

bool shm_store_reaches(shm_store *store, uint64_t end)
{
    struct stat state;

    if (end <= atomic_load_explicit(&store->known_size, memory_order_relaxed))
        return true;
    if (end > store->reserve || fstat(store->descriptor, &state) < 0)
        return false;
    atomic_store_explicit(&store->known_size, (uint64_t)state.st_size, memory_order_relaxed);
    return end <= (uint64_t)state.st_size;
}

via_status shm_store_allocate(shm_store *store, uint64_t place, uint64_t size)
{
    int result;

    if (size > store->reserve || place > store->reserve - size)
        return VIA_ENOMEM;
    if (!shm_memory_is_allowed(place + size))
        return via_status_of_errno(errno);
    do
        result = fallocate(store->descriptor, 0, (off_t)place, (off_t)size);
    while (result < 0 && errno == EINTR);
    if (result < 0)
        return errno == ENOSPC ? VIA_ENOMEM : via_status_of_errno(errno);
    return shm_store_reaches(store, place + size) ? VIA_OK : VIA_EIO;
}

void shm_store_discard(const shm_store *store, uint64_t place, uint64_t size)
{
    (void)fallocate(store->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)place, (off_t)size);
}

void shm_store_drop(shm_store *store)
{
    if (store->base)
        (void)munmap(store->base, store->reserve);
    if (store->descriptor >= 0)
        (void)close(store->descriptor);
    shm_store_init(store);
}
