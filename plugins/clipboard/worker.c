/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that drives the backend.
 *
 * Owns: the order of what is done. Each step takes one thing off the desk, gives the lock back, and does it; a backend is
 * never called with the lock. Must never wait but in poll(2), for everything at once.
 */
#include "channel.h"

#include "choice.h"
#include "kit/deadline.h"
#include "kit/fail.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clip_channel.closing */
enum { OPEN, FINISHING, HANDING_OVER, TAKING_BACK, CLOSED };

static bool is_over(const clip_channel *channel)
{
    return channel->desk.ended != VIA_OK;
}

/* ---- what goes out ------------------------------------------------------------------------------------------ */

static bool publish(clip_channel *channel)
{
    clip_outbox *out = &channel->desk.out;

    if (out->state != CLIP_OUT_QUEUED)
        return false;
    out->state = CLIP_OUT_UNDER_WAY;
    clip_content *content = out->content ? clip_content_hold(out->content) : NULL;
    const uint64_t number = out->number;
    clip_desk_unlock(&channel->desk);
    channel->backend->offer(channel->self, content, number);
    clip_content_drop(content);
    clip_desk_lock(&channel->desk);
    return true;
}

/* Something depends on us until the backend has done it: who waits for that is told afterwards. */
static bool withdraw(clip_channel *channel)
{
    clip_outbox *out = &channel->desk.out;

    if (out->timed != 0 && via_deadline_left(out->until) == 0) {
        out->withdrawal = out->timed;
        out->timed = 0;
    }
    const uint64_t number = out->withdrawal;
    if (number == 0)
        return false;
    out->withdrawal = 0;
    out->withdrawing = number;
    clip_desk_unlock(&channel->desk);
    const bool is_under_way = channel->backend->withdraw(channel->self, number);
    clip_desk_lock(&channel->desk);
    if (!is_under_way)
        out->withdrawing = 0;
    clip_desk_tell(&channel->desk);
    return true;
}

/* A secret goes to nobody who keeps it, nor does what is to be cleared. */
static bool may_be_kept(const clip_channel *channel)
{
    const clip_options *options = &channel->options;

    return !options->marks.is_sensitive && !options->marks.is_once && options->ttl_ns < 0 &&
           channel->backend->hand_over != NULL;
}

/* Somebody waits until nothing depends on us. True: it is under way. */
static bool hand_over(clip_channel *channel)
{
    clip_outbox *out = &channel->desk.out;

    if (!out->is_leaving || out->held == 0 || channel->has_handed_over || !may_be_kept(channel))
        return false;
    channel->has_handed_over = true;
    clip_desk_unlock(&channel->desk);
    bool is_under_way = channel->backend->hand_over(channel->self);
    clip_desk_lock(&channel->desk);
    return is_under_way;
}

/* ---- what comes in ------------------------------------------------------------------------------------------ */

static bool choose(const clip_channel *channel, const char *wanted, clip_choice *choice)
{
    const clip_present *present = &channel->desk.present;

    return clip_choose(wanted, (const char *const *)present->types, present->count, choice);
}

/* There is nothing to fetch: that is what the next receive is told. */
static bool refuse(clip_channel *channel, via_status status)
{
    clip_inbox *in = &channel->desk.in;

    if (in->ready.is_there)
        in->lost += in->ready.lost + 1;
    clip_letter_destroy(in->ready.letter);
    in->ready.is_there = true;
    in->ready.letter = NULL;
    in->ready.status = status;
    in->ready.generation = channel->desk.present.generation;
    in->ready.lost = in->lost;
    in->lost = 0;
    clip_desk_tell(&channel->desk);
    return true;
}

/* Asks without the lock: the type is copied, since the backend may tell of the next content meanwhile. */
static void ask(clip_channel *channel, uint64_t ticket, const char *type)
{
    char *asked = strdup(type);

    clip_desk_unlock(&channel->desk);
    if (asked) {
        channel->backend->fetch(channel->self, ticket, asked);
    } else {
        clip_bytes none;
        clip_bytes_init(&none, 0);
        clip_channel_events.fetched(channel, ticket, VIA_ENOMEM, &none);
    }
    free(asked);
    clip_desk_lock(&channel->desk);
}

static bool fetch_next(clip_channel *channel)
{
    clip_inbox *in = &channel->desk.in;
    clip_choice choice;

    if (!in->is_wanted || !in->is_fresh || in->flight.ticket != 0)
        return false;
    in->is_fresh = false;
    if (channel->desk.present.status != VIA_OK)
        return refuse(channel, clip_tell_nothing(channel));
    if (!choose(channel, channel->options.types, &choice))
        return refuse(channel, VIA_ETYPE);
    in->flight.ticket = ++channel->tickets;
    in->flight.generation = channel->desk.present.generation;
    in->flight.lost = in->lost;
    in->lost = 0;
    (void)snprintf(in->flight.type, sizeof(in->flight.type), "%s", choice.told);
    ask(channel, in->flight.ticket, choice.asked);
    return true;
}

static void finish_errand(clip_channel *channel, clip_errand *errand, via_status status)
{
    errand->status = status;
    errand->state = CLIP_ERRAND_DONE;
    clip_desk_tell(&channel->desk);
}

static void fetch_for(clip_channel *channel, clip_errand *errand)
{
    const clip_present *present = &channel->desk.present;
    clip_choice choice;

    if (present->count == 0) {
        finish_errand(channel, errand, clip_tell_nothing(channel));
    } else if (!choose(channel, errand->wanted, &choice)) {
        finish_errand(channel, errand, VIA_ETYPE);
    } else {
        errand->state = CLIP_ERRAND_FETCHING;
        errand->ticket = ++channel->tickets;
        errand->generation = present->generation;
        (void)snprintf(errand->letter->type, sizeof(errand->letter->type), "%s", choice.told);
        ask(channel, errand->ticket, choice.asked);
    }
}

static void look_for(clip_channel *channel, clip_errand *errand)
{
    errand->state = CLIP_ERRAND_LOOKING;
    const uint64_t ticket = errand->ticket = ++channel->tickets;
    clip_desk_unlock(&channel->desk);
    channel->backend->look(channel->self, ticket);
    clip_desk_lock(&channel->desk);
}

/* Nobody waits for it any more. */
static void drop_errand(clip_channel *channel, clip_errand **link)
{
    clip_errand *errand = *link;

    *link = errand->next;
    const uint64_t ticket = errand->state == CLIP_ERRAND_FETCHING && !is_over(channel) ? errand->ticket : 0;
    clip_errand_destroy(errand);
    if (ticket == 0)
        return;
    clip_desk_unlock(&channel->desk);
    channel->backend->cancel(channel->self, ticket);
    clip_desk_lock(&channel->desk);
}

/* False: it waits for the backend, or for whoever asked. */
static bool go_on_with(clip_channel *channel, clip_errand *errand)
{
    if (errand->state == CLIP_ERRAND_DONE)
        return false;
    if (is_over(channel))
        finish_errand(channel, errand, channel->desk.ended);
    else if (errand->state == CLIP_ERRAND_NEW && channel->desk.present.is_known)
        look_for(channel, errand);
    else if (errand->state == CLIP_ERRAND_LOOKED)
        fetch_for(channel, errand);
    else
        return false;
    return true;
}

/* After each the list is another one. */
static bool go_on_with_errands(clip_channel *channel)
{
    for (clip_errand **link = &channel->desk.errands; *link; link = &(*link)->next) {
        if ((*link)->is_abandoned) {
            drop_errand(channel, link);
            return true;
        }
        if (go_on_with(channel, *link))
            return true;
    }
    return false;
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

/* `number`: 0 = only what is being withdrawn already. */
static void take_back(clip_channel *channel, uint64_t number)
{
    clip_outbox *out = &channel->desk.out;

    out->timed = 0;
    out->withdrawal = number == out->withdrawing ? 0 : number;
    (void)withdraw(channel);
    if (out->withdrawing == 0 && out->timed == 0)
        return;
    channel->closing = TAKING_BACK;
    channel->closed_by = via_deadline_after((int64_t)channel->options.settings.reply_ns);
}

/* What was accepted is offered first; then what others may keep is handed over, and the rest is taken back. */
static void leave(clip_channel *channel)
{
    clip_outbox *out = &channel->desk.out;
    const uint64_t number = out->timed ? out->timed : out->held;

    channel->closing = CLOSED;
    if (number == 0 && out->withdrawing == 0)
        return;
    if (!may_be_kept(channel)) {
        take_back(channel, number);
        return;
    }
    out->is_leaving = true;
    if (hand_over(channel)) {
        channel->closing = HANDING_OVER;
        channel->closed_by = via_deadline_after((int64_t)channel->options.settings.transfer_ns);
    }
}

/* What failed is tried again, for as long as there is time. */
static void await_taking_back(clip_channel *channel)
{
    const clip_outbox *out = &channel->desk.out;
    const bool is_there = out->withdrawing != 0 || out->timed != 0;

    if (is_there && via_deadline_left(channel->closed_by) > 0)
        return;
    if (is_there)
        via_note(channel->host, channel->context, VIA_LOG_WARNING,
                 "what was to go with its owner is still on the clipboard: it could not be cleared in time");
    channel->closing = CLOSED;
}

static bool is_closed(clip_channel *channel)
{
    if (!channel->desk.is_closing)
        return false;
    if (channel->closing == OPEN) {
        channel->closing = FINISHING;
        channel->closed_by = via_deadline_after((int64_t)channel->options.settings.reply_ns);
    }
    const bool is_late = via_deadline_left(channel->closed_by) == 0;
    if (channel->closing == FINISHING && (channel->desk.out.state == CLIP_OUT_IDLE || is_late))
        leave(channel);
    if (channel->closing == HANDING_OVER && (channel->desk.out.held == 0 || is_late))
        channel->closing = CLOSED;
    if (channel->closing == TAKING_BACK)
        await_taking_back(channel);
    return channel->closing == CLOSED || is_over(channel);
}

/* ---- the loop ----------------------------------------------------------------------------------------------- */

/* Errands end also when all else has. */
static bool step(clip_channel *channel)
{
    if (is_over(channel))
        return go_on_with_errands(channel);
    return publish(channel) || withdraw(channel) || hand_over(channel) || go_on_with_errands(channel) ||
           fetch_next(channel);
}

/* True: to be closed. Says until when there is nothing to do, unless somebody rings. */
static bool do_all(clip_channel *channel, via_deadline *until)
{
    clip_desk *desk = &channel->desk;

    clip_desk_lock(desk);
    while (step(channel))
        ;
    if (clip_desk_is_interrupted(desk))
        clip_desk_tell(desk);
    const bool closed = is_closed(channel);
    *until = desk->out.timed ? desk->out.until : VIA_FOREVER;
    if (desk->is_closing)
        *until = via_deadline_min(*until, channel->closed_by);
    clip_desk_unlock(desk);
    return closed;
}

static void hear_bell(const clip_desk *desk)
{
    uint64_t rings;
    ssize_t got;

    do
        got = read(desk->bell, &rings, sizeof(rings));
    while (got < 0 && errno == EINTR);
}

static void sleep_once(clip_channel *channel, struct pollfd *set, size_t count, via_deadline until)
{
    struct timespec storage;

    set[count] = (struct pollfd){.fd = channel->desk.bell, .events = POLLIN};
    atomic_fetch_add(&channel->naps, 1);
    int ready = ppoll(set, count + 1, via_deadline_timespec(until, &storage), NULL);
    atomic_fetch_add(&channel->naps, 1);
    for (size_t i = 0; ready <= 0 && i <= count; i++)
        set[i].revents = 0;
    if (set[count].revents)
        hear_bell(&channel->desk);
}

/* `ended` is written by this thread only. */
static void *work(void *argument)
{
    clip_channel *channel = argument;
    struct pollfd set[CLIP_DESCRIPTORS + 1] = {{.fd = -1}};
    via_deadline until;

    channel->backend->work(channel->self, set, 0); /* tells what there is */
    while (!do_all(channel, &until)) {
        via_deadline wish = VIA_FOREVER;
        const size_t count = is_over(channel) ? 0 : channel->backend->wants(channel->self, set, &wish);
        sleep_once(channel, set, count, via_deadline_min(until, wish));
        if (!is_over(channel))
            channel->backend->work(channel->self, set, count);
    }
    clip_desk_lock(&channel->desk);
    channel->desk.has_ended = true;
    clip_desk_tell(&channel->desk);
    clip_desk_unlock(&channel->desk);
    return NULL;
}

/* Signals are for the application's threads. */
via_status clip_worker_start(clip_channel *channel, via_error *error)
{
    sigset_t all, before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&channel->worker, NULL, work, channel);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        return VIA_OK;
    return via_fail(channel->host, error, VIA_ELIMIT, code, "raise the limit of processes (ulimit -u)",
                    "no thread for the clipboard");
}

/* Until the worker has ended, at most for the time of a reply. True: it has been in one and the same slot all the while. */
static bool is_stuck(clip_channel *channel)
{
    clip_desk *desk = &channel->desk;
    const via_deadline until = via_deadline_after((int64_t)channel->options.settings.reply_ns);
    const uint64_t naps = atomic_load(&channel->naps);

    while (!desk->has_ended && clip_desk_sleep(desk, until))
        ;
    return !desk->has_ended && naps % 2 == 0 && atomic_load(&channel->naps) == naps;
}

/* A worker that comes round keeps its own limits; one that a library keeps back, with a display that stands still, cannot. */
static void await_end(clip_channel *channel)
{
    clip_desk *desk = &channel->desk;

    while (!desk->has_ended) {
        if (!is_stuck(channel) || !channel->backend->cut)
            continue;
        clip_desk_unlock(desk);
        via_note(channel->host, channel->context, VIA_LOG_WARNING,
                 "the display stands still: the channel closes without it");
        channel->backend->cut(channel->self);
        clip_desk_lock(desk);
    }
}

void clip_worker_stop(clip_channel *channel)
{
    clip_desk_lock(&channel->desk);
    channel->desk.is_closing = true;
    clip_desk_ring(&channel->desk);
    await_end(channel);
    clip_desk_unlock(&channel->desk);
    (void)pthread_join(channel->worker, NULL);
}
