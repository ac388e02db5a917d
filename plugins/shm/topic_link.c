/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One publisher, as a subscriber sees it; see topic_link.h.
 *
 * Must never believe what the publisher wrote before it is copied and checked.
 */
#include "topic_link.h"

#include "futex.h"
#include "ring.h"
#include "topic.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- life --------------------------------------------------------------------------------------------------- */

topic_link *topic_link_create(int socket, const char *path)
{
    topic_link *made = calloc(1, sizeof(*made));

    if (!made) {
        (void)close(socket);
        return NULL;
    }
    made->socket = socket;
    if (path)
        topic_door_find(&made->door, path, socket);
    return made;
}

void topic_link_hang_up(topic_link *link)
{
    topic_door_close(&link->door, VIA_CLOSE_FLUSH);
    if (link->socket >= 0)
        (void)close(link->socket);
    link->socket = -1;
}

void topic_link_destroy(topic_link *link)
{
    topic_link_hang_up(link);
    shm_views_drop(&link->views);
    shm_memory_drop(&link->theirs);
    shm_memory_drop(&link->memory);
    free(link->given);
    free(link);
}

/* ---- hello -------------------------------------------------------------------------------------------------- */

via_status topic_link_say_hello(topic_link *link, const shm_settings *settings)
{
    shm_word word = {.kind = SHM_HELLO,
                     .index = VIA_PATTERN_TOPIC,
                     .flags = link->door.board ? (uint32_t)TOPIC_KNOCKS : 0,
                     .from = settings->history,
                     .max_message = settings->max_message};
    int memory = -1;
    via_status status = shm_memory_create(SHM_PAGE, 0, &link->memory, &memory);

    if (status != VIA_OK)
        return status;
    link->desk = (topic_desk *)(void *)link->memory.base;
    status = shm_word_send(link->socket, &word, &memory, 1);
    (void)close(memory);
    if (link->door.board)
        SHM_BUMP(&link->door.board->joins);
    return status;
}

static size_t head_size(const shm_word *hello)
{
    return topic_head_size(hello->slots, (hello->flags & TOPIC_TICKETS) != 0);
}

static void begin(topic_link *link, const shm_settings *settings, const shm_word *hello)
{
    const unsigned char *base = link->theirs.base;
    size_t head = head_size(hello);

    link->control = (const topic_control *)(const void *)base;
    link->reader = (topic_reader){.slots = (const topic_slot *)(const void *)(base + SHM_SLOTS_AT),
                                  .theirs = link->control,
                                  .mask = hello->slots - 1,
                                  .next = hello->from};
    if (settings->many)
        link->reader.tickets = (const shm_word64 *)(const void *)(link->reader.slots + hello->slots);
    link->sender = (shm_sender){base + head, hello->size, hello->max_message};
    link->views.how = settings->how & SHM_TOUCH;
    link->is_lossy = (hello->flags & TOPIC_LOSSY) != 0;
    link->number = hello->serial;
    link->head = hello->from;
    link->sequence = hello->sequence;
    topic_reader_give_back(link->desk, link->head);
}

via_status topic_link_meet(topic_link *link, const shm_settings *settings, const shm_word *hello, int memory)
{
    const char *why;
    uint32_t how = (settings->how & SHM_TOUCH) | (hello->flags & SHM_HUGE);
    size_t head = head_size(hello);

    if (link->control || !topic_is_publisher(hello, memory, &why))
        return VIA_EPROTO;
    if (settings->many && !(hello->flags & TOPIC_TICKETS))
        return VIA_EPROTO;
    link->given = calloc((hello->slots + 63) / 64, sizeof(uint64_t));
    if (!link->given)
        return VIA_ENOMEM;
    via_status status = shm_memory_adopt(memory, shm_memory_round(head + (size_t)hello->size, how), how, &link->theirs);
    if (status == VIA_OK)
        begin(link, settings, hello);
    return status;
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

static via_status heed(topic_link *link, const shm_settings *settings, const shm_word *word,
                       const int descriptors[SHM_WORD_DESCRIPTORS])
{
    if (word->kind == SHM_RING)
        return VIA_OK;
    if (word->kind == SHM_REFUSED)
        memcpy(link->refusal, word->text, sizeof(link->refusal));
    if (word->kind == SHM_CELL)
        (void)snprintf(link->refusal, sizeof(link->refusal), "%s", SHM_CELL_HAS_NAME);
    if (word->kind == SHM_SEGMENT)
        return shm_views_change(&link->views, word, descriptors[0]);
    return word->kind == SHM_HELLO ? topic_link_meet(link, settings, word, descriptors[0]) : VIA_EPROTO;
}

via_status topic_link_listen(topic_link *link, const shm_settings *settings)
{
    int descriptors[SHM_WORD_DESCRIPTORS];
    shm_word word;
    via_status status = VIA_OK;

    if (link->socket < 0)
        return VIA_OK;
    while (status == VIA_OK && (status = shm_word_receive(link->socket, &word, descriptors)) == VIA_OK) {
        status = heed(link, settings, &word, descriptors);
        shm_word_close(descriptors);
    }
    if (status == VIA_ETIMEDOUT && link->control && SHM_LOOK(&link->control->ended) & SHM_GOODBYE)
        return VIA_EPEER;
    return status == VIA_ETIMEDOUT ? VIA_OK : status;
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

via_status topic_link_look(topic_link *link)
{
    topic_found found;

    if (!link->control)
        return VIA_ETIMEDOUT;
    while ((found = topic_reader_look(&link->reader)) == TOPIC_LAPPED) {
        uint64_t before = link->reader.next;
        if (!link->is_lossy || !topic_reader_jump(&link->reader, link->is_hurried))
            return VIA_EPROTO;
        SHM_PUT(&link->desk->missed, SHM_GET(&link->desk->missed) + link->reader.next - before);
        topic_reader_give_back(link->desk, link->reader.next);
        link->is_hurried = true;
    }
    return found == TOPIC_THERE ? VIA_OK : VIA_ETIMEDOUT;
}

bool topic_link_holds(topic_link *link)
{
    return !link->is_lossy || topic_reader_holds(&link->reader);
}

/* A segment that is not known yet has been announced before its message; to one who lags far behind perhaps later. */
static const unsigned char *find_in_segment(topic_link *link, const shm_settings *settings, const shm_letter *letter)
{
    const shm_view *view = shm_views_find(&link->views, letter->segment);

    if (!view && topic_link_listen(link, settings) != VIA_EPROTO)
        view = shm_views_find(&link->views, letter->segment);
    return view && letter->size <= view->memory.size ? view->memory.base : NULL;
}

/* It cannot be had. To have lost it is no lie of the publisher's, if it waits for nobody. */
static via_status lose(topic_link *link, bool is_lie)
{
    if (!topic_link_holds(link))
        return VIA_ETIMEDOUT;
    if (is_lie || !link->is_lossy)
        return VIA_EPROTO;
    link->reader.next++;
    SHM_PUT(&link->desk->missed, SHM_GET(&link->desk->missed) + 1);
    topic_reader_give_back(link->desk, link->reader.next);
    return VIA_ETIMEDOUT;
}

via_status topic_link_read(topic_link *link, const shm_settings *settings, shm_reading *reading)
{
    const topic_slot *slot = topic_reader_slot(&link->reader);

    memcpy(&reading->letter, &slot->letter, sizeof(reading->letter));
    __asm__ volatile("" ::: "memory"); /* what was copied is what is checked and used */
    if (!shm_letter_find(&link->sender, slot->bytes, reading))
        return lose(link, true);
    if (reading->letter.size > settings->max_message)
        return topic_link_holds(link) ? VIA_ETOOBIG : VIA_ETIMEDOUT;
    if (reading->letter.kind == SHM_IN_SEGMENT)
        reading->bytes = find_in_segment(link, settings, &reading->letter);
    return reading->bytes ? VIA_OK : lose(link, false);
}

/* ---- giving back -------------------------------------------------------------------------------------------- */

static bool take_flag(topic_link *link, uint64_t position)
{
    uint64_t *flags = &link->given[(position & link->reader.mask) / 64];
    uint64_t flag = UINT64_C(1) << (position & link->reader.mask & 63);
    bool was_set = (*flags & flag) != 0;

    *flags &= ~flag;
    return was_set;
}

/* The publisher is woken if it waits for us. */
static void answer(topic_link *link)
{
    shm_word ring = {.kind = SHM_RING};
    uint32_t call = shm_called(&link->control->write_call, &link->answered);

    if (!call)
        return;
    SHM_AFTER();
    if (SHM_GET(&link->control->waits_for) != link->number)
        return;
    if (call & SHM_CALL_FUTEX) {
        SHM_PUBLISH(&link->desk->given, SHM_GET(&link->desk->given) + 1);
        shm_futex_wake(&link->desk->given);
    }
    if (call & SHM_CALL_BELL && link->socket >= 0)
        (void)shm_word_send(link->socket, &ring, NULL, 0);
}

/* Those after it may have been given back before; the head moves over all that have. */
void topic_link_give_back(topic_link *link, uint64_t position)
{
    if (position != link->head) {
        link->given[(position & link->reader.mask) / 64] |= UINT64_C(1) << (position & link->reader.mask & 63);
        return;
    }
    link->head++;
    while (link->head != link->reader.next && take_flag(link, link->head))
        link->head++;
    topic_reader_give_back(link->desk, link->head);
    answer(link);
}

uint64_t topic_link_advance(topic_link *link, uint64_t sequence, bool given_back)
{
    uint64_t position = link->reader.next++, gap = sequence - link->sequence;

    link->sequence = sequence + 1;
    link->is_hurried = false;
    if (link->is_lossy)
        topic_reader_give_back(link->desk, link->reader.next);
    else if (given_back)
        topic_link_give_back(link, position);
    return gap;
}
