/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory without a name; see memfd.h.
 *
 * Must never map what can still shrink.
 */
#include "memfd.h"

#include "kit/fail.h"
#include "layout.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 * 1024 * 1024 };

/* FUTURE_WRITE leaves the mapping that exists writable and forbids every other, and the punching of holes. */
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE)

size_t shm_memory_round(size_t size, uint32_t how)
{
    size_t page = how & SHM_HUGE ? HUGE_PAGE : SHM_PAGE;

    return (size + page - 1) & ~(page - 1);
}

int shm_memory_descriptor(uint32_t how)
{
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING | (how & SHM_HUGE ? MFD_HUGETLB | MFD_HUGE_2MB : 0);
    int descriptor = -1;

#ifdef MFD_NOEXEC_SEAL /* Linux 6.3 */
    descriptor = memfd_create("viaduct-shm", flags | MFD_NOEXEC_SEAL);
#endif
    return descriptor >= 0 ? descriptor : memfd_create("viaduct-shm", flags);
}

/* Beyond that limit the kernel would send SIGXFSZ, which ends the program. */
bool shm_memory_is_allowed(uint64_t size)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || size <= limit.rlim_cur)
        return true;
    errno = EFBIG;
    return false;
}

/* fallocate(2) makes it that large and has the pages ready, or says that there are none. */
static bool allocate(int descriptor, size_t size)
{
    if (!shm_memory_is_allowed(size))
        return false;
    int result;
    do
        result = fallocate(descriptor, 0, 0, (off_t)size);
    while (result < 0 && errno == EINTR);
    return result == 0;
}

/* It is used at once, and asking for it is cheaper than a fault. Linux 5.14; before, it is a fault. */
static void touch_first_page(void *base, int protection)
{
#ifdef MADV_POPULATE_WRITE
    (void)madvise(base, SHM_PAGE, protection & PROT_WRITE ? MADV_POPULATE_WRITE : MADV_POPULATE_READ);
#else
    (void)base;
    (void)protection;
#endif
}

static void *map(int descriptor, size_t size, int protection, uint32_t how)
{
    void *base = mmap(NULL, size, protection, MAP_SHARED | (how & SHM_TOUCH ? MAP_POPULATE : 0), descriptor, 0);

    if (base == MAP_FAILED)
        return NULL;
    if (!(how & (SHM_TOUCH | SHM_HUGE)))
        touch_first_page(base, protection);
    return base;
}

via_status shm_memory_create(size_t size, uint32_t how, shm_memory *memory, int *descriptor)
{
    size_t whole = shm_memory_round(size, how);
    int code;

    *memory = (shm_memory){NULL, 0};
    *descriptor = shm_memory_descriptor(how);
    if (*descriptor < 0)
        return via_status_of_errno(errno);
    if (allocate(*descriptor, whole) && (memory->base = map(*descriptor, whole, PROT_READ | PROT_WRITE, how)) != NULL &&
        fcntl(*descriptor, F_ADD_SEALS, SEALS | F_SEAL_SEAL) == 0) {
        memory->size = whole;
        return VIA_OK;
    }
    code = errno == ENOSPC ? ENOMEM : errno;
    if (memory->base)
        (void)munmap(memory->base, whole);
    memory->base = NULL;
    (void)close(*descriptor);
    *descriptor = -1;
    errno = code;
    return via_status_of_errno(code);
}

via_status shm_memory_adopt(int descriptor, size_t size, uint32_t how, shm_memory *memory)
{
    struct stat state;
    int seals = fcntl(descriptor, F_GET_SEALS);

    *memory = (shm_memory){NULL, 0};
    if (seals < 0 || (seals & SEALS) != SEALS || fstat(descriptor, &state) < 0 || state.st_size < 0 ||
        (uint64_t)state.st_size != size || size == 0)
        return VIA_EPROTO;
    memory->base = map(descriptor, size, PROT_READ, how);
    if (!memory->base)
        return via_status_of_errno(errno);
    memory->size = size;
    return VIA_OK;
}

void shm_memory_drop(shm_memory *memory)
{
    if (memory->base)
        (void)munmap(memory->base, memory->size);
    *memory = (shm_memory){NULL, 0};
}
