/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving on a pair; see pair.h.
 *
 * Owns: what is lent to the application. What a slot says is copied and checked (letter.h); texts are copied out, since they
 * have to end; the bytes of a message stay where they are, unless copy=always asks for bytes that nobody can change any more.
 */
#include "ahead.h"
#include "letter.h"
#include "pair.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS_AHEAD = 2 };

static void meet_sender(shm_pair *pair)
{
    if (!atomic_load_explicit(&pair->met, memory_order_acquire))
        return;
    pair->reader.theirs = pair->their_control;
    pair->reader.mask = pair->their_slots - 1;
    pair->reader.given_back = pair->given_back;
    pair->reader.slots = (const shm_slot *)(const void *)(pair->theirs.base + SHM_SLOTS_AT);
}

bool shm_pair_has_message(shm_pair *pair, void *ignored)
{
    (void)ignored;
    if (!pair->reader.slots)
        meet_sender(pair);
    return pair->reader.slots && shm_reader_has_message(&pair->reader);
}

/* ---- checking ----------------------------------------------------------------------------------------------- */

/* What the slot says, and the view of the segment that it names, borrowed; NULL = it names none. */
typedef struct reading {
    shm_reading found;
    shm_view *view;
} reading;

/* A segment that is not known yet has been announced before its message. */
static bool find_segment(shm_pair *pair, reading *out)
{
    const shm_letter *letter = &out->found.letter;

    out->view = shm_views_borrow(&pair->views, letter->segment, letter->size);
    if (!out->view) {
        shm_pair_listen(pair);
        out->view = shm_views_borrow(&pair->views, letter->segment, letter->size);
    }
    if (out->view)
        out->found.bytes = out->view->memory.base;
    return out->view != NULL;
}

/* What comes after the next one, where it is there already. */
static inline void look_ahead(const shm_reader *reader)
{
    const shm_slot *slot = &reader->slots[(reader->next + SLOTS_AHEAD) & reader->mask];

    shm_ahead_of_look(shm_reader_slot(reader));
    shm_ahead_of_look(slot);
    shm_ahead_of_look(slot->bytes + SHM_SLOT_BYTES - 1);
}

static bool read_slot(shm_pair *pair, const shm_slot *from, reading *out)
{
    const shm_sender sender = {pair->their_arena, pair->their_arena_size, pair->settings.max_message};

    out->view = NULL;
    memcpy(&out->found.letter, &from->letter, sizeof(out->found.letter));
    __asm__ volatile("" ::: "memory"); /* what was copied is what is checked and used */
    if (!shm_letter_find(&sender, from->bytes, &out->found))
        return false;
    return out->found.letter.kind != SHM_IN_SEGMENT || find_segment(pair, out);
}

/* ---- lending ------------------------------------------------------------------------------------------------ */

/* via_msg.token[1]: belongings, which own the view; or a view alone, marked so. 0 = neither. */
enum { IS_VIEW = 1 };

static shm_belongings *belongings_of(const via_msg *message)
{
    bool are = !(message->token[1] & IS_VIEW);

    return are ? (shm_belongings *)message->token[1] : NULL; // NOLINT(performance-no-int-to-ptr)
}

static shm_view *view_of(const via_msg *message)
{
    const shm_belongings *own = belongings_of(message);

    if (own)
        return own->owner;
    return (shm_view *)(message->token[1] & ~(uintptr_t)IS_VIEW); // NOLINT(performance-no-int-to-ptr)
}

static via_status lend(shm_pair *pair, const reading *from, via_msg *message)
{
    const shm_letter *letter = &from->found.letter;

    *message = (via_msg){.data = (void *)(uintptr_t)from->found.bytes, /* ours to read; the mapping refuses writing */
                         .size = (size_t)letter->size,
                         .meta = {.sequence = pair->sequence + 1, .priority = letter->priority},
                         .token = {pair->reader.next, from->view ? (uintptr_t)from->view | IS_VIEW : 0}};
    if (!letter->key_size && !letter->type_size && !pair->settings.copies)
        return VIA_OK;
    shm_belongings *own = shm_belongings_make(&from->found, pair->settings.copies, message);
    if (!own)
        return VIA_ENOMEM;
    own->owner = from->view;
    message->token[1] = (uintptr_t)own;
    return VIA_OK;
}

static void give_back(shm_pair *pair, uint32_t position)
{
    shm_reader_give_back(&pair->reader, position);
    shm_pair_wake_writer(pair);
}

/* With a copy made, the other end may have its memory again at once. */
static void finish_early(shm_pair *pair, const via_msg *message)
{
    shm_belongings *own = belongings_of(message);

    if (own->owner)
        shm_view_give_back(own->owner);
    own->owner = NULL;
    own->given_back = true;
    give_back(pair, (uint32_t)message->token[0]);
}

static via_status take(shm_pair *pair, via_msg *message)
{
    reading read;

    shm_reader_hear(&pair->reader);
    bool is_sound = read_slot(pair, shm_reader_slot(&pair->reader), &read);
    if (!is_sound && read.found.letter.size > pair->settings.max_message)
        return shm_pair_end(pair, VIA_ETOOBIG, "the other end sends a message above max_message");
    if (!is_sound)
        return shm_pair_end(pair, VIA_EPROTO, "the other end described a message that cannot be");
    via_status status = lend(pair, &read, message);
    if (status != VIA_OK) {
        if (read.view)
            shm_view_give_back(read.view);
        return status;
    }
    pair->reader.next++;
    pair->sequence++;
    look_ahead(&pair->reader);
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
    shm_belongings *own = belongings_of(message);
    shm_view *view = view_of(message);
    bool given_back = own && own->given_back;

    if (view)
        shm_view_give_back(view);
    free(own);
    if (!given_back)
        give_back(pair, (uint32_t)message->token[0]);
}
