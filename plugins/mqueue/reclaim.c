/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What queues whose members were all killed have left; see reclaim.h.
 */
#include "reclaim.h"

#include "body.h"
#include "kernel.h"
#include "kit/fail.h"
#include "members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- one queue ---------------------------------------------------------------------------------------------- */

/* What is to become of the kernel's queue. */
typedef enum fate { KEEP, REMOVE, GONE, STRANGERS } fate;

/* What has messages waits for the next owner, unless its last one said goodbye: as when the last member leaves (queue.c). */
static fate fate_of(const mqueue_place *place, const mqueue_note *note)
{
    mqueue_kernel queue = {.descriptor = mq_open(place->queue, O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
    struct stat file;

    if (queue.descriptor < 0)
        return errno == ENOENT ? GONE : KEEP;
    fate found = KEEP;
    if (fstat(queue.descriptor, &file) == 0 && file.st_uid == geteuid()) {
        const bool is_made = note->made == file.st_ino;
        if (place->is_absolute && !is_made)
            found = STRANGERS;
        else if (mqueue_kernel_count(&queue) == 0 || (is_made && note->is_left))
            found = REMOVE;
    }
    mqueue_kernel_close(&queue);
    return found;
}

static void reclaim_one(const mqueue_settings *settings, const mqueue_place *place)
{
    mqueue_members members;
    mqueue_note note;

    mqueue_members_init(&members, place);
    if (!mqueue_members_inherit(&members))
        return;
    mqueue_members_read(&members, &note);
    const fate found = fate_of(place, &note);
    if (found == REMOVE && mq_unlink(place->queue) == 0)
        via_note(settings->host, settings->context, VIA_LOG_INFO,
                 "the queue '%.200s' is removed: its members were killed", place->queue);
    if (found == REMOVE || found == GONE)
        (void)mqueue_body_sweep(place->path, true);
    mqueue_members_leave(&members, found != KEEP);
}

/* ---- all of them -------------------------------------------------------------------------------------------- */

void mqueue_reclaim(const mqueue_settings *settings, const mqueue_place *own)
{
    const struct dirent *entry;
    mqueue_place place;
    char folder[MQUEUE_PATH_MAX];

    (void)snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(own->path, '/') - own->path), own->path);
    DIR *list = opendir(folder);
    if (!list)
        return;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): no other thread has this stream */
    while ((entry = readdir(list)) != NULL)
        if (mqueue_place_of_members(folder, entry->d_name, &place) && strcmp(place.path, own->path) != 0)
            reclaim_one(settings, &place);
    (void)closedir(list);
}
