/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One member of a queue; see queue.h.
 *
 * A message is in the kernel's queue whole or not at all, and whoever takes it has it whole: a large one is a reference to a file, so
 * neither other senders nor other receivers can come between its parts. Must never remove a queue that another member has.
 */
#include "queue.h"
#include "reclaim.h"

#include "body.h"
#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

mqueue_kernel *mqueue_queue_kernel(mqueue_queue *queue)
{
    return queue->base.settings.role == VIA_PULL ? &queue->base.in : &queue->base.out;
}

int mqueue_queue_access(const mqueue_queue *queue)
{
    return queue->base.settings.role == VIA_PULL ? O_RDONLY : O_WRONLY;
}

void mqueue_queue_sweep(mqueue_queue *queue, bool all)
{
    const mqueue_settings *settings = &queue->base.settings;
    uint64_t vanished = mqueue_body_sweep(queue->place.path, all);

    if (vanished == 0)
        return;
    via_count(&settings->counters->missed, vanished);
    via_note(settings->host, settings->context, VIA_LOG_WARNING,
             "%ju large messages vanished with senders that died before they were sent", (uintmax_t)vanished);
}

void mqueue_queue_wake_at(mqueue_queue *queue, via_deadline at)
{
    struct itimerspec when = {.it_value = {(time_t)(at / 1000000000U), (long)(at % 1000000000U)}};

    queue->look_at = at;
    if (queue->timer < 0) {
        queue->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
        if (queue->timer >= 0)
            (void)via_pollset_add(&queue->set, queue->timer, EPOLLIN, 0, NULL);
    }
    (void)timerfd_settime(queue->timer, TFD_TIMER_ABSTIME, &when, NULL); /* 0 stops it and makes it unreadable */
}

static void queue_look(mqueue_channel *channel)
{
    mqueue_queue *queue = (mqueue_queue *)channel;

    (void)pthread_mutex_lock(&queue->lock);
    queue->kind->look(queue);
    (void)pthread_mutex_unlock(&queue->lock);
}

/* Who follows a queue to another one does so between two messages only. */
static void queue_refresh(mqueue_channel *channel)
{
    if (((mqueue_queue *)channel)->kind != &mqueue_plain)
        queue_look(channel);
}

/* ---- large messages ----------------------------------------------------------------------------------------- */

typedef struct parcel {
    mqueue_queue *queue;
    mqueue_body body;
    unsigned char reference[MQUEUE_REFERENCE_SIZE];
    size_t size;
    unsigned priority;
} parcel;

/* The body can be found before its reference can be read; and while it waits for room, it is its sender's alone. */
static via_status post_reference(mqueue_channel *channel, void *argument)
{
    parcel *what = argument;
    const char *path = what->queue->place.path;
    via_status status = mqueue_body_show(path, &what->body, true);

    if (status != VIA_OK)
        return status;
    status = mqueue_kernel_send(&channel->out, what->reference, what->size, what->priority);
    if (status != VIA_OK)
        (void)mqueue_body_show(path, &what->body, false);
    return status;
}

static via_status send_now(mqueue_channel *channel, void *argument)
{
    long count = mqueue_kernel_count(&channel->out);

    return count >= channel->out.depth ? VIA_ETIMEDOUT : post_reference(channel, argument);
}

static via_status fail_body(const mqueue_settings *settings, via_status status, uint64_t size)
{
    int code = errno;
    char text[128];

    /* GNU's strerror_r: it may not use the storage */
    via_note(settings->host, settings->context, VIA_LOG_WARNING,
             "no file for a message of %ju bytes in the runtime folder: %s", (uintmax_t)size,
             strerror_r(code, text, sizeof(text)));
    return status == VIA_ENOMEM || status == VIA_ETOOBIG ? status : VIA_EIO;
}

static via_status queue_send_large(mqueue_channel *channel, const mqueue_load *load, via_deadline deadline)
{
    mqueue_queue *queue = (mqueue_queue *)channel;
    parcel what = {.queue = queue, .priority = load->priority};
    via_status status = mqueue_body_write(queue->place.path, load->slices, load->count, load->size, &what.body);

    if (status != VIA_OK)
        return fail_body(&channel->settings, status, load->size);
    const mqueue_header header = {MQUEUE_BODY, load->size, what.body.number};
    what.size = mqueue_header_write(&header, what.reference);
    status = atomic_load(&channel->write_state) == VIA_OK ? send_now(channel, &what) : VIA_ETIMEDOUT;
    if (status == VIA_ETIMEDOUT)
        status = mqueue_channel_try_until(channel, VIA_WRITE, send_now, &what, deadline);
    if (status == VIA_OK)
        mqueue_body_sent(&what.body);
    else
        mqueue_body_drop(queue->place.path, &what.body);
    return status;
}

static via_status queue_fetch(mqueue_channel *channel, const mqueue_header *header, void *data)
{
    return mqueue_body_read(((mqueue_queue *)channel)->place.path, header->body, header->size, data);
}

/* One stranger among many senders must not end it for all. */
static via_status queue_refuse(mqueue_channel *channel, const char *why)
{
    const mqueue_settings *settings = &channel->settings;

    via_count(&settings->counters->protocol_errors, 1);
    via_note(settings->host, settings->context, VIA_LOG_WARNING, "a message was thrown away: %s", why);
    return VIA_OK;
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static via_status queue_drain(mqueue_channel *channel, uint64_t *undelivered)
{
    (void)channel;
    *undelivered = 0;
    return VIA_OK; /* what was accepted is in the kernel, and in files */
}

/* Nobody else has the queue. */
static void tidy_up(mqueue_queue *queue, const mqueue_note *note)
{
    const mqueue_settings *settings = &queue->base.settings;
    const mqueue_kernel *kernel = mqueue_queue_kernel(queue);
    long count = mqueue_kernel_count(kernel);
    bool is_ours = kernel->descriptor >= 0 && (!queue->place.is_absolute || note->made == kernel->inode);

    if (count > 0 && is_ours)
        via_note(settings->host, settings->context, VIA_LOG_WARNING, "%ld messages were not received, and are removed",
                 count);
    if (is_ours)
        (void)mq_unlink(queue->place.queue);
    mqueue_queue_sweep(queue, is_ours);
}

/*
 * A plain program that has sent and ends leaves its messages for whoever opens the queue, and nobody can be waited for here: so does
 * a sender among such programs.
 */
static bool leaves_messages(mqueue_queue *queue)
{
    const mqueue_settings *settings = &queue->base.settings;

    return settings->is_bare && settings->role == VIA_PUSH && queue->is_open &&
           mqueue_kernel_count(mqueue_queue_kernel(queue)) > 0;
}

/*
 * Who is the last one tidies up. What is still in the queue waits for the next owner if the last one died; if he closed, nobody wants
 * it any more once all have left.
 */
static void leave(mqueue_queue *queue)
{
    const bool stays = leaves_messages(queue);
    mqueue_note note;

    mqueue_members_read(&queue->members, &note);
    if (queue->kind->owns && queue->is_open && !stays) {
        note.is_left = true;
        mqueue_members_note(&queue->members, &note);
    }
    bool is_done = !stays && mqueue_members_are_gone(&queue->members);
    if (is_done) { /* the owner may have closed meanwhile */
        mqueue_members_read(&queue->members, &note);
        is_done = note.is_left || mqueue_kernel_count(mqueue_queue_kernel(queue)) <= 0;
    }
    if (is_done)
        tidy_up(queue, &note);
    mqueue_members_leave(&queue->members, is_done);
}

/* No queue was opened. One that an owner made may be there all the same, and what the file says of it is for the next owner. */
static void leave_nothing(mqueue_queue *queue)
{
    mqueue_note note;
    bool is_done = mqueue_members_are_gone(&queue->members);

    mqueue_members_read(&queue->members, &note);
    mqueue_members_leave(&queue->members, is_done && note.made == 0);
}

static void dispose(mqueue_queue *queue, uint32_t how)
{
    if (how != VIA_CLOSE_FORKED && queue->members.descriptor >= 0) {
        if (mqueue_queue_kernel(queue)->descriptor >= 0)
            leave(queue);
        else
            leave_nothing(queue);
    }
    mqueue_members_leave(&queue->members, false);
    queue->kind->close(queue, how);
    if (queue->timer >= 0)
        (void)close(queue->timer);
    queue->base.handles[0] = queue->base.handles[1] = -1; /* the set's */
    mqueue_channel_fini(&queue->base);
    via_pollset_fini(&queue->set);
    (void)pthread_mutex_destroy(&queue->lock);
    free(queue);
}

static void queue_close(mqueue_channel *channel, uint32_t how)
{
    dispose((mqueue_queue *)channel, how);
}

static const mqueue_pattern pattern = {
    .look = queue_look,
    .refresh = queue_refresh,
    .send_large = queue_send_large,
    .fetch = queue_fetch,
    .refuse = queue_refuse,
    .drain = queue_drain,
    .close = queue_close,
};

/* ---- joining ------------------------------------------------------------------------------------------------ */

static const mqueue_kind *kind_of(const mqueue_settings *settings)
{
    if (settings->side == VIA_SIDE_BIND)
        return &mqueue_binder;
    return settings->is_bare ? &mqueue_plain : &mqueue_member;
}

static mqueue_queue *make(const mqueue_settings *settings)
{
    mqueue_queue *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    mqueue_channel_init(&made->base, &pattern, settings);
    made->kind = kind_of(settings);
    made->set.main = made->set.write = made->socket = made->timer = made->members.descriptor = -1;
    made->name.descriptor = made->name.lock.descriptor = -1;
    (void)pthread_mutex_init(&made->lock, NULL);
    return made;
}

static via_status start(mqueue_queue *queue, const via_open *open, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    via_status status = mqueue_place_find(settings, open->rest, &queue->place, error);

    if (status != VIA_OK)
        return status;
    status = via_pollset_init(&queue->set, true);
    if (status != VIA_OK)
        return via_fail(settings->host, error, status, errno, "raise the limit of open files (ulimit -n)",
                        "cannot make what a queue sleeps on");
    queue->base.control = queue->set.main;
    queue->base.handles[settings->role == VIA_PUSH] = queue->set.write;
    mqueue_members_init(&queue->members, &queue->place);
    status = queue->kind->open(queue, error);
    const mqueue_kernel *kernel = mqueue_queue_kernel(queue);
    if (status == VIA_OK && !settings->is_bare && kernel->size < MQUEUE_REFERENCE_SIZE)
        status = via_fail(settings->host, error, VIA_EINVAL, 0, "open with framing=none, or choose another name",
                          "the queue '%.100s' holds messages of %zu bytes, too few for framing=viaduct",
                          queue->place.queue, kernel->size);
    return status == VIA_OK ? mqueue_channel_start(&queue->base, error) : status;
}

via_status mqueue_queue_join(const mqueue_settings *settings, const via_open *open, void **channel, via_error *error)
{
    mqueue_queue *made = make(settings);

    if (!made)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    via_status status = start(made, open, error);
    made->is_open = status == VIA_OK;
    if (made->is_open) {
        mqueue_reclaim(settings, &made->place);
        *channel = made;
    } else {
        dispose(made, VIA_CLOSE_FLUSH);
    }
    return status;
}
