/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of the embedded backend; see store.h.
 */
#include "store.h"

#include "kit/fail.h"
#include "kit/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static via_status fault_is(clip_fault *fault, via_status status, int os_code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static via_status fault_is(clip_fault *fault, via_status status, int os_code, const char *format, ...)
{
    va_list arguments;

    fault->status = status;
    fault->os_code = os_code;
    va_start(arguments, format);
    (void)vsnprintf(fault->what, sizeof(fault->what), format, arguments);
    va_end(arguments);
    return status;
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

static via_status take_names(clip_store *store, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t folder = (size_t)(slash - path);

    if (folder >= sizeof(store->folder_path) || strlen(slash + 1) >= sizeof(store->name))
        return VIA_EINVAL;
    memcpy(store->folder_path, path, folder);
    store->folder_path[folder] = '\0';
    (void)snprintf(store->name, sizeof(store->name), "%s", slash + 1);
    (void)snprintf(store->lock_name, sizeof(store->lock_name), "%s.lock", store->name);
    (void)snprintf(store->new_name, sizeof(store->new_name), "%s.new", store->name);
    return VIA_OK;
}

static bool open_folder(clip_store *store)
{
    struct stat status;

    store->folder = open(store->folder_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (store->folder < 0 || fstat(store->folder, &status) != 0)
        return false;
    store->folder_device = status.st_dev;
    store->folder_number = status.st_ino;
    return true;
}

bool clip_store_is_current(const clip_store *store)
{
    struct stat status;

    return lstat(store->folder_path, &status) == 0 && status.st_dev == store->folder_device &&
           status.st_ino == store->folder_number;
}

via_status clip_store_open(clip_store *store, const via_host_api *host, const char *name, via_error *error)
{
    char path[PATH_MAX];

    *store = (clip_store){.folder = -1};
    if (strchr(name, '/'))
        return via_fail(host, error, VIA_EINVAL, 0, "use a plain name: clipboard:NAME",
                        "'%s' is no name of a clipboard: it has a '/'", name);
    via_status status = via_runtime_path(host, name, ".clip", path, sizeof(path), error);
    if (status != VIA_OK)
        return status;
    if (take_names(store, path) != VIA_OK)
        return via_fail(host, error, VIA_EINVAL, ENAMETOOLONG, "set XDG_RUNTIME_DIR to a shorter path",
                        "the path '%.256s' is too long", path);
    if (open_folder(store))
        return VIA_OK;
    return via_fail(host, error, via_status_of_errno(errno), errno, "look at its owner and mode, or remove it",
                    "cannot open %s", store->folder_path);
}

void clip_store_close(clip_store *store)
{
    if (store->folder >= 0)
        (void)close(store->folder);
    store->folder = -1;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

/* Ours alone, and a plain file: anything else was put there by somebody else, or by mistake. */
static via_status check_file(const clip_store *store, const char *name, const struct stat *status, clip_fault *fault)
{
    if (!S_ISREG(status->st_mode))
        return fault_is(fault, VIA_EPERM, 0, "%s/%s is no plain file", store->folder_path, name);
    if (status->st_uid != geteuid())
        return fault_is(fault, VIA_EPERM, 0, "%s/%s belongs to user %lu, expected %lu", store->folder_path, name,
                        (unsigned long)status->st_uid, (unsigned long)geteuid());
    if ((status->st_mode & 077) != 0)
        return fault_is(fault, VIA_EPERM, 0, "%s/%s has mode %04o, expected 0600", store->folder_path, name,
                        (unsigned)(status->st_mode & 07777));
    return VIA_OK;
}

/* Never waits, not even for the other end of a FIFO. -1 with the fault; ENOENT is none: its status is VIA_OK then. */
static int open_file(const clip_store *store, const char *name, int flags, struct stat *status, clip_fault *fault)
{
    int descriptor = openat(store->folder, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);

    fault->status = VIA_OK;
    if (descriptor < 0) {
        if (errno == ELOOP)
            (void)fault_is(fault, VIA_EPERM, errno, "%s/%s is a symbolic link", store->folder_path, name);
        else if (errno == EISDIR || errno == ENXIO)
            (void)fault_is(fault, VIA_EPERM, errno, "%s/%s is no plain file", store->folder_path, name);
        else if (errno != ENOENT)
            (void)fault_is(fault, via_status_of_errno(errno), errno, "cannot open %s/%s", store->folder_path, name);
        return -1;
    }
    if (fstat(descriptor, status) != 0)
        (void)fault_is(fault, VIA_EIO, errno, "cannot look at %s/%s", store->folder_path, name);
    else if (check_file(store, name, status, fault) == VIA_OK)
        return descriptor;
    (void)close(descriptor);
    return -1;
}

/* As many as there are. -1 with errno. */
static ssize_t read_at(int descriptor, uint8_t *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(descriptor, bytes + done, size - done, (off_t)(offset + done));
        if (got == 0)
            break;
        if (got < 0 && errno != EINTR)
            return -1;
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static via_status read_head(const clip_store *store, clip_view *view, uint64_t file_size, clip_fault *fault)
{
    ssize_t got = read_at(view->descriptor, view->bytes, sizeof(view->bytes), 0);

    if (got < 0)
        return fault_is(fault, VIA_EIO, errno, "cannot read %s/%s", store->folder_path, store->name);
    view->is_damaged = clip_head_parse(view->bytes, (size_t)got, file_size, &view->head) != VIA_OK;
    return VIA_OK;
}

/*
 * Cut by a crash of the machine, written by a later version, or by something else. Whoever reads is told; whoever writes goes on as
 * if nothing were there. The id stands for this very file, so that it is told once.
 */
static void note_damage(const clip_store *store, clip_view *view, const struct stat *status, clip_fault *fault)
{
    const uint64_t mixed = (uint64_t)status->st_ino * UINT64_C(0x9e3779b97f4a7c15) ^
                           (uint64_t)status->st_mtim.tv_sec << 30 ^ (uint64_t)status->st_mtim.tv_nsec;

    clip_view_close(view);
    memset(&view->head, 0, sizeof(view->head));
    view->head.id = mixed | 1;
    (void)fault_is(fault, VIA_ETYPE, 0, "%s/%s is no content that this version can read", store->folder_path,
                   store->name);
}

via_status clip_store_look(const clip_store *store, clip_view *view, clip_fault *fault)
{
    struct stat status;

    memset(&view->head, 0, sizeof(view->head));
    view->is_damaged = false;
    view->descriptor = open_file(store, store->name, O_RDONLY, &status, fault);
    if (view->descriptor < 0)
        return fault->status;
    if (read_head(store, view, (uint64_t)status.st_size, fault) != VIA_OK) {
        clip_view_close(view);
        return fault->status;
    }
    if (view->is_damaged)
        note_damage(store, view, &status, fault);
    return VIA_OK;
}

void clip_view_close(clip_view *view)
{
    if (view->descriptor >= 0)
        (void)close(view->descriptor);
    view->descriptor = -1;
}

via_status clip_view_read(const clip_view *view, size_t format, clip_bytes *bytes)
{
    const uint64_t size = view->head.formats[format].size;

    if (size > bytes->limit)
        return VIA_ETOOBIG;
    via_status status = clip_bytes_reserve(bytes, (size_t)size);
    if (status != VIA_OK || size == 0)
        return status;
    ssize_t got = read_at(view->descriptor, bytes->data, (size_t)size, view->head.formats[format].offset);
    if (got < 0 || (uint64_t)got != size)
        return VIA_EIO;
    bytes->size = (size_t)size;
    return VIA_OK;
}

/* ---- the lock ----------------------------------------------------------------------------------------------- */

/* Has somebody removed the file meanwhile? Then others lock another one. */
static bool is_still_there(const clip_store *store, const struct stat *ours)
{
    struct stat named;

    return fstatat(store->folder, store->lock_name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == ours->st_ino &&
           named.st_dev == ours->st_dev;
}

/* An open file description lock: it goes when the last descriptor does, however its owner ends. */
via_status clip_store_lock(const clip_store *store, int *lock, clip_fault *fault)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct stat status;

    *lock = open_file(store, store->lock_name, O_RDWR | O_CREAT, &status, fault);
    if (*lock < 0)
        return fault->status != VIA_OK ? fault->status : fault_is(fault, VIA_EBUSY, 0, "the lock file is gone");
    if (fcntl(*lock, F_OFD_SETLK, &whole) == 0) {
        if (is_still_there(store, &status))
            return VIA_OK;
        (void)fault_is(fault, VIA_EBUSY, 0, "the lock file was replaced");
    } else if (errno == EAGAIN || errno == EACCES) {
        (void)fault_is(fault, VIA_EBUSY, 0, "another program holds %s/%s, and does not go on", store->folder_path,
                       store->lock_name);
    } else {
        (void)fault_is(fault, via_status_of_errno(errno), errno, "cannot lock %s/%s", store->folder_path,
                       store->lock_name);
    }
    (void)close(*lock);
    *lock = -1;
    return fault->status;
}

/* Unlocked first: a child that was forked meanwhile has the descriptor, too, and would keep the lock for as long as it lives. */
void clip_store_unlock(int lock)
{
    struct flock whole = {.l_type = F_UNLCK, .l_whence = SEEK_SET};

    (void)fcntl(lock, F_OFD_SETLK, &whole);
    (void)close(lock);
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static bool write_all(int descriptor, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(descriptor, bytes, size);
        if (written < 0 && errno != EINTR)
            return false;
        bytes += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool write_content(int descriptor, const clip_content *content, uint64_t id, uint64_t generation)
{
    uint8_t head[CLIP_HEAD_LARGEST];
    const size_t size = clip_head_write(content, id, generation, head);

    if (!write_all(descriptor, head, size))
        return false;
    for (size_t i = 0; content && i < content->count; i++)
        if (!write_all(descriptor, content->formats[i].data, content->formats[i].size))
            return false;
    return true;
}

/* What a writer that died has left is removed first: nobody else is here. */
static int make_new(const clip_store *store)
{
    if (unlinkat(store->folder, store->new_name, 0) != 0 && errno != ENOENT)
        return -1;
    return openat(store->folder, store->new_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static uint64_t make_id(void)
{
    uint64_t id = 0;

    while (id == 0)
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
            id = 0;
    return id;
}

via_status clip_store_replace(const clip_store *store, const clip_view *view, const clip_content *content,
                              uint64_t least, uint64_t *id, uint64_t *generation, clip_fault *fault)
{
    *id = make_id();
    *generation = view->head.generation + 1 > least ? view->head.generation + 1 : least;
    if (*generation > CLIP_GENERATION_LAST)
        *generation = 1;
    int descriptor = make_new(store);
    bool is_done = descriptor >= 0 && write_content(descriptor, content, *id, *generation);
    int code = errno;
    if (descriptor >= 0)
        (void)close(descriptor);
    if (is_done && renameat(store->folder, store->new_name, store->folder, store->name) == 0)
        return VIA_OK;
    code = is_done ? errno : code;
    if (descriptor >= 0)
        (void)unlinkat(store->folder, store->new_name, 0);
    return fault_is(fault, via_status_of_errno(code), code, "cannot write %s/%s", store->folder_path, store->new_name);
}
