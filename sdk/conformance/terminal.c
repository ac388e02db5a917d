/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An echo behind a pseudo terminal: `via-conformance --echo-terminal PATH`, for the `setup` of transports over a device.
 *
 * Owns: the terminal, which is a plain line (no echo of its own, no line editing, no signals), and PATH, a symlink to it.
 * It lives until it is killed: who opens and closes PATH never ends it.
 */
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* The inner end stays open here, so that the outer one never sees a hangup. */
static bool make_plain(const char *name)
{
    struct termios line;
    int inner = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);

    if (inner < 0 || tcgetattr(inner, &line) != 0)
        return false;
    cfmakeraw(&line);
    return tcsetattr(inner, TCSANOW, &line) == 0;
}

static bool open_terminal(const char *path, int *outer)
{
    char name[64];

    *outer = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    return *outer >= 0 && grantpt(*outer) == 0 && unlockpt(*outer) == 0 && ptsname_r(*outer, name, sizeof(name)) == 0 &&
           make_plain(name) && symlink(name, path) == 0;
}

static bool write_all(int descriptor, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t put = write(descriptor, bytes, size);
        if (put < 0 && errno != EINTR)
            return false;
        bytes += put > 0 ? put : 0;
        size -= put > 0 ? (size_t)put : 0;
    }
    return true;
}

int via_conform_echo_terminal(const char *path)
{
    char bytes[4096];
    int outer;
    ssize_t got;

    if (!open_terminal(path, &outer)) {
        fprintf(stderr, "via-conformance: no terminal at %s: %s\n", path, strerror(errno));
        return 1;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while ((got = read(outer, bytes, sizeof(bytes))) > 0 || (got < 0 && errno == EINTR)) {
        if (got > 0 && !write_all(outer, bytes, (size_t)got))
            break;
    }
    return 0;
}
