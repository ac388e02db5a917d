/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who writes into the other end, and how he ended; see wayland_writer.h. unix(7), pidfd_open(2), proc_pid_stat(5).
 */
#include "wayland_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BUFFER_BYTES = 1 << 20, /* asked for; the system gives what it allows (net.core.wmem_max) */
    PASS_PIDFD = 76,        /* SO_PASSPIDFD, Linux 6.5 */
    PIDFD = 4,              /* SCM_PIDFD */
    FLAG_SIGNALED = 0x400,  /* PF_SIGNALED of the kernel's flags: killed by a signal */
};

/* The first version of struct pidfd_info, which newer kernels fill as well (Linux 6.13; the exit since 6.15). */
typedef struct pidfd_facts {
    uint64_t mask, cgroup;
    uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
    int32_t exit_code; /* as wait(2) has it */
} pidfd_facts;

#define FACT_EXIT UINT64_C(8)
#define GET_FACTS _IOWR(0xFF, 11, pidfd_facts)

void wayland_writer_init(wayland_writer *writer)
{
    *writer = (wayland_writer){0, -1};
}

void wayland_writer_fini(wayland_writer *writer)
{
    if (writer->pidfd >= 0)
        close(writer->pidfd);
    wayland_writer_init(writer);
}

bool wayland_writer_pair(int *ours, int *theirs)
{
    const int on = 1;
    const int bytes = BUFFER_BYTES;
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return false;
    /* The owner's end blocks, as that of a pipe does: he may not expect anything else. Without the options the question just has no answer. */
    if (fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) != 0 ||
        setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0) {
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    (void)setsockopt(ends[0], SOL_SOCKET, PASS_PIDFD, &on, sizeof(on));
    (void)setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
    *ours = ends[0];
    *theirs = ends[1];
    return true;
}

static void close_all(struct cmsghdr *item)
{
    const size_t count = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);

    for (size_t i = 0; i < count; i++) {
        int descriptor;

        memcpy(&descriptor, CMSG_DATA(item) + i * sizeof(int), sizeof(int));
        close(descriptor);
    }
}

static void set_pidfd(wayland_writer *writer, int pidfd)
{
    if (writer->pidfd >= 0)
        close(writer->pidfd);
    writer->pidfd = pidfd;
}

static void remember(wayland_writer *writer, struct msghdr *message)
{
    int pidfd = -1;
    pid_t pid = 0;

    for (struct cmsghdr *item = CMSG_FIRSTHDR(message); item; item = CMSG_NXTHDR(message, item)) {
        if (item->cmsg_level != SOL_SOCKET)
            continue;
        if (item->cmsg_type == SCM_RIGHTS) {
            close_all(item);
        } else if (item->cmsg_type == SCM_CREDENTIALS) {
            struct ucred who;

            memcpy(&who, CMSG_DATA(item), sizeof(who));
            pid = who.pid;
        } else if (item->cmsg_type == PIDFD) {
            memcpy(&pidfd, CMSG_DATA(item), sizeof(pidfd));
        }
    }
    if (pidfd < 0 && pid > 0 && pid != writer->pid)
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd >= 0 || pid != writer->pid)
        set_pidfd(writer, pidfd >= 0 ? pidfd : -1);
    writer->pid = pid;
}

ssize_t wayland_writer_read(wayland_writer *writer, int descriptor, void *into, size_t size)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int)) + CMSG_SPACE(16 * sizeof(int))];
        struct cmsghdr aligned;
    } control;
    struct iovec place = {into, size};
    struct msghdr message = {.msg_iov = &place, .msg_iovlen = 1, .msg_control = &control};
    ssize_t moved;

    do {
        message.msg_controllen = sizeof(control);
        moved = recvmsg(descriptor, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (moved < 0 && errno == EINTR);
    if (moved > 0)
        remember(writer, &message);
    return moved;
}

/* The kernel's flags of a process that runs or waits to be reaped; false: there is none. The name in the line may hold anything, its last ")" ends it. */
static bool read_flags(pid_t pid, unsigned *flags)
{
    char path[64];
    char line[1024];

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t size = read(file, line, sizeof(line) - 1);
    close(file);
    if (size <= 0)
        return false;
    line[size] = '\0';
    const char *rest = strrchr(line, ')');
    return rest && sscanf(rest, ") %*c %*d %*d %*d %*d %*d %u", flags) == 1; /* NOLINT(cert-err34-c): from the kernel */
}

/* Of a process that has been reaped. */
static bool ask_exit(int pidfd, int *exit_code)
{
    pidfd_facts facts = {.mask = FACT_EXIT};

    if (pidfd < 0 || ioctl(pidfd, GET_FACTS, &facts) != 0 || !(facts.mask & FACT_EXIT))
        return false;
    *exit_code = facts.exit_code;
    return true;
}

bool wayland_writer_was_killed(const wayland_writer *writer)
{
    unsigned flags = 0;
    int exit_code = 0;

    if (writer->pid <= 0)
        return false;
    /* First who can be looked at, then who is gone: in this order nobody slips through between the two. */
    const bool is_there = read_flags(writer->pid, &flags);
    if (ask_exit(writer->pidfd, &exit_code))
        return (exit_code & 0x7f) != 0;
    return is_there && (flags & FLAG_SIGNALED);
}
