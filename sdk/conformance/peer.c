/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Other processes of a test.
 *
 * Owns: their start, the socket to talk to them over, their end. A peer is started before its parent opens anything,
 * since what a fork inherits would keep connections alive that a kill should end.
 */
#include "conform.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void via_conform_peer_start(via_conform *suite, via_conform_peer *peer,
                            void (*run)(via_conform *suite, int control, void *argument), void *argument)
{
    int ends[2];

    CHECK(!suite->host, "a peer was started after the host was opened");
    CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "no control socket: %s", strerror(errno));
    peer->pid = fork();
    CHECK(peer->pid >= 0, "no process: %s", strerror(errno));
    if (peer->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ends[0]);
        suite->random ^= UINT64_C(0x5bd1e995);
        suite->names += 1000;
        run(suite, ends[1], argument);
        via_host_close(suite->host);
        exit(0);
    }
    (void)close(ends[1]);
    peer->control = ends[0];
}

void via_conform_tell(int control, const void *data, size_t size)
{
    CHECK(send(control, data, size, MSG_NOSIGNAL) == (ssize_t)size, "the other process of the test has gone");
}

void via_conform_hear(int control, void *data, size_t size)
{
    CHECK(recv(control, data, size, MSG_WAITALL) == (ssize_t)size, "the other process of the test has gone");
}

void via_conform_peer_kill(via_conform_peer *peer)
{
    CHECK(kill(peer->pid, SIGKILL) == 0 && waitpid(peer->pid, NULL, 0) == peer->pid, "the peer could not be killed: %s",
          strerror(errno));
    (void)close(peer->control);
}

void via_conform_peer_join(via_conform_peer *peer)
{
    int status = 0;

    CHECK(waitpid(peer->pid, &status, 0) == peer->pid, "the peer was lost: %s", strerror(errno));
    (void)close(peer->control);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the peer process ended with wait status 0x%x",
          (unsigned)status);
}
