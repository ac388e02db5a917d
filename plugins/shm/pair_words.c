/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends of a pair say to each other over their socket; see pair.h.
 *
 * Owns: reading the socket. Must never wait, and believes nothing before it is checked.
 */
#include "kit/fail.h"
#include "pair.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

via_status shm_pair_end(shm_pair *pair, via_status status, const char *what)
{
    int alive = VIA_OK;

    if (!atomic_compare_exchange_strong(&pair->gone, &alive, status))
        return alive;
    via_count(&pair->settings.counters->disconnects, 1);
    if (status == VIA_EPROTO || status == VIA_ETOOBIG)
        via_count(&pair->settings.counters->protocol_errors, 1);
    if (status != VIA_ECLOSED)
        (void)via_fail_channel(pair->settings.host, pair->settings.context, status, 0,
                               status == VIA_ETOOBIG ? "raise max_message at this end if such sizes are meant" : NULL,
                               "%s", what);
    return status;
}

/* ---- hello -------------------------------------------------------------------------------------------------- */

bool shm_pair_is_hello(const shm_word *word, int memory, const char **why)
{
    if (word->kind != SHM_HELLO)
        *why = "it does not begin with a hello";
    else if (word->index != VIA_PATTERN_PAIR)
        *why = "it speaks another pattern; this is a pair";
    else if (memory < 0 || word->slots == 0 || word->slots > SHM_SLOTS_MAX || (word->slots & (word->slots - 1)) != 0 ||
             word->size < SHM_PAGE || word->size > (UINT64_C(1) << 40))
        *why = "its hello describes no memory that can be";
    else
        return true;
    return false;
}

via_status shm_pair_say_hello(shm_pair *pair, int memory)
{
    shm_word word = {.kind = SHM_HELLO,
                     .index = VIA_PATTERN_PAIR,
                     .slots = pair->settings.slots,
                     .flags = (pair->settings.how & SHM_HUGE) | (shm_pair_crosses(pair) ? SHM_CROSSES : 0),
                     .size = pair->settings.ring,
                     .max_message = pair->settings.max_message};

    return shm_word_send(pair->socket, &word, &memory, 1);
}

via_status shm_pair_meet(shm_pair *pair, const shm_word *hello, int memory)
{
    const char *why = NULL;
    uint32_t how = (pair->settings.how & SHM_TOUCH) | (hello->flags & SHM_HUGE);
    size_t head = shm_head_size(hello->slots);

    if (!shm_pair_is_hello(hello, memory, &why))
        return VIA_EPROTO;
    pair->given_back = calloc((hello->slots + 63) / 64, sizeof(*pair->given_back));
    if (!pair->given_back)
        return VIA_ENOMEM;
    via_status status = shm_memory_adopt(memory, shm_memory_round(head + (size_t)hello->size, how), how, &pair->theirs);
    if (status != VIA_OK)
        return status;
    pair->their_control = (const shm_control *)(const void *)pair->theirs.base;
    pair->their_arena = pair->theirs.base + head;
    pair->their_arena_size = hello->size;
    pair->their_slots = hello->slots;
    pair->their_max = hello->max_message;
    pair->crosses_for_us = pair->settings.is_crossed && hello->flags & SHM_CROSSES;
    pair->views.how = pair->settings.how & SHM_TOUCH;
    atomic_store_explicit(&pair->met, 1, memory_order_release);
    return VIA_OK;
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

static void keep_bells(shm_pair *pair, int descriptors[SHM_WORD_DESCRIPTORS])
{
    for (int i = 0; i < SHM_BELL_COUNT; i++) {
        int none = -1;
        if (descriptors[i] >= 0 && atomic_compare_exchange_strong(&pair->their_bells[i], &none, descriptors[i]))
            descriptors[i] = -1;
    }
}

static void heed(shm_pair *pair, const shm_word *word, int descriptors[SHM_WORD_DESCRIPTORS])
{
    via_status status = VIA_OK;

    if (word->kind == SHM_HELLO && !atomic_load_explicit(&pair->met, memory_order_relaxed))
        status = shm_pair_meet(pair, word, descriptors[0]);
    else if (word->kind == SHM_SEGMENT)
        status = shm_views_change(&pair->views, word, descriptors[0]);
    else if (word->kind == SHM_BELLS)
        keep_bells(pair, descriptors);
    else if (word->kind == SHM_REFUSED)
        (void)shm_pair_end(pair, VIA_EPROTO, word->text);
    else if (word->kind == SHM_CELL)
        (void)shm_pair_end(pair, VIA_EPROTO, SHM_CELL_HAS_NAME);
    else
        status = VIA_EPROTO;
    if (status == VIA_EPROTO)
        (void)shm_pair_end(pair, status, "the other end said something that makes no sense");
    else if (status != VIA_OK)
        (void)shm_pair_end(pair, status, "no memory to map what the other end sent");
}

static bool said_goodbye(const shm_pair *pair)
{
    return atomic_load_explicit(&pair->met, memory_order_acquire) &&
           (SHM_LOOK(&pair->their_control->ended) & SHM_GOODBYE) != 0;
}

static void note_silence(shm_pair *pair, via_status status)
{
    if (status == VIA_EPEER && said_goodbye(pair))
        (void)shm_pair_end(pair, VIA_ECLOSED, "");
    else if (status == VIA_EPEER)
        (void)shm_pair_end(pair, VIA_EPEER, "the process at the other end has gone without a goodbye");
    else if (status == VIA_EPROTO)
        (void)shm_pair_end(pair, VIA_EPROTO, "the other end does not speak shm");
}

/* Without a descriptor left, a word is lost for good: what it announced will be missed when it is used. */
void shm_pair_listen(shm_pair *pair)
{
    int descriptors[SHM_WORD_DESCRIPTORS];
    shm_word word;
    via_status status;

    (void)pthread_mutex_lock(&pair->lock);
    while ((status = shm_word_receive(pair->socket, &word, descriptors)) == VIA_OK) {
        heed(pair, &word, descriptors);
        shm_word_close(descriptors);
    }
    (void)pthread_mutex_unlock(&pair->lock);
    if (status == VIA_ELIMIT)
        (void)shm_pair_end(pair, status, "the limit of open files kept out what the other end sent");
    note_silence(pair, status);
}
