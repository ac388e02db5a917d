/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trust by owner and mode on POSIX.
 *
 * Owns: the walk from "/" down to the file. The path is resolved first, so each folder is checked under its real name;
 * once all of them pass, nobody but the trusted can change what the name means.
 */
#include "platform/trust.h"

#include "kit/error.h"
#include "platform/os.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef enum place { ABOVE, HOLDER, FILE_ITSELF } place;

/* ---- the list of trusted folders -------------------------------------------------------------------------------- */

via_status via_trust_add(via_trust *trust, const char *folder)
{
    char *resolved = realpath(folder, NULL);

    if (!resolved)
        return errno == ENOMEM ? VIA_ENOMEM : VIA_OK;
    char **grown = realloc(trust->folders, (trust->count + 1) * sizeof(*grown));
    if (!grown) {
        free(resolved);
        return VIA_ENOMEM;
    }
    trust->folders = grown;
    trust->folders[trust->count++] = resolved;
    return VIA_OK;
}

void via_trust_fini(via_trust *trust)
{
    for (size_t i = 0; i < trust->count; i++)
        free(trust->folders[i]);
    free(trust->folders);
    *trust = (via_trust){0};
}

static bool is_inside(const char *path, const char *folder)
{
    size_t size = strlen(folder);

    if (size == 1)
        return true;
    return strncmp(path, folder, size) == 0 && (path[size] == '/' || path[size] == '\0');
}

static bool is_vouched_for(const via_trust *trust, const char *path)
{
    for (size_t i = 0; i < trust->count; i++) {
        if (is_inside(path, trust->folders[i]))
            return true;
    }
    return false;
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

static void user_name(uid_t uid, char *name, size_t capacity)
{
    struct passwd entry, *found = NULL;
    char room[1024];

    if (getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found)
        (void)snprintf(name, capacity, "user '%s' (uid %u)", found->pw_name, (unsigned)uid);
    else
        (void)snprintf(name, capacity, "uid %u", (unsigned)uid);
}

static void group_name(gid_t gid, char *name, size_t capacity)
{
    struct group entry, *found = NULL;
    char room[4096];

    if (getgrgid_r(gid, &entry, room, sizeof(room), &found) == 0 && found)
        (void)snprintf(name, capacity, "group '%s'", found->gr_name);
    else
        (void)snprintf(name, capacity, "group %u", (unsigned)gid);
}

/* The line that accepts the owner, with what is trusted already. */
static void write_trust_line(const via_trust *trust, const char *path, bool is_file, char *line, size_t capacity)
{
    const char *slash = strrchr(path, '/');
    int size = is_file && slash && slash != path ? (int)(slash - path) : (int)strlen(path);
    size_t at = (size_t)snprintf(line, capacity, "export VIADUCT_TRUST='");

    for (size_t i = 0; i < trust->count && at < capacity; i++)
        at += (size_t)snprintf(line + at, capacity - at, "%s:", trust->folders[i]);
    if (at < capacity)
        (void)snprintf(line + at, capacity - at, "%.*s'", size, path);
}

static via_status refuse_owner(const via_trust *trust, const char *path, const struct stat *file, via_error *error)
{
    char owner[96], line[1000];

    user_name(file->st_uid, owner, sizeof(owner));
    via_status status = via_error_set(error, VIA_EPERM, VIA_STAGE_TRUST, NULL,
                                      "%s belongs to %s; expected root or the user of this process (uid %u)", path,
                                      owner, (unsigned)geteuid());
    write_trust_line(trust, path, !S_ISDIR(file->st_mode), line, sizeof(line));
    if (trust->fixed)
        via_error_mend(error, "chown %u '%s'", (unsigned)geteuid(), path);
    else if (strlen(line) < sizeof(error->mend))
        via_error_mend(error, "%s", line);
    else
        via_error_mend(error, "trust its owner by the line below"), via_error_more(error, "%s", line);
    return status;
}

static via_status refuse_mode(const char *path, const struct stat *file, place where, via_error *error)
{
    char group[96];
    bool by_all = file->st_mode & S_IWOTH, by_group = file->st_mode & S_IWGRP;

    group_name(file->st_gid, group, sizeof(group));
    via_status status = via_error_set(error, VIA_EPERM, VIA_STAGE_TRUST, NULL, "%s is writable by %s", path,
                                      by_all ? "everybody" : group);
    if (where == HOLDER && (file->st_mode & S_ISVTX))
        via_error_mend(error, "move the files into a folder of their own, such as %s/mine (mkdir -m 755 makes one)",
                       path);
    else
        via_error_mend(error, "chmod %s%s-w '%s'", by_group ? "g" : "", by_all ? "o" : "", path);
    return status;
}

/* ---- the walk ----------------------------------------------------------------------------------------------- */

static via_status check_component(const via_trust *trust, const char *path, place where, via_error *error)
{
    struct stat file;

    if (lstat(path, &file) != 0) {
        int code = errno;
        via_status status = via_error_set(error, via_os_error_status(code), VIA_STAGE_TRUST, "check the path",
                                          "cannot look at %s", path);
        via_error_os(error, code);
        return status;
    }
    if (file.st_uid != 0 && file.st_uid != geteuid() && !is_vouched_for(trust, path))
        return refuse_owner(trust, path, &file, error);
    if (!(file.st_mode & (S_IWGRP | S_IWOTH)))
        return VIA_OK;
    if (where == ABOVE && (file.st_mode & S_ISVTX) && file.st_uid == 0)
        return VIA_OK;
    return refuse_mode(path, &file, where, error);
}

static via_status check_components(const via_trust *trust, const char *resolved, via_error *error)
{
    char part[PATH_MAX];
    const char *last = strrchr(resolved, '/');
    via_status status;

    for (const char *slash = resolved; slash; slash = strchr(slash + 1, '/')) {
        size_t size = slash == resolved ? 1 : (size_t)(slash - resolved);
        memcpy(part, resolved, size);
        part[size] = '\0';
        status = check_component(trust, part, slash == last ? HOLDER : ABOVE, error);
        if (status != VIA_OK)
            return status;
    }
    return check_component(trust, resolved, FILE_ITSELF, error);
}

/* A symlink may give a file another name in its folder; it may not bring in one from elsewhere. */
static via_status check_link(const char *noun, const char *path, const char *inside, const char *resolved,
                             via_error *error)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    int size = slash ? (int)(slash - path) + 1 : 2;

    (void)snprintf(folder, sizeof(folder), "%.*s", size, slash ? path : "./");
    char *home = realpath(inside ? inside : folder, NULL);
    bool stays = home && is_inside(resolved, home);
    const bool no_memory = !home && errno == ENOMEM;
    free(home);
    if (stays)
        return VIA_OK;
    if (no_memory)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_TRUST, NULL, "out of memory for the folder of %s", path);
    return via_error_set(error, VIA_EPERM, VIA_STAGE_TRUST, "put the file itself there instead of a symlink",
                         "the %s %s is a symlink out of its folder, to %s", noun, path, resolved);
}

via_status via_trust_check(const via_trust *trust, const char *noun, const char *path, const char *inside,
                           char **resolved, via_error *error)
{
    char *real = realpath(path, NULL);
    via_status status;

    *resolved = NULL;
    if (!real) {
        int code = errno;
        status = via_error_set(error, via_os_error_status(code), code == ENOENT ? VIA_STAGE_DISCOVER : VIA_STAGE_TRUST,
                               code == ENOENT ? "install the missing file, or mend its path in the manifest"
                                              : "make every folder above it accessible",
                               "cannot find the %s %s", noun, path);
        via_error_os(error, code);
        return status;
    }
    status = check_link(noun, path, inside, real, error);
    if (status == VIA_OK)
        status = check_components(trust, real, error);
    if (status == VIA_OK)
        *resolved = real;
    else
        free(real);
    return status;
}
