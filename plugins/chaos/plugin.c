/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer chaos: opening, waiting, cutting and ending.
 *
 * Owns: the cut, which is one for both directions, and the table. Must never touch a message's bytes.
 */
#include "chaos.h"

#include "kit/deadline.h"
#include "kit/fail.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the cut ------------------------------------------------------------------------------------------------ */

/* Whoever sleeps in the channel below is woken by an interrupt, which is as final as a cut. */
static void cut(chaos_channel *chaos)
{
    if (atomic_exchange(&chaos->is_cut, true))
        return;
    (void)via_fail_channel(chaos->host, chaos->context, VIA_EPEER, 0, "set chaos.cut=0 and chaos.cut_after=forever",
                           "chaos has cut the connection, as it was told to, after %" PRIu64 " messages",
                           (uint64_t)atomic_load(&chaos->passed));
    via_wake_raise(&chaos->wake);
    chaos->host->inner->interrupt(chaos->inner);
}

bool chaos_is_cut(chaos_channel *chaos)
{
    if (atomic_load_explicit(&chaos->is_cut, memory_order_acquire))
        return true;
    if (chaos->cut_at == VIA_FOREVER || via_deadline_clock() < chaos->cut_at)
        return false;
    cut(chaos);
    return true;
}

/* The last one that passes is handed out or accepted yet; the call after it finds the cut. */
void chaos_note_passed(chaos_channel *chaos)
{
    if (chaos->settings.cut == 0)
        return;
    if (atomic_fetch_add(&chaos->passed, 1) + 1 == chaos->settings.cut)
        cut(chaos);
}

via_status chaos_answer(chaos_channel *chaos, via_status status)
{
    if (status != VIA_ETIMEDOUT && status != VIA_ECANCELED)
        return status;
    return chaos_is_cut(chaos) ? VIA_EPEER : status;
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

static via_status chaos_flush(void *channel, via_deadline deadline)
{
    chaos_channel *chaos = channel;
    if (chaos_is_cut(chaos))
        return VIA_EPEER;
    return chaos_answer(chaos, chaos->host->inner->flush(chaos->inner, deadline));
}

static via_status chaos_finish(void *channel, via_deadline deadline)
{
    chaos_channel *chaos = channel;
    if (chaos_is_cut(chaos))
        return VIA_EPEER;
    return chaos_answer(chaos, chaos->host->inner->finish(chaos->inner, deadline));
}

static via_status chaos_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    chaos_channel *chaos = channel;
    if (chaos_is_cut(chaos))
        return VIA_EPEER;
    return chaos_answer(chaos, chaos->host->inner->drain(chaos->inner, deadline, undelivered));
}

static void chaos_interrupt(void *channel)
{
    chaos_channel *chaos = channel;
    via_wake_raise(&chaos->wake);
}

static void chaos_close(void *channel, uint32_t how)
{
    chaos_channel *chaos = channel;
    const chaos_tally *tally = &chaos->tally;
    if (how != VIA_CLOSE_FORKED)
        via_note(chaos->host, chaos->context, VIA_LOG_INFO,
                 "seed %" PRIu64 ": of %" PRIuFAST64 " messages %" PRIuFAST64 " dropped, %" PRIuFAST64
                 " duplicated, %" PRIuFAST64 " reordered, %" PRIuFAST64 " delayed%s",
                 chaos->settings.seed, tally->seen, tally->dropped, tally->duplicated, tally->reordered, tally->delayed,
                 atomic_load(&chaos->is_cut) ? ", then cut" : "");
    chaos_line_fini(chaos, how == VIA_CLOSE_FORKED);
    via_timed_fini(&chaos->reading);
    via_timed_fini(&chaos->writing);
    via_wake_fini(&chaos->wake);
    free(chaos);
}

/* ---- waiting ------------------------------------------------------------------------------------------------ */

static via_timed *timed_of(chaos_channel *chaos, uint32_t event)
{
    via_timed *timed = event == VIA_READ ? &chaos->reading : &chaos->writing;
    return event == VIA_WORK || timed->set < 0 ? NULL : timed;
}

static via_status chaos_pollable(void *channel, uint32_t event, via_poll_handle *out)
{
    chaos_channel *chaos = channel;
    const via_timed *timed = timed_of(chaos, event);
    if (timed == NULL)
        return chaos->host->inner->pollable(chaos->inner, event, out);
    via_timed_handle(timed, out);
    return VIA_OK;
}

/* A full line takes nothing more from below, so what waits there is no event. */
static via_status arm_reading(chaos_channel *chaos)
{
    via_deadline due = chaos->cut_at;
    for (;;) {
        via_status status = chaos->has_slots ? chaos_look(chaos, &due) : VIA_OK;
        if (status != VIA_OK)
            return status;
        const bool watches = chaos->held < chaos->settings.hold && chaos->ended == VIA_OK;
        if (chaos->reading.set >= 0 && via_timed_set(&chaos->reading, due, watches) != VIA_OK)
            return VIA_EREADY; /* no timer to rely on */
        if (!watches)
            return VIA_OK;
        const uint64_t received = chaos->received;
        status = chaos->has_waiting ? VIA_EREADY : chaos->host->inner->arm(chaos->inner, VIA_READ);
        if (status != VIA_EREADY || !chaos->is_late)
            return status;
        (void)chaos_look(chaos, &due);
        if (chaos->received == received && chaos->ended == VIA_OK)
            return VIA_EREADY; /* it is for the next receive to find out why */
    }
}

static via_status chaos_arm(void *channel, uint32_t event)
{
    chaos_channel *chaos = channel;
    if (event == VIA_WORK)
        return chaos->host->inner->arm(chaos->inner, event);
    if (chaos_is_cut(chaos))
        return VIA_EREADY;
    if (event == VIA_READ)
        return arm_reading(chaos);
    if (chaos->writing.set >= 0 && via_timed_set(&chaos->writing, chaos->cut_at, true) != VIA_OK)
        return VIA_EREADY;
    return chaos->host->inner->arm(chaos->inner, event);
}

/* ---- knowing ------------------------------------------------------------------------------------------------ */

static void counts(void *self, via_chaos_counts *out)
{
    const chaos_channel *chaos = self;
    const via_chaos_counts all = {.size = out->size,
                                  .seen = chaos->tally.seen,
                                  .dropped = chaos->tally.dropped,
                                  .duplicated = chaos->tally.duplicated,
                                  .reordered = chaos->tally.reordered,
                                  .delayed = chaos->tally.delayed,
                                  .cut = atomic_load(&chaos->is_cut)};
    memcpy(out, &all, out->size < sizeof(all) ? out->size : sizeof(all));
}

static const via_chaos chaos_table = {.size = sizeof(via_chaos), .counts = counts};

static const void *chaos_extension(void *channel, const char *id, void **self)
{
    if (strcmp(id, VIA_CHAOS_ID) != 0)
        return NULL;
    *self = channel;
    return &chaos_table;
}

/* ---- opening ------------------------------------------------------------------------------------------------ */

/* An event that cannot happen below needs no handle here. */
static via_status open_timed(const chaos_channel *chaos, uint32_t event, via_timed *timed)
{
    via_poll_handle below = {.size = sizeof(below)};
    const via_status status = chaos->host->inner->pollable(chaos->inner, event, &below);
    if (status != VIA_OK)
        return status == VIA_ENOTSUP ? VIA_OK : status;
    return via_timed_open(timed, &below);
}

static void plan(chaos_channel *chaos)
{
    const chaos_settings *settings = &chaos->settings;
    chaos->is_late = settings->delay_ns > 0 || settings->jitter_ns > 0 || settings->reorder > 0;
    chaos->has_slots = settings->receives && (chaos->is_late || settings->drop > 0 || settings->duplicate > 0);
    chaos->cut_at = via_deadline_after(settings->cut_after_ns);
}

static via_status set_up(chaos_channel *chaos, const via_host_api *host, const via_open *open, via_inner *inner,
                         via_error *error)
{
    chaos->host = host;
    chaos->inner = inner;
    chaos->context = open->context;
    via_wake_init(&chaos->wake);
    via_timed_init(&chaos->reading);
    via_timed_init(&chaos->writing);
    via_status status = chaos_settings_read(host, open, &chaos->settings, error);
    if (status != VIA_OK)
        return status;
    plan(chaos);
    if (chaos->is_late || chaos->cut_at != VIA_FOREVER)
        status = open_timed(chaos, VIA_READ, &chaos->reading);
    if (status == VIA_OK && chaos->cut_at != VIA_FOREVER)
        status = open_timed(chaos, VIA_WRITE, &chaos->writing);
    return status;
}

static via_status chaos_wrap(void *state, const via_open *open, via_inner *inner, void **channel, via_error *error)
{
    chaos_channel *chaos = calloc(1, sizeof(*chaos));
    if (chaos == NULL)
        return VIA_ENOMEM;
    const via_status status = set_up(chaos, state, open, inner, error);
    if (status != VIA_OK) {
        via_timed_fini(&chaos->reading);
        free(chaos);
        return status;
    }
    *channel = chaos;
    return VIA_OK;
}

/* The host's table outlives everything here, so it is all the state there is. */
static via_status chaos_init(const via_host_api *host, void **state, via_error *error)
{
    (void)error;
    *state = (void *)(uintptr_t)host;
    return VIA_OK;
}

static void chaos_fini(void *state)
{
    (void)state;
}

static const via_channel_ops channel_ops = {
    .size = sizeof(via_channel_ops),
    .send = chaos_send,
    .recv = chaos_recv,
    .release = chaos_release,
    .flush = chaos_flush,
    .finish = chaos_finish,
    .drain = chaos_drain,
    .pollable = chaos_pollable,
    .arm = chaos_arm,
    .interrupt = chaos_interrupt,
    .close = chaos_close,
    .extension = chaos_extension,
};

static const via_layer layers[] = {
    {.size = sizeof(via_layer),
     .patterns = VIA_PATTERN_PAIR | VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC,
     .name = "chaos",
     .wrap = chaos_wrap,
     .channel_ops = &channel_ops},
};

VIA_LAYER_PLUGIN("chaos", chaos_init, chaos_fini, layers);
