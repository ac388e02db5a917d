/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving from a topic; see topic_subscriber.h.
 *
 * Owns: what is lent to the application, and the filter. From a publisher that waits for its subscribers messages are lent where
 * they are; from one that does not, they are copied, and the copy is thrown away if the original changed meanwhile.
 */
#include "kit/deadline.h"
#include "kit/fail.h"
#include "topic_merge.h"
#include "topic_subscriber.h"

#include <stdlib.h>

enum {
    RECEIVES_BETWEEN_LOOKS = 256, /* how long one who comes may wait while others have messages */
    TRIES = 64,                   /* messages that are passed over between two looks at the clock */
    LINK_ITSELF = 1               /* a bit of via_msg.token[1]: it is the link, otherwise belongings */
};

/* ---- the filter --------------------------------------------------------------------------------------------- */

/* Of a message without a key the beginning counts, as on the other wires. Looks at shared memory, and keeps nothing of it. */
static bool is_wanted(const char *filter, const shm_reading *reading)
{
    const shm_letter *letter = &reading->letter;
    const unsigned char *text = letter->key_size ? reading->texts : reading->bytes;
    size_t size = letter->key_size ? letter->key_size - 1U : (size_t)letter->size;

    if (!*filter)
        return true;
    while (*filter) {
        size_t length = strcspn(filter, ",");
        if (length <= size && memcmp(text, filter, length) == 0)
            return true;
        filter += length;
        filter += *filter == ',';
    }
    return false;
}

/* ---- lending ------------------------------------------------------------------------------------------------ */

static bool needs_belongings(const topic_subscriber_end *end, const topic_link *link, const shm_letter *letter)
{
    return link->is_lossy || end->settings.copies || letter->key_size || letter->type_size ||
           letter->kind == SHM_IN_SEGMENT;
}

static void lend_view(topic_link *link, uint32_t serial, bool lent)
{
    shm_view *view = serial ? shm_views_find(&link->views, serial) : NULL;

    if (view)
        view->lent += lent ? 1 : UINT32_MAX;
}

/* VIA_ETIMEDOUT: it was lost while it was copied. */
static via_status lend(topic_subscriber_end *end, topic_link *link, const shm_reading *from, via_msg *message)
{
    const shm_letter *letter = &from->letter;
    bool copies = link->is_lossy || end->settings.copies;

    *message = (via_msg){.data = (void *)(uintptr_t)from->bytes, /* ours to read; the mapping refuses writing */
                         .size = (size_t)letter->size,
                         .meta = {.priority = letter->priority},
                         .token = {(uintptr_t)link->reader.next, (uintptr_t)link | LINK_ITSELF}};
    if (!needs_belongings(end, link, letter))
        return VIA_OK;
    shm_belongings *own = shm_belongings_make(from, copies, message);
    if (!own)
        return VIA_ENOMEM;
    if (!topic_link_holds(link)) {
        free(own);
        return VIA_ETIMEDOUT;
    }
    own->owner = link;
    own->given_back = copies;
    own->serial = copies ? 0 : own->serial;
    lend_view(link, own->serial, true);
    message->token[1] = (uintptr_t)own;
    return VIA_OK;
}

/* Done with what comes next. */
static void advance(topic_subscriber_end *end, topic_link *link, uint64_t sequence, bool given_back)
{
    if (end->settings.many)
        topic_merge_took(end, link);
    uint64_t gap = topic_link_advance(link, sequence, given_back);

    end->sequence += gap + 1;
    if (gap == 0)
        return;
    end->has_gap = true;
    via_count(&end->settings.counters->missed, gap);
}

static void hand_out(topic_subscriber_end *end, topic_link *link, uint64_t sequence, via_msg *message)
{
    link->lent++;
    advance(end, link, sequence, end->settings.copies);
    message->meta.sequence = end->settings.many ? end->sequence : sequence;
    message->meta.flags = end->has_gap ? VIA_MISSED : 0;
    end->has_gap = false;
    topic_subscriber_put_last(end, link);
}

/* The next message is not for us: nobody asked for it, or it is missing as if it had been dropped. */
static void pass_over(topic_subscriber_end *end, topic_link *link, uint64_t sequence, bool wanted)
{
    via_counters *counters = end->settings.counters;

    advance(end, link, sequence, true);
    via_count(wanted ? &counters->missed : &counters->dropped_filter, 1);
    end->has_gap |= wanted;
}

/* It counts as missed, as all that is lost does; of the first one it is said why. */
static void tell_too_big(topic_subscriber_end *end, uint64_t size)
{
    if (end->told_too_big)
        return;
    end->told_too_big = true;
    via_note(end->settings.host, end->settings.context, VIA_LOG_WARNING,
             "a message of %llu bytes is above max_message, and is lost; so are further ones",
             (unsigned long long)size);
}

/* VIA_OK; VIA_ETIMEDOUT: not that one; VIA_EPROTO, VIA_ENOMEM. */
static via_status take(topic_subscriber_end *end, topic_link *link, via_msg *message)
{
    uint64_t sequence = SHM_GET(&topic_reader_slot(&link->reader)->sequence);
    shm_reading found;
    via_status status = topic_link_read(link, &end->settings, &found);

    if (status != VIA_OK && status != VIA_ETOOBIG)
        return status;
    bool wanted = status == VIA_ETOOBIG || is_wanted(end->filter, &found);
    if (!topic_link_holds(link))
        return VIA_ETIMEDOUT;
    if (sequence < link->sequence)
        return VIA_EPROTO;
    if (status == VIA_ETOOBIG)
        tell_too_big(end, found.letter.size);
    if (status == VIA_ETOOBIG || !wanted) {
        pass_over(end, link, sequence, wanted);
        return VIA_ETIMEDOUT;
    }
    if ((status = lend(end, link, &found, message)) != VIA_OK)
        return status;
    hand_out(end, link, sequence, message);
    return VIA_OK;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

topic_link *topic_subscriber_find(topic_subscriber_end *end)
{
    topic_link *next;

    if (end->settings.many)
        return topic_merge_choose(end);
    for (topic_link *link = end->links; link; link = next) {
        next = link->next;
        via_status status = topic_link_look(link);
        if (status == VIA_OK)
            return link;
        if (status == VIA_EPROTO)
            topic_subscriber_lose(end, link, VIA_EPROTO);
        else if (link->socket < 0)
            topic_subscriber_forget(end, link);
    }
    return NULL;
}

via_status topic_subscriber_receive(void *channel, via_deadline deadline, via_msg *message)
{
    topic_subscriber_end *end = channel;
    via_status status = VIA_OK;

    if (end->receives_to_go-- == 0) {
        end->receives_to_go = RECEIVES_BETWEEN_LOOKS;
        topic_subscriber_look(end);
    }
    for (uint32_t tries = 1; status == VIA_OK; tries++) {
        if (via_wake_is_raised(&end->wake))
            return VIA_ECANCELED;
        topic_link *link = topic_subscriber_find(end);
        if (!link) {
            status = topic_subscriber_await(end, deadline);
            continue;
        }
        via_status taken = take(end, link, message);
        if (taken == VIA_OK || taken == VIA_ENOMEM)
            return taken;
        if (taken == VIA_EPROTO)
            topic_subscriber_lose(end, link, VIA_EPROTO);
        if (tries % TRIES == 0 && via_deadline_left(deadline) == 0)
            status = VIA_ETIMEDOUT;
    }
    return status;
}

void topic_subscriber_release(void *channel, via_msg *message)
{
    topic_subscriber_end *end = channel;
    uintptr_t token = message->token[1];
    bool is_link = (token & LINK_ITSELF) != 0;
    shm_belongings *own = is_link ? NULL : (shm_belongings *)token;                            // NOLINT
    topic_link *link = is_link ? (topic_link *)(token & ~(uintptr_t)LINK_ITSELF) : own->owner; // NOLINT

    if (own)
        lend_view(link, own->serial, false);
    if (!own || !own->given_back)
        topic_link_give_back(link, message->token[0]);
    free(own);
    if (--link->lent == 0 && link->is_over)
        topic_subscriber_bury(end, link);
}
