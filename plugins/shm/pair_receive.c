/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving on a pair; see pair.h.
 *
 * Owns: what is lent to the application. What a slot says is copied and checked (letter.h); texts are copied out, since they
 * have to end; the bytes of a message stay where they are, unless copy=always asks for bytes that nobody can change any more.
 */
#include "letter.h"
#include "pair.h"

#include <stdlib.h>
#include <string.h>

static void meet_sender(shm_pair *pair)
{
    if (!atomic_load_explicit(&pair->met, memory_order_acquire))
        return;
    pair->reader.theirs = pair->their_control;
    pair->reader.mask = pair->their_slots - 1;
    pair->reader.slots = (const shm_slot *)(const void *)(pair->theirs.base + SHM_PAGE);
}

bool shm_pair_has_message(shm_pair *pair, void *ignored)
{
    (void)ignored;
    if (!pair->reader.slots)
        meet_sender(pair);
    return pair->reader.slots && shm_reader_has_message(&pair->reader);
}

/* ---- checking ----------------------------------------------------------------------------------------------- */

/* Counts a message in it as lent. NULL: not known, or too small. */
static const unsigned char *borrow_segment(shm_pair *pair, uint32_t serial, uint64_t size)
{
    const unsigned char *bytes = NULL;

    (void)pthread_mutex_lock(&pair->lock);
    shm_view *view = shm_views_find(&pair->views, serial);
    if (view && size <= view->memory.size) {
        view->lent++;
        bytes = view->memory.base;
    }
    (void)pthread_mutex_unlock(&pair->lock);
    return bytes;
}

/* A segment that is not known yet has been announced before its message. */
static const unsigned char *find_in_segment(shm_pair *pair, uint32_t serial, uint64_t size)
{
    const unsigned char *bytes = borrow_segment(pair, serial, size);

    if (bytes)
        return bytes;
    shm_pair_listen(pair);
    return borrow_segment(pair, serial, size);
}

static void give_segment_back(shm_pair *pair, uint32_t serial)
{
    (void)pthread_mutex_lock(&pair->lock);
    shm_view *view = shm_views_find(&pair->views, serial);
    if (view)
        view->lent--;
    (void)pthread_mutex_unlock(&pair->lock);
}

static bool read_slot(shm_pair *pair, const shm_slot *from, shm_reading *out)
{
    const shm_sender sender = {pair->their_arena, pair->their_arena_size, pair->settings.max_message};

    memcpy(&out->letter, &from->letter, sizeof(out->letter));
    __asm__ volatile("" ::: "memory"); /* what was copied is what is checked and used */
    if (!shm_letter_find(&sender, from->bytes, out))
        return false;
    if (out->letter.kind == SHM_IN_SEGMENT)
        out->bytes = find_in_segment(pair, out->letter.segment, out->letter.size);
    return out->bytes != NULL;
}

/* ---- lending ------------------------------------------------------------------------------------------------ */

static via_status lend(shm_pair *pair, const shm_reading *from, via_msg *message)
{
    const shm_letter *letter = &from->letter;

    *message = (via_msg){.data = (void *)(uintptr_t)from->bytes, /* ours to read; the mapping refuses writing */
                         .size = (size_t)letter->size,
                         .meta = {.sequence = pair->sequence + 1, .priority = letter->priority},
                         .token = {pair->reader.next, 0}};
    if (letter->kind != SHM_IN_SEGMENT && !letter->key_size && !letter->type_size && !pair->settings.copies)
        return VIA_OK;
    shm_belongings *own = shm_belongings_make(from, pair->settings.copies, message);
    message->token[1] = (uintptr_t)own; /* 0 = there are none */
    return own ? VIA_OK : VIA_ENOMEM;
}

static void give_back(shm_pair *pair, uint32_t position)
{
    shm_reader_give_back(&pair->reader, position);
    shm_pair_wake_writer(pair);
}

/* With a copy made, the other end may have its memory again at once. */
static void finish_early(shm_pair *pair, via_msg *message)
{
    shm_belongings *own = (shm_belongings *)message->token[1]; // NOLINT(performance-no-int-to-ptr)

    if (own->serial)
        give_segment_back(pair, own->serial);
    own->serial = 0;
    own->given_back = true;
    give_back(pair, (uint32_t)message->token[0]);
}

static via_status take(shm_pair *pair, via_msg *message)
{
    shm_reading found;

    if (!read_slot(pair, shm_reader_slot(&pair->reader), &found))
        return shm_pair_end(pair, VIA_EPROTO, "the other end described a message that cannot be");
    via_status status = lend(pair, &found, message);
    if (status != VIA_OK) {
        if (found.letter.kind == SHM_IN_SEGMENT)
            give_segment_back(pair, found.letter.segment);
        return status;
    }
    pair->reader.next++;
    pair->sequence++;
    if (pair->settings.copies)
        finish_early(pair, message);
    return VIA_OK;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

via_status shm_pair_receive(void *channel, via_deadline deadline, via_msg *message)
{
    static const shm_want want = {shm_pair_has_message, NULL, false};
    shm_pair *pair = channel;

    if (via_wake_is_raised(&pair->wake))
        return VIA_ECANCELED;
    if (atomic_load_explicit(&pair->gone, memory_order_relaxed) == VIA_EPROTO)
        return VIA_EPROTO;
    if (!shm_pair_has_message(pair, NULL)) {
        via_status status = shm_pair_await(pair, &want, deadline);
        if (status != VIA_OK)
            return status;
    }
    return take(pair, message);
}

void shm_pair_release(void *channel, via_msg *message)
{
    shm_pair *pair = channel;
    shm_belongings *own = (shm_belongings *)message->token[1]; // NOLINT(performance-no-int-to-ptr)
    bool given_back = own && own->given_back;

    if (own && own->serial)
        give_segment_back(pair, own->serial);
    free(own);
    if (!given_back)
        give_back(pair, (uint32_t)message->token[0]);
}
