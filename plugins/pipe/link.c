/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection over two private FIFOs: its parts, and a dialer that waits to be taken up; see link.h. How one is made:
 * link_open.c, link_take.c; how it carries bytes and ends: link_io.c.
 */
#include "link_state.h"

#include "descriptors.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SLICE_NS = 10 * 1000 * 1000 };

pipe_link *pipe_link_create(const pipe_settings *settings)
{
    pipe_link *link = calloc(1, sizeof(*link));

    if (!link)
        return NULL;
    if (pthread_mutex_init(&link->lock, NULL) != 0) {
        free(link);
        return NULL;
    }
    link->host = settings->host;
    link->context = settings->context;
    link->counters = settings->counters;
    link->in_queue = settings->role != VIA_PAIR;
    link->linger_ns = settings->linger_ns;
    link->out = -1;
    link->spent = -1;
    link->in = -1;
    link->kept_reader = -1;
    link->rest = -1;
    link->read_set = -1;
    link->write_set = -1;
    atomic_init(&link->attached, false);
    atomic_init(&link->notice, -1);
    return link;
}

/* What a dialer holds only until it is taken up. Needs the lock, or nobody else around. */
static void drop_waiting(pipe_link *link)
{
    int notice = atomic_exchange(&link->notice, -1);

    pipe_descriptors_close(&link->kept_reader);
    if (notice < 0)
        return;
    if (link->set)
        via_pollset_remove(link->set, notice);
    if (link->read_set >= 0)
        (void)epoll_ctl(link->read_set, EPOLL_CTL_DEL, notice, NULL);
    if (link->write_set >= 0) {
        (void)epoll_ctl(link->write_set, EPOLL_CTL_DEL, notice, NULL);
        (void)epoll_ctl(link->write_set, EPOLL_CTL_DEL, link->in, NULL);
    }
    pipe_descriptors_close(&notice);
}

void pipe_link_destroy(pipe_link *link, uint32_t how)
{
    int notice;

    if (how != VIA_CLOSE_FORKED && link->forget)
        link->forget(link->forget_user);
    if (how != VIA_CLOSE_FORKED)
        drop_waiting(link);
    notice = atomic_exchange(&link->notice, -1);
    pipe_descriptors_close(&notice);
    pipe_descriptors_close(&link->kept_reader);
    pipe_descriptors_close(&link->read_set);
    pipe_descriptors_close(&link->write_set);
    pipe_descriptors_close(&link->in);
    pipe_descriptors_close(&link->out);
    pipe_descriptors_close(&link->spent);
    pthread_mutex_destroy(&link->lock);
    pipe_descriptors_close(&link->rest);
    free(link->path);
    free(link);
}

void pipe_link_describe(const pipe_settings *settings, pipe_link *link, via_stream_config *config)
{
    *config = (via_stream_config){.io = &pipe_link_io, .read_fd = link->in, .write_fd = link->out, .user = link};
    pipe_settings_describe(settings, config);
    pipe_settings_enlarge(settings, link->in);
    pipe_settings_enlarge(settings, link->out);
}

const char *pipe_link_refusal_text(uint8_t refusal, const char **mend)
{
    switch (refusal) {
    case PIPE_GREETING_PATTERN:
        *mend = "open both ends with the same pattern";
        return "the listener turned this connection away: it serves another pattern or role";
    case PIPE_GREETING_FRAMING:
        *mend = "give both ends the same framing=";
        return "the listener turned this connection away: it expects another framing";
    default:
        *mend = NULL;
        return "what came is not the greeting of a listener";
    }
}

void pipe_link_refuse(pipe_link *link, uint8_t verdict)
{
    link->refusal = verdict;
    drop_waiting(link);
    atomic_store(&link->attached, true);
}

bool pipe_link_is_refused(const pipe_link *link)
{
    return atomic_load(&link->attached) && link->refusal != 0;
}

via_status pipe_link_fail(const pipe_link *link, via_status status, const char *mend, const char *what)
{
    if (!link->in_queue)
        link->host->failed(link->context, status, 0, what, mend);
    return status;
}

void pipe_link_names(const pipe_link *link, pipe_names *names)
{
    pipe_place place;

    (void)snprintf(place.path, sizeof(place.path), "%s", link->path);
    pipe_place_names(&place, &link->record, names);
}

void pipe_link_mark(int descriptor)
{
    struct stat status;

    if (fstat(descriptor, &status) == 0)
        (void)fchmod(descriptor, (status.st_mode & 07777) | PIPE_FINISHED_BIT);
}

bool pipe_link_is_marked(int descriptor)
{
    struct stat status;

    return fstat(descriptor, &status) == 0 && (status.st_mode & PIPE_FINISHED_BIT) != 0;
}

void pipe_link_peer(const pipe_link *link, via_peer_info *out)
{
    out->known = VIA_PEER_USER;
    out->uid = link->uid;
    out->gid = link->gid;
}

/* ---- before a dialer is taken up ------------------------------------------------------------------------------ */

/* The greeting is there, or the listener has come and gone: only it ever opens the other end of `down`. */
static bool has_word(const pipe_link *link)
{
    struct pollfd set = {.fd = link->in, .events = POLLIN};

    return poll(&set, 1, 0) > 0;
}

static bool has_died(const pipe_link *link)
{
    struct pollfd set = {.fd = atomic_load(&link->notice), .events = 0};

    return poll(&set, 1, 0) > 0;
}

/*
 * Takes the greeting off the pipe. False: it was a false alarm. An end of file instead is left for link_read to judge.
 */
static bool take_word(pipe_link *link)
{
    uint8_t greeting[PIPE_GREETING_SIZE];
    ssize_t size;

    do
        size = read(link->in, greeting, sizeof(greeting));
    while (size < 0 && errno == EINTR);
    if (size < 0)
        return errno != EAGAIN;
    if (size == 0)
        return true;
    link->refusal = size == (ssize_t)sizeof(greeting) ? pipe_greeting_read(greeting) : 0;
    link->welcome = link->refusal == PIPE_GREETING_WELCOME;
    if (link->welcome)
        link->refusal = 0;
    else if (link->refusal == 0)
        link->refusal = PIPE_NO_GREETING;
    return true;
}

static via_status died_early(pipe_link *link)
{
    link->gone = true;
    if (link->set) /* the hub watches `out`, which now shows that nobody reads it */
        drop_waiting(link);
    return pipe_link_fail(link, VIA_EPEER, "dial again: another listener may come",
                          "the listener ended before it took this connection up");
}

/* Again, since it could not be done when it was to be, or was not heard. */
static via_status announce_if_due(pipe_link *link)
{
    int os_code = link->announce_due ? pipe_link_announce(link) : 0;

    link->announce_due = os_code == EAGAIN;
    return os_code == 0 || os_code == EAGAIN ? VIA_ETIMEDOUT : died_early(link);
}

via_status pipe_link_check_locked(pipe_link *link)
{
    bool died;

    if (atomic_load(&link->attached))
        return VIA_OK;
    if (link->gone)
        return VIA_EPEER;
    died = has_died(link); /* first: a listener greets before it dies */
    if (has_word(link) && take_word(link)) {
        drop_waiting(link);
        atomic_store(&link->attached, true);
        return VIA_OK;
    }
    if (died)
        return died_early(link);
    return announce_if_due(link);
}

via_status pipe_link_check(pipe_link *link)
{
    via_status status;

    if (atomic_load_explicit(&link->attached, memory_order_acquire))
        return VIA_OK;
    pthread_mutex_lock(&link->lock);
    status = pipe_link_check_locked(link);
    pthread_mutex_unlock(&link->lock);
    return status;
}

via_status pipe_link_watch(pipe_link *link, const via_pollset *set, void *tag)
{
    via_status status = via_pollset_add(set, atomic_load(&link->notice), 0, 0, tag);

    if (status == VIA_OK)
        link->set = set;
    return status;
}

void pipe_link_on_destroy(pipe_link *link, void (*forget)(void *user), void *user)
{
    link->forget = forget;
    link->forget_user = user;
}

enum { WAIT_WORD, WAIT_DEATH, WAIT_ROOM, WAIT_WAKE, WAIT_COUNT };

static void watch_listener(const pipe_link *link, struct pollfd set[2])
{
    set[WAIT_WORD] = (struct pollfd){.fd = link->in, .events = POLLIN};
    set[WAIT_DEATH] =
        (struct pollfd){.fd = atomic_load(&link->notice)}; /* if it is closed meanwhile, `in` has woken us */
}

/*
 * One sleep. *room: something can be written. Without a descriptor to be woken by (the limit of open files) a short one,
 * after which the caller looks again.
 */
static via_status sleep_once(pipe_link *link, via_wake *wake, bool or_room, via_deadline deadline, bool *room)
{
    struct pollfd set[WAIT_COUNT] = {
        [WAIT_ROOM] = {.fd = or_room ? link->out : -1, .events = POLLOUT},
        [WAIT_WAKE] = {.fd = wake ? via_wake_descriptor(wake) : -1, .events = POLLIN},
    };
    bool is_blind = wake && set[WAIT_WAKE].fd < 0;
    via_deadline slice = is_blind ? via_deadline_min(deadline, via_deadline_after(SLICE_NS)) : deadline;
    struct timespec storage;
    int ready;

    watch_listener(link, set);
    if (wake && via_wake_is_raised(wake))
        return VIA_ECANCELED;
    ready = ppoll(set, WAIT_COUNT, via_deadline_timespec(slice, &storage), NULL);
    if (ready < 0 && errno != EINTR)
        return via_status_of_errno(errno);
    *room = ready > 0 && set[WAIT_ROOM].revents != 0;
    return ready == 0 && slice == deadline ? VIA_ETIMEDOUT : VIA_OK;
}

via_status pipe_link_await(pipe_link *link, via_wake *wake, bool or_room, via_deadline deadline)
{
    bool room = false;

    for (;;) {
        via_status status = pipe_link_check(link);

        if (status != VIA_ETIMEDOUT || room)
            return status == VIA_ETIMEDOUT ? VIA_OK : status;
        if (deadline == VIA_NOW)
            return VIA_ETIMEDOUT;
        status = sleep_once(link, wake, or_room, deadline, &room);
        if (status != VIA_OK)
            return status;
    }
}

via_status pipe_link_await_word(pipe_link *link, via_stream *stream, via_deadline deadline)
{
    for (;;) {
        struct pollfd set[2];
        via_status status = pipe_link_check(link);

        if (status != VIA_ETIMEDOUT || deadline == VIA_NOW)
            return status;
        watch_listener(link, set);
        status = via_stream_sleep(stream, set, 2, deadline);
        if (status != VIA_OK)
            return status;
    }
}

/* ---- handles ------------------------------------------------------------------------------------------------ */

static bool add(int set, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events};

    return epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static int writer_number(const pipe_link *link)
{
    return link->out >= 0 ? link->out : link->spent;
}

void pipe_link_watch_writer(const pipe_link *link, uint32_t events)
{
    if (link->write_set < 0)
        return;
    if (events)
        (void)add(link->write_set, writer_number(link), events);
    else
        (void)epoll_ctl(link->write_set, EPOLL_CTL_DEL, writer_number(link), NULL);
}

/* Until the dialer is taken up an event needs more than one descriptor to show. */
static int make_set(pipe_link *link, uint32_t event)
{
    int set = epoll_create1(EPOLL_CLOEXEC);

    if (set < 0)
        return -1;
    if (add(set, link->in, EPOLLIN) && add(set, atomic_load(&link->notice), 0) &&
        (event == VIA_READ || add(set, writer_number(link), EPOLLOUT)))
        return set;
    pipe_descriptors_close(&set);
    return -1;
}

via_status pipe_link_pollable(pipe_link *link, via_stream *stream, uint32_t event, via_poll_handle *out)
{
    int *set = event == VIA_READ ? &link->read_set : &link->write_set;
    via_status status = VIA_OK;

    pthread_mutex_lock(&link->lock);
    if (*set < 0 && pipe_link_check_locked(link) == VIA_ETIMEDOUT) {
        *set = make_set(link, event);
        if (*set < 0)
            status = via_status_of_errno(errno);
    }
    out->kind = VIA_POLL_DESCRIPTOR;
    out->handle = *set;
    out->wait = VIA_WAIT_READABLE;
    pthread_mutex_unlock(&link->lock);
    if (status == VIA_OK && *set < 0)
        status = via_stream_pollable(stream, event, out);
    return status;
}
