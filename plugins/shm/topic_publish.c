/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Publishing; see topic_publisher.h.
 *
 * Owns: the overflow policies, and the order in which a message comes to be: those who wait outside are let in, memory is found,
 * the message is written in full, its slot is published, sleepers are woken.
 */
#include "ahead.h"
#include "kit/deadline.h"
#include "topic_publisher.h"

enum {
    SENDS_BETWEEN_LOOKS = 256, /* how long the dead stay attached while nobody waits for them */
    LOAN_IN_SEGMENT = 1        /* via_msg.token[1] of a loan; token[0] is its offset or serial number */
};

static via_status check(topic_publisher *publisher, size_t size)
{
    if (via_wake_is_raised(&publisher->wake))
        return VIA_ECANCELED;
    if (publisher->sends_to_go-- == 0) {
        publisher->sends_to_go = SENDS_BETWEEN_LOOKS;
        topic_publisher_look(publisher);
    }
    if (topic_publisher_is_visited(publisher))
        topic_publisher_admit(publisher);
    return size > publisher->settings.max_message ? VIA_ETOOBIG : VIA_OK;
}

/* ---- finding room ------------------------------------------------------------------------------------------- */

/* Nobody gets this message. */
static via_status drop(topic_publisher *publisher)
{
    via_count(&publisher->settings.counters->dropped_newest, 1);
    publisher->sequence++;
    return VIA_EDROPPED;
}

/* What to do without room: VIA_OK = try again. */
static via_status overflow(topic_publisher *publisher, via_deadline deadline)
{
    publisher->starved = true;
    if (publisher->settings.overflow == SHM_DROP_NEWEST || publisher->settings.overflow == SHM_FAIL)
        return drop(publisher);
    return topic_publisher_wait(publisher, deadline);
}

typedef enum need { NEED_BYTES, NEED_TEXTS, NEED_SLOT } need;

static via_status find_one(topic_publisher *publisher, need what, size_t size, shm_place *place, via_deadline deadline)
{
    via_status status;

    do {
        status = what == NEED_BYTES   ? topic_publisher_find(publisher, size, place)
                 : what == NEED_TEXTS ? topic_publisher_find_texts(publisher, size, place)
                                      : topic_publisher_find_slot(publisher);
        if (status != VIA_ETIMEDOUT)
            return status;
        status = overflow(publisher, deadline);
    } while (status == VIA_OK);
    return status;
}

/* Texts and slot, once the bytes are placed or need no place. */
static via_status find_rest(topic_publisher *publisher, const shm_parcel *what, shm_place *place, via_deadline deadline)
{
    size_t texts = shm_parcel_texts(what);
    via_status status = VIA_OK;

    if (texts > SHM_SLOT_BYTES)
        status = find_one(publisher, NEED_TEXTS, texts, place, deadline);
    if (status == VIA_OK)
        status = find_one(publisher, NEED_SLOT, 0, place, deadline);
    publisher->starved = status != VIA_OK;
    return status;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* Later than everything that was published before we could see it, by anybody. */
static void take_ticket(topic_publisher *publisher)
{
    uint64_t now = via_deadline_clock();

    publisher->ticket = now > publisher->ticket ? now : publisher->ticket + 1;
    topic_writer_number(&publisher->writer, publisher->ticket);
}

static void publish(topic_publisher *publisher, const shm_parcel *what, const shm_place *place)
{
    topic_slot *slot = topic_writer_slot(&publisher->writer, publisher->writer.tail);

    shm_letter_write(&slot->letter, what, place, &publisher->arena, slot->bytes);
    SHM_PUT(&slot->sequence, ++publisher->sequence);
    if (publisher->writer.tickets)
        take_ticket(publisher);
    topic_writer_publish(&publisher->writer);
    if (publisher->heads.count == 0)
        via_count(&publisher->settings.counters->dropped_nobody, 1);
    if (what->meta && what->meta->flags & VIA_MORE)
        publisher->owes_call = true;
    else
        topic_publisher_call_up(publisher);
}

static via_status send(topic_publisher *publisher, const shm_parcel *what, via_deadline deadline)
{
    shm_place place = SHM_IN_ITS_SLOT;
    via_status status = check(publisher, what->size);

    if (status == VIA_OK && what->size + shm_parcel_texts(what) > SHM_SLOT_BYTES)
        status = find_one(publisher, NEED_BYTES, what->size, &place, deadline);
    if (status == VIA_OK)
        status = find_rest(publisher, what, &place, deadline);
    if (status != VIA_OK) {
        topic_publisher_return(publisher, &place);
        return status == VIA_EDROPPED && publisher->settings.overflow == SHM_DROP_NEWEST ? VIA_OK : status;
    }
    topic_slot *slot = topic_writer_slot(&publisher->writer, publisher->writer.tail);
    shm_ahead_of_write(slot);
    shm_parcel_copy(what, shm_place_bytes(&place, &publisher->arena, slot->bytes));
    publish(publisher, what, &place);
    return VIA_OK;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

via_status topic_publisher_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                                via_deadline deadline)
{
    topic_publisher *publisher = channel;
    const shm_parcel what = shm_parcel_wrap(slices, count, meta);

    (void)pthread_mutex_lock(&publisher->lock);
    via_status status = send(publisher, &what, deadline);
    (void)pthread_mutex_unlock(&publisher->lock);
    return status;
}

static void lend(topic_publisher *publisher, const shm_place *place, size_t size, via_msg *message)
{
    message->size = size;
    message->data = shm_place_bytes(place, &publisher->arena, NULL);
    message->token[0] = place->segment ? place->segment->serial : place->offset;
    message->token[1] = place->segment ? LOAN_IN_SEGMENT : 0;
    if (!place->segment)
        shm_arena_lend(&publisher->arena, place->offset, true);
}

via_status topic_publisher_loan(void *channel, size_t size, via_deadline deadline, via_msg *message)
{
    topic_publisher *publisher = channel;
    shm_place place = SHM_IN_ITS_SLOT;

    memset(message, 0, sizeof(*message));
    (void)pthread_mutex_lock(&publisher->lock);
    via_status status = check(publisher, size);
    if (status == VIA_OK)
        status = find_one(publisher, NEED_BYTES, size, &place, deadline);
    if (status == VIA_OK)
        lend(publisher, &place, size, message);
    publisher->starved = status != VIA_OK;
    (void)pthread_mutex_unlock(&publisher->lock);
    return status;
}

/* Where the loan lies, and how many bytes were lent. */
static shm_place place_of(topic_publisher *publisher, const via_msg *message, uint64_t *lent)
{
    shm_place place = SHM_IN_ITS_SLOT;

    if (message->token[1] == LOAN_IN_SEGMENT) {
        place.segment = shm_pool_find(&publisher->pool, (uint32_t)message->token[0]);
        *lent = place.segment->asked;
    } else {
        place.offset = message->token[0];
        *lent = shm_arena_holds(&publisher->arena, place.offset);
    }
    return place;
}

static via_status commit(topic_publisher *publisher, const via_msg *message, via_deadline deadline)
{
    const via_slice slice = {message->data, message->size};
    const shm_parcel what = shm_parcel_wrap(&slice, 1, &message->meta);
    uint64_t lent;
    shm_place place = place_of(publisher, message, &lent), texts = SHM_IN_ITS_SLOT;
    via_status status = what.size <= lent ? check(publisher, what.size) : VIA_EINVAL;

    if (status == VIA_OK)
        status = find_rest(publisher, &what, &texts, deadline);
    if (status != VIA_OK)
        topic_publisher_return(publisher, &texts);
    if (status == VIA_EDROPPED && publisher->settings.overflow == SHM_DROP_NEWEST) {
        topic_publisher_return(publisher, &place);
        return VIA_OK;
    }
    if (status != VIA_OK)
        return status;
    place.texts = texts.texts;
    if (!place.segment)
        shm_arena_lend(&publisher->arena, place.offset, false);
    else
        topic_publisher_show(publisher, place.segment); /* to those who came since it was lent, and could not be told */
    publish(publisher, &what, &place);
    return VIA_OK;
}

via_status topic_publisher_commit(void *channel, via_msg *message, via_deadline deadline)
{
    topic_publisher *publisher = channel;

    (void)pthread_mutex_lock(&publisher->lock);
    via_status status = commit(publisher, message, deadline);
    (void)pthread_mutex_unlock(&publisher->lock);
    return status;
}

void topic_publisher_discard(void *channel, via_msg *message)
{
    topic_publisher *publisher = channel;
    uint64_t ignored;

    (void)pthread_mutex_lock(&publisher->lock);
    const shm_place place = place_of(publisher, message, &ignored);
    topic_publisher_return(publisher, &place);
    (void)pthread_mutex_unlock(&publisher->lock);
}

via_status topic_publisher_flush(void *channel, via_deadline deadline)
{
    topic_publisher *publisher = channel;

    (void)deadline;
    (void)pthread_mutex_lock(&publisher->lock);
    if (topic_publisher_is_visited(publisher))
        topic_publisher_admit(publisher);
    if (publisher->owes_call)
        topic_publisher_call_up(publisher);
    (void)pthread_mutex_unlock(&publisher->lock);
    return via_wake_is_raised(&publisher->wake) ? VIA_ECANCELED : VIA_OK;
}
