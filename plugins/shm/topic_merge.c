/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many publishers' messages in one order; see topic_merge.h.
 *
 * What was published before a message that we see, by whomever its publisher had heard, we see as well if we look after we have
 * seen that message. So we look at all again until what comes next does not change any more.
 *
 * Tickets are believed only as far as they can be true: a ring holds so many messages, and what comes after those was published
 * after we looked. So one that lies holds another's message up for as long as a ring is read, and no longer.
 */
#include "topic_merge.h"

#include "kit/deadline.h"

enum {
    ROUNDS = 64, /* messages that are lost under our eyes could change the choice for ever */
    IDLE_LOOKS = 64,
    RATION_NS = 1000000 /* between two looks, after so many in vain */
};

typedef struct choice {
    topic_link *link;
    uint64_t ticket;
    uint64_t runner_up; /* the next ticket; UINT64_MAX: there is none */
} choice;

/* ---- who is there ------------------------------------------------------------------------------------------- */

/* Somebody may write nonsense on the board: then looking is rationed. */
static bool is_rationed(topic_subscriber_end *end)
{
    uint64_t now;

    if (end->idle_looks < IDLE_LOOKS)
        return false;
    now = via_deadline_clock();
    if (now - end->accepted_ns < RATION_NS)
        return true;
    end->accepted_ns = now;
    return false;
}

/* Has a publisher come since we looked last? One load. */
static void welcome(topic_subscriber_end *end)
{
    const topic_board *board = end->door.board;

    if (board && SHM_LOOK(&board->joins) != end->joins && !is_rationed(end))
        topic_subscriber_accept(end);
}

/* Has the publisher that we came to let us in? One load, until it has. */
static via_status hear_hello(topic_subscriber_end *end, topic_link *link)
{
    const topic_board *board = link->door.board;

    if (!board || SHM_LOOK(&board->answers) == link->answers)
        return VIA_OK;
    link->answers = SHM_LOOK(&board->answers);
    return topic_link_listen(link, &end->settings);
}

/* ---- choosing ----------------------------------------------------------------------------------------------- */

static void consider(choice *best, topic_link *link)
{
    uint64_t ticket = topic_reader_ticket(&link->reader);

    ticket = ticket > link->floor ? ticket : link->floor;
    if (!best->link) {
        best->link = link;
        best->ticket = ticket;
    } else if (ticket < best->ticket) {
        best->runner_up = best->ticket;
        best->link = link;
        best->ticket = ticket;
    } else if (ticket < best->runner_up) {
        best->runner_up = ticket;
    }
}

static choice look_at_all(topic_subscriber_end *end)
{
    choice best = {.runner_up = UINT64_MAX};
    topic_link *next;

    for (topic_link *link = end->links; link; link = next) {
        next = link->next;
        via_status status = link->control ? VIA_OK : hear_hello(end, link);
        if (status != VIA_OK)
            topic_subscriber_lose(end, link, status);
        if (status != VIA_OK && status != VIA_EPEER)
            continue;
        status = topic_link_look(link); /* who has left may have published before */
        if (status == VIA_OK)
            consider(&best, link);
        else if (status == VIA_EPROTO)
            topic_subscriber_lose(end, link, VIA_EPROTO);
        else if (link->socket < 0)
            topic_subscriber_forget(end, link);
    }
    return best;
}

topic_link *topic_merge_choose(topic_subscriber_end *end)
{
    choice best = {.link = NULL}, before;
    int rounds = 0;

    do {
        before = best;
        welcome(end);
        best = look_at_all(end);
    } while (best.link != before.link && ++rounds < ROUNDS);
    end->runner_up = best.runner_up;
    return best.link;
}

/* ---- whom to believe ---------------------------------------------------------------------------------------- */

/* Notes whom it goes before, and where its ring ends at this time. Whatever lies there was published later. */
void topic_merge_took(topic_subscriber_end *end, topic_link *link)
{
    if (end->runner_up == UINT64_MAX) {
        link->mark_until = 0;
    } else if (link->mark_until == 0) {
        link->mark = via_deadline_min(end->runner_up, via_deadline_clock());
        link->mark_until = link->reader.next + link->reader.mask + 1;
    } else if (link->reader.next >= link->mark_until) {
        link->floor = link->mark + 1;
        link->mark_until = 0;
    }
}
