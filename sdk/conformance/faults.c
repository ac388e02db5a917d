/* SPDX-License-Identifier: Apache-2.0 */
/* Faults of memory and of reads and writes; see faults.h. Owns: what is left of a call, and the functions in between. */
#include "faults.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

#ifdef SANITIZED

bool via_conform_faults_possible(void)
{
    return false;
}

void via_conform_fail_allocation(uint64_t spared)
{
    (void)spared;
}

bool via_conform_spare_allocations(void)
{
    return false;
}

void via_conform_shorten_calls(uint64_t seed)
{
    (void)seed;
}

uint64_t via_conform_shortened(void)
{
    return 0;
}

#else

#include "conform.h"

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define NOW_AND_THEN 3 /* one call in so many is left as it is */

bool via_conform_faults_possible(void)
{
    return true;
}

/* ---- allocations -------------------------------------------------------------------------------------------- */

static atomic_bool watched, failed;
static _Atomic int64_t left;

void via_conform_fail_allocation(uint64_t spared)
{
    atomic_store(&failed, false);
    atomic_store(&left, (int64_t)spared);
    atomic_store(&watched, true);
}

bool via_conform_spare_allocations(void)
{
    atomic_store(&watched, false);
    return atomic_load(&failed);
}

static bool fails(void)
{
    if (!atomic_load_explicit(&watched, memory_order_relaxed) || atomic_fetch_sub(&left, 1) != 0)
        return false;
    atomic_store(&failed, true);
    errno = ENOMEM;
    return true;
}

/* glibc's own, under its names for those who come before it. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

EXPORTED void *malloc(size_t size)
{
    return fails() ? NULL : __libc_malloc(size);
}

EXPORTED void *calloc(size_t count, size_t size)
{
    return fails() ? NULL : __libc_calloc(count, size);
}

EXPORTED void *realloc(void *memory, size_t size)
{
    return fails() ? NULL : __libc_realloc(memory, size);
}

EXPORTED void *aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : __libc_memalign(alignment, size);
}

EXPORTED int posix_memalign(void **memory, size_t alignment, size_t size)
{
    void *made = fails() ? NULL : __libc_memalign(alignment, size);
    if (made)
        *memory = made;
    return made ? 0 : ENOMEM;
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

/* ---- reads and writes --------------------------------------------------------------------------------------- */

enum { SMALL = 512 }; /* bytes that a kernel writes as a whole, or not at all */

static atomic_bool shortening;
static _Atomic uint64_t chance, shortened;

void via_conform_shorten_calls(uint64_t seed)
{
    atomic_store(&chance, seed);
    atomic_store(&shortening, true);
}

uint64_t via_conform_shortened(void)
{
    return atomic_load(&shortened);
}

/* May a call on it move less than it could? */
static bool is_stream(int descriptor, size_t size)
{
    struct stat status;
    int type = 0;
    socklen_t length = sizeof(type);

    if (syscall(SYS_fstat, descriptor, &status) != 0)
        return false;
    if (S_ISFIFO(status.st_mode))
        return size > PIPE_BUF;
    if (S_ISSOCK(status.st_mode))
        return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
    return S_ISCHR(status.st_mode) && isatty(descriptor);
}

/* How much of `size` the call may move. */
static size_t allow(int descriptor, size_t size, bool writes)
{
    if (!atomic_load_explicit(&shortening, memory_order_relaxed) || size < (writes ? SMALL : 2))
        return size;
    uint64_t number = via_conform_mix(atomic_fetch_add(&chance, UINT64_C(0x9e3779b97f4a7c15)));
    size_t allowed = 1 + (size_t)((number >> 8) % (size - 1));
    if (number % NOW_AND_THEN == 0 || !is_stream(descriptor, size))
        return size;
    if (writes && allowed <= PIPE_BUF && size > PIPE_BUF) /* a FIFO's shorter writes are whole, so this one is longer */
        allowed = PIPE_BUF + 1 < size ? PIPE_BUF + 1 : size;
    atomic_fetch_add(&shortened, 1);
    return allowed;
}

enum { VECTOR_MOST = 64, WHOLE = MSG_WAITALL | MSG_PEEK };

static size_t size_of(const struct iovec *vector, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += vector[i].iov_len;
    return size;
}

/* The first `allowed` bytes of a vector, in `out`; how many pieces they are. */
static size_t cut(const struct iovec *vector, size_t count, size_t allowed, struct iovec out[VECTOR_MOST])
{
    size_t used = 0;

    for (size_t i = 0; i < count && i < VECTOR_MOST && allowed > 0; i++) {
        out[used] = vector[i];
        if (out[used].iov_len > allowed)
            out[used].iov_len = allowed;
        allowed -= out[used++].iov_len;
    }
    return used;
}

static ssize_t vector_call(long number, int descriptor, const struct iovec *vector, int count, bool writes)
{
    struct iovec less[VECTOR_MOST];
    size_t size = count > 0 && count <= VECTOR_MOST ? size_of(vector, (size_t)count) : 0;
    size_t allowed = allow(descriptor, size, writes);

    if (allowed == size)
        return syscall(number, descriptor, vector, count);
    return syscall(number, descriptor, less, cut(vector, (size_t)count, allowed, less));
}

static ssize_t message_call(long number, int descriptor, const struct msghdr *message, int flags, bool writes)
{
    struct iovec less[VECTOR_MOST];
    struct msghdr shorter = *message;
    size_t size = message->msg_iovlen <= VECTOR_MOST ? size_of(message->msg_iov, message->msg_iovlen) : 0;
    size_t allowed = flags & WHOLE ? size : allow(descriptor, size, writes);

    if (allowed == size)
        return syscall(number, descriptor, message, flags);
    shorter.msg_iov = less;
    shorter.msg_iovlen = cut(message->msg_iov, message->msg_iovlen, allowed, less);
    ssize_t moved = syscall(number, descriptor, &shorter, flags);
    if (!writes) { /* what the kernel says about it */
        struct msghdr *out = (struct msghdr *)(uintptr_t)message;
        out->msg_namelen = shorter.msg_namelen;
        out->msg_controllen = shorter.msg_controllen;
        out->msg_flags = shorter.msg_flags;
    }
    return moved;
}

EXPORTED ssize_t read(int descriptor, void *buffer, size_t size)
{
    return syscall(SYS_read, descriptor, buffer, allow(descriptor, size, false));
}

EXPORTED ssize_t write(int descriptor, const void *buffer, size_t size)
{
    return syscall(SYS_write, descriptor, buffer, allow(descriptor, size, true));
}

EXPORTED ssize_t readv(int descriptor, const struct iovec *vector, int count)
{
    return vector_call(SYS_readv, descriptor, vector, count, false);
}

EXPORTED ssize_t writev(int descriptor, const struct iovec *vector, int count)
{
    return vector_call(SYS_writev, descriptor, vector, count, true);
}

EXPORTED ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    return message_call(SYS_recvmsg, descriptor, message, flags, false);
}

EXPORTED ssize_t sendmsg(int descriptor, const struct msghdr *message, int flags)
{
    return message_call(SYS_sendmsg, descriptor, message, flags, true);
}

EXPORTED ssize_t recv(int descriptor, void *buffer, size_t size, int flags)
{
    size_t allowed = flags & WHOLE ? size : allow(descriptor, size, false);
    return syscall(SYS_recvfrom, descriptor, buffer, allowed, flags, NULL, NULL);
}

EXPORTED ssize_t send(int descriptor, const void *buffer, size_t size, int flags)
{
    return syscall(SYS_sendto, descriptor, buffer, allow(descriptor, size, true), flags, NULL, 0);
}

/* The same where the compiler knows how large the buffer is. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
EXPORTED ssize_t __read_chk(int descriptor, void *buffer, size_t size, size_t room);
EXPORTED ssize_t __recv_chk(int descriptor, void *buffer, size_t size, size_t room, int flags);

ssize_t __read_chk(int descriptor, void *buffer, size_t size, size_t room)
{
    if (size > room)
        abort();
    return read(descriptor, buffer, size);
}

ssize_t __recv_chk(int descriptor, void *buffer, size_t size, size_t room, int flags)
{
    if (size > room)
        abort();
    return recv(descriptor, buffer, size, flags);
}
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

#endif
