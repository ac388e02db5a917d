/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The extension via.offers/1.
 *
 * Owns: its table. Its functions are safe from any thread: each waits at the desk for itself.
 */
#include "channel.h"

#include <string.h>

static via_status publish(void *self, const via_offer *offers, size_t count, via_deadline deadline)
{
    return count == 0 ? VIA_EINVAL : clip_publish(self, offers, count, deadline);
}

static via_status clear(void *self, via_deadline deadline)
{
    return clip_publish(self, NULL, 0, deadline);
}

/* Whole lines as far as they fit, and a NUL. */
static via_status write_types(clip_channel *channel, char *buffer, size_t capacity, size_t *needed)
{
    const clip_present *present = &channel->desk.present;
    size_t at = 0;

    *needed = 1;
    for (size_t i = 0; i < present->count; i++) {
        const size_t size = strlen(present->types[i]);
        if (*needed == at + 1 && at + size + 1 < capacity) {
            memcpy(buffer + at, present->types[i], size);
            at += size;
            buffer[at++] = '\n';
        }
        *needed += size + 1;
    }
    if (capacity > 0)
        buffer[at] = '\0';
    if (present->count == 0)
        return clip_tell_nothing(channel);
    return *needed <= capacity ? VIA_OK : VIA_EBUFFER;
}

static via_status types(void *self, char *buffer, size_t capacity, size_t *needed, via_deadline deadline)
{
    clip_channel *channel = self;

    *needed = 0;
    clip_desk_lock(&channel->desk);
    via_status status = clip_run_errand(channel, NULL, deadline, NULL, NULL);
    if (status == VIA_OK)
        status = write_types(channel, buffer, capacity, needed);
    clip_desk_unlock(&channel->desk);
    return status;
}

static via_status receive(void *self, const char *wanted, via_deadline deadline, via_msg *out)
{
    clip_channel *channel = self;
    clip_letter *letter = NULL;
    uint64_t generation = 0;

    clip_desk_lock(&channel->desk);
    via_status status =
        clip_run_errand(channel, wanted ? wanted : channel->options.types, deadline, &letter, &generation);
    clip_desk_unlock(&channel->desk);
    if (status == VIA_OK)
        clip_lend(letter, generation, 0, out);
    return status;
}

static via_status wait(void *self, uint64_t *generation, via_deadline deadline)
{
    clip_desk *desk = &((clip_channel *)self)->desk;
    via_status status = VIA_OK;

    clip_desk_lock(desk);
    while (status == VIA_OK && (!desk->present.is_known || desk->present.generation == *generation))
        status = desk->ended != VIA_OK ? desk->ended : clip_desk_wait(desk, deadline);
    if (desk->present.is_known && desk->present.generation != *generation) {
        *generation = desk->present.generation;
        status = VIA_OK;
    }
    clip_desk_unlock(desk);
    return status;
}

const via_offers clip_offers = {
    .size = sizeof(via_offers),
    .publish = publish,
    .clear = clear,
    .types = types,
    .receive = receive,
    .wait = wait,
};
