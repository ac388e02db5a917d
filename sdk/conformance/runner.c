/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running one test in a process of its own.
 *
 * Owns: the process group of a test, its time limit, its private folder, and that nothing of it is left afterwards.
 */
#include "runner.h"

#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static bool make_folder(char folder[64])
{
    const char *parent = getenv("TMPDIR");

    (void)snprintf(folder, 64, "%s/via-conform.XXXXXX", parent && strlen(parent) < 40 ? parent : "/tmp");
    return mkdtemp(folder) != NULL;
}

/* Signals as a program has them at its start, whatever ours were. */
static _Noreturn void run_here(const via_conform_test *test, const via_conform_claims *claims, uint64_t seed,
                               const char *folder)
{
    via_conform suite = {.claims = claims, .seed = seed, .random = seed};

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setenv("XDG_RUNTIME_DIR", folder, 1);
    (void)unsetenv("VIADUCT_ENDPOINTS");
    (void)unsetenv("VIADUCT_PLUGIN_PATH");
    (void)unsetenv("VIADUCT_ADD_PLUGIN_PATH");
    (void)snprintf(suite.folder, sizeof(suite.folder), "%s", folder);
    via_conform_set_up(claims, folder);
    test->run(&suite);
    via_host_close(suite.host);
    exit(0);
}

/* Waits for the end of the process or the first failure of any of the test's processes. */
static void wait_for_end(pid_t process, unsigned timeout_s, via_conform_report *report)
{
    char found[64];
    int pidfd = (int)syscall(SYS_pidfd_open, process, 0);
    struct pollfd events[2] = {{pidfd, POLLIN, 0}, {via_conform_report_descriptor(report), POLLIN, 0}};
    via_deadline limit = via_after_ms((uint64_t)timeout_s * 1000);
    int ready;

    do {
        uint64_t now = via_now_ns();
        ready = poll(events, 2, now < limit ? (int)((limit - now) / 1000000) + 1 : 0);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        (void)snprintf(found, sizeof(found), "still running after %u s", timeout_s);
        via_conform_report_end(report, "the test ends: nothing blocks for ever", found);
    }
    (void)close(pidfd);
}

static void judge(int status, via_conform_report *report)
{
    char found[128];

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return;
    if (WIFSIGNALED(status))
        (void)snprintf(found, sizeof(found), "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        (void)snprintf(found, sizeof(found), "exit status %d", WEXITSTATUS(status));
    via_conform_report_end(report, "the program lives through it", found);
}

bool via_conform_run(const via_conform_test *test, const via_conform_claims *claims, uint64_t seed, unsigned timeout_s,
                     via_conform_report *report)
{
    char folder[64];
    int status = 0;

    via_conform_report_reset(report);
    if (!make_folder(folder)) {
        via_conform_report_end(report, "a private folder for the test", strerror(errno));
        return false;
    }
    (void)fflush(NULL);
    pid_t process = fork();
    if (process == 0)
        run_here(test, claims, seed, folder);
    if (process > 0) {
        (void)setpgid(process, process);
        wait_for_end(process, timeout_s, report);
        (void)kill(-process, SIGKILL); /* not waited for yet, so the group's number is still ours */
        (void)waitpid(process, &status, 0);
        judge(status, report);
    } else {
        via_conform_report_end(report, "a process for the test", strerror(errno));
    }
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return !via_conform_report_failed(report);
}
