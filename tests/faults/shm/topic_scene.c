/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of topics share; see topic_scene.h.
 */
#include "topic_scene.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int open_scene(void **state)
{
    scene *s = calloc(1, sizeof(*s));

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-topic.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->name, sizeof(s->name), "shm:%s/t", s->folder);
    *state = s;
    return 0;
}

int close_scene(void **state)
{
    scene *s = *state;

    assert_int_equal(rmdir(s->folder), 0); /* nothing is left behind */
    free(s);
    return 0;
}

via_channel *join(const scene *s, uint32_t role, const char *options)
{
    via_channel *channel = NULL;
    char address[256];
    via_error error;

    (void)snprintf(address, sizeof(address), "%s%s", s->name, options);
    via_status status = via_join(NULL, address, role, NULL, via_after_ms(PATIENCE_MS), &channel, &error);
    if (status != VIA_OK)
        fail_msg("%s: %s: %s", address, via_status_name(status), error.what);
    return channel;
}

void fall_asleep(via_channel *subscriber, struct pollfd *waits)
{
    do
        assert_int_equal(via_arm(subscriber, VIA_READ), VIA_OK);
    while (poll(waits, 1, 0) == 1);
}

/* ---- other processes ---------------------------------------------------------------------------------------- */

void tell(int line, uint64_t number)
{
    if (write(line, &number, sizeof(number)) != (ssize_t)sizeof(number))
        _exit(9);
}

uint64_t hear(int line)
{
    uint64_t number = 0;

    if (read(line, &number, sizeof(number)) != (ssize_t)sizeof(number))
        return UINT64_MAX;
    return number;
}

other start(const scene *s, void (*run)(const scene *s, int line))
{
    other made;
    int line[2];
    pid_t parent = getpid();

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, line), 0);
    made.pid = fork();
    assert_true(made.pid >= 0);
    if (made.pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(line[0]);
        if (getppid() == parent)
            run(s, line[1]);
        _exit(0);
    }
    (void)close(line[1]);
    made.line = line[0];
    return made;
}

void end(other *one, int signal)
{
    if (signal)
        assert_int_equal(kill(one->pid, signal), 0);
    while (waitpid(one->pid, NULL, 0) < 0)
        assert_int_equal(errno, EINTR);
    (void)close(one->line);
}
