/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory between a channel and its recorder: making, finding, giving up; see tap_area.h.
 *
 * Owns: the file and its two locks, on its first byte for the channel, on the second for the recorder. Both are of the open
 * file, so the kernel drops them with the process, whatever ends it.
 */
#include "kit/tap_area.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OWNER_BYTE = 0, RECORDER_BYTE = 1, LEAST_RING = 65536, HUGE_PAGE = 2 * 1024 * 1024 };

size_t via_tap_area_size(uint64_t *ring_size)
{
    uint64_t rounded = LEAST_RING;
    while (rounded < *ring_size && rounded < VIA_TAP_RING_MOST)
        rounded *= 2;
    *ring_size = rounded;
    return sizeof(via_tap_head) + 2 * rounded;
}

/* ---- locks -------------------------------------------------------------------------------------------------- */

static bool lock(int descriptor, off_t byte)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

static bool is_locked(int descriptor, off_t byte)
{
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(descriptor, F_OFD_GETLK, &range) != 0 || range.l_type != F_UNLCK;
}

/* ---- mapping ------------------------------------------------------------------------------------------------ */

static via_status map(via_tap_area *area, int flags, size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, area->descriptor, 0);
    if (memory == MAP_FAILED)
        return VIA_ENOMEM;
    area->head = memory;
    area->mapped = size;
    area->bytes[VIA_TAP_RECEIVED] = (uint8_t *)memory + sizeof(via_tap_head);
    area->bytes[VIA_TAP_SENT] = area->bytes[VIA_TAP_RECEIVED] + area->ring_size;
    return VIA_OK;
}

static void sign(via_tap_area *area)
{
    area->head->ring_size = area->ring_size;
    area->head->pid = getpid();
    atomic_thread_fence(memory_order_release);
    area->head->magic = VIA_TAP_MAGIC;
}

static size_t round_up(size_t size, size_t unit)
{
    return (size + unit - 1) / unit * unit;
}

/*
 * The traffic goes through all of a ring, and would meet a page that is not there yet for every few messages, at the price of many; so
 * the rings are of huge pages where the system has them for who asks. What stands before them keeps to small ones.
 */
static via_status map_private(via_tap_area *area)
{
    const size_t front = round_up(sizeof(via_tap_head), (size_t)sysconf(_SC_PAGESIZE));
    const size_t rings = 2 * (size_t)area->ring_size, whole = front + HUGE_PAGE + rings;
    uint8_t *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return VIA_ENOMEM;
    const size_t skipped = round_up((uintptr_t)memory + front, HUGE_PAGE) - front - (uintptr_t)memory;
    if (skipped > 0)
        (void)munmap(memory, skipped);
    area->mapped = front + rings;
    (void)munmap(memory + skipped + area->mapped, whole - skipped - area->mapped);
    area->head = (via_tap_head *)(void *)(memory + skipped);
    area->bytes[VIA_TAP_RECEIVED] = memory + skipped + front;
    area->bytes[VIA_TAP_SENT] = area->bytes[VIA_TAP_RECEIVED] + area->ring_size;
#ifdef MADV_HUGEPAGE
    (void)madvise(area->bytes[VIA_TAP_RECEIVED], rings, MADV_HUGEPAGE);
#endif
    return VIA_OK;
}

via_status via_tap_area_open_private(via_tap_area *area, uint64_t ring_size)
{
    *area = (via_tap_area){.ring_size = ring_size, .descriptor = -1};
    (void)via_tap_area_size(&area->ring_size);
    const via_status status = map_private(area);
    if (status == VIA_OK)
        sign(area);
    return status;
}

static via_status make_file(via_tap_area *area, const char *path, size_t size)
{
    (void)unlink(path); /* of another process that had this number and was killed just then */
    area->descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (area->descriptor < 0)
        return via_status_of_errno(errno);
    if (!lock(area->descriptor, OWNER_BYTE) || ftruncate(area->descriptor, (off_t)size) != 0)
        return via_status_of_errno(errno);
    return map(area, MAP_SHARED, size);
}

/* A recorder removes a file without a lock, so it gets its name when it has one. */
static via_status make_known(const char *draft, const char *path)
{
    if (link(draft, path) == 0)
        return VIA_OK;
    return errno == EEXIST ? VIA_EBUSY : via_status_of_errno(errno);
}

via_status via_tap_area_create(via_tap_area *area, const char *path, uint64_t ring_size)
{
    char draft[PATH_MAX];
    *area = (via_tap_area){.ring_size = ring_size, .descriptor = -1};
    const size_t size = via_tap_area_size(&area->ring_size);
    if (snprintf(draft, sizeof(draft), "%s.draft", path) >= (int)sizeof(draft)) {
        errno = ENAMETOOLONG;
        return VIA_EINVAL;
    }
    via_status status = make_file(area, draft, size);
    if (status == VIA_OK) {
        sign(area);
        status = make_known(draft, path);
    }
    const int code = errno;
    (void)unlink(draft);
    if (status != VIA_OK)
        via_tap_area_close(area);
    errno = code;
    return status;
}

/* ---- the recorder ------------------------------------------------------------------------------------------- */

/* What the file says about itself is checked against what it is. */
static via_status check(via_tap_area *area)
{
    struct stat status;
    if (fstat(area->descriptor, &status) != 0)
        return via_status_of_errno(errno);
    if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (size_t)status.st_size < sizeof(via_tap_head))
        return VIA_EPROTO;
    via_tap_head head;
    if (pread(area->descriptor, &head, sizeof(head), 0) != (ssize_t)sizeof(head) || head.magic != VIA_TAP_MAGIC)
        return VIA_EPROTO;
    area->ring_size = head.ring_size;
    const size_t size = via_tap_area_size(&area->ring_size);
    if (area->ring_size != head.ring_size || size != (size_t)status.st_size)
        return VIA_EPROTO;
    return map(area, MAP_SHARED, size);
}

static via_status take(via_tap_area *area, const char *path, bool looks)
{
    area->descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (area->descriptor < 0)
        return via_status_of_errno(errno);
    if (!is_locked(area->descriptor, OWNER_BYTE)) {
        (void)unlink(path);
        errno = ENOENT;
        return VIA_ENOENT;
    }
    if (!looks && !lock(area->descriptor, RECORDER_BYTE))
        return VIA_EBUSY;
    return check(area);
}

via_status via_tap_area_take(via_tap_area *area, const char *path, bool looks)
{
    *area = (via_tap_area){.descriptor = -1};
    const via_status status = take(area, path, looks);
    if (status == VIA_OK)
        return VIA_OK;
    const int code = errno;
    via_tap_area_close(area);
    errno = code;
    return status;
}

via_status via_tap_area_back(const via_tap_area *area)
{
    errno = posix_fallocate(area->descriptor, 0, (off_t)area->mapped);
    return errno == 0 ? VIA_OK : VIA_ENOMEM;
}

/* A child that was forked may hold the owner's lock; a dead process has none. */
bool via_tap_area_lives(const via_tap_area *area)
{
    if (atomic_load(&area->head->is_over) != 0 || !is_locked(area->descriptor, OWNER_BYTE))
        return false;
    return kill((pid_t)area->head->pid, 0) == 0 || errno != ESRCH;
}

bool via_tap_area_is_read(const via_tap_area *area)
{
    return is_locked(area->descriptor, RECORDER_BYTE);
}

void via_tap_area_close(via_tap_area *area)
{
    if (area->head != NULL)
        (void)munmap(area->head, area->mapped);
    if (area->descriptor >= 0)
        (void)close(area->descriptor);
    *area = (via_tap_area){.descriptor = -1};
}
