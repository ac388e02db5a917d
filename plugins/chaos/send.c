/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending: messages are lost or go twice; nothing is held.
 *
 * Owns: the number of a sent message, which grows only when one was accepted, so that trying again changes nothing.
 */
#include "chaos.h"

#include "kit/deadline.h"

/* A lost message that was the last of several takes those before it along: they must not wait for it. */
static via_status lose(chaos_channel *chaos, const via_meta *meta)
{
    atomic_fetch_add_explicit(&chaos->tally.dropped, 1, memory_order_relaxed);
    if (chaos->owes_flush && (meta == NULL || (meta->flags & VIA_MORE) == 0)) {
        (void)chaos->host->inner->flush(chaos->inner, VIA_NOW);
        chaos->owes_flush = false;
    }
    return VIA_OK;
}

static via_status pass(chaos_channel *chaos, const via_slice *slices, size_t count, const via_meta *meta,
                       const chaos_fate *fate, via_deadline deadline)
{
    via_status status =
        chaos->host->inner->send(chaos->inner, slices, count, meta, via_deadline_min(deadline, chaos->cut_at));
    if (status != VIA_OK)
        return status;
    chaos->owes_flush = meta != NULL && (meta->flags & VIA_MORE) != 0;
    /* The second one is no promise to anybody: where there is no room for it, it does not happen. */
    if (fate->duplicates && chaos->host->inner->send(chaos->inner, slices, count, meta, VIA_NOW) == VIA_OK)
        atomic_fetch_add_explicit(&chaos->tally.duplicated, 1, memory_order_relaxed);
    return VIA_OK;
}

via_status chaos_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta, via_deadline deadline)
{
    chaos_channel *chaos = channel;
    chaos_fate fate = {false, false, 0, 0};

    if (chaos_is_cut(chaos))
        return VIA_EPEER;
    if (chaos->settings.sends)
        fate = chaos_fate_of(&chaos->settings, CHAOS_SENDING, chaos->sent);
    const via_status status = fate.drops ? lose(chaos, meta) : pass(chaos, slices, count, meta, &fate, deadline);
    if (status != VIA_OK)
        return chaos_answer(chaos, status);
    if (chaos->settings.sends) {
        chaos->sent++;
        atomic_fetch_add_explicit(&chaos->tally.seen, 1, memory_order_relaxed);
        chaos_note_passed(chaos);
    }
    return VIA_OK;
}
