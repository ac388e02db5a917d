/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of one end of a last-value cell; see value.h.
 *
 * Owns: who keeps a value when the one who set it leaves.
 */
#include "value.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "memfd.h"

#include <stdlib.h>
#include <string.h>

enum {
    GROWTHS = 3, /* all rooms an entry ever has, each twice the one before, are less than this many of the last */
    DRAIN_NS = 5 * 1000 * 1000 /* between two looks for others */
};

bool shm_value_holds(shm_member *member, uint64_t place, uint64_t size)
{
    return place >= SHM_PAGE && place % SHM_PAGE == 0 && place <= member->store.reserve &&
           size <= member->store.reserve - place && shm_store_reaches(&member->store, place + size);
}

/* ---- leaving ------------------------------------------------------------------------------------------------ */

void shm_value_stay(shm_value *value)
{
    if (atomic_load_explicit(&value->is_leaving, memory_order_relaxed) && atomic_exchange(&value->is_leaving, false))
        (void)shm_roster_want_to_leave(&value->member.roster, false);
}

/*
 * Does our newest value depend on this process? Not if somebody has taken it, or a member has it who does not wait for the
 * same: several that only set values and go would otherwise each rely on the others.
 */
static bool depends_on_us(shm_value *value)
{
    uint64_t sent = atomic_load(&value->sent);

    return sent > SHM_GET(&value->member.common->taken) && !shm_roster_has_others_staying(&value->member.roster);
}

static via_status await_a_keeper(shm_value *value, via_deadline deadline)
{
    while (depends_on_us(value)) {
        if (via_deadline_left(deadline) == 0)
            return VIA_ETIMEDOUT;
        via_deadline turn = via_deadline_min(deadline, via_deadline_after(DRAIN_NS));
        if (via_wake_poll(&value->member.wake, -1, 0, turn) == VIA_ECANCELED)
            return VIA_ECANCELED;
    }
    return VIA_OK;
}

/* First said, then looked for others: of two who leave at once, one at least sees that the other does. */
static via_status value_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    shm_value *value = channel;

    if (!atomic_exchange(&value->is_leaving, true))
        (void)shm_roster_want_to_leave(&value->member.roster, true); /* unheard, the others rely on us, as before */
    via_status status = await_a_keeper(value, deadline);
    *undelivered = status == VIA_ETIMEDOUT;
    return status == VIA_OK ? shm_member_flush(channel, deadline) : status;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void value_close(void *channel, uint32_t how)
{
    shm_value *value = channel;

    shm_member_dispose(&value->member, how);
    free(value->spare);
    free(value);
}

/* A value is the newest only, a copy, and goes with the last member. */
static void value_info(void *channel, via_channel_info *inout)
{
    const shm_member *member = channel;

    inout->flags &= ~(uint32_t)(VIA_INFO_LOSSLESS | VIA_INFO_LOAN_NATIVE | VIA_INFO_LINGER_NATIVE);
    if (inout->max_message > member->limit)
        inout->max_message = member->limit;
}

static const via_channel_ops value_ops = {
    .size = sizeof(via_channel_ops),
    .send = shm_value_send,
    .recv = shm_value_receive,
    .release = shm_value_release,
    .loan = shm_value_loan,
    .commit = shm_value_commit,
    .discard = shm_value_discard,
    .flush = shm_member_flush,
    .drain = value_drain,
    .pollable = shm_member_pollable,
    .arm = shm_member_arm,
    .interrupt = shm_member_interrupt,
    .close = value_close,
    .info = value_info,
    .refresh_counters = shm_member_refresh_counters,
};

/* A page for each entry. */
static void prepare(shm_common *common, const shm_extent *extent)
{
    for (uint64_t i = 0; i < SHM_ENTRIES; i++) {
        SHM_PUT(&common->entries[i].place, (i + 1) * SHM_PAGE);
        SHM_PUT(&common->entries[i].room, (uint64_t)SHM_PAGE);
    }
    SHM_PUT(&common->end, extent->size);
}

via_status shm_value_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                          via_error *error)
{
    const uint64_t least = (UINT64_C(1) + SHM_ENTRIES) * SHM_PAGE;
    const uint64_t room = shm_memory_round(open->max_message + SHM_VALUE_TEXTS, 0);
    const shm_extent extent = {
        .size = least, .reserve = least + room * GROWTHS * SHM_ENTRIES, .limit = open->max_message, .prepare = prepare};
    shm_value *value = aligned_alloc(SHM_LINE, (sizeof(*value) + SHM_LINE - 1) / SHM_LINE * SHM_LINE);
    shm_settings settings;

    if (!value)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    memset(value, 0, sizeof(*value));
    shm_settings_read(host, open, &settings);
    shm_member_init(&value->member, &value_ops, &settings, porter, VIA_PATTERN_VALUE);
    via_status status = shm_member_join(&value->member, open, &extent, error);
    if (status == VIA_OK)
        *channel = value;
    else
        value_close(value, VIA_CLOSE_FLUSH);
    return status;
}
