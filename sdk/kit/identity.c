/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes as /proc shows them; see identity.h. Source: proc_pid_stat(5), namespaces(7).
 *
 * Must never take "not to be seen" for "gone": /proc may hide other users' processes, or be another namespace's.
 */
#include "kit/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WHERE_SIZE = 128, NAMESPACE_SIZE = 40, BOOT_SIZE = 40 };

typedef struct process {
    int64_t pid;
    char state;
    int64_t threads;
    uint64_t start; /* in clock ticks since boot */
} process;

/* One read gives all of a small file of /proc. */
static bool read_small(const char *path, char *text, size_t capacity)
{
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size;

    if (descriptor < 0)
        return false;
    do
        size = read(descriptor, text, capacity - 1);
    while (size < 0 && errno == EINTR);
    close(descriptor);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* `which` is a pid or "self". The program's name, in parentheses, may hold anything. */
static bool read_process(const char *which, process *out)
{
    char path[48];
    char text[1024];
    const char *rest;

    snprintf(path, sizeof(path), "/proc/%s/stat", which);
    if (!read_small(path, text, sizeof(text)) || sscanf(text, "%" SCNd64, &out->pid) != 1)
        return false;
    rest = strrchr(text, ')');
    return rest &&
           sscanf(rest, ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNd64 " %*s %" SCNu64,
                  &out->state, &out->threads, &out->start) == 3;
}

static bool read_namespace(const char *path, char text[NAMESPACE_SIZE])
{
    ssize_t size = readlink(path, text, NAMESPACE_SIZE - 1);

    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

/* Where this process's pid and clock are valid. The start is told by the reader's clock, so that one counts, too. */
static bool find_where(char where[WHERE_SIZE])
{
    char boot[BOOT_SIZE];
    char pids[NAMESPACE_SIZE];
    char clock[NAMESPACE_SIZE];

    if (!read_small("/proc/sys/kernel/random/boot_id", boot, sizeof(boot)) ||
        !read_namespace("/proc/self/ns/pid", pids))
        return false;
    if (!read_namespace("/proc/self/ns/time", clock) && errno != ENOENT) /* Linux before 5.6 has none */
        return false;
    boot[strcspn(boot, "\n")] = '\0';
    snprintf(where, WHERE_SIZE, "%s/%s/%s", boot, pids, clock);
    return true;
}

/* False: /proc is not there, or shows another namespace's processes. */
static bool find_self(process *self, char where[WHERE_SIZE])
{
    return read_process("self", self) && self->pid == getpid() && find_where(where);
}

void via_identity_of_self(char text[VIA_IDENTITY_SIZE])
{
    process self;
    char where[WHERE_SIZE];

    if (find_self(&self, where))
        snprintf(text, VIA_IDENTITY_SIZE, "%" PRId64 " %" PRIu64 " %s", self.pid, self.start, where);
    else
        snprintf(text, VIA_IDENTITY_SIZE, "%ld", (long)getpid());
}

/* A leader that has ended while other threads run is shown as a zombie with more than one thread. */
static bool has_ended(const process *now)
{
    return (now->state == 'Z' || now->state == 'X') && now->threads <= 1;
}

static bool has_nobody(int64_t pid)
{
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

/* The process that has this pid now. */
static bool find_process(int64_t pid, process *now)
{
    char which[24];

    snprintf(which, sizeof(which), "%" PRId64, pid);
    return read_process(which, now) && now->pid == pid;
}

/* Does what is known of that pid here and now leave no room for the process? */
static bool is_no_more(int64_t pid, uint64_t start)
{
    process now;

    return has_nobody(pid) || (find_process(pid, &now) && (now.start != start || has_ended(&now)));
}

char via_process_state(int64_t pid)
{
    process now;

    if (pid <= 0 || pid > INT32_MAX)
        return '?';
    if (has_nobody(pid))
        return 'X';
    if (!find_process(pid, &now))
        return '?';
    if (has_ended(&now))
        return 'X';
    return now.state == 'T' || now.state == 't' ? 'T' : 'R';
}

bool via_identity_is_gone(const char *text)
{
    int64_t pid;
    uint64_t start;
    process self;
    char then[WHERE_SIZE];
    char here[WHERE_SIZE];

    if (sscanf(text, "%" SCNd64 " %" SCNu64 " %127s", &pid, &start, then) != 3 || pid <= 0 || pid > INT32_MAX)
        return false;
    /* First what is cheap and nearly always the answer: it lives. */
    return is_no_more(pid, start) && find_self(&self, here) && strcmp(then, here) == 0;
}
