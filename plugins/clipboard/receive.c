/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: the application's side.
 *
 * Owns: that what is handed out was the content when it was asked for, and the errands of the other threads.
 */
#include "channel.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <stdlib.h>
#include <string.h>

/* ---- errands ------------------------------------------------------------------------------------------------ */

static clip_errand *make_errand(const clip_channel *channel, const char *wanted)
{
    clip_errand *errand = calloc(1, sizeof(*errand));

    if (!errand)
        return NULL;
    errand->is_look = wanted == NULL;
    if (wanted) {
        errand->wanted = strdup(wanted);
        errand->letter = clip_letter_create(channel->options.settings.max_size);
    }
    if (!wanted || (errand->wanted && errand->letter))
        return errand;
    clip_errand_destroy(errand);
    return NULL;
}

static void unlink_errand(clip_desk *desk, const clip_errand *errand)
{
    clip_errand **link = &desk->errands;

    while (*link != errand)
        link = &(*link)->next;
    *link = errand->next;
}

static via_status await_errand(clip_channel *channel, clip_errand *errand, via_deadline deadline)
{
    clip_desk *desk = &channel->desk;

    while (errand->state != CLIP_ERRAND_DONE) {
        via_status status = clip_desk_wait(desk, deadline);
        if (status == VIA_OK || errand->state == CLIP_ERRAND_DONE)
            continue;
        errand->is_abandoned = true;
        clip_desk_ring(desk);
        return status;
    }
    unlink_errand(desk, errand);
    return errand->status;
}

via_status clip_run_errand(clip_channel *channel, const char *wanted, via_deadline deadline, clip_letter **letter,
                           uint64_t *generation)
{
    clip_desk *desk = &channel->desk;

    if (clip_desk_is_interrupted(desk))
        return VIA_ECANCELED;
    if (desk->ended != VIA_OK)
        return desk->ended;
    clip_errand *errand = make_errand(channel, wanted);
    if (!errand)
        return VIA_ENOMEM;
    errand->next = desk->errands;
    desk->errands = errand;
    clip_desk_ring(desk);
    via_status status = await_errand(channel, errand, deadline);
    if (errand->is_abandoned)
        return status; /* the worker frees it */
    if (status == VIA_OK && wanted) {
        *letter = errand->letter;
        *generation = errand->generation;
        errand->letter = NULL;
    }
    clip_errand_destroy(errand);
    return status;
}

via_status clip_tell_nothing(clip_channel *channel)
{
    clip_present *present = &channel->desk.present;

    if (present->what[0])
        via_note(channel->host, channel->context, VIA_LOG_ERROR, "%s", present->what);
    present->what[0] = '\0';
    return present->status != VIA_OK ? present->status : VIA_ENOENT;
}

/* ---- messages ----------------------------------------------------------------------------------------------- */

void clip_lend(clip_letter *letter, uint64_t sequence, uint64_t lost, via_msg *out)
{
    *out = (via_msg){
        .data = letter->bytes.data ? letter->bytes.data : (uint8_t *)letter->type,
        .size = letter->bytes.size,
        .meta = {.sequence = sequence, .flags = lost ? (uint32_t)VIA_MISSED : 0, .content_type = letter->type},
        .token = {(uintptr_t)letter, 0}};
}

void clip_release(void *channel, via_msg *message)
{
    (void)channel;
    clip_letter_destroy((clip_letter *)message->token[0]); // NOLINT(performance-no-int-to-ptr)
}

/* ---- via_recv ----------------------------------------------------------------------------------------------- */

/* Fetched for us, or known to be the content still. Who cannot wait takes what there is. */
static bool may_take(const clip_inbox *in, uint64_t from, bool waits)
{
    if (!in->ready.is_there)
        return false;
    return !waits || in->ready.generation >= from || (!in->is_fresh && in->flight.ticket == 0);
}

static via_status take(clip_channel *channel, via_msg *out)
{
    clip_inbox *in = &channel->desk.in;
    const via_status status = in->ready.status;
    const uint64_t lost = in->ready.lost;

    if (status == VIA_OK) {
        clip_lend(in->ready.letter, in->ready.generation, lost, out);
        via_count(&channel->counters->missed, lost);
    } else {
        in->lost += lost;
    }
    memset(&in->ready, 0, sizeof(in->ready));
    in->is_wanted = false;
    clip_desk_tell(&channel->desk);
    return status;
}

/* Asks for the next content, if there is one that nobody has asked for. */
static void want(clip_desk *desk)
{
    desk->in.is_wanted = true;
    if (desk->in.is_fresh)
        clip_desk_ring(desk);
}

static via_status await_next(clip_channel *channel, uint64_t from, via_deadline deadline, via_msg *out)
{
    clip_desk *desk = &channel->desk;
    const bool waits = via_deadline_left(deadline) > 0;

    for (;;) {
        if (clip_desk_is_interrupted(desk))
            return VIA_ECANCELED;
        if (may_take(&desk->in, from, waits))
            return take(channel, out);
        if (desk->ended != VIA_OK)
            return desk->ended;
        want(desk);
        via_status status = clip_desk_wait(desk, deadline);
        if (status == VIA_ETIMEDOUT && desk->in.ready.is_there)
            return take(channel, out);
        if (status != VIA_OK)
            return status;
    }
}

/*
 * What was fetched ahead may have been replaced since, by somebody whose call returned before ours began: so it is looked first.
 * What is fetched from now on needs no such look.
 */
static uint64_t look_first(clip_channel *channel, via_deadline deadline)
{
    clip_desk *desk = &channel->desk;

    if ((!desk->in.ready.is_there && desk->in.flight.ticket == 0) || via_deadline_left(deadline) == 0)
        return 0;
    (void)clip_run_errand(channel, NULL, deadline, NULL, NULL);
    return desk->present.generation;
}

via_status clip_receive(void *self, via_deadline deadline, via_msg *out)
{
    clip_channel *channel = self;

    clip_desk_lock(&channel->desk);
    via_status status = await_next(channel, look_first(channel, deadline), deadline, out);
    clip_desk_unlock(&channel->desk);
    return status;
}

via_status clip_arm_read(clip_channel *channel)
{
    clip_desk *desk = &channel->desk;

    clip_desk_lock(desk);
    const bool is_ready = clip_desk_is_ready(desk, VIA_READ);
    if (!is_ready)
        want(desk);
    clip_desk_unlock(desk);
    return is_ready ? VIA_EREADY : VIA_OK;
}
