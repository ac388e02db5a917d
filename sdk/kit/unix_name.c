/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name of a Unix-domain socket; see unix_name.h.
 *
 * Owns: binding, connecting and giving up. Must never accept, nor delete a file that is not a dead socket of nobody.
 */
#include "kit/unix_name.h"

#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(((via_unix_name *)0)->path) == sizeof(((struct sockaddr_un *)0)->sun_path),
               "a path has the room that a socket's address has");

#define LIMIT_MEND "raise the limit of open files (ulimit -n)"

typedef struct address {
    struct sockaddr_un name;
    socklen_t size;
} address;

/* ---- both sides --------------------------------------------------------------------------------------------- */

static via_status fail_os(const via_host_api *host, via_error *error, const char *what, const char *path)
{
    int code = errno;
    via_status status = via_status_of_errno(code);

    return via_fail(host, error, status, code, status == VIA_ELIMIT ? LIMIT_MEND : NULL, "cannot %s '%.200s'", what,
                    path);
}

static via_status make_address(const via_host_api *host, const char *path, address *to, via_error *error)
{
    size_t length = strlen(path);

    *to = (address){.name.sun_family = AF_UNIX};
    if (length == 0 || length >= sizeof(to->name.sun_path))
        return via_fail(host, error, VIA_EINVAL, length ? ENAMETOOLONG : 0, "choose a path of 1 to 107 bytes",
                        "'%.200s' cannot be the path of a socket", path);
    memcpy(to->name.sun_path, path, length);
    to->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    return VIA_OK;
}

static int make_socket(int type)
{
    return socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* 0 or an errno. A Unix socket connects at once or not at all. */
static int connect_to(int descriptor, const address *to)
{
    int code;

    do
        code = connect(descriptor, (const struct sockaddr *)&to->name, to->size) < 0 ? errno : 0;
    while (code == EINTR);
    return code;
}

/* ---- taking ------------------------------------------------------------------------------------------------- */

/* Does anybody listen there who takes no lock, such as a program of another make? */
static bool answers(const address *there, int type)
{
    int descriptor = make_socket(type);

    if (descriptor < 0)
        return true; /* cannot tell: leave it alone */
    int code = connect_to(descriptor, there);
    (void)close(descriptor);
    return code != ECONNREFUSED && code != ENOENT;
}

/* With the lock won: makes room for our file. */
static via_status clear_path(const via_host_api *host, const address *ours, int type, via_error *error)
{
    const char *path = ours->name.sun_path;
    struct stat there;

    if (lstat(path, &there) < 0)
        return errno == ENOENT ? VIA_OK : fail_os(host, error, "look at", path);
    if (!S_ISSOCK(there.st_mode))
        return via_fail(host, error, VIA_EBUSY, 0, "choose another name, or take away what is there if nobody needs it",
                        "'%s' exists and is not a socket", path);
    if (answers(ours, type))
        return via_fail(host, error, VIA_EBUSY, 0, "end that program, or choose another name",
                        "a live program listens on '%s'", path);
    if (unlink(path) == 0 || errno == ENOENT)
        return VIA_OK;
    return fail_os(host, error, "remove the dead socket", path);
}

/* The mode is the inode's before it has a name, so that no moment is open to others; chmod undoes the umask. */
static via_status bind_file(const via_host_api *host, const address *ours, uint32_t mode, via_unix_name *name,
                            via_error *error)
{
    const char *path = ours->name.sun_path;
    struct stat made;

    if (fchmod(name->descriptor, (mode_t)mode) < 0)
        return fail_os(host, error, "set the mode of", path);
    if (bind(name->descriptor, (const struct sockaddr *)&ours->name, ours->size) < 0)
        return fail_os(host, error, "make the socket", path);
    (void)snprintf(name->path, sizeof(name->path), "%s", path);
    if (lstat(path, &made) < 0)
        return fail_os(host, error, "look at", path);
    name->device = made.st_dev;
    name->inode = made.st_ino;
    via_lock_note_file(&name->lock, made.st_dev, made.st_ino);
    if ((made.st_mode & 07777) == mode || chmod(path, (mode_t)mode) == 0)
        return VIA_OK;
    return fail_os(host, error, "set the mode of", path);
}

via_status via_unix_name_take(const via_host_api *host, const char *path, int type, uint32_t mode, via_unix_name *name,
                              via_error *error)
{
    address ours;

    memset(name, 0, sizeof(*name));
    name->descriptor = -1;
    name->lock.descriptor = -1;
    via_status status = make_address(host, path, &ours, error);
    if (status == VIA_OK)
        status = via_lock_take(host, path, &name->lock, error);
    if (status == VIA_OK)
        status = clear_path(host, &ours, type, error);
    if (status != VIA_OK)
        goto cleanup;
    name->descriptor = make_socket(type);
    status = name->descriptor < 0 ? fail_os(host, error, "make a socket for", path)
                                  : bind_file(host, &ours, mode, name, error);
cleanup:
    if (status != VIA_OK)
        via_unix_name_give_up(name, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- giving up ---------------------------------------------------------------------------------------------- */

/* Only the file that we made: somebody may have moved it away and made another. */
static void remove_file(const via_unix_name *name)
{
    struct stat there;

    if (name->path[0] && lstat(name->path, &there) == 0 && there.st_dev == name->device && there.st_ino == name->inode)
        (void)unlink(name->path);
}

void via_unix_name_give_up(via_unix_name *name, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED)
        remove_file(name);
    name->path[0] = '\0';
    if (name->descriptor >= 0)
        (void)close(name->descriptor);
    name->descriptor = -1;
    if (how == VIA_CLOSE_FORKED)
        via_lock_forget(&name->lock);
    else
        via_lock_drop(&name->lock);
}

/* ---- dialing ------------------------------------------------------------------------------------------------ */

static bool is_nobody(int code)
{
    return code == ECONNREFUSED || code == ENOENT || code == ENOTDIR || code == ECONNRESET || code == EPIPE;
}

static via_status fail_connect(const via_host_api *host, const char *path, int code, via_error *error)
{
    if (is_nobody(code))
        return via_fail(host, error, VIA_ENOPEER, code, "start the listening program, or check the name",
                        "nobody listens on '%s'", path);
    if (code == EAGAIN)
        return via_fail(host, error, VIA_ENOPEER, code, "the listening program should accept faster",
                        "too many connections wait already at '%s'", path);
    if (code == EPROTOTYPE)
        return via_fail(host, error, VIA_EPROTO, code, "use the transport that the listening program uses",
                        "'%s' is another type of socket", path);
    if (code == EACCES || code == EPERM)
        return via_fail(host, error, VIA_EPERM, code,
                        "ask its owner for a mode that lets this user write to it, in a folder that can be entered",
                        "this user must not connect to '%s'", path);
    errno = code;
    return fail_os(host, error, "connect to", path);
}

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77 /* Linux 6.5 */
#endif

/* By a handle for the process that listens: a third of what it takes to read who holds the lock. False: ask the lock. */
static bool is_served(int descriptor)
{
    struct pollfd process = {.fd = -1, .events = POLLIN};
    socklen_t size = sizeof(process.fd);

    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERPIDFD, &process.fd, &size) != 0)
        return false;
    bool lives = poll(&process, 1, 0) == 0;
    (void)close(process.fd);
    return lives;
}

via_status via_unix_name_dial(const via_host_api *host, const char *path, int type, int *descriptor, via_error *error)
{
    address to;
    via_status status = make_address(host, path, &to, error);

    if (status != VIA_OK)
        return status;
    int made = make_socket(type);
    if (made < 0)
        return fail_os(host, error, "make a socket for", path);
    int code = connect_to(made, &to);
    if (code == 0 && !is_served(made) && via_lock_is_orphaned(path))
        code = ECONNREFUSED; /* a dead owner's child has the backlog, and serves nobody */
    if (code == 0) {
        *descriptor = made;
        return VIA_OK;
    }
    (void)close(made);
    return fail_connect(host, path, code, error);
}
