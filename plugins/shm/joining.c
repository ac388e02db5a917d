/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How members of a cell meet; see member.h.
 *
 * Owns: the order in which a name is asked, taken and cleared. All members hold the same listening socket, so a newcomer who is
 * refused knows that no member lives, and may make a cell anew under the name's lock (kit/unix_name.h). Whoever is let in is on
 * the roster before it counts: so no two cells ever live under one name. Must never make a cell while a member may live.
 */
#include "kit/credentials.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "meeting.h"
#include "member.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    HANDOVER_NS = 20 * 1000 * 1000,  /* how long a porter may take, also with VIA_NOW */
    PATIENCE_NS = 200 * 1000 * 1000, /* then look whether anybody lives */
    SPEAK_NS = 50 * 1000 * 1000,     /* then say a word first: it may be the listener of a pair */
    AT_ONCE = 8,                     /* newcomers, before the porter looks at the other doors */
    LARGEST_RESERVE_BITS = 45
};

static via_status fail(const shm_member *member, via_error *error, via_status status, const char *mend,
                       const char *what)
{
    return via_fail(member->settings.host, error, status, errno, mend, "'%s': %s", member->socket.path, what);
}

static via_status lack_memory(const shm_member *member, via_status status, uint64_t size, uint64_t reserve,
                              via_error *error)
{
    return via_fail(member->settings.host, error, status, errno,
                    "free some memory, leave the process more addresses (ulimit -v), or lower max_size of a region, "
                    "max_message of a value",
                    "'%s': no %ju bytes of shared memory, or no room for the %ju that it may grow to",
                    member->socket.path, (uintmax_t)size, (uintmax_t)reserve);
}

static bool know_file(shm_member *member)
{
    struct stat state;

    if (lstat(member->socket.path, &state) < 0)
        return false;
    member->socket.device = state.st_dev;
    member->socket.inode = state.st_ino;
    member->socket.made = state.st_ctim;
    return true;
}

/* ---- letting in --------------------------------------------------------------------------------------------- */

/* What a newcomer is told. */
static void hand_over(const shm_member *member, int descriptor)
{
    shm_word word = {
        .kind = SHM_CELL, .index = member->pattern, .size = member->store.reserve, .max_message = member->limit};
    const int descriptors[SHM_WORD_DESCRIPTORS] = {member->store.descriptor, member->bell, member->listening};

    (void)snprintf(word.text, sizeof(word.text), "%s", member->roster.token);
    (void)shm_word_send(descriptor, &word, descriptors, SHM_WORD_DESCRIPTORS);
}

static void turn_away(const shm_member *member, int descriptor)
{
    shm_word word = {.kind = SHM_REFUSED};

    (void)snprintf(word.text, sizeof(word.text), "refused: it is another user's (users=any would let it in)");
    (void)shm_word_send(descriptor, &word, NULL, 0);
    via_count(&member->settings.counters->protocol_errors, 1);
}

/* Without a descriptor left the stranger would be shown again and again. The others at the doors wait for us: so a few at once. */
bool shm_member_let_in(void *self)
{
    const shm_member *member = self;
    int descriptor = 0;

    for (int i = 0; i < AT_ONCE; i++) {
        descriptor = accept4(member->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0)
            break;
        if (via_credentials_check_user(descriptor, member->settings.any_user) == VIA_OK)
            hand_over(member, descriptor);
        else
            turn_away(member, descriptor);
        (void)close(descriptor);
    }
    return descriptor >= 0 || !(errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS);
}

/* ---- being let in ------------------------------------------------------------------------------------------- */

static bool is_listening(int descriptor)
{
    int yes = 0;
    socklen_t size = sizeof(yes);

    return descriptor >= 0 && getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &yes, &size) == 0 && yes;
}

static const char *judge(const shm_member *member, const shm_word *word, const int *descriptors)
{
    if (word->kind == SHM_CELL && word->index != member->pattern)
        return member->pattern == VIA_PATTERN_VALUE ? "that is a region, not a value" : "that is a value, not a region";
    if (word->kind != SHM_CELL)
        return "whoever has that name speaks another pattern";
    if (descriptors[0] < 0 || descriptors[1] < 0 || !is_listening(descriptors[2]))
        return "a member hands over less than it takes";
    if (word->size < UINT64_C(2) * SHM_PAGE || word->size % SHM_PAGE ||
        word->size > UINT64_C(1) << LARGEST_RESERVE_BITS || word->max_message > word->size)
        return "a member describes a memory that cannot be";
    return NULL;
}

/*
 * Is the socket there that was there before we connected? A roster that has outlived it is no cell's. The next socket may have the
 * number of the removed one, but not its time.
 */
static bool has_socket(const shm_socket *socket)
{
    struct stat state;

    return lstat(socket->path, &state) == 0 && state.st_dev == socket->device && state.st_ino == socket->inode &&
           state.st_ctim.tv_sec == socket->made.tv_sec && state.st_ctim.tv_nsec == socket->made.tv_nsec;
}

/* On the roster of the memory that was handed over, and of no other. */
static via_status enter(shm_member *member, const shm_word *word)
{
    via_status status = shm_roster_open(&member->roster);

    if (status != VIA_OK)
        return status == VIA_ENOENT ? VIA_ENOPEER : status;
    if (word->text[0] == '\0' || strcmp(word->text, member->roster.token) != 0)
        return VIA_ENOPEER;
    return shm_roster_enter(&member->roster);
}

static via_status adopt(shm_member *member, const shm_word *word, int *descriptors, via_error *error)
{
    via_status status = shm_store_adopt(&member->store, descriptors[0], SHM_PAGE, word->size, member->is_writable);

    if (status != VIA_OK)
        return status == VIA_ENOMEM ? lack_memory(member, status, SHM_PAGE, word->size, error)
                                    : fail(member, error, status, NULL, "what a member shares cannot be mapped");
    member->bell = descriptors[1];
    member->listening = descriptors[2];
    descriptors[0] = descriptors[1] = descriptors[2] = -1;
    member->limit = word->max_message;
    status = enter(member, word);
    if (status == VIA_OK && !has_socket(&member->socket)) /* the last one died between removing it and the roster */
        status = VIA_ENOPEER;
    return status == VIA_OK ? VIA_OK : fail(member, error, status, NULL, "the members' list cannot be entered");
}

/* VIA_ETIMEDOUT: not a word. */
static via_status hear(shm_member *member, int descriptor, via_deadline until, shm_word *word, int *descriptors)
{
    shm_word hello = {.kind = SHM_HELLO, .index = member->pattern};
    via_deadline speak = via_deadline_after(SPEAK_NS);
    via_wake never;
    bool spoken = false;
    via_status status;

    via_wake_init(&never);
    while ((status = shm_word_receive(descriptor, word, descriptors)) == VIA_ETIMEDOUT && via_deadline_left(until)) {
        (void)via_wake_poll(&never, descriptor, POLLIN, spoken ? until : via_deadline_min(until, speak));
        if (spoken || via_deadline_left(speak) > 0)
            continue;
        (void)shm_word_send(descriptor, &hello, NULL, 0);
        spoken = true;
    }
    via_wake_fini(&never);
    return status;
}

/* Nobody says a word: stopped, or a child of the dead keeps the socket open. */
static via_status consider_silence(shm_member *member, via_error *error)
{
    shm_roster roster;
    via_lock lock;
    via_status status = via_lock_take(member->settings.host, member->socket.path, &lock, NULL);

    errno = 0;
    if (status != VIA_OK)
        return fail(member, error, VIA_ENOPEER, "try again; or see whether the program that has it is stopped",
                    "whoever has that name does not answer");
    shm_roster_init(&roster, member->socket.path);
    status = shm_roster_clear(&roster, member->socket.path);
    via_lock_drop(&lock);
    errno = 0;
    if (status == VIA_OK)
        return fail(member, error, VIA_ENOPEER, NULL, "its members are dead");
    return fail(member, error, VIA_ENOPEER, "see whether they are stopped", "its members let nobody in");
}

static via_status be_let_in(shm_member *member, int descriptor, via_deadline deadline, via_error *error)
{
    int descriptors[SHM_WORD_DESCRIPTORS];
    shm_word word;
    via_deadline least = via_deadline_after(HANDOVER_NS), most = via_deadline_after(PATIENCE_NS);
    via_deadline until = via_deadline_min(most, deadline > least ? deadline : least);
    via_status status = hear(member, descriptor, until, &word, descriptors);

    errno = 0;
    if (status == VIA_EPEER)
        return fail(member, error, VIA_ENOPEER, NULL, "the member that had that name has just left");
    if (status == VIA_ETIMEDOUT)
        return consider_silence(member, error);
    if (status != VIA_OK)
        return fail(member, error, status, NULL, "what a member says makes no sense");
    const char *why = word.kind == SHM_REFUSED ? word.text : judge(member, &word, descriptors);
    if (why)
        status = fail(member, error, word.kind == SHM_REFUSED ? VIA_EREFUSED : VIA_EPROTO, "choose another name", why);
    else
        status = adopt(member, &word, descriptors, error);
    shm_word_close(descriptors);
    return status;
}

/* ---- making ------------------------------------------------------------------------------------------------- */

static via_status make_memory(shm_member *member, const shm_extent *extent, via_error *error)
{
    via_status status = shm_store_create(&member->store, extent->size, extent->reserve);

    if (status != VIA_OK)
        return lack_memory(member, status, extent->size, extent->reserve, error);
    member->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (member->bell < 0)
        return fail(member, error, via_status_of_errno(errno), NULL, "no eventfd");
    member->limit = extent->limit;
    extent->prepare((shm_common *)(void *)member->store.base, extent);
    return VIA_OK;
}

/* With the name taken. Nobody connects before all is ready. */
static via_status make_cell(shm_member *member, const shm_extent *extent, int listening, via_error *error)
{
    via_status status = make_memory(member, extent, error);

    if (status != VIA_OK)
        return status;
    status = shm_roster_create(&member->roster, member->settings.mode);
    if (status == VIA_OK)
        status = shm_roster_enter(&member->roster);
    if (status != VIA_OK)
        return fail(member, error, status, NULL, "no list of members");
    if (listen(listening, member->settings.backlog) < 0 || !know_file(member))
        return fail(member, error, VIA_EIO, NULL, "cannot listen");
    return VIA_OK;
}

/* From here on the cell has the socket; only the lock, which kept others from making one too, is given back. */
static void keep_socket(shm_member *member, via_unix_name *name)
{
    member->listening = name->descriptor;
    via_lock_drop(&name->lock);
    name->descriptor = -1;
    name->path[0] = '\0';
}

/* Or does another kind of file have the name, which no patience removes? */
static bool is_free_for_a_socket(const char *path)
{
    struct stat there;

    return lstat(path, &there) < 0 || S_ISSOCK(there.st_mode);
}

static via_status take_name(shm_member *member, const shm_extent *extent, via_error *error)
{
    via_unix_name name = {.descriptor = -1, .lock = {.descriptor = -1}};
    via_status status = via_unix_name_take(member->settings.host, member->socket.path, SOCK_SEQPACKET,
                                           member->settings.mode, &name, error);

    if (status != VIA_OK)
        return status == VIA_EBUSY && is_free_for_a_socket(member->socket.path) ? VIA_ENOPEER : status;
    status = make_cell(member, extent, name.descriptor, error);
    if (status == VIA_OK) {
        keep_socket(member, &name);
        return VIA_OK;
    }
    if (member->roster.file >= 0)
        (void)unlink(member->roster.path); /* ours, since we have the name */
    via_unix_name_give_up(&name, VIA_CLOSE_FLUSH);
    return status;
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

via_status shm_member_join(shm_member *member, const via_open *open, const shm_extent *extent, via_error *error)
{
    const via_host_api *host = member->settings.host;
    int descriptor = -1;
    via_status status = shm_meeting_path(host, open, member->socket.path, error);

    if (status != VIA_OK)
        return status;
    shm_roster_init(&member->roster, member->socket.path);
    (void)know_file(member);
    status = shm_meeting_dial(&member->settings, member->socket.path, &descriptor, error);
    if (status == VIA_OK) {
        status = be_let_in(member, descriptor, open->deadline, error);
        (void)close(descriptor);
    } else if (status == VIA_ENOPEER) {
        status = take_name(member, extent, error);
    }
    if (status != VIA_OK)
        return status;
    member->common = (shm_common *)(void *)member->store.base;
    member->self = shm_roster_name(member->roster.place, member->roster.serial);
    member->door.descriptor = member->listening;
    status = shm_porter_add(member->porter, &member->door);
    return status == VIA_OK ? VIA_OK : fail(member, error, status, NULL, "no thread to let others in");
}
