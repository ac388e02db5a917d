/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who lives; see roster.h. Source: fcntl_locking(2), open file description locks.
 *
 * Must never wait for longer than another takes to enter, nor remove a file that is another's by now.
 */
#include "roster.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/identity.h"
#include "kit/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD_SIZE = 256, CHANGING = SHM_ROSTER_PLACES };
enum { LEAVING = 'L' };
enum {
    CHANGE_NS = 1000 * 1000 * 1000, /* entering and leaving take microseconds */
    LOCK_NS = 20 * 1000 * 1000
};

typedef struct record {
    char text[RECORD_SIZE]; /* "SERIAL IDENTITY", zeros, and at the end LEAVING of a member that wants to go */
    bool is_leaving;
} record;

static bool lock_byte(int file, off_t byte, short type, int how)
{
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};

    return fcntl(file, how, &range) == 0 && (how != F_OFD_GETLK || range.l_type != F_UNLCK);
}

static bool is_held(int file, off_t byte)
{
    return lock_byte(file, byte, F_WRLCK, F_OFD_GETLK);
}

void shm_roster_init(shm_roster *roster, const char *socket_path)
{
    *roster = (shm_roster){.file = -1};
    (void)snprintf(roster->path, sizeof(roster->path), "%s.members", socket_path);
}

static off_t offset_of(uint32_t place)
{
    return ((off_t)place + 1) * RECORD_SIZE; /* the token comes first */
}

/* ---- records ------------------------------------------------------------------------------------------------ */

/* The serial number; 0 = there is no such record. */
static uint32_t read_record(int file, uint32_t place, record *out)
{
    uint32_t serial = 0;

    memset(out, 0, sizeof(*out));
    if (pread(file, out->text, RECORD_SIZE, offset_of(place)) <= 0)
        return 0;
    out->is_leaving = out->text[RECORD_SIZE - 1] == LEAVING;
    out->text[RECORD_SIZE - 1] = '\0';
    return sscanf(out->text, "%" SCNu32, &serial) == 1 ? serial : 0;
}

static bool write_record(int file, uint32_t place, uint32_t serial)
{
    char identity[VIA_IDENTITY_SIZE];
    record now;

    memset(&now, 0, sizeof(now));
    via_identity_of_self(identity);
    (void)snprintf(now.text, sizeof(now.text), "%" PRIu32 " %s", serial, identity);
    return pwrite(file, now.text, RECORD_SIZE, offset_of(place)) == RECORD_SIZE;
}

static const char *identity_in(const record *of)
{
    const char *space = strchr(of->text, ' ');

    return space ? space + 1 : "";
}

/* The kernel's word first; only who seems to live is looked at more closely. */
static bool lives(int file, uint32_t place, record *of)
{
    return read_record(file, place, of) != 0 && is_held(file, place) && !via_identity_is_gone(identity_in(of));
}

static uint32_t places_of(int file)
{
    struct stat state;

    if (fstat(file, &state) < 0 || state.st_size < 0)
        return 0;
    uint64_t records = ((uint64_t)state.st_size + RECORD_SIZE - 1) / RECORD_SIZE;
    uint64_t places = records > 0 ? records - 1 : 0;
    return places < SHM_ROSTER_PLACES ? (uint32_t)places : SHM_ROSTER_PLACES;
}

uint32_t shm_roster_count(const shm_roster *roster)
{
    uint32_t count = 0, places = places_of(roster->file);
    record of;

    for (uint32_t place = 0; place < places; place++) {
        if (!(roster->entered && place == roster->place) && lives(roster->file, place, &of))
            count++;
    }
    return count;
}

bool shm_roster_has_others_staying(const shm_roster *roster)
{
    uint32_t places = places_of(roster->file);
    record of;

    for (uint32_t place = 0; place < places; place++) {
        if (place != roster->place && lives(roster->file, place, &of) && !of.is_leaving)
            return true;
    }
    return false;
}

bool shm_roster_want_to_leave(const shm_roster *roster, bool wants)
{
    const char mark = wants ? LEAVING : '\0';

    return pwrite(roster->file, &mark, 1, offset_of(roster->place) + RECORD_SIZE - 1) == 1;
}

bool shm_roster_is_gone(const shm_roster *roster, uint64_t name)
{
    uint64_t place = (name >> 32) - 1;
    record of;

    if (name == shm_roster_name(roster->place, roster->serial))
        return false;
    if (place >= SHM_ROSTER_PLACES || read_record(roster->file, (uint32_t)place, &of) != (uint32_t)name)
        return true;
    return place == roster->place || !lives(roster->file, (uint32_t)place, &of);
}

/* ---- changing ----------------------------------------------------------------------------------------------- */

static bool is_current(const shm_roster *roster)
{
    struct stat named;

    return lstat(roster->path, &named) == 0 && named.st_dev == roster->device && named.st_ino == roster->inode;
}

/*
 * VIA_OK: CHANGING is ours. The lock is that of a descriptor of its own: a child that was forked before has no part in it, so a
 * change that was cut short by a death stands in nobody's way.
 */
static via_status begin_change(shm_roster *roster)
{
    via_deadline limit = via_deadline_after(CHANGE_NS);

    roster->changing = open(roster->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (roster->changing < 0)
        return errno == ENOENT ? VIA_ENOPEER : via_status_of_errno(errno);
    while (!lock_byte(roster->changing, CHANGING, F_WRLCK, F_OFD_SETLK)) {
        via_status status = errno != EAGAIN && errno != EACCES ? VIA_EIO
                            : via_deadline_left(limit) == 0    ? VIA_EBUSY
                                                               : VIA_OK;
        if (status != VIA_OK) {
            (void)close(roster->changing);
            return status;
        }
        (void)sched_yield();
    }
    return VIA_OK;
}

static void end_change(shm_roster *roster)
{
    (void)lock_byte(roster->changing, CHANGING, F_UNLCK, F_OFD_SETLK); /* a child forked meanwhile would keep it */
    (void)close(roster->changing);
}

static via_status opened(shm_roster *roster, int file)
{
    struct stat state;

    if (file < 0)
        return errno == ENOENT ? VIA_ENOENT : via_status_of_errno(errno);
    if (fstat(file, &state) < 0 || !S_ISREG(state.st_mode)) {
        (void)close(file);
        errno = EINVAL;
        return VIA_EPERM;
    }
    roster->file = file;
    roster->device = state.st_dev;
    roster->inode = state.st_ino;
    return VIA_OK;
}

static bool write_token(shm_roster *roster)
{
    unsigned char chance[(SHM_ROSTER_TOKEN - 1) / 2];

    if (getrandom(chance, sizeof(chance), 0) != (ssize_t)sizeof(chance))
        return false;
    for (size_t i = 0; i < sizeof(chance); i++)
        (void)snprintf(roster->token + 2 * i, 3, "%02x", chance[i]);
    return pwrite(roster->file, roster->token, SHM_ROSTER_TOKEN, 0) == SHM_ROSTER_TOKEN;
}

static void read_token(shm_roster *roster)
{
    if (pread(roster->file, roster->token, SHM_ROSTER_TOKEN, 0) != SHM_ROSTER_TOKEN)
        roster->token[0] = '\0'; /* just being made */
    roster->token[SHM_ROSTER_TOKEN - 1] = '\0';
}

via_status shm_roster_create(shm_roster *roster, uint32_t mode)
{
    if (unlink(roster->path) < 0 && errno != ENOENT)
        return via_status_of_errno(errno);
    int file = open(roster->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file >= 0 && fchmod(file, (mode_t)mode & 0666) < 0) {
        (void)close(file);
        return VIA_EIO;
    }
    via_status status = opened(roster, file);
    return status == VIA_OK && !write_token(roster) ? VIA_EIO : status;
}

via_status shm_roster_open(shm_roster *roster)
{
    via_status status = opened(roster, open(roster->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));

    if (status == VIA_OK)
        read_token(roster);
    return status;
}

static via_status take_place(shm_roster *roster)
{
    record of;

    for (uint32_t place = 0; place < SHM_ROSTER_PLACES; place++) {
        if (!lock_byte(roster->file, place, F_WRLCK, F_OFD_SETLK))
            continue;
        roster->place = place;
        roster->serial = read_record(roster->file, place, &of) + 1;
        roster->entered = write_record(roster->file, place, roster->serial);
        if (roster->entered)
            return VIA_OK;
        (void)lock_byte(roster->file, place, F_UNLCK, F_OFD_SETLK);
        return VIA_EIO;
    }
    return VIA_ELIMIT;
}

via_status shm_roster_enter(shm_roster *roster)
{
    via_status status = begin_change(roster);

    if (status != VIA_OK)
        return status;
    status = is_current(roster) ? take_place(roster) : VIA_ENOPEER;
    end_change(roster);
    return status;
}

/* ---- leaving ------------------------------------------------------------------------------------------------ */

void shm_roster_forget(shm_roster *roster)
{
    if (roster->file >= 0)
        (void)close(roster->file);
    roster->file = -1;
    roster->entered = false;
}

/*
 * With the name's lock and CHANGING, and nobody living. First what others connect to: killed between the two, we leave a list of the
 * dead, which whoever makes the next cell replaces. A socket without a list would be nobody's to judge: it may be a stranger's.
 */
static void remove_files(const shm_roster *roster, const char *socket)
{
    if (socket)
        (void)unlink(socket);
    (void)unlink(roster->path);
}

/* Others have it for moments only: while they see that they must not make a cell. */
static bool take_lock(const via_host_api *host, const char *name, via_lock *lock)
{
    via_deadline limit = via_deadline_after(LOCK_NS);
    via_status status;

    while ((status = via_lock_take(host, name, lock, NULL)) == VIA_EBUSY && via_deadline_left(limit) > 0)
        (void)sched_yield();
    return status == VIA_OK;
}

/* As the last. What cannot be removed is left for the next, who finds it dead. */
static void remove_own_files(const shm_roster *roster, const via_host_api *host, const shm_socket *socket)
{
    struct stat there;
    via_lock lock;

    if (!take_lock(host, socket->path, &lock))
        return;
    bool is_ours = lstat(socket->path, &there) == 0 && there.st_dev == socket->device && there.st_ino == socket->inode;
    remove_files(roster, is_ours ? socket->path : NULL);
    via_lock_drop(&lock);
}

void shm_roster_leave(shm_roster *roster, const via_host_api *host, const shm_socket *socket)
{
    bool changes = roster->entered && begin_change(roster) == VIA_OK;

    if (changes && is_current(roster) && shm_roster_count(roster) == 0)
        remove_own_files(roster, host, socket);
    if (roster->entered)
        (void)lock_byte(roster->file, roster->place, F_UNLCK, F_OFD_SETLK); /* a child would keep it */
    if (changes)
        end_change(roster);
    shm_roster_forget(roster);
}

via_status shm_roster_clear(shm_roster *roster, const char *also)
{
    via_status status = shm_roster_open(roster);

    if (status != VIA_OK)
        return status == VIA_ENOENT ? VIA_OK : status;
    status = begin_change(roster);
    if (status == VIA_OK) {
        if (!is_current(roster) || shm_roster_count(roster) > 0)
            status = VIA_EBUSY;
        else
            remove_files(roster, also);
        end_change(roster);
    }
    shm_roster_forget(roster);
    return status;
}
