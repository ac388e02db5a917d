/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has a queue open; see members.h. The file's inode is compared after locking, since who left last may have removed the one
 * that we opened.
 */
#include "members.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void mqueue_members_init(mqueue_members *members, const mqueue_place *place)
{
    members->descriptor = -1;
    (void)snprintf(members->path, sizeof(members->path), "%s" MQUEUE_MEMBERS, place->path);
}

static bool lock(int descriptor, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};

    return fcntl(descriptor, F_OFD_SETLK, &range) == 0;
}

static bool is_current(const mqueue_members *members)
{
    struct stat opened;
    struct stat named;

    return fstat(members->descriptor, &opened) == 0 && lstat(members->path, &named) == 0 &&
           opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

/* Half a line has no end, and is not believed. */
void mqueue_members_read(const mqueue_members *members, mqueue_note *note)
{
    char text[48];
    char *end = text;
    ssize_t size = pread(members->descriptor, text, sizeof(text) - 1, 0);

    *note = (mqueue_note){.made = 0};
    if (size <= 0 || text[size - 1] != '\n')
        return;
    text[size] = '\0';
    note->made = (ino_t)strtoull(text, &end, 10);
    note->is_left = strcmp(end, " left\n") == 0;
}

void mqueue_members_leave(mqueue_members *members, bool removes)
{
    if (members->descriptor < 0)
        return;
    if (removes)
        (void)unlink(members->path);
    (void)close(members->descriptor);
    members->descriptor = -1;
}

static via_status fail(const mqueue_members *members, const mqueue_settings *settings, int code, via_error *error)
{
    return via_fail(settings->host, error, via_status_of_errno(code), code,
                    code == EMFILE ? "raise the limit of open files (ulimit -n)" : NULL, "cannot open '%.200s'",
                    members->path);
}

static via_status is_leaving(mqueue_members *members, const mqueue_settings *settings, via_error *error)
{
    mqueue_members_leave(members, false);
    return via_fail(settings->host, error, VIA_ENOPEER, 0, "try again", "'%.200s': its last member is just leaving",
                    members->path);
}

via_status mqueue_members_found(mqueue_members *members, const mqueue_settings *settings, bool *is_alone,
                                mqueue_note *note, via_error *error)
{
    members->descriptor = open(members->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (members->descriptor < 0)
        return fail(members, settings, errno, error);
    *is_alone = lock(members->descriptor, F_WRLCK);
    if (!(*is_alone || lock(members->descriptor, F_RDLCK)) || !is_current(members))
        return is_leaving(members, settings, error);
    mqueue_members_read(members, note);
    return VIA_OK;
}

void mqueue_members_note(mqueue_members *members, const mqueue_note *note)
{
    char text[48];
    int size = snprintf(text, sizeof(text), "%ju%s\n", (uintmax_t)note->made, note->is_left ? " left" : "");

    /* What cannot be written is not known: then a queue with a name of the kernel's own is left behind, at worst. */
    if (ftruncate(members->descriptor, 0) != 0 || pwrite(members->descriptor, text, (size_t)size, 0) != size)
        errno = 0;
    (void)lock(members->descriptor, F_RDLCK);
}

via_status mqueue_members_join(mqueue_members *members, const mqueue_settings *settings, via_error *error)
{
    members->descriptor = open(members->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (members->descriptor < 0 && errno != ENOENT)
        return fail(members, settings, errno, error);
    if (members->descriptor < 0 || !lock(members->descriptor, F_RDLCK) || !is_current(members))
        return is_leaving(members, settings, error);
    return VIA_OK;
}

bool mqueue_members_inherit(mqueue_members *members)
{
    members->descriptor = open(members->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (members->descriptor >= 0 && lock(members->descriptor, F_WRLCK) && is_current(members))
        return true;
    mqueue_members_leave(members, false);
    return false;
}

/* Our own share goes first: two who leave at once would each take the other for one who stays. */
bool mqueue_members_are_gone(mqueue_members *members)
{
    return lock(members->descriptor, F_UNLCK) && lock(members->descriptor, F_WRLCK) && is_current(members);
}
