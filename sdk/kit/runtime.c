/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns: the choice of the folder and the checks that nobody else can have prepared it for us.
 */
#include "kit/runtime.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/fail.h"

enum { NAME_LONGEST = 100 };

via_status via_runtime_place(const char *kind, char *folder, size_t capacity)
{
    const char *base = secure_getenv("XDG_RUNTIME_DIR"); /* a program with raised privileges asks nobody */
    int size;

    if (base && base[0] == '/')
        size = snprintf(folder, capacity, "%s/%s", base, kind);
    else
        size = snprintf(folder, capacity, "/tmp/%s-%lu", kind, (unsigned long)geteuid());
    return size > 0 && (size_t)size < capacity ? VIA_OK : VIA_EINVAL;
}

static via_status folder_path(const via_host_api *host, const char *kind, char *folder, size_t capacity,
                              via_error *error)
{
    if (via_runtime_place(kind, folder, capacity) == VIA_OK)
        return VIA_OK;
    return via_fail(host, error, VIA_EINVAL, ENAMETOOLONG, "set XDG_RUNTIME_DIR to a shorter path",
                    "XDG_RUNTIME_DIR is longer than a path may be");
}

static via_status check_folder(const via_host_api *host, const char *folder, const struct stat *status,
                               via_error *error)
{
    char mend[PATH_MAX + 32];

    if (!S_ISDIR(status->st_mode))
        return via_fail(host, error, VIA_EPERM, ENOTDIR, "remove it: it will be made again as a folder",
                        "%s is not a folder that we can use", folder);
    if (status->st_uid != geteuid())
        return via_fail(host, error, VIA_EPERM, 0, "remove it, or point XDG_RUNTIME_DIR to a folder of your own",
                        "%s belongs to user %lu, expected %lu", folder, (unsigned long)status->st_uid,
                        (unsigned long)geteuid());
    if ((status->st_mode & 077) == 0)
        return VIA_OK;
    snprintf(mend, sizeof(mend), "chmod 700 %s", folder);
    return via_fail(host, error, VIA_EPERM, 0, mend, "%s has mode %04o, expected 0700", folder,
                    (unsigned)(status->st_mode & 07777));
}

/* As a rule it is there. A symlink in its place is not followed. */
static via_status ensure_folder(const via_host_api *host, const char *folder, via_error *error)
{
    struct stat status;
    int found = lstat(folder, &status);

    if (found != 0 && errno == ENOENT && mkdir(folder, 0700) != 0 && errno != EEXIST)
        return via_fail(host, error, via_status_of_errno(errno), errno,
                        "make it by hand with mode 0700, or point XDG_RUNTIME_DIR to a folder of your own",
                        "cannot make %s", folder);
    if (found != 0 && lstat(folder, &status) != 0)
        return via_fail(host, error, via_status_of_errno(errno), errno, NULL, "cannot look at %s", folder);
    return check_folder(host, folder, &status, error);
}

via_status via_runtime_folder(const via_host_api *host, const char *kind, char *path, size_t capacity, via_error *error)
{
    via_status status = folder_path(host, kind, path, capacity, error);

    return status == VIA_OK ? ensure_folder(host, path, error) : status;
}

static via_status check_name(const via_host_api *host, const char *name, via_error *error)
{
    size_t length = strlen(name);

    if (length == 0 || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return via_fail(host, error, VIA_EINVAL, 0, "use a plain name, or a path that begins with '/'",
                        "'%s' is neither a name nor an absolute path", name);
    if (length > NAME_LONGEST)
        return via_fail(host, error, VIA_EINVAL, ENAMETOOLONG, "choose a shorter name",
                        "the name '%.32s...' has %zu bytes, at most %d are allowed", name, length, NAME_LONGEST);
    return VIA_OK;
}

static via_status too_long(const via_host_api *host, const char *path, size_t capacity, via_error *error)
{
    return via_fail(host, error, VIA_EINVAL, ENAMETOOLONG, "choose a shorter name or folder",
                    "the path '%.256s' has %zu bytes, the OS takes %zu", path, strlen(path), capacity - 1);
}

static via_status take_absolute(const via_host_api *host, const char *name, char *path, size_t capacity,
                                via_error *error)
{
    size_t length = strlen(name);

    if (length >= capacity)
        return too_long(host, name, capacity, error);
    memcpy(path, name, length + 1);
    return VIA_OK;
}

via_status via_runtime_path(const via_host_api *host, const char *name, const char *suffix, char *path, size_t capacity,
                            via_error *error)
{
    char folder[PATH_MAX];
    char whole[PATH_MAX + NAME_LONGEST + 64];
    via_status status;

    if (name[0] == '/')
        return take_absolute(host, name, path, capacity, error);
    status = check_name(host, name, error);
    if (status == VIA_OK)
        status = folder_path(host, "viaduct", folder, sizeof(folder), error);
    if (status != VIA_OK)
        return status;
    snprintf(whole, sizeof(whole), "%s/%s%s", folder, name, suffix);
    if (strlen(whole) >= capacity)
        return too_long(host, whole, capacity, error);
    status = ensure_folder(host, folder, error);
    if (status != VIA_OK)
        return status;
    memcpy(path, whole, strlen(whole) + 1);
    return VIA_OK;
}
