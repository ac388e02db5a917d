/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where many publishers and many subscribers of one name meet; see topic_crowd.h.
 *
 * Must never touch what a live member owns: what is cleared away was first taken as any name is.
 */
#include "topic_crowd.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PLACE_SIZE = 160, PAUSE_NS = 200 * 1000 };

static const struct {
    const char *who;
    char letter;
    uint32_t size;
} all_series[] = {[TOPIC_PUBLISHERS] = {"publishers", 'p', TOPIC_PUBLISHERS_MAX},
                  [TOPIC_SUBSCRIBERS] = {"subscribers", 's', TOPIC_SUBSCRIBERS_MAX}};

static void write_place(char place[PLACE_SIZE], const char *path, topic_series series, uint32_t index)
{
    (void)snprintf(place, PLACE_SIZE, "%s.%c%u", path, all_series[series].letter, index);
}

/* ---- one at a time ------------------------------------------------------------------------------------------ */

via_status topic_crowd_enter(const shm_settings *settings, const char *path, via_deadline deadline, via_lock *joining,
                             via_error *error)
{
    static const struct timespec pause = {.tv_nsec = PAUSE_NS};
    char name[PLACE_SIZE];
    via_status status;

    (void)snprintf(name, sizeof(name), "%s.many", path);
    while ((status = via_lock_take(settings->host, name, joining, error)) == VIA_EBUSY) {
        if (via_deadline_left(deadline) == 0)
            return via_fail(settings->host, error, VIA_ENOPEER, 0, "let the process that has '%.200s.lock' go on",
                            "others are joining '%s'", path);
        (void)nanosleep(&pause, NULL);
    }
    return status;
}

/* ---- names -------------------------------------------------------------------------------------------------- */

/* Of a dead member: the lock is what was there first, and what it would have removed last. */
static void sweep(const shm_settings *settings, const char *place)
{
    char beside[PLACE_SIZE + 8];
    via_unix_name name;
    via_error ignored;

    (void)snprintf(beside, sizeof(beside), "%s.lock", place);
    if (access(beside, F_OK) != 0)
        return;
    via_error_init(&ignored);
    if (via_unix_name_take(settings->host, place, SOCK_SEQPACKET, 0600, &name, &ignored) != VIA_OK)
        return;
    (void)snprintf(beside, sizeof(beside), "%s.door", place);
    (void)unlink(beside);
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
}

via_status topic_crowd_take(shm_meeting *meeting, const char *path, topic_series series, via_error *error)
{
    const shm_settings *settings = &meeting->settings;
    char place[PLACE_SIZE];
    via_status status = VIA_EBUSY;

    for (uint32_t i = 0; i < all_series[series].size; i++) {
        write_place(place, path, series, i);
        if (status == VIA_OK)
            sweep(settings, place);
        else if ((status = shm_meeting_take(meeting, place, error)) != VIA_OK && status != VIA_EBUSY)
            return status;
    }
    if (status == VIA_EBUSY)
        return via_fail(settings->host, error, VIA_EBUSY, 0, "end one of them, or choose another name",
                        "'%s' has all the %u %s that it may have", path, all_series[series].size,
                        all_series[series].who);
    return status;
}

/* ---- visits ------------------------------------------------------------------------------------------------- */

/* Nobody is there whom we could miss, or who could miss us. One who accepts too slowly is there all the same. */
static bool is_no_member(via_status status, const via_error *error)
{
    return status == VIA_EPERM || status == VIA_EPROTO || (status == VIA_ENOPEER && error->os_code != EAGAIN);
}

via_status topic_crowd_visit(const shm_settings *settings, const char *path, topic_series series,
                             via_status (*found)(void *user, int socket, const char *path, via_error *error),
                             void *user, size_t *count, via_error *error)
{
    char place[PLACE_SIZE];
    via_error wrong;
    int socket = -1;

    for (uint32_t i = 0; i < all_series[series].size; i++) {
        write_place(place, path, series, i);
        via_error_init(&wrong);
        via_status status = shm_meeting_dial(settings, place, &socket, &wrong);
        if (status == VIA_OK && (status = found(user, socket, place, &wrong)) == VIA_OK)
            ++*count;
        else if (status == VIA_ENOPEER && is_no_member(status, &wrong))
            sweep(settings, place);
        else if (status != VIA_EPEER && !is_no_member(status, &wrong))
            return via_fail(settings->host, error, status, wrong.os_code, wrong.mend, "%s", wrong.what);
    }
    return VIA_OK;
}

via_status topic_crowd_nobody(const shm_settings *settings, const char *path, topic_series series, via_error *error)
{
    return via_fail(settings->host, error, VIA_ENOPEER, 0, "start one with publishers=many, as all members have to be",
                    "there are no %s of '%s' among many", all_series[series].who, path);
}
