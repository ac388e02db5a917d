/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner of a queue's name.
 *
 * Owns: the name (kit/unix_name.h), the queue of the kernel as long as it has to be made, and the list of members who have said
 * hello. Messages do not go through it: members need it to know that somebody is there, and it needs them to count them. A queue
 * that a dead owner left is taken over with what is in it.
 */
#include "kit/credentials.h"
#include "kit/fail.h"
#include "kit/packet.h"
#include "queue.h"
#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EVENTS_AT_ONCE = 32 };

struct mqueue_guest {
    mqueue_guest *next;
    mqueue_guest *previous;
    int socket;
    uint32_t role;
    bool has_said_bye;
};

/* ---- guests ------------------------------------------------------------------------------------------------- */

/* A sender that owns the name sends only once somebody is there to receive, and shows room only then. */
static void tell_sender(mqueue_queue *queue)
{
    mqueue_channel *channel = &queue->base;
    bool has_receiver = queue->receiver_count > 0 || channel->settings.is_bare;

    if (channel->settings.role != VIA_PUSH)
        return;
    mqueue_channel_end(channel, VIA_WRITE, has_receiver ? VIA_OK : VIA_ETIMEDOUT);
    (void)mqueue_watch(queue->set.write, channel->out.descriptor, has_receiver ? EPOLLOUT : 0);
}

static void admit(mqueue_queue *queue, int descriptor, const mqueue_word *hello)
{
    mqueue_guest *guest = calloc(1, sizeof(*guest));

    if (!guest || via_pollset_add(&queue->set, descriptor, EPOLLIN, 0, guest) != VIA_OK) {
        free(guest);
        (void)close(descriptor); /* it will come again */
        return;
    }
    *guest = (mqueue_guest){.next = queue->guests, .socket = descriptor, .role = hello->role};
    if (guest->next)
        guest->next->previous = guest;
    queue->guests = guest;
    queue->receiver_count += guest->role == VIA_PULL;
    if (++queue->guest_count >= queue->base.settings.peers)
        via_acceptor_hold(queue->acceptor, true);
    via_count(&queue->base.settings.counters->connects, 1);
    via_count(&queue->base.settings.counters->peers, 1);
}

static void unlink_guest(mqueue_queue *queue, mqueue_guest *guest)
{
    if (guest->previous)
        guest->previous->next = guest->next;
    else
        queue->guests = guest->next;
    if (guest->next)
        guest->next->previous = guest->previous;
    (void)close(guest->socket);
    free(guest);
}

static void dismiss(mqueue_queue *queue, mqueue_guest *guest)
{
    bool is_dead = !guest->has_said_bye;

    via_pollset_remove(&queue->set, guest->socket);
    queue->receiver_count -= guest->role == VIA_PULL;
    if (queue->guest_count-- >= queue->base.settings.peers)
        via_acceptor_hold(queue->acceptor, false);
    unlink_guest(queue, guest);
    via_count(&queue->base.settings.counters->disconnects, 1);
    via_count(&queue->base.settings.counters->peers, UINT64_MAX); /* one less */
    if (is_dead)
        mqueue_queue_sweep(queue, false);
}

static void hear(mqueue_queue *queue, mqueue_guest *guest)
{
    int descriptors[MQUEUE_WORD_DESCRIPTORS];
    mqueue_word word;
    via_status status = VIA_OK;

    while (status == VIA_OK) {
        status = mqueue_word_receive(guest->socket, &word, descriptors);
        if (status != VIA_OK)
            break;
        via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
        guest->has_said_bye = word.kind == MQUEUE_BYE;
    }
    if (status != VIA_ETIMEDOUT)
        dismiss(queue, guest);
}

static void admit_all(mqueue_queue *queue)
{
    mqueue_word hello;
    int descriptor;

    while (queue->guest_count < queue->base.settings.peers &&
           via_acceptor_next(queue->acceptor, &descriptor, &hello) == VIA_OK)
        admit(queue, descriptor, &hello);
}

static void binder_look(mqueue_queue *queue)
{
    struct epoll_event events[EVENTS_AT_ONCE];
    int count;

    if (!queue->acceptor)
        return;
    do {
        bool has_strangers = false;
        count = epoll_wait(queue->set.main, events, EVENTS_AT_ONCE, 0);
        for (int i = 0; i < count; i++)
            if (events[i].data.ptr == &queue->acceptor)
                has_strangers = true;
            else
                hear(queue, events[i].data.ptr);
        if (has_strangers)
            admit_all(queue);
    } while (count == EVENTS_AT_ONCE);
    tell_sender(queue);
}

/* ---- greeting ----------------------------------------------------------------------------------------------- */

static via_status hear_hello(void *user, int descriptor, void *state, const char **why)
{
    int descriptors[MQUEUE_WORD_DESCRIPTORS];
    mqueue_word *hello = state;
    via_status status = mqueue_word_receive(descriptor, hello, descriptors);

    (void)user;
    if (status == VIA_OK)
        via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
    if (status == VIA_OK && hello->kind == MQUEUE_HELLO && (hello->role == VIA_PUSH || hello->role == VIA_PULL))
        return VIA_OK;
    if (status == VIA_OK || status == VIA_EPROTO)
        *why = "it does not speak mq, or does not want a queue";
    return status == VIA_OK ? VIA_EPROTO : status;
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    const mqueue_queue *queue = user;

    if (via_credentials_check_user(descriptor, queue->base.settings.any_user) == VIA_OK)
        return hear_hello(user, descriptor, state, why);
    *why = "it is another user's (users=any would let it in)";
    return VIA_EPERM;
}

static const via_greeter greeter = {sizeof(mqueue_word), begin, hear_hello, NULL};

static via_status listen_for_members(mqueue_queue *queue, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    const via_acceptor_config config = {
        .host = settings->host,
        .context = settings->context,
        .counters = settings->counters,
        .listening = queue->name.descriptor,
        .set = &queue->set,
        .tag = &queue->acceptor,
        .handshake_ns = settings->handshake_ns,
        .handshake_limit = settings->handshake_limit,
        .greeter = &greeter,
        .user = queue,
    };

    if (listen(queue->name.descriptor, settings->backlog) < 0)
        return via_fail(settings->host, error, via_status_of_errno(errno), errno, NULL, "cannot listen on '%s'",
                        queue->name.path);
    return via_acceptor_create(&config, &queue->acceptor, error);
}

/* ---- the queue of the kernel -------------------------------------------------------------------------------- */

/*
 * May one that is there go, so that ours has the shape that was asked for? Only if nobody else has it; and if nothing is in it, or
 * what is in it is of another life of this folder, whose number the system has used again.
 */
static bool is_in_the_way(const mqueue_queue *queue, const mqueue_kernel *there, bool is_alone, const mqueue_note *note)
{
    if (!is_alone)
        return false;
    if (note->made == there->inode)
        return note->is_left || mqueue_kernel_count(there) == 0;
    return !queue->place.is_absolute;
}

static void adopt(mqueue_queue *queue, const mqueue_kernel *there)
{
    const mqueue_settings *settings = &queue->base.settings;
    long count = mqueue_kernel_count(there);

    if (!queue->place.is_absolute)
        (void)fchmod(there->descriptor, (mode_t)settings->mode);
    if (count > 0)
        via_note(settings->host, settings->context, VIA_LOG_INFO, "%ld messages wait from before", count);
}

/* With the name and a membership. */
static via_status open_kernel(mqueue_queue *queue, bool is_alone, const mqueue_note *before, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    mqueue_kernel *kernel = mqueue_queue_kernel(queue);
    int access = mqueue_queue_access(queue);
    via_status status = mqueue_kernel_open(settings, queue->place.queue, access, kernel, error);

    if (status == VIA_OK && !is_in_the_way(queue, kernel, is_alone, before)) {
        adopt(queue, kernel);
        mqueue_members_note(&queue->members, &(mqueue_note){.made = before->made == kernel->inode ? before->made : 0});
        mqueue_queue_sweep(queue, false);
        return VIA_OK;
    }
    if (status == VIA_OK) {
        mqueue_kernel_close(kernel);
        (void)mq_unlink(queue->place.queue);
    } else if (status != VIA_ENOPEER) {
        return status;
    }
    status = mqueue_kernel_make(settings, queue->place.queue, access, kernel, error);
    if (status != VIA_OK) { /* whatever was made before is gone, too */
        mqueue_members_note(&queue->members, &(mqueue_note){.made = 0});
        return status;
    }
    mqueue_queue_sweep(queue, is_alone);
    mqueue_members_note(&queue->members, &(mqueue_note){.made = kernel->inode});
    return VIA_OK;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static via_status binder_open(mqueue_queue *queue, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    bool is_alone = false;
    mqueue_note before;
    via_status status =
        via_unix_name_take(settings->host, queue->place.path, SOCK_SEQPACKET, settings->mode, &queue->name, error);

    if (status == VIA_OK)
        status = mqueue_members_found(&queue->members, settings, &is_alone, &before, error);
    if (status == VIA_OK)
        status = open_kernel(queue, is_alone, &before, error);
    if (status == VIA_OK && !settings->is_bare)
        status = listen_for_members(queue, error);
    else if (status == VIA_OK)
        via_count(&settings->counters->connects, 1); /* to the queue, as plain.c: nobody else is met */
    if (status == VIA_OK)
        tell_sender(queue);
    return status;
}

static void binder_close(mqueue_queue *queue, uint32_t how)
{
    for (mqueue_guest *guest = queue->guests, *next; guest; guest = next) {
        next = guest->next;
        if (how != VIA_CLOSE_FORKED)
            (void)mqueue_word_send(guest->socket, (mqueue_word){.kind = MQUEUE_BYE}, NULL, 0);
        (void)close(guest->socket);
        free(guest);
    }
    via_acceptor_destroy(queue->acceptor, how);
    via_unix_name_give_up(&queue->name, how);
}

const mqueue_kind mqueue_binder = {.open = binder_open, .look = binder_look, .close = binder_close, .owns = true};
