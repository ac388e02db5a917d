/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed copies (memfd_create(2), fcntl(2) F_ADD_SEALS) and dlopen(3).
 *
 * Owns: the descriptor whose number is in the name of the loaded object. glibc knows objects by name: a number used
 * again while the object is mapped would give back the old code.
 */
#include "platform/image.h"

#include "kit/error.h"
#include "kit/read_all.h"
#include "platform/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

enum { LARGEST = 512 * 1024 * 1024, FIRST_SPARE = 64 };

static via_status fail(via_error *error, uint32_t stage, int code, const char *mend, const char *what, const char *path)
{
    const bool is_limit = code == EMFILE || code == ENFILE; /* then it is about us, and not about the file */
    via_status status = via_error_set(error, via_os_error_status(code), stage,
                                      is_limit ? "raise the limit of open files (ulimit -n), or close some" : mend,
                                      "%s %s", what, path);

    via_error_os(error, code);
    return status;
}

/* ---- taking a copy ------------------------------------------------------------------------------------------ */

static int create_memory_file(void)
{
    int fd = memfd_create("viaduct-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);

    if (fd < 0 && errno == EINVAL) /* an older kernel: such files can always be run */
        fd = memfd_create("viaduct-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd;
}

static ssize_t write_fully(int fd, const char *bytes, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = write(fd, bytes + at, size - at);
        if (n < 0 && errno != EINTR)
            return -1;
        at += n > 0 ? (size_t)n : 0;
    }
    return (ssize_t)size;
}

/* Beyond the limit of file sizes the kernel would send SIGXFSZ, which ends the program. */
static rlim_t largest_copy(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < LARGEST ? limit.rlim_cur : LARGEST;
}

static ssize_t copy_file(int from, int to)
{
    char room[64 * 1024];
    ssize_t total = 0;
    rlim_t largest = largest_copy();

    for (;;) {
        ssize_t n = read(from, room, sizeof(room));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -1 : total;
        total += n;
        if ((rlim_t)total > largest) {
            errno = EFBIG;
            return -1;
        }
        if (write_fully(to, room, (size_t)n) < 0)
            return -1;
    }
}

static via_status map_copy(via_image *image, const char *path, via_error *error)
{
    void *bytes = mmap(NULL, image->size, PROT_READ, MAP_SHARED, image->fd, 0);

    if (bytes == MAP_FAILED)
        return fail(error, VIA_STAGE_PREFLIGHT, errno, "make memory available", "cannot map the copy of", path);
    image->bytes = bytes;
    return VIA_OK;
}

static via_status take_copy(via_image *image, int from, const char *path, via_error *error)
{
    image->is_copy = true;
    image->fd = create_memory_file();
    if (image->fd < 0)
        return fail(error, VIA_STAGE_PREFLIGHT, errno,
                    "VIADUCT_LOAD=direct loads the file itself where this system forbids copies",
                    "cannot make a sealed copy of", path);
    ssize_t size = copy_file(from, image->fd);
    if (size < 0)
        return fail(error, VIA_STAGE_PREFLIGHT, errno,
                    errno == EFBIG ? "raise the limit of file sizes (ulimit -f), or load with VIADUCT_LOAD=direct"
                                   : "check the disk, and that memory is left",
                    "cannot copy", path);
    image->size = (size_t)size;
    if (fcntl(image->fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0)
        return fail(error, VIA_STAGE_PREFLIGHT, errno, "VIADUCT_LOAD=direct loads the file itself",
                    "cannot seal the copy of", path);
    if (image->size == 0)
        return VIA_OK;
    return map_copy(image, path, error);
}

/* Read, not mapped: a file that is cut while it is mapped would kill the process. */
static via_status take_itself(via_image *image, int from, const char *path, via_error *error)
{
    struct stat file;

    if (fstat(from, &file) != 0 || file.st_size > LARGEST)
        return fail(error, VIA_STAGE_PREFLIGHT, errno ? errno : EFBIG, "check the file", "cannot read", path);
    image->fd = fcntl(from, F_DUPFD_CLOEXEC, 0);
    unsigned char *bytes = malloc((size_t)file.st_size + 1);
    image->bytes = bytes;
    image->size = (size_t)file.st_size;
    if (!bytes || image->fd < 0)
        return fail(error, VIA_STAGE_PREFLIGHT, bytes ? errno : ENOMEM, "free memory or descriptors", "cannot read",
                    path);
    ssize_t n = via_read_all(from, bytes, image->size);
    image->size = n > 0 ? (size_t)n : 0;
    (void)snprintf(image->name, sizeof(image->name), "%s", path);
    return VIA_OK;
}

static void digest(via_image *image)
{
    struct sha256_ctx context;
    unsigned char sum[SHA256_DIGEST_SIZE];

    sha256_init(&context);
    sha256_update(&context, image->size, image->bytes);
    sha256_digest(&context, sizeof(sum), sum);
    for (size_t i = 0; i < sizeof(sum); i++)
        (void)snprintf(image->digest + 2 * i, 3, "%02x", sum[i]);
}

via_status via_image_open(via_image *image, const char *path, bool direct, via_error *error)
{
    struct stat file;
    via_status status;

    *image = (via_image){.fd = -1};
    if (direct && strlen(path) >= sizeof(image->name))
        return fail(error, VIA_STAGE_PREFLIGHT, ENAMETOOLONG, "move it to a shorter path", "cannot load", path);
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (from < 0)
        return fail(error, VIA_STAGE_PREFLIGHT, errno, "make it readable for this user", "cannot open", path);
    errno = 0;
    if (fstat(from, &file) != 0 || !S_ISREG(file.st_mode))
        status = via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT, "point \"library\" at the shared library",
                               "%s is not a regular file", path);
    else
        status = direct ? take_itself(image, from, path, error) : take_copy(image, from, path, error);
    (void)close(from);
    if (status == VIA_OK)
        digest(image);
    else
        via_image_close(image);
    return status;
}

/* ---- loading ------------------------------------------------------------------------------------------------ */

/*
 * A program that closed descriptors which are not its own (closefrom(3)) can have freed the number of a mapped
 * object, and the new copy would be taken for the old: then another number is used.
 */
static bool choose_name(via_image *image)
{
    for (int tries = 0; tries < 64; tries++) {
        (void)snprintf(image->name, sizeof(image->name), "/proc/%ld/fd/%d", (long)getpid(), image->fd);
        void *old = dlopen(image->name, RTLD_LAZY | RTLD_NOLOAD);
        if (!old)
            return true;
        (void)dlclose(old);
        int other = fcntl(image->fd, F_DUPFD_CLOEXEC, image->fd + 1 < FIRST_SPARE ? FIRST_SPARE : image->fd + 1);
        if (other < 0)
            return false;
        (void)close(image->fd);
        image->fd = other;
    }
    return false;
}

static void release_bytes(via_image *image)
{
    if (image->is_copy && image->bytes)
        (void)munmap((void *)(uintptr_t)image->bytes, image->size);
    else
        free((void *)(uintptr_t)image->bytes);
    image->bytes = NULL;
}

static via_status fail_limit(via_error *error)
{
    return via_error_set(error, VIA_ELIMIT, VIA_STAGE_LOAD, "raise the limit of open files (ulimit -n)",
                         "no descriptor is left to load the library from");
}

/* The loader tells a lack of descriptors in words of the system's language only. */
static bool lacks_descriptors(const via_image *image)
{
    int spare = fcntl(image->fd >= 0 ? image->fd : STDERR_FILENO, F_DUPFD_CLOEXEC, 0);

    if (spare >= 0)
        (void)close(spare);
    return spare < 0 && errno == EMFILE;
}

via_status via_image_load(via_image *image, via_error *error)
{
    if (image->is_copy && !image->stays && !choose_name(image))
        return fail_limit(error);
    image->handle = dlopen(image->name, RTLD_NOW | RTLD_LOCAL);
    if (!image->handle && lacks_descriptors(image)) {
        (void)dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread */
        return fail_limit(error);
    }
    if (!image->handle) {
        const char *reason = dlerror(); /* NOLINT(concurrency-mt-unsafe): glibc keeps one for each thread */
        via_status status = via_error_set(error, VIA_EREFUSED, VIA_STAGE_LOAD, "install what it needs; ldd lists it",
                                          "the library cannot be loaded: %s", reason ? reason : "no reason given");
        if (image->is_copy && reason && strstr(reason, "failed to map segment"))
            via_error_mend(error, "VIADUCT_LOAD=direct loads the file itself where this system forbids to run copies");
        return status;
    }
    release_bytes(image);
    return VIA_OK;
}

const void *via_image_symbol(const via_image *image, const char *name)
{
    struct link_map *own = NULL, *definer = NULL;
    Dl_info info;
    const void *symbol = dlsym(image->handle, name);

    if (!symbol || dlinfo(image->handle, RTLD_DI_LINKMAP, &own) != 0)
        return NULL;
    if (!dladdr1(symbol, &info, (void **)&definer, RTLD_DL_LINKMAP))
        return NULL;
    return own == definer ? symbol : NULL; /* not a dependency's */
}

bool via_image_rest(via_image *image)
{
    if (!image->is_copy || !image->handle)
        return false;
    (void)dlclose(image->handle);
    image->handle = dlopen(image->name, RTLD_LAZY | RTLD_NOLOAD);
    image->stays = image->handle != NULL;
    if (image->handle)
        (void)dlclose(image->handle);
    image->handle = NULL;
    return true;
}

void via_image_close(via_image *image)
{
    if (image->handle)
        (void)dlclose(image->handle);
    release_bytes(image);
    if (image->fd >= 0)
        (void)close(image->fd);
    *image = (via_image){.fd = -1};
}
