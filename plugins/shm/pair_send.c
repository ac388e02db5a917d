/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending on a pair; see pair.h.
 *
 * Owns: finding memory for a message (its slot, the arena, a memory of its own) and when what was given back is used
 * again. A message is written in full before its slot is published. Must never read what the other end wrote, except through
 * ring.h.
 */
#include "ahead.h"
#include "kit/deadline.h"
#include "letter.h"
#include "pair.h"

#include <poll.h>

enum {
    SLOTS_AHEAD = 8,           /* of at least 16 */
    SENDS_BETWEEN_LOOKS = 256, /* a dead receiver takes no notice of a ring that is not full */
    LOAN_IN_SEGMENT = 1        /* via_msg.token[1] of a loan; token[0] is its offset or serial number */
};

/* ---- what was given back ------------------------------------------------------------------------------------ */

static void free_until(shm_pair *pair, uint32_t head)
{
    shm_place place;

    while (shm_holds_take(&pair->holds, head, &place))
        shm_place_give(&place, &pair->arena, &pair->pool);
    pair->writer.head = head;
}

/* As we were told. */
static void collect_heard(shm_pair *pair)
{
    uint32_t head;

    if (shm_writer_hear(&pair->writer, &head))
        free_until(pair, head);
}

/* As it is by now: that takes a line from the other processor. */
static void collect(shm_pair *pair)
{
    shm_writer *writer = &pair->writer;
    uint32_t head;

    if (!writer->theirs && atomic_load_explicit(&pair->met, memory_order_acquire))
        writer->theirs = pair->their_control;
    if (shm_writer_look(writer, &head))
        free_until(pair, head);
    else
        (void)shm_pair_end(pair, VIA_EPROTO, "the other end gave back what it never had");
}

/* Is there enough, if need be after what has been given back is free again? */
static inline bool suffices(shm_pair *pair, bool (*is_enough)(const shm_pair *, size_t), size_t size)
{
    if (is_enough(pair, size))
        return true;
    collect_heard(pair);
    if (is_enough(pair, size))
        return true;
    collect(pair);
    return is_enough(pair, size);
}

/*
 * Who was accepted after our last message may sleep by now. Before its hello has come there is nobody to wake: whoever says it
 * looks at the slots afterwards.
 */
static void wake_reader(shm_pair *pair)
{
    if (!pair->writer.theirs) {
        if (!atomic_load_explicit(&pair->met, memory_order_acquire))
            shm_pair_listen(pair);
        collect(pair);
    }
    pair->owes_call = false;
    shm_pair_wake_reader(pair);
}

static bool is_slot_free(const shm_pair *pair, size_t ignored)
{
    (void)ignored;
    return shm_writer_has_room(&pair->writer);
}

static bool is_arena_free(const shm_pair *pair, size_t size)
{
    return shm_arena_fits(&pair->arena, size);
}

static bool is_segment_free(const shm_pair *pair, size_t size)
{
    return shm_pool_has(&pair->pool, size);
}

bool shm_pair_has_room(shm_pair *pair, void *ignored)
{
    (void)ignored;
    return suffices(pair, is_slot_free, 0);
}

/* ---- placing ------------------------------------------------------------------------------------------------ */

typedef struct request {
    size_t size;
    via_status status; /* VIA_OK, or why it cannot be had at all */
    bool are_texts;    /* which are found in the slot or in the arena, and nowhere else */
    uint64_t offset;   /* NONE = look at segment */
    shm_segment *segment;
} request;

static bool take_segment(shm_pair *pair, request *wish)
{
    (void)suffices(pair, is_segment_free, wish->size);
    via_status status = shm_pool_take(&pair->pool, wish->size, &wish->segment);

    wish->status = status == VIA_ETIMEDOUT ? VIA_OK : status;
    return status != VIA_ETIMEDOUT;
}

/* Whoever waits asks again after it was told yes: a second memory would be nobody's, and the arena full for ever. */
static bool is_granted(const request *wish)
{
    return wish->offset != SHM_ARENA_NONE || wish->segment || wish->status != VIA_OK;
}

/* A loan that lies in the way of the arena is the caller's own: waiting for it would be for ever. */
static bool evade_loan(shm_pair *pair, request *wish)
{
    if (!shm_arena_is_held_by_loan(&pair->arena))
        return false;
    if (!wish->are_texts)
        return take_segment(pair, wish);
    wish->status = VIA_ENOMEM;
    return true;
}

static bool take_memory(shm_pair *pair, void *argument)
{
    request *wish = argument;

    if (is_granted(wish))
        return true;
    if (wish->size > shm_arena_limit(&pair->arena))
        return take_segment(pair, wish);
    if (suffices(pair, is_arena_free, wish->size))
        wish->offset = shm_arena_take(&pair->arena, wish->size);
    return wish->offset != SHM_ARENA_NONE || evade_loan(pair, wish);
}

static via_status wait_for(shm_pair *pair, bool (*is_there)(shm_pair *, void *), void *argument, via_deadline deadline)
{
    const shm_want want = {is_there, argument, true};

    if (is_there(pair, argument))
        return VIA_OK;
    wake_reader(pair); /* it has to see what VIA_MORE held back, or there is never room */
    return shm_pair_await(pair, &want, deadline);
}

static via_status find_memory(shm_pair *pair, request *wish, via_deadline deadline)
{
    wish->offset = SHM_ARENA_NONE;
    via_status status = wait_for(pair, take_memory, wish, deadline);

    if (status == VIA_ETIMEDOUT)
        pair->lack = (shm_lack){wish->size, wish->are_texts};
    return status == VIA_OK ? wish->status : status;
}

/* What cannot be had at all counts as there: the next send tells so. */
bool shm_pair_has_memory(shm_pair *pair)
{
    request wish = {.size = pair->lack.size, .are_texts = pair->lack.are_texts, .offset = SHM_ARENA_NONE};

    if (wish.size == 0)
        return true;
    if (wish.size <= shm_arena_limit(&pair->arena)) {
        /* Nothing may be taken on trial: what is given back there is free only after all that was taken before it. */
        if (suffices(pair, is_arena_free, wish.size))
            return true;
        if (!evade_loan(pair, &wish))
            return false;
    } else if (!take_segment(pair, &wish)) {
        return false;
    }
    if (wish.segment)
        shm_pool_give(&pair->pool, wish.segment->serial);
    return true;
}

static via_status find_places(shm_pair *pair, const shm_parcel *what, shm_place *place, via_deadline deadline)
{
    size_t texts = shm_parcel_texts(what);
    request body = {.size = what->size, .offset = SHM_ARENA_NONE}, words = {.size = texts, .are_texts = true};
    via_status status = shm_holds_reserve(&pair->holds) ? find_memory(pair, &body, deadline) : VIA_ENOMEM;

    place->offset = body.offset;
    place->segment = body.segment;
    if (status == VIA_OK && texts > SHM_SLOT_BYTES) {
        status = find_memory(pair, &words, deadline);
        place->texts = words.offset;
    }
    if (status == VIA_OK)
        status = wait_for(pair, shm_pair_has_room, NULL, deadline);
    if (status != VIA_OK)
        shm_place_give(place, &pair->arena, &pair->pool);
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static void publish(shm_pair *pair, bool more)
{
    shm_writer_publish(&pair->writer);
    if (more)
        pair->owes_call = true;
    else
        wake_reader(pair);
}

/*
 * What the other end has looked at comes back while the bytes are copied, instead of one line after the other when each is
 * written: the end of the memory, the slot, and how much has been given back meanwhile.
 */
static void copy(const shm_pair *pair, const shm_parcel *what, unsigned char *to, const shm_slot *slot)
{
    shm_ahead_of_write(to + (what->size > 0 ? what->size - 1 : 0));
    shm_ahead_of_write(slot);
    if (pair->writer.theirs)
        shm_ahead_of_look(&pair->writer.theirs->head);
    shm_parcel_copy(what, to);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

/* May we send at all? */
static via_status check(shm_pair *pair, size_t size)
{
    if (via_wake_is_raised(&pair->wake))
        return VIA_ECANCELED;
    if (pair->sends_to_go-- == 0) {
        pair->sends_to_go = SENDS_BETWEEN_LOOKS;
        shm_pair_listen(pair);
    }
    int gone = atomic_load_explicit(&pair->gone, memory_order_relaxed);
    if (gone != VIA_OK)
        return gone;
    if (!pair->writer.theirs)
        return VIA_OK;
    if (SHM_GET(&pair->writer.theirs->ended) & SHM_GOODBYE)
        return VIA_ECLOSED;
    return size > pair->their_max ? VIA_ETOOBIG : VIA_OK;
}

/*
 * A slot that is needed soon comes back from the other processor while those before it are filled. Only one that has been given
 * back: of the others somebody may be reading.
 */
static inline void fetch_ahead(const shm_writer *writer)
{
    const shm_slot *slot = &writer->slots[(writer->tail + SLOTS_AHEAD) & writer->mask];

    if (writer->tail + SLOTS_AHEAD - writer->head > writer->mask)
        return;
    shm_ahead_of_write(slot);
    shm_ahead_of_write(slot->bytes + SHM_SLOT_BYTES - 1);
}

/* Most messages are small, and need nothing but their slot. This is the way that has to be short. */
static inline via_status put_in_slot(shm_pair *pair, const shm_parcel *what, via_deadline deadline)
{
    if (!shm_writer_has_room(&pair->writer)) {
        via_status status = wait_for(pair, shm_pair_has_room, NULL, deadline);
        if (status != VIA_OK)
            return status;
    }
    shm_slot *slot = shm_writer_slot(&pair->writer);
    fetch_ahead(&pair->writer);
    shm_parcel_copy(what, slot->bytes);
    shm_letter_write_in_slot(&slot->letter, what, slot->bytes);
    return VIA_OK;
}

static __attribute__((noinline)) via_status put_elsewhere(shm_pair *pair, const shm_parcel *what, via_deadline deadline)
{
    shm_place place = SHM_IN_ITS_SLOT;
    via_status status = find_places(pair, what, &place, deadline);

    if (status != VIA_OK)
        return status;
    shm_slot *slot = shm_writer_slot(&pair->writer);
    copy(pair, what, shm_place_bytes(&place, &pair->arena, slot->bytes), slot);
    shm_letter_write(&slot->letter, what, &place, &pair->arena, slot->bytes);
    shm_holds_add(&pair->holds, pair->writer.tail, &place);
    return VIA_OK;
}

via_status shm_pair_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                         via_deadline deadline)
{
    shm_pair *pair = channel;
    const shm_parcel what = shm_parcel_wrap(slices, count, meta);
    via_status status = check(pair, what.size);

    pair->lack.size = 0;
    if (status == VIA_OK && what.size + shm_parcel_texts(&what) <= SHM_SLOT_BYTES)
        status = put_in_slot(pair, &what, deadline);
    else if (status == VIA_OK)
        status = put_elsewhere(pair, &what, deadline);
    if (status == VIA_OK)
        publish(pair, meta && meta->flags & VIA_MORE);
    return status;
}

via_status shm_pair_loan(void *channel, size_t size, via_deadline deadline, via_msg *message)
{
    shm_pair *pair = channel;
    request wish = {.size = size};
    via_status status = check(pair, size);

    pair->lack.size = 0;
    if (status == VIA_OK)
        status = find_memory(pair, &wish, deadline);
    memset(message, 0, sizeof(*message));
    if (status != VIA_OK)
        return status;
    message->size = size;
    if (wish.segment) {
        message->data = wish.segment->memory.base;
        message->token[0] = wish.segment->serial;
        message->token[1] = LOAN_IN_SEGMENT;
    } else {
        shm_arena_lend(&pair->arena, wish.offset, true);
        message->data = pair->arena.base + wish.offset;
        message->token[0] = wish.offset;
    }
    return VIA_OK;
}

/* Where the loan lies. */
static shm_place place_of(shm_pair *pair, const via_msg *message)
{
    shm_place place = SHM_IN_ITS_SLOT;

    if (message->token[1] == LOAN_IN_SEGMENT)
        place.segment = shm_pool_find(&pair->pool, (uint32_t)message->token[0]);
    else
        place.offset = message->token[0];
    return place;
}

static uint64_t room_of(const shm_pair *pair, const shm_place *place)
{
    return place->segment ? place->segment->asked : shm_arena_holds(&pair->arena, place->offset);
}

via_status shm_pair_commit(void *channel, via_msg *message, via_deadline deadline)
{
    shm_pair *pair = channel;
    const via_slice slice = {message->data, message->size};
    shm_parcel what = shm_parcel_wrap(&slice, 1, &message->meta);
    shm_place place = place_of(pair, message);
    request words = {.size = shm_parcel_texts(&what), .are_texts = true, .offset = SHM_ARENA_NONE};
    via_status status = what.size <= room_of(pair, &place) ? check(pair, what.size) : VIA_EINVAL;

    pair->lack.size = 0;
    if (status == VIA_OK && !shm_holds_reserve(&pair->holds))
        status = VIA_ENOMEM;
    if (status == VIA_OK && words.size > SHM_SLOT_BYTES)
        status = find_memory(pair, &words, deadline);
    place.texts = words.offset;
    if (status == VIA_OK)
        status = wait_for(pair, shm_pair_has_room, NULL, deadline);
    if (status != VIA_OK) {
        if (words.offset != SHM_ARENA_NONE)
            shm_arena_give(&pair->arena, words.offset);
        return status;
    }
    if (!place.segment)
        shm_arena_lend(&pair->arena, place.offset, false);
    shm_slot *slot = shm_writer_slot(&pair->writer);
    shm_letter_write(&slot->letter, &what, &place, &pair->arena, slot->bytes);
    shm_holds_add(&pair->holds, pair->writer.tail, &place);
    publish(pair, message->meta.flags & VIA_MORE);
    return VIA_OK;
}

void shm_pair_discard(void *channel, via_msg *message)
{
    shm_pair *pair = channel;
    shm_place place = place_of(pair, message);

    shm_place_give(&place, &pair->arena, &pair->pool);
}

via_status shm_pair_flush(void *channel, via_deadline deadline)
{
    shm_pair *pair = channel;

    (void)deadline;
    if (pair->owes_call)
        wake_reader(pair);
    return via_wake_is_raised(&pair->wake) ? VIA_ECANCELED : VIA_OK;
}

via_status shm_pair_finish(void *channel, via_deadline deadline)
{
    shm_pair *pair = channel;

    SHM_PUBLISH(&pair->ours->ended, SHM_GET(&pair->ours->ended) | SHM_FINISHED);
    pair->owes_call = true;
    return shm_pair_flush(channel, deadline);
}

/* The hello of the other end has come, or it never will. */
static bool is_answered(const shm_pair *pair)
{
    return atomic_load_explicit(&pair->met, memory_order_acquire) || atomic_load(&pair->gone) != VIA_OK;
}

/*
 * What was sent lies in memory that whoever accepts has, too; it needs us no more. But one who speaks another pattern refuses it, and
 * then it is lost: so for a while after connecting the answer is waited for. A listener that is in no call cannot refuse yet.
 */
via_status shm_pair_drain(void *channel, via_deadline deadline, uint64_t *undelivered)
{
    shm_pair *pair = channel;
    via_deadline until = via_deadline_min(deadline, pair->greeted_by);
    via_status status = shm_pair_flush(pair, VIA_NOW);

    *undelivered = pair->writer.tail;
    while (status == VIA_OK && *undelivered > 0 && !is_answered(pair)) {
        status = via_wake_poll(&pair->wake, pair->socket, POLLIN, until);
        if (status == VIA_OK)
            shm_pair_listen(pair);
    }
    if (status == VIA_ETIMEDOUT && via_deadline_left(pair->greeted_by) == 0)
        status = VIA_OK;
    if (status == VIA_OK && !atomic_load_explicit(&pair->met, memory_order_acquire))
        status = atomic_load(&pair->gone);
    if (status == VIA_OK)
        *undelivered = 0;
    return status;
}
