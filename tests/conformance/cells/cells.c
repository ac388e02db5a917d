/* SPDX-License-Identifier: Apache-2.0 */
/* Joining, waiting, locking. */
#include "cells.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/runtime.h"
#include "kit/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ALIVE, WRITING, SLICE_NS = 5000000 };

static bool lock_byte(int file, off_t byte, short type)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(file, F_OFD_SETLK, &range) == 0;
}

uint64_t via_cell_latest(const via_cell *cell)
{
    return __atomic_load_n(&cell->head->latest, __ATOMIC_SEQ_CST);
}

void via_cell_publish(via_cell *cell)
{
    (void)__atomic_add_fetch(&cell->head->latest, 1, __ATOMIC_SEQ_CST);
    if (pwrite(cell->file, "!", 1, CELL_HEAD - 1) != 1) /* what inotify sees */
        abort();
}

via_status via_cell_await(via_cell *cell, uint64_t seen, via_deadline deadline)
{
    for (;;) {
        if (via_cell_latest(cell) != seen)
            return VIA_OK;
        if (via_wake_is_raised(&cell->wake))
            return VIA_ECANCELED;
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        (void)via_wake_poll(&cell->wake, -1, 0, via_deadline_min(deadline, via_deadline_after(SLICE_NS)));
    }
}

/* The file's lock is the channel's, so another thread of it has to look at `owns`. */
static bool try_to_take(via_cell *cell)
{
    (void)pthread_mutex_lock(&cell->lock);
    bool taken = !cell->owns && lock_byte(cell->file, WRITING, F_WRLCK);
    cell->owns |= taken;
    (void)pthread_mutex_unlock(&cell->lock);
    return taken;
}

via_status via_cell_take(via_cell *cell, via_deadline deadline)
{
    if (via_cell_is(cell, BREAK_NO_LOCK) || via_cell_is(cell, BREAK_TORN)) {
        cell->owns = true;
        return VIA_OK;
    }
    for (;;) {
        if (via_wake_is_raised(&cell->wake))
            return VIA_ECANCELED;
        if (try_to_take(cell))
            return VIA_OK;
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        (void)via_wake_poll(&cell->wake, -1, 0, via_deadline_min(deadline, via_deadline_after(50000)));
    }
}

void via_cell_give(via_cell *cell)
{
    (void)pthread_mutex_lock(&cell->lock);
    cell->owns = false;
    (void)lock_byte(cell->file, WRITING, F_UNLCK);
    (void)pthread_mutex_unlock(&cell->lock);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static via_status cell_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    const via_cell *cell = channel;

    if (event == VIA_WORK)
        return VIA_ENOTSUP;
    out->kind = VIA_POLL_DESCRIPTOR;
    out->wait = VIA_WAIT_READABLE;
    out->handle = event == VIA_READ ? cell->watch : cell->always;
    return VIA_OK;
}

static via_status cell_arm(void *channel, uint32_t event)
{
    via_cell *cell = channel;
    char changes[4096];

    if (event != VIA_READ)
        return event == VIA_WRITE ? VIA_EREADY : VIA_ENOENT;
    while (read(cell->watch, changes, sizeof(changes)) > 0)
        ;
    return via_cell_latest(cell) != cell->seen || via_wake_is_raised(&cell->wake) ? VIA_EREADY : VIA_OK;
}

static void cell_interrupt(void *channel)
{
    via_wake_raise(&((via_cell *)channel)->wake);
}

static void cell_info(void *channel, via_channel_info *inout)
{
    (void)channel;
    inout->flags &= ~(uint32_t)(VIA_INFO_LOSSLESS | VIA_INFO_LINGER_NATIVE);
}

static void cell_close(void *channel, uint32_t how)
{
    via_cell *cell = channel;

    if (how == VIA_CLOSE_FLUSH && cell->head) {
        if (cell->is_maker && via_cell_is(cell, BREAK_DIES_WITH_MAKER))
            cell->head->latest = 0;
        (void)lock_byte(cell->file, WRITING, F_UNLCK);
        if (lock_byte(cell->file, ALIVE, F_WRLCK))
            (void)unlink(cell->path);
        (void)lock_byte(cell->file, ALIVE, F_UNLCK);
    }
    if (cell->head)
        (void)munmap(cell->head, CELL_HEAD + CELL_MOST);
    for (int i = 0; i < 3; i++) {
        int descriptor = i == 0 ? cell->file : i == 1 ? cell->watch : cell->always;
        if (descriptor >= 0)
            (void)close(descriptor);
    }
    via_wake_fini(&cell->wake);
    (void)pthread_mutex_destroy(&cell->lock);
    free(cell);
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

/* Somebody may be asking just now whether it is alone; that takes a moment. */
static bool show_life(const via_cell *cell)
{
    for (int tries = 0; tries < 1000; tries++) {
        if (lock_byte(cell->file, ALIVE, F_RDLCK))
            return true;
        (void)poll(NULL, 0, 1);
    }
    return false;
}

/* Who is alone begins anew. */
static bool enter(via_cell *cell)
{
    bool alone = lock_byte(cell->file, ALIVE, F_WRLCK);

    cell->is_maker = alone;
    if ((alone && !via_cell_is(cell, BREAK_REMEMBERS)) || via_cell_is(cell, BREAK_SPLIT)) {
        if (ftruncate(cell->file, 0) != 0)
            return false;
    }
    return ftruncate(cell->file, CELL_HEAD + CELL_MOST) == 0 && show_life(cell);
}

static bool open_all(via_cell *cell)
{
    cell->file = open(cell->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    cell->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    cell->always = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cell->file < 0 || cell->watch < 0 || cell->always < 0 || !enter(cell))
        return false;
    int how = via_cell_is(cell, BREAK_PRIVATE) ? MAP_PRIVATE : MAP_SHARED;
    void *base = mmap(NULL, CELL_HEAD + CELL_MOST, PROT_READ | PROT_WRITE, how, cell->file, 0);
    if (base == MAP_FAILED)
        return false;
    cell->head = base;
    cell->bytes = (unsigned char *)base + CELL_HEAD;
    if (cell->head->bytes == 0)
        cell->head->bytes = CELL_REGION;
    return inotify_add_watch(cell->watch, cell->path, IN_MODIFY) >= 0;
}

static via_status cell_join(void *state, const via_open *open, void **channel, via_error *error)
{
    via_cell *cell = calloc(1, sizeof(*cell));

    if (!cell)
        return via_fail(state, error, VIA_ENOMEM, 0, NULL, "out of memory");
    cell->counters = open->counters;
    cell->pattern = open->pattern;
    cell->broken = (uint32_t)via_option_find(open, "break")->number;
    cell->reads_only = via_option_find(open, "access")->number == 1 && !via_cell_is(cell, BREAK_WRITABLE);
    cell->file = cell->watch = cell->always = -1;
    via_wake_init(&cell->wake);
    (void)pthread_mutex_init(&cell->lock, NULL);
    via_status status = via_runtime_path(state, open->rest, ".cell", cell->path, sizeof(cell->path), error);
    if (status == VIA_OK && !open_all(cell))
        status = via_fail(state, error, VIA_EIO, errno, NULL, "the file cannot be used");
    if (status == VIA_OK && via_cell_is(cell, BREAK_NO_FIRST))
        cell->seen = via_cell_latest(cell);
    if (status == VIA_OK)
        *channel = cell;
    else
        cell_close(cell, VIA_CLOSE_FORKED);
    return status;
}

/* ---- the tables --------------------------------------------------------------------------------------------- */

static const via_channel_ops cell_ops = {
    .size = sizeof(via_channel_ops),
    .send = via_cell_send,
    .recv = via_cell_recv,
    .release = via_cell_release,
    .pollable = cell_pollable,
    .arm = cell_arm,
    .interrupt = cell_interrupt,
    .close = cell_close,
    .info = cell_info,
    .extension = via_cell_extension,
};

static via_status cells_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void cells_fini(void *state)
{
    (void)state;
}

static const via_transport transports[] = {{
    .size = sizeof(via_transport),
    .patterns = VIA_PATTERN_VALUE | VIA_PATTERN_REGION,
    .scheme = "cells",
    .join = cell_join,
    .channel_ops = &cell_ops,
}};

VIA_PLUGIN("cells", cells_init, cells_fini, transports);
