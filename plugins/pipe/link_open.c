/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a dialer makes the two FIFOs of a connection and announces them; see link.h. What the listener does: link_take.c.
 *
 * Owns: the order of these steps. Every one of them may be the last that a process makes.
 */
#include "link_state.h"

#include "card.h"
#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FLAGS = O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW, ATTEMPTS = 3 };

static const char limit_mend[] = "close something, or raise the limit of open files (ulimit -n)";

/* ---- dialer: the listener's FIFO ---------------------------------------------------------------------------- */

static via_status nobody(const via_host_api *host, const pipe_place *place, int os_code, via_error *error)
{
    return via_fail(host, error, VIA_ENOPEER, os_code, "start the listener first, or give the dial more time",
                    "nobody listens at %s", place->path);
}

static via_status cannot_open(const via_host_api *host, const pipe_place *place, int os_code, via_error *error)
{
    if (os_code == ENOENT || os_code == ENXIO)
        return nobody(host, place, os_code, error);
    return via_fail(host, error, via_status_of_errno(os_code), os_code,
                    os_code == EMFILE || os_code == ENFILE ? limit_mend : "only the user who listens there may dial",
                    "cannot open %s", place->path);
}

/* Somebody else's FIFO could be a trap, and he could not open ours. Root may dial everybody. */
static via_status check_owner(const via_host_api *host, const pipe_place *place, const struct stat *status,
                              via_error *error)
{
    if (!S_ISFIFO(status->st_mode))
        return via_fail(host, error, VIA_EINVAL, 0, "give the path that the listener was given",
                        "%s is not a FIFO, so nobody listens there", place->path);
    if (status->st_uid == geteuid() || geteuid() == 0)
        return VIA_OK;
    return via_fail(host, error, VIA_EPERM, 0, "let the listener run as the same user, or use another transport",
                    "%s belongs to user %lu, expected %lu", place->path, (unsigned long)status->st_uid,
                    (unsigned long)geteuid());
}

static via_status open_notice(const via_host_api *host, const pipe_place *place, int *notice, struct stat *status,
                              via_error *error)
{
    via_status answer;

    *notice = open(place->path, O_WRONLY | OPEN_FLAGS);
    if (*notice < 0)
        return cannot_open(host, place, errno, error);
    if (fstat(*notice, status) != 0)
        answer = via_fail(host, error, VIA_EIO, errno, NULL, "cannot look at %s", place->path);
    else
        answer = check_owner(host, place, status, error);
    if (answer != VIA_OK)
        pipe_descriptors_close(notice);
    return answer;
}

/* ---- dialer: its own two ------------------------------------------------------------------------------------ */

/* Our own reading end first: without one `up` cannot be opened for writing without waiting. */
static bool open_own(pipe_link *link, const pipe_names *names)
{
    if (mkfifo(names->up, 0600) != 0)
        return false;
    link->kept_reader = open(names->up, O_RDONLY | OPEN_FLAGS);
    if (link->kept_reader < 0)
        return false;
    link->out = open(names->up, O_WRONLY | OPEN_FLAGS);
    if (link->out < 0 || mkfifo(names->down, 0600) != 0)
        return false;
    link->in = open(names->down, O_RDONLY | OPEN_FLAGS);
    return link->in >= 0;
}

/* Root dials another user's listener, who has to be able to open them. */
static bool hand_over(const pipe_link *link, const struct stat *listener)
{
    if (listener->st_uid == geteuid())
        return true;
    return fchown(link->out, listener->st_uid, listener->st_gid) == 0 &&
           fchown(link->in, listener->st_uid, listener->st_gid) == 0;
}

static bool make_own(pipe_link *link, const struct stat *listener)
{
    pipe_names names;

    if (getrandom(link->record.id, sizeof(link->record.id), 0) != (ssize_t)sizeof(link->record.id))
        return false;
    pipe_link_names(link, &names);
    if (open_own(link, &names) && hand_over(link, listener))
        return true;
    int saved_errno = errno;
    pipe_place_remove(&names);
    pipe_descriptors_close(&link->kept_reader);
    pipe_descriptors_close(&link->out);
    pipe_descriptors_close(&link->in);
    errno = saved_errno;
    return false;
}

int pipe_link_announce(const pipe_link *link)
{
    uint8_t bytes[PIPE_RECORD_SIZE];

    pipe_record_write(&link->record, bytes);
    return pipe_descriptors_put(atomic_load(&link->notice), bytes, sizeof(bytes));
}

static via_status announce(const pipe_settings *settings, const pipe_place *place, const pipe_link *link,
                           via_deadline deadline, via_error *error)
{
    struct pollfd set = {.fd = atomic_load(&link->notice), .events = POLLOUT};
    int os_code;

    while ((os_code = pipe_link_announce(link)) == EAGAIN) {
        struct timespec storage;

        if (ppoll(&set, 1, via_deadline_timespec(deadline, &storage), NULL) == 0)
            return via_fail(settings->host, error, VIA_ENOPEER, 0, "let the listener accept faster",
                            "the listener at %s has too many dialers waiting", place->path);
    }
    if (os_code == 0)
        return VIA_OK;
    return nobody(settings->host, place, os_code, error);
}

static via_status make_and_announce(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                                    pipe_link *link, const struct stat *listener, via_error *error)
{
    pipe_names names;
    via_status status;
    bool made = false;

    /* A new owner that tidies up may take a FIFO that is not open yet for a dead dialer's: then once more. */
    for (int i = 0; i < ATTEMPTS && !made; i++) {
        made = make_own(link, listener);
        if (!made && errno != ENOENT)
            break;
    }
    if (!made)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno,
                        errno == EMFILE || errno == ENFILE ? limit_mend : "make the folder of the FIFO writable",
                        "cannot make a FIFO beside %s", place->path);
    status = announce(settings, place, link, deadline, error);
    if (status == VIA_OK)
        return VIA_OK;
    pipe_link_names(link, &names);
    pipe_place_remove(&names);
    return status;
}

/*
 * Announced all the same, so that the listener counts it; what is known to be refused is never accepted. In a queue that
 * is the end of this attempt, and a pair learns it from its first call.
 */
static via_status announce_and_judge(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                                     pipe_link *link, const struct stat *listener, via_error *error)
{
    pipe_names names;
    pipe_card card;
    const char *mend;
    const char *what;
    uint8_t verdict;
    via_status status;

    status = pipe_card_read(place, &card);
    if (status != VIA_OK)
        return cannot_open(settings->host, place, status == VIA_ENOPEER ? ENOENT : errno, error);
    verdict = pipe_record_judge(&link->record, card.role, card.framing);
    status = make_and_announce(settings, place, deadline, link, listener, error);
    if (status != VIA_OK || verdict == PIPE_GREETING_WELCOME)
        return status;
    pipe_link_names(link, &names);
    pipe_place_remove(&names);
    pipe_link_refuse(link, verdict);
    if (settings->role == VIA_PAIR)
        return VIA_OK;
    what = pipe_link_refusal_text(verdict, &mend);
    return via_fail(settings->host, error, VIA_EPROTO, 0, mend, "%s", what);
}

static pipe_link *create_dialer(const pipe_settings *settings, const pipe_place *place, int notice,
                                const struct stat *listener)
{
    pipe_link *link = pipe_link_create(settings);

    if (!link)
        return NULL;
    link->path = strdup(place->path);
    if (!link->path) {
        pipe_link_destroy(link, VIA_CLOSE_FLUSH);
        return NULL;
    }
    atomic_store(&link->notice, notice);
    link->uid = (int64_t)listener->st_uid;
    link->gid = (int64_t)listener->st_gid;
    link->record = (pipe_record){.kind = PIPE_RECORD_CONNECT,
                                 .role = settings->role,
                                 .framing = pipe_record_framing(settings->framing->name),
                                 .pid = getpid()};
    return link;
}

via_status pipe_link_dial(const pipe_settings *settings, const pipe_place *place, via_deadline deadline,
                          via_stream_config *config, via_error *error)
{
    struct stat listener = {0};
    int notice;
    pipe_link *link;
    via_status status;

    if (via_lock_is_orphaned(place->path)) /* a dead listener's child keeps the FIFO open, and will never read it */
        return nobody(settings->host, place, 0, error);
    status = open_notice(settings->host, place, &notice, &listener, error);

    if (status != VIA_OK)
        return status;
    link = create_dialer(settings, place, notice, &listener);
    if (!link) {
        pipe_descriptors_close(&notice);
        return via_fail(settings->host, error, VIA_ENOMEM, ENOMEM, NULL, "out of memory");
    }
    status = announce_and_judge(settings, place, deadline, link, &listener, error);
    if (status == VIA_OK)
        pipe_link_describe(settings, link, config);
    else
        pipe_link_destroy(link, VIA_CLOSE_FLUSH);
    return status;
}
