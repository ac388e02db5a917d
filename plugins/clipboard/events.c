/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backend tells, written down at the desk.
 *
 * Owns: the state that the application's side reads. Must never call a backend: what follows from an event is the worker's
 * next step.
 */
#include "channel.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AGAIN_NS = 250000000 /* from a withdrawal that failed to the next try */ };

/* ---- what is there ------------------------------------------------------------------------------------------ */

/* One block: the pointers, then the texts. NULL = no memory. */
static char **copy_types(const clip_change *change)
{
    size_t size = (change->count + 1) * sizeof(char *);

    for (size_t i = 0; i < change->count; i++)
        size += strlen(change->types[i]) + 1;
    char **copy = malloc(size);
    if (!copy)
        return NULL;
    char *at = (char *)(copy + change->count + 1);
    for (size_t i = 0; i < change->count; i++) {
        copy[i] = at;
        at = stpcpy(at, change->types[i]) + 1;
    }
    return copy;
}

/* How many changes went by with this one; the first look is none. */
static uint64_t advance(clip_present *present, const clip_change *change)
{
    uint64_t before = present->generation;

    present->generation = change->generation > before ? change->generation : before + 1;
    return present->is_known ? present->generation - before : 1;
}

static bool is_for_us(const clip_channel *channel, const clip_change *change)
{
    return (change->count > 0 || change->status != VIA_OK) && (change->ours == 0 || channel->options.has_echo);
}

/* What was fetched and never taken is not the content any more. Kept, though, until there is something else to take. */
static void replace(clip_inbox *in, bool is_for_us, uint64_t steps)
{
    in->lost += in->is_fresh + steps - 1;
    in->is_fresh = is_for_us;
    if (is_for_us)
        return;
    in->flight.generation = 0; /* nobody wants what comes of it any more */
    if (!in->ready.is_there)
        return;
    in->lost += in->ready.lost + 1;
    clip_letter_destroy(in->ready.letter);
    memset(&in->ready, 0, sizeof(in->ready));
}

static void end(clip_channel *channel, via_status status)
{
    clip_desk *desk = &channel->desk;

    if (desk->ended == VIA_OK)
        desk->ended = status;
    desk->out.held = desk->out.timed = desk->out.withdrawing = 0;
    clip_desk_tell(desk);
}

static void changed(void *core, const clip_change *change)
{
    clip_channel *channel = core;
    clip_desk *desk = &channel->desk;
    char **types = copy_types(change);

    clip_desk_lock(desk);
    if (types) {
        free((void *)desk->present.types);
        desk->present.types = types;
        desk->present.count = change->count;
        desk->present.ours = change->ours;
        desk->present.status = change->status;
        (void)snprintf(desk->present.what, sizeof(desk->present.what), "%s", change->what ? change->what : "");
        replace(&desk->in, is_for_us(channel, change), advance(&desk->present, change));
        desk->present.is_known = true;
        if (desk->out.timed != change->ours)
            desk->out.timed = 0;
        clip_desk_tell(desk);
    } else {
        end(channel, VIA_ENOMEM);
    }
    clip_desk_unlock(desk);
}

/* ---- what was published ------------------------------------------------------------------------------------- */

static void note_offered(clip_channel *channel, clip_outbox *out)
{
    const bool is_held = out->content && out->number > out->released;

    out->held = is_held ? out->number : 0;
    out->timed = 0;
    if (out->content && channel->options.ttl_ns >= 0) {
        out->timed = out->number;
        out->until = via_deadline_after(channel->options.ttl_ns);
    }
}

static void offered(void *core, uint64_t number, via_status status)
{
    clip_channel *channel = core;
    clip_outbox *out = &channel->desk.out;

    clip_desk_lock(&channel->desk);
    if (out->state == CLIP_OUT_UNDER_WAY && out->number == number) {
        if (status == VIA_OK)
            note_offered(channel, out);
        else if (out->is_unheard)
            out->unheard = status;
        clip_content_drop(out->content);
        out->content = NULL;
        out->status = status;
        out->state = CLIP_OUT_IDLE;
        clip_desk_tell(&channel->desk);
    }
    clip_desk_unlock(&channel->desk);
}

static void pasted(void *core, uint64_t number)
{
    clip_channel *channel = core;

    clip_desk_lock(&channel->desk);
    if (channel->options.marks.is_once)
        channel->desk.out.withdrawal = number;
    clip_desk_unlock(&channel->desk);
}

static void released(void *core, uint64_t number, bool kept)
{
    clip_channel *channel = core;
    clip_outbox *out = &channel->desk.out;

    (void)kept;
    clip_desk_lock(&channel->desk);
    if (number > out->released)
        out->released = number;
    if (out->held <= out->released)
        out->held = 0;
    clip_desk_tell(&channel->desk);
    clip_desk_unlock(&channel->desk);
}

/* What could not be cleared is to be cleared later: a secret that was to go after a while must not stay for ever. */
static void withdrawn(void *core, uint64_t number, via_status status)
{
    clip_channel *channel = core;
    clip_outbox *out = &channel->desk.out;

    clip_desk_lock(&channel->desk);
    if (out->withdrawing == number) {
        out->withdrawing = 0;
        if (status != VIA_OK && out->timed == 0) {
            out->timed = number;
            out->until = via_deadline_after(AGAIN_NS);
        }
        clip_desk_tell(&channel->desk);
    }
    clip_desk_unlock(&channel->desk);
}

/* ---- what was fetched --------------------------------------------------------------------------------------- */

static clip_letter *take_bytes(clip_bytes *bytes, const char *type)
{
    clip_letter *letter = clip_letter_create(bytes->limit);

    if (!letter)
        return NULL;
    letter->bytes = *bytes;
    clip_bytes_init(bytes, bytes->limit);
    (void)snprintf(letter->type, sizeof(letter->type), "%s", type);
    return letter;
}

/* These are told, once; with the others it is as if the content had never been there. */
static bool is_told(via_status status)
{
    return status == VIA_OK || status == VIA_ETYPE || status == VIA_ESTALLED || status == VIA_ETOOBIG ||
           status == VIA_ENOMEM;
}

/* What only the owner is to blame for is worth a line; contents that are replaced are not. */
static void note_lost(const clip_channel *channel, via_status status)
{
    if (status == VIA_EPROTO)
        via_count(&channel->counters->protocol_errors, 1);
    if (status == VIA_EPROTO || status == VIA_EPEER)
        via_note(channel->host, channel->context, VIA_LOG_INFO, "a content is lost: its owner %s",
                 status == VIA_EPEER ? "died" : "answered what no owner may answer");
}

static void fill_inbox(clip_channel *channel, via_status status, clip_bytes *bytes)
{
    clip_inbox *in = &channel->desk.in;
    clip_letter *letter = status == VIA_OK ? take_bytes(bytes, in->flight.type) : NULL;

    in->flight.ticket = 0;
    if (status == VIA_OK && !letter)
        status = VIA_ENOMEM;
    note_lost(channel, status);
    if (!is_told(status) || in->flight.generation == 0) {
        clip_letter_destroy(letter);
        in->lost += in->flight.lost + 1;
        return;
    }
    if (in->ready.is_there)
        in->flight.lost += in->ready.lost + 1;
    clip_letter_destroy(in->ready.letter);
    in->ready.is_there = true;
    in->ready.status = status;
    in->ready.letter = letter;
    in->ready.generation = in->flight.generation;
    in->ready.lost = in->flight.lost;
}

static clip_errand *find_errand(const clip_desk *desk, uint64_t ticket)
{
    clip_errand *errand = desk->errands;

    while (errand && errand->ticket != ticket)
        errand = errand->next;
    return errand;
}

static void end_errand(const clip_desk *desk, clip_errand *errand, via_status status, clip_bytes *bytes)
{
    if (status == VIA_EREVOKED && errand->generation != desk->present.generation) {
        errand->state = CLIP_ERRAND_NEW; /* of the new content */
        return;
    }
    if (status == VIA_OK) {
        clip_bytes_fini(&errand->letter->bytes);
        errand->letter->bytes = *bytes;
        clip_bytes_init(bytes, bytes->limit);
    }
    errand->status = status;
    errand->state = CLIP_ERRAND_DONE;
}

static void fetched(void *core, uint64_t ticket, via_status status, clip_bytes *bytes)
{
    clip_channel *channel = core;
    clip_desk *desk = &channel->desk;

    clip_desk_lock(desk);
    clip_errand *errand = find_errand(desk, ticket);
    if (ticket == desk->in.flight.ticket)
        fill_inbox(channel, status, bytes);
    else if (errand && errand->state == CLIP_ERRAND_FETCHING)
        end_errand(desk, errand, status, bytes);
    clip_desk_tell(desk);
    clip_desk_unlock(desk);
}

static void looked(void *core, uint64_t ticket)
{
    clip_channel *channel = core;
    clip_desk *desk = &channel->desk;

    clip_desk_lock(desk);
    clip_errand *errand = find_errand(desk, ticket);
    if (errand && errand->state == CLIP_ERRAND_LOOKING) {
        errand->status = VIA_OK;
        errand->state = errand->is_look ? CLIP_ERRAND_DONE : CLIP_ERRAND_LOOKED;
        clip_desk_tell(desk);
    }
    clip_desk_unlock(desk);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void failed(void *core, via_status status, int32_t os_code, const char *what, const char *mend)
{
    clip_channel *channel = core;

    channel->host->failed(channel->context, status, os_code, what, mend);
    clip_desk_lock(&channel->desk);
    end(channel, status);
    clip_desk_unlock(&channel->desk);
}

const clip_events clip_channel_events = {
    .changed = changed,
    .offered = offered,
    .fetched = fetched,
    .looked = looked,
    .pasted = pasted,
    .released = released,
    .withdrawn = withdrawn,
    .failed = failed,
};
