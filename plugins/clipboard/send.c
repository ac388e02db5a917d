/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing: the application's side.
 *
 * Owns: that one publication is under way at a time, and who hears of its end. What was put on the desk is accepted: it cannot be
 * taken back, so a deadline that passes while the backend works is no failure.
 */
#include "channel.h"

#include "choice.h"
#include "kit/deadline.h"
#include "kit/fail.h"
#include "kit/utf8.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* ---- the slot ----------------------------------------------------------------------------------------------- */

static via_status await_idle(clip_channel *channel, via_deadline deadline)
{
    clip_desk *desk = &channel->desk;

    for (;;) {
        if (clip_desk_is_interrupted(desk))
            return VIA_ECANCELED;
        if (desk->ended != VIA_OK)
            return desk->ended;
        if (desk->out.state == CLIP_OUT_IDLE)
            return VIA_OK;
        via_status status = clip_desk_wait(desk, deadline);
        if (status == VIA_ECANCELED || (status == VIA_ETIMEDOUT && desk->out.state != CLIP_OUT_IDLE))
            return status;
    }
}

/* The slot is ours until this number has ended. */
static uint64_t put(clip_channel *channel, clip_content *content)
{
    clip_outbox *out = &channel->desk.out;

    out->state = CLIP_OUT_QUEUED;
    out->content = content;
    out->number++;
    if (content)
        content->number = out->number;
    out->is_unheard = false;
    clip_desk_tell(&channel->desk);
    clip_desk_ring(&channel->desk);
    return out->number;
}

static bool is_out(const clip_desk *desk, uint64_t number)
{
    return desk->out.number == number && desk->out.state != CLIP_OUT_IDLE;
}

static via_status await_end(clip_channel *channel, uint64_t number, via_deadline deadline)
{
    clip_desk *desk = &channel->desk;

    while (is_out(desk, number) && desk->ended == VIA_OK) {
        via_status status = clip_desk_wait(desk, deadline);
        if ((status == VIA_ETIMEDOUT || status == VIA_ECANCELED) && is_out(desk, number)) {
            desk->out.is_unheard = true;
            return VIA_OK;
        }
    }
    if (is_out(desk, number))
        return desk->ended;
    return desk->out.number == number ? desk->out.status : VIA_OK; /* already replaced by another thread's */
}

/* Takes the content over, whatever comes of it. NULL = clear. */
static via_status bring_out(clip_channel *channel, clip_content *content, via_deadline deadline)
{
    clip_desk_lock(&channel->desk);
    via_status status = await_idle(channel, deadline);
    if (status == VIA_OK)
        status = await_end(channel, put(channel, content), deadline);
    else
        clip_content_drop(content);
    clip_desk_unlock(&channel->desk);
    return status;
}

/* ---- publishing --------------------------------------------------------------------------------------------- */

static via_status check_offer(const clip_channel *channel, const via_offer *offers, size_t at)
{
    if (!offers[at].type || !clip_type_is_valid(offers[at].type))
        return VIA_EINVAL;
    for (size_t i = 0; i < at; i++)
        if (strcmp(offers[i].type, offers[at].type) == 0)
            return VIA_EINVAL;
    return offers[at].size > channel->options.settings.max_size ? VIA_ETOOBIG : VIA_OK;
}

via_status clip_publish(clip_channel *channel, const via_offer *offers, size_t count, via_deadline deadline)
{
    via_status status = VIA_OK;

    if (count == 0)
        return bring_out(channel, NULL, deadline);
    if (count > VIA_OFFERS_MAX)
        return VIA_EINVAL;
    for (size_t i = 0; i < count && status == VIA_OK; i++)
        status = check_offer(channel, offers, i);
    if (status != VIA_OK)
        return status;
    clip_content *content = clip_content_create(offers, count, channel->options.marks, 0);
    return content ? bring_out(channel, content, deadline) : VIA_ENOMEM;
}

/* ---- via_send ----------------------------------------------------------------------------------------------- */

/* A NUL is a character of UTF-8 too, but no program's text has one. */
static const char *guess_type(const void *data, size_t size)
{
    if (size > 0 && (memchr(data, '\0', size) || !via_utf8_is_valid(data, size)))
        return "application/octet-stream";
    return clip_text_type;
}

static bool measure(const via_slice *slices, size_t count, size_t *size)
{
    *size = 0;
    for (size_t i = 0; i < count; i++)
        if (__builtin_add_overflow(*size, slices[i].size, size))
            return false;
    return true;
}

/* One slice is taken as it is; several are put together in `joined`, to be freed. */
static via_status join(const via_slice *slices, size_t count, via_slice *whole, char **joined)
{
    *joined = NULL;
    *whole = count == 1 ? slices[0] : (via_slice){"", 0};
    if (count <= 1)
        return VIA_OK;
    (void)measure(slices, count, &whole->size);
    char *at = *joined = malloc(whole->size + 1);
    if (!at)
        return VIA_ENOMEM;
    whole->data = at;
    for (size_t i = 0; i < count; i++)
        at = slices[i].size ? mempcpy(at, slices[i].data, slices[i].size) : at;
    return VIA_OK;
}

via_status clip_send(void *self, const via_slice *slices, size_t count, const via_meta *meta, via_deadline deadline)
{
    clip_channel *channel = self;
    via_slice whole;
    char *joined;
    size_t size;

    if (!measure(slices, count, &size) || size > channel->options.settings.max_size)
        return VIA_ETOOBIG;
    via_status status = join(slices, count, &whole, &joined);
    if (status != VIA_OK)
        return status;
    const bool has_type = meta && meta->content_type && meta->content_type[0];
    const via_offer offer = {has_type ? meta->content_type : guess_type(whole.data, whole.size), whole.data,
                             whole.size};
    status = clip_publish(channel, &offer, 1, deadline);
    free(joined);
    return status;
}

/* ---- flush and drain ---------------------------------------------------------------------------------------- */

static via_status flush(clip_channel *channel, via_deadline deadline)
{
    clip_outbox *out = &channel->desk.out;
    via_status status = await_idle(channel, deadline);

    if (status == VIA_OK) {
        status = out->unheard;
        out->unheard = VIA_OK;
    }
    return status;
}

via_status clip_flush(void *self, via_deadline deadline)
{
    clip_channel *channel = self;

    clip_desk_lock(&channel->desk);
    via_status status = flush(channel, deadline);
    clip_desk_unlock(&channel->desk);
    return status;
}

static bool depends_on_us(const clip_outbox *out)
{
    return out->held != 0 || out->timed != 0 || out->withdrawing != 0;
}

static via_status await_release(clip_channel *channel, via_deadline deadline)
{
    clip_desk *desk = &channel->desk;

    if (!desk->out.is_leaving) {
        desk->out.is_leaving = true;
        clip_desk_ring(desk);
    }
    while (depends_on_us(&desk->out)) {
        via_status status = clip_desk_wait(desk, deadline);
        if (status != VIA_OK && (status == VIA_ECANCELED || depends_on_us(&desk->out)))
            return status;
    }
    return desk->ended;
}

via_status clip_drain(void *self, via_deadline deadline, uint64_t *undelivered)
{
    clip_channel *channel = self;

    clip_desk_lock(&channel->desk);
    via_status status = flush(channel, deadline);
    if (status == VIA_OK)
        status = await_release(channel, deadline);
    *undelivered = status == VIA_ETIMEDOUT;
    clip_desk_unlock(&channel->desk);
    return status;
}
