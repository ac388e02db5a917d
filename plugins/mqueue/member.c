/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A member that does not own the name.
 *
 * Owns: the connection to the owner, and looking for the next one when it is lost. Messages go on meanwhile: the queue is the kernel's,
 * and nobody removes it while this member has it.
 */
#include "kit/credentials.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/packet.h"
#include "queue.h"
#include "words.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKOFF_STEPS = 20 }; /* the longest pause is so many times the first */

/* ---- the owner ---------------------------------------------------------------------------------------------- */

static via_status say_hello(const mqueue_settings *settings, int socket, via_error *error)
{
    if (via_credentials_check_user(socket, settings->any_user) != VIA_OK)
        return via_fail(settings->host, error, VIA_EPERM, 0, "join with users=any if you trust that user",
                        "the queue is served by another user");
    via_status status = mqueue_word_send(socket, (mqueue_word){.kind = MQUEUE_HELLO, .role = settings->role}, NULL, 0);
    if (status == VIA_OK)
        return VIA_OK;
    return via_fail(settings->host, error, status == VIA_EPEER || status == VIA_ETIMEDOUT ? VIA_ENOPEER : status, errno,
                    "try again", "the owner of the queue has just left");
}

static via_status meet(mqueue_queue *queue, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    int socket = -1;
    via_status status = via_unix_name_dial(settings->host, queue->place.path, SOCK_SEQPACKET, &socket, error);

    if (status != VIA_OK)
        return status;
    status = say_hello(settings, socket, error);
    if (status == VIA_OK && via_pollset_add(&queue->set, socket, EPOLLIN, 0, NULL) != VIA_OK)
        status = via_fail(settings->host, error, VIA_ELIMIT, errno, NULL, "cannot watch the owner of the queue");
    if (status != VIA_OK) {
        (void)close(socket);
        return status;
    }
    queue->socket = socket;
    queue->met_at = via_deadline_clock();
    via_count(&settings->counters->connects, 1);
    via_count(&settings->counters->peers, 1);
    return VIA_OK;
}

/* A connection that held for a while starts the pauses over; one that broke at once does not. */
static void meet_later(mqueue_queue *queue)
{
    uint64_t first = queue->base.settings.reconnect_ns;

    if (queue->pause_ns == 0 || (queue->met_at && via_deadline_clock() - queue->met_at > 2 * queue->pause_ns))
        queue->pause_ns = first;
    else
        queue->pause_ns = via_deadline_min(2 * queue->pause_ns, BACKOFF_STEPS * first);
    queue->met_at = 0;
    mqueue_queue_wake_at(queue, via_deadline_after((int64_t)queue->pause_ns));
}

static void lose(mqueue_queue *queue)
{
    via_pollset_remove(&queue->set, queue->socket);
    (void)close(queue->socket);
    queue->socket = -1;
    via_count(&queue->base.settings.counters->disconnects, 1);
    via_count(&queue->base.settings.counters->peers, UINT64_MAX); /* one less */
    meet_later(queue);
}

static bool is_lost(const mqueue_queue *queue)
{
    int descriptors[MQUEUE_WORD_DESCRIPTORS];
    mqueue_word word;
    via_status status;

    do {
        status = mqueue_word_receive(queue->socket, &word, descriptors);
        if (status == VIA_OK)
            via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
    } while (status == VIA_OK);
    return status != VIA_ETIMEDOUT;
}

static void member_look(mqueue_queue *queue)
{
    via_error error;

    if (queue->socket >= 0 && is_lost(queue))
        lose(queue);
    if (queue->socket >= 0 || via_deadline_clock() < queue->look_at)
        return;
    via_error_init(&error);
    via_status status = meet(queue, &error);
    if (status == VIA_OK) {
        mqueue_queue_wake_at(queue, 0);
        return;
    }
    if (status != VIA_ENOPEER)
        via_note(queue->base.settings.host, queue->base.settings.context, VIA_LOG_WARNING,
                 "the owner of the queue cannot be reached: %s", error.what);
    meet_later(queue);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static via_status member_open(mqueue_queue *queue, via_error *error)
{
    const mqueue_settings *settings = &queue->base.settings;
    via_status status = meet(queue, error);

    if (status == VIA_OK)
        status = mqueue_members_join(&queue->members, settings, error);
    if (status == VIA_OK)
        status = mqueue_kernel_open(settings, queue->place.queue, mqueue_queue_access(queue),
                                    mqueue_queue_kernel(queue), error);
    return status;
}

static void member_close(mqueue_queue *queue, uint32_t how)
{
    if (queue->socket < 0)
        return;
    if (how != VIA_CLOSE_FORKED)
        (void)mqueue_word_send(queue->socket, (mqueue_word){.kind = MQUEUE_BYE}, NULL, 0);
    (void)close(queue->socket);
}

const mqueue_kind mqueue_member = {.open = member_open, .look = member_look, .close = member_close};
