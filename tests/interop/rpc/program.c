/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program by others; see program.h.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

extern char **environ;

/* ---- starting ----------------------------------------------------------------------------------------------- */

static int spawn(program *self, const char *const *arguments, int output)
{
    posix_spawn_file_actions_t actions;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
    int code = posix_spawnp(&self->pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return code;
}

void program_start(program *self, const char *const *arguments)
{
    int ends[2];

    *self = (program){.output = -1};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int code = spawn(self, arguments, ends[1]);
    (void)close(ends[1]);
    if (code != 0)
        fail_msg("%s: %s", arguments[0], strerror(code));
    self->output = ends[0];
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

/* What no longer fits is dropped. False: it has closed its output. */
static bool read_some(program *self)
{
    char rest[4096];
    size_t room = sizeof(self->said) - 1 - self->size;
    ssize_t got = read(self->output, room ? self->said + self->size : rest, room ? room : sizeof(rest));

    if (got > 0 && room)
        self->size += (size_t)got;
    return got > 0 || (got < 0 && errno == EINTR);
}

static bool read_all(program *self)
{
    uint64_t until = via_now_ns() + PROGRAM_PATIENCE_MS * UINT64_C(1000000);

    for (;;) {
        struct pollfd set = {.fd = self->output, .events = POLLIN};
        uint64_t now = via_now_ns();
        if (now >= until || poll(&set, 1, (int)((until - now) / 1000000) + 1) < 0)
            return false;
        if (set.revents && !read_some(self))
            return true;
    }
}

static int reap(program *self)
{
    int status = -1;

    while (waitpid(self->pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(self->output);
    self->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int program_wait(program *self)
{
    if (!read_all(self))
        (void)kill(self->pid, SIGKILL);
    return reap(self);
}

void program_must_end_well(program *self)
{
    int status = program_wait(self);

    if (status != 0)
        fail_msg("it ended with status %d and said:\n%s", status, self->said);
}

void program_kill(program *self)
{
    if (self->pid <= 0)
        return;
    (void)kill(self->pid, SIGKILL);
    (void)reap(self);
}
