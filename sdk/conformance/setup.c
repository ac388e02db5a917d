/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has to be there before a test: the manifest's `setup` or --setup, a command of the shell.
 *
 * Owns: its start, in the test's folder and process group, so that it ends with the test; and waiting until it says,
 * with a line or by ending well, that all is there. VIA_CONFORMANCE is the path of this program, VIA_PLUGIN_FOLDER that of the
 * folder where the manifest is.
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static _Noreturn void become(const via_conform_claims *claims, const char *folder, int output)
{
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

    self[length > 0 ? length : 0] = '\0';
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setenv("VIA_CONFORMANCE", self, 1);
    (void)setenv("VIA_PLUGIN_FOLDER", claims->folder, 1);
    if (chdir(folder) == 0 && dup2(output, STDOUT_FILENO) >= 0)
        (void)execl("/bin/sh", "sh", "-c", claims->setup, (char *)NULL);
    _exit(127);
}

/* Until the first line, or the end of its output. */
static bool wait_for_line(int output)
{
    via_deadline limit = via_conform_soon();
    char byte = 0;

    while (byte != '\n') {
        struct pollfd set = {output, POLLIN, 0};
        uint64_t now = via_now_ns();
        int ready = now < limit ? poll(&set, 1, (int)((limit - now) / 1000000) + 1) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        if (read(output, &byte, 1) <= 0)
            return true;
    }
    return true;
}

void via_conform_set_up(const via_conform_claims *claims, const char *folder)
{
    const char *command = claims->setup;
    int ends[2], status = 0;

    if (!command[0])
        return;
    via_conform_step("setting up: %s", command);
    CHECK(pipe2(ends, O_CLOEXEC) == 0, "no pipe: %s", strerror(errno));
    pid_t process = fork();
    CHECK(process >= 0, "no process: %s", strerror(errno));
    if (process == 0)
        become(claims, folder, ends[1]);
    (void)close(ends[1]);
    CHECK(wait_for_line(ends[0]), "the setup '%s' neither printed a line nor ended in time", command);
    (void)close(ends[0]);
    pid_t ended = waitpid(process, &status, WNOHANG);
    CHECK(ended == 0 || status == 0, "the setup '%s' ended with wait status 0x%x", command, (unsigned)status);
}
