/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forwarders to via.offers/1: <viaduct/ext/offers.h>.
 *
 * Owns: the rules that hold for every message, counting above all. The table's functions are safe from any thread and wait by
 * themselves, so no turn is taken.
 */
#include "core/channel.h"
#include "core/send.h"
#include <viaduct/ext/offers.h>

/* True if the table is there and reaches as far as the field. */
#define OFFERS(table, field)                                                                                           \
    ((table) != NULL && (table)->size >= offsetof(via_offers, field) + sizeof((table)->field) && (table)->field != NULL)

static const via_offers *table_of(via_channel *channel, void **self)
{
    return via_context_is_foreign(&channel->context) ? NULL : via_extension(channel, VIA_OFFERS_ID, self);
}

static via_status no_offers(const via_channel *channel)
{
    return via_context_is_foreign(&channel->context) ? VIA_EFORK : VIA_ENOTSUP;
}

/* ---- counting ----------------------------------------------------------------------------------------------- */

typedef struct tally {
    via_lane *lane;
    size_t bytes;
} tally;

static via_status add(void *argument)
{
    const tally *now = argument;
    via_lane_begin(now->lane);
    via_lane_count(now->lane, now->bytes);
    return VIA_OK;
}

/* One thread at a time: alone in its direction, or under the lock of the crowd. */
static void note_message(via_lane *lane, size_t bytes)
{
    tally now = {lane, bytes};
    (void)via_crowd_call(lane->crowd, add, &now);
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

via_status via_offers_publish(via_channel *channel, const via_offer *offers, size_t count, via_deadline deadline)
{
    void *self;
    size_t bytes = 0;
    const via_offers *table = table_of(channel, &self);
    if (!OFFERS(table, publish))
        return no_offers(channel);
    via_status status = via_send_check(channel, NULL);
    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        status = offers[i].size > channel->max_message ? VIA_ETOOBIG : VIA_OK;
        bytes += offers[i].size;
    }
    if (status == VIA_OK)
        status = via_channel_note(channel, table->publish(self, offers, count, deadline));
    if (status == VIA_OK)
        note_message(&channel->sender, bytes);
    return status;
}

via_status via_offers_clear(via_channel *channel, via_deadline deadline)
{
    void *self;
    const via_offers *table = table_of(channel, &self);
    if (!OFFERS(table, clear))
        return no_offers(channel);
    const via_status status = via_send_check(channel, NULL);
    return status == VIA_OK ? via_channel_note(channel, table->clear(self, deadline)) : status;
}

via_status via_offers_types(via_channel *channel, char *buffer, size_t capacity, size_t *needed, via_deadline deadline)
{
    void *self;
    size_t ignored;
    const via_offers *table = table_of(channel, &self);
    if (!OFFERS(table, types))
        return no_offers(channel);
    return table->types(self, buffer, capacity, needed != NULL ? needed : &ignored, deadline);
}

/* What is wrong with one content does not end the channel, so it is not noted as the reason why. */
via_status via_offers_receive(via_channel *channel, const char *types, via_deadline deadline, via_msg *out)
{
    void *self;
    const via_offers *table = table_of(channel, &self);
    if (!OFFERS(table, receive))
        return no_offers(channel);
    const via_status status = table->receive(self, types, deadline, out);
    if (status == VIA_OK)
        note_message(&channel->receiver, out->size);
    return status;
}

via_status via_offers_wait(via_channel *channel, uint64_t *generation, via_deadline deadline)
{
    void *self;
    const via_offers *table = table_of(channel, &self);
    return OFFERS(table, wait) ? table->wait(self, generation, deadline) : no_offers(channel);
}
