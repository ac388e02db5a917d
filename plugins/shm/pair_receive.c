/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving on a pair; see pair.h.
 *
 * Owns: what is lent to the application, and every check of a slot. Each number from the other end's memory is copied once and
 * checked before it is used; texts are copied out, since they have to end; the bytes of a message stay where they are,
 * unless copy=always asks for bytes that nobody can change any more.
 */
#include "pair.h"

#include <stdlib.h>
#include <string.h>

/* What belongs to one message and is not in shared memory; via_msg.token[1], or 0. */
typedef struct belongings {
    uint32_t serial; /* of the segment that the message lies in, 0 = none */
    bool given_back; /* its slot is: the bytes are in `bytes` */
    char key[256];
    char type[256];
    alignas(max_align_t) unsigned char bytes[];
} belongings;

/* One slot, read once. */
typedef struct letter {
    union {
        unsigned char raw[SHM_SLOT_HEAD];
        shm_slot slot; /* without its bytes */
    } head;
    const unsigned char *bytes;
    const unsigned char *texts;
} letter;

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

static bool fits(uint64_t place, uint64_t size, uint64_t whole)
{
    return place <= whole && size <= whole - place;
}

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

static bool find_texts(const shm_pair *pair, const shm_slot *from, letter *out)
{
    const shm_slot *head = &out->head.slot;
    uint64_t size = (uint64_t)head->key_size + head->type_size;
    uint64_t before = head->kind == SHM_IN_SLOT ? head->size : 0;

    if (head->key_size > 256 || head->type_size > 256)
        return false;
    out->texts = head->texts_in_slot ? from->bytes + before : pair->their_arena + head->texts_place;
    return head->texts_in_slot ? fits(before, size, SHM_SLOT_BYTES)
                               : fits(head->texts_place, size, pair->their_arena_size);
}

static bool find_bytes(shm_pair *pair, const shm_slot *from, letter *out)
{
    const shm_slot *head = &out->head.slot;

    if (head->size > pair->settings.max_message)
        return false;
    if (head->kind == SHM_IN_SLOT)
        out->bytes = head->size <= SHM_SLOT_BYTES ? from->bytes : NULL;
    else if (head->kind == SHM_IN_ARENA)
        out->bytes = fits(head->place, head->size, pair->their_arena_size) ? pair->their_arena + head->place : NULL;
    else if (head->kind == SHM_IN_SEGMENT)
        out->bytes = find_in_segment(pair, head->segment, head->size);
    return out->bytes != NULL;
}

static bool read_slot(shm_pair *pair, const shm_slot *from, letter *out)
{
    memcpy(out->head.raw, from, SHM_SLOT_HEAD);
    __asm__ volatile("" ::: "memory"); /* what was copied is what is checked and used */
    out->bytes = out->texts = NULL;
    const shm_slot *head = &out->head.slot;
    if ((head->key_size || head->type_size) && !find_texts(pair, from, out))
        return false;
    return find_bytes(pair, from, out);
}

/* ---- lending ------------------------------------------------------------------------------------------------ */

static const char *copy_text(char to[256], const unsigned char *from, size_t skip, uint16_t size)
{
    if (size == 0)
        return NULL;
    memcpy(to, from + skip, size);
    to[size - 1] = '\0';
    return to;
}

static via_status make_belongings(shm_pair *pair, const letter *from, via_msg *message)
{
    const shm_slot *head = &from->head.slot;
    bool copies = pair->settings.copies;
    belongings *made = malloc(sizeof(*made) + (copies ? (size_t)head->size : 0));

    if (!made)
        return VIA_ENOMEM;
    made->serial = head->kind == SHM_IN_SEGMENT ? head->segment : 0;
    made->given_back = false;
    message->meta.key = copy_text(made->key, from->texts, 0, head->key_size);
    message->meta.content_type = copy_text(made->type, from->texts, head->key_size, head->type_size);
    if (copies) {
        memcpy(made->bytes, from->bytes, (size_t)head->size);
        message->data = made->bytes;
    }
    message->token[1] = (uintptr_t)made;
    return VIA_OK;
}

static via_status lend(shm_pair *pair, const letter *from, via_msg *message)
{
    const shm_slot *head = &from->head.slot;

    *message = (via_msg){.data = (void *)(uintptr_t)from->bytes, /* ours to read; the mapping refuses writing */
                         .size = (size_t)head->size,
                         .meta = {.sequence = pair->sequence + 1, .priority = head->priority},
                         .token = {pair->reader.next, 0}};
    if (head->kind == SHM_IN_SEGMENT || head->key_size || head->type_size || pair->settings.copies)
        return make_belongings(pair, from, message);
    return VIA_OK;
}

static void give_back(shm_pair *pair, uint32_t position)
{
    shm_reader_give_back(&pair->reader, position);
    shm_pair_wake_writer(pair);
}

/* With a copy made, the other end may have its memory again at once. */
static void finish_early(shm_pair *pair, via_msg *message)
{
    belongings *own = (belongings *)message->token[1]; // NOLINT(performance-no-int-to-ptr)

    if (own->serial)
        give_segment_back(pair, own->serial);
    own->serial = 0;
    own->given_back = true;
    give_back(pair, (uint32_t)message->token[0]);
}

static via_status take(shm_pair *pair, via_msg *message)
{
    letter found;

    if (!read_slot(pair, shm_reader_slot(&pair->reader), &found))
        return shm_pair_end(pair, VIA_EPROTO, "the other end described a message that cannot be");
    via_status status = lend(pair, &found, message);
    if (status != VIA_OK) {
        if (found.head.slot.kind == SHM_IN_SEGMENT)
            give_segment_back(pair, found.head.slot.segment);
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
    belongings *own = (belongings *)message->token[1]; // NOLINT(performance-no-int-to-ptr)
    bool given_back = own && own->given_back;

    if (own && own->serial)
        give_segment_back(pair, own->serial);
    free(own);
    if (!given_back)
        give_back(pair, (uint32_t)message->token[0]);
}
