/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whom a subscriber follows; see topic_subscriber.h.
 *
 * Owns: coming and going of publishers. Must never drop what one had committed before it went.
 */
#include "topic_subscriber.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "topic.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- lists -------------------------------------------------------------------------------------------------- */

static void take_out(topic_link **list, const topic_link *link)
{
    while (*list != link)
        list = &(*list)->next;
    *list = link->next;
}

static void put_first(topic_link **list, topic_link *link)
{
    link->next = *list;
    *list = link;
}

static void put_last(topic_link **list, topic_link *link)
{
    while (*list)
        list = &(*list)->next;
    link->next = NULL;
    *list = link;
}

void topic_subscriber_put_last(topic_subscriber_end *end, topic_link *link)
{
    if (!link->next || link->socket < 0)
        return;
    take_out(&end->links, link);
    put_last(&end->links, link);
}

static void destroy_all(topic_link *link)
{
    while (link) {
        topic_link *next = link->next;
        topic_link_destroy(link);
        link = next;
    }
}

void topic_subscriber_forget_all(topic_subscriber_end *end)
{
    destroy_all(end->links);
    destroy_all(end->over);
    end->links = end->over = NULL;
}

/* ---- going -------------------------------------------------------------------------------------------------- */

static void hang_up(topic_subscriber_end *end, topic_link *link)
{
    via_pollset_remove(&end->set, link->socket);
    topic_link_hang_up(link);
    take_out(&end->links, link);
    put_first(&end->links, link);
    via_count(&end->settings.counters->disconnects, 1);
    via_count(&end->settings.counters->peers, UINT64_MAX); /* one less */
    topic_redial_plan(&end->redial);
}

/* Its fault, or ours? */
static const char *why_not(via_status why)
{
    return why == VIA_ENOMEM   ? "we have no memory to map what it sends (ulimit -v)"
           : why == VIA_ELIMIT ? "we have no descriptor for what it sends (ulimit -n)"
                               : "what it says makes no sense";
}

void topic_subscriber_lose(topic_subscriber_end *end, topic_link *link, via_status why)
{
    if (link->socket >= 0)
        hang_up(end, link);
    if (why == VIA_EPEER)
        return;
    via_count(&end->settings.counters->protocol_errors, 1);
    via_note(end->settings.host, end->settings.context, VIA_LOG_WARNING, "a publisher was turned away: %s",
             link->refusal[0] ? link->refusal : why_not(why));
    topic_subscriber_forget(end, link);
}

void topic_subscriber_forget(topic_subscriber_end *end, topic_link *link)
{
    take_out(&end->links, link);
    if (link->lent == 0) {
        topic_link_destroy(link);
        return;
    }
    link->is_over = true;
    put_first(&end->over, link);
}

void topic_subscriber_bury(topic_subscriber_end *end, topic_link *link)
{
    take_out(&end->over, link);
    topic_link_destroy(link);
}

/* ---- coming ------------------------------------------------------------------------------------------------- */

/* Takes the link over. */
static via_status follow(topic_subscriber_end *end, topic_link *link)
{
    via_status status = via_pollset_add(&end->set, link->socket, EPOLLIN, 0, link);

    if (status != VIA_OK) {
        topic_link_destroy(link);
        return status;
    }
    put_last(&end->links, link);
    via_count(&end->settings.counters->connects, 1);
    via_count(&end->settings.counters->peers, 1);
    return VIA_OK;
}

via_status topic_subscriber_meet(void *subscriber, int socket, const char *path, via_error *error)
{
    topic_subscriber_end *end = subscriber;
    topic_link *link = topic_link_create(socket, path);
    via_status status = link ? topic_link_say_hello(link, &end->settings) : VIA_ENOMEM;

    if (status == VIA_OK)
        status = follow(end, link);
    else if (link)
        topic_link_destroy(link);
    return status == VIA_OK ? VIA_OK
                            : via_fail(end->settings.host, error, status, errno, NULL, "the publisher takes no hello");
}

via_status topic_subscriber_dial(topic_subscriber_end *end, via_error *error)
{
    const shm_settings *settings = &end->settings;
    int socket = -1;
    via_status status = shm_meeting_dial(settings, end->path, &socket, error);

    if (status != VIA_OK)
        return status;
    status = topic_subscriber_meet(end, socket, end->path, error);
    if (status != VIA_OK)
        return via_fail(settings->host, error, status == VIA_EPEER ? VIA_ENOPEER : status, errno, NULL,
                        "the publisher takes no hello");
    topic_redial_done(&end->redial);
    return VIA_OK;
}

/* Nothing but this looks at the link meanwhile. */
static via_status await_hello_of(topic_subscriber_end *end, topic_link *link, via_deadline deadline, via_error *error)
{
    const shm_settings *settings = &end->settings;

    while (!link->door.board && !link->control) {
        via_status status = via_wake_poll(&end->wake, link->socket, POLLIN, deadline);
        if (status != VIA_OK)
            return via_fail(settings->host, error, VIA_ENOPEER, 0, "let it be in a call, or in the same IPC namespace",
                            "the publisher cannot be reached but by its next call, and there was none");
        status = topic_link_listen(link, settings);
        if (status != VIA_OK)
            return via_fail(settings->host, error, status == VIA_EPEER ? VIA_ENOPEER : status, 0, NULL, "%s",
                            link->refusal[0] ? link->refusal : "whoever serves the name has gone");
    }
    return VIA_OK;
}

via_status topic_subscriber_await_hello(topic_subscriber_end *end, via_deadline deadline, via_error *error)
{
    via_status status = VIA_OK;

    for (topic_link *link = end->links; link && status == VIA_OK; link = link->next)
        status = await_hello_of(end, link, deadline, error);
    return status;
}

/* A publisher that has dialed us. */
static void accept_one(topic_subscriber_end *end, int socket, const shm_greeting *greeting)
{
    topic_link *link = topic_link_create(socket, NULL);
    via_status status = link ? topic_link_say_hello(link, &end->settings) : VIA_ENOMEM;

    if (status == VIA_OK || status == VIA_EPEER) /* who has published and closed is to be received all the same */
        status = topic_link_meet(link, &end->settings, &greeting->word, greeting->memory - 1);
    if (status == VIA_OK)
        status = follow(end, link);
    else if (link)
        topic_link_destroy(link);
    if (status != VIA_OK)
        via_count(&end->settings.counters->protocol_errors, 1);
}

/* Those beyond the limit wait outside, and nothing of them shows on the handle. */
static void limit(topic_subscriber_end *end)
{
    size_t count = 0;

    for (const topic_link *link = end->links; link; link = link->next)
        count++;
    bool is_full = count >= end->settings.peers;
    if (is_full != end->is_full)
        via_acceptor_hold(end->meeting.acceptor, is_full);
    end->is_full = is_full;
}

/* Whoever comes after the board was read writes there again. */
void topic_subscriber_accept(topic_subscriber_end *end)
{
    shm_greeting greeting = {.memory = 0};
    int socket;

    if (end->door.board && end->joins != SHM_LOOK(&end->door.board->joins)) {
        end->joins = SHM_LOOK(&end->door.board->joins);
        end->idle_looks++;
    }
    limit(end);
    while (!end->is_full && via_acceptor_next(end->meeting.acceptor, &socket, &greeting) == VIA_OK) {
        accept_one(end, socket, &greeting);
        end->idle_looks = 0;
        shm_greeting_drop(&greeting);
        limit(end);
    }
}

static void dial_again(topic_subscriber_end *end)
{
    via_error error;

    via_error_init(&error);
    if (topic_redial_is_due(&end->redial) && topic_subscriber_dial(end, &error) != VIA_OK)
        topic_redial_plan(&end->redial);
}

void topic_subscriber_look(topic_subscriber_end *end)
{
    topic_link *next;

    end->looked_ns = via_deadline_clock();
    for (topic_link *link = end->links; link; link = next) {
        next = link->next;
        via_status status = topic_link_listen(link, &end->settings);
        if (status != VIA_OK)
            topic_subscriber_lose(end, link, status);
    }
    if (end->meeting.acceptor)
        topic_subscriber_accept(end);
    dial_again(end);
}
