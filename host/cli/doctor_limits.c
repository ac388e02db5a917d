/* SPDX-License-Identifier: Apache-2.0 */
/* The limits that mechanisms run into; see doctor.h. Sources: getrlimit(2), mq_overview(7), proc_sys_vm(5). */
#include "doctor.h"

#include <sys/resource.h>
#include <unistd.h>

static void find_files(json_t *findings)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur >= 1024)
        via_cli_find(findings, VIA_CLI_WELL, "limit", "", "%llu files can be open at once",
                     (unsigned long long)limit.rlim_cur);
    else
        via_cli_find(findings, VIA_CLI_WARNING, "limit", "ulimit -n 4096",
                     "only %llu files can be open at once: each channel takes one to four",
                     (unsigned long long)limit.rlim_cur);
}

static bool read_number(const char *path, unsigned long long *number)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool is_read = fscanf(file, "%llu", number) == 1;
    (void)fclose(file);
    return is_read;
}

/* Linux counts for each queue its messages at their largest, and about 80 bytes for each. */
static void find_queues(json_t *findings)
{
    struct rlimit limit;
    unsigned long long messages = 0, bytes = 0;
    if (!read_number("/proc/sys/fs/mqueue/msg_max", &messages) ||
        !read_number("/proc/sys/fs/mqueue/msgsize_max", &bytes)) {
        via_cli_find(findings, VIA_CLI_WARNING, "limit", "use another mechanism, or a kernel with CONFIG_POSIX_MQUEUE",
                     "this system has no POSIX message queues, or hides their limits");
        return;
    }
    if (getrlimit(RLIMIT_MSGQUEUE, &limit) == 0 && limit.rlim_cur < messages * (bytes + 80))
        via_cli_find(findings, VIA_CLI_WARNING, "limit", "ulimit -q 819200",
                     "message queues of this user may hold %llu bytes, less than one of the usual size takes",
                     (unsigned long long)limit.rlim_cur);
    else
        via_cli_find(findings, VIA_CLI_WELL, "limit", "",
                     "a message queue holds at most %llu messages of %llu bytes (/proc/sys/fs/mqueue)", messages,
                     bytes);
}

/* Plugins run from sealed memory. */
static void find_memory(json_t *findings)
{
    unsigned long long forbidden = 0;
    if (read_number("/proc/sys/vm/memfd_noexec", &forbidden) && forbidden == 2)
        via_cli_find(findings, VIA_CLI_BROKEN, "limit", "export VIADUCT_LOAD=direct, or sysctl vm.memfd_noexec=1",
                     "this system does not let programs run code from sealed memory, as plugins do");
}

static void find_processors(json_t *findings)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        via_cli_find(findings, VIA_CLI_WARNING, "limit", "give this machine two processors, if latency matters",
                     "there is one processor: nobody spins, so each message costs a switch of processes");
}

void via_cli_find_limits(json_t *findings)
{
    find_files(findings);
    find_queues(findings);
    find_memory(findings);
    find_processors(findings);
}
