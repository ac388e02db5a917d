/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This process's counter page; see own.h.
 *
 * Owns: which slots are taken. A child of fork() begins anew, and leaves its parent's page alone.
 */
#include "stats/own.h"

#include "core/context.h"
#include "core/environment.h"
#include "kit/identity.h"
#include "kit/runtime.h"
#include "platform/fork_word.h"
#include "platform/mutex.h"
#include "platform/page_file.h"
#include "stats/pages.h"

#include <stdlib.h>
#include <string.h>

enum { WORD_BITS = 64, WORDS = VIA_PAGE_SLOTS / WORD_BITS };

typedef struct own {
    struct own
        *before; /* the parent's: its lock may be held by a thread that is not in this process. Kept, never used */
    uint64_t generation;
    via_mutex lock;
    size_t hosts;
    _Atomic(uint64_t) objects; /* that have had a slot so far */
    bool is_tried;             /* whether there can be a page is known */
    via_page_file file;
    uint32_t reach; /* slots that the file has room for */
    uint64_t taken[WORDS];
} own;

static _Atomic(own *) present;

/* ---- one for each process ----------------------------------------------------------------------------------- */

static own *replace(own *old)
{
    own *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    made->before = old;
    made->generation = via_fork_word_enter();
    via_mutex_init(&made->lock);
    if (atomic_compare_exchange_strong(&present, &old, made))
        return made;
    via_mutex_fini(&made->lock);
    free(made);
    return old;
}

static own *ours(void)
{
    own *now = atomic_load(&present);

    return now && !via_fork_word_is_foreign(now->generation) ? now : replace(now);
}

/* ---- the page ----------------------------------------------------------------------------------------------- */

static via_page_head *head_of(const own *now)
{
    return now->file.base;
}

static bool is_wanted(void)
{
    const char *word = via_environment_get("VIADUCT_STATS", false);

    return !via_environment_is_secure() && (!word || strcmp(word, "0") != 0);
}

static void fill_head(via_page_head *head)
{
    head->head_bytes = VIA_PAGE_HEAD_BYTES;
    head->slot_bytes = VIA_PAGE_SLOT_BYTES;
    head->pid = via_page_file_pid();
    head->started_s = via_page_file_time_s();
    head->sums.size = sizeof(head->sums);
    via_identity_of_self(head->identity);
    via_page_file_program(head->program, sizeof(head->program));
    memcpy(head->magic, VIA_PAGE_MAGIC, sizeof(head->magic));
}

static void make_page(own *now)
{
    char folder[VIA_PAGE_PATH];

    if (!is_wanted() || via_runtime_folder(&via_context_api, VIA_PAGE_FOLDER, folder, sizeof(folder), NULL) != VIA_OK)
        return;
    if (!via_page_file_create(&now->file, folder, VIA_PAGE_HEAD_BYTES, VIA_PAGE_LARGEST))
        return;
    fill_head(head_of(now));
    via_page_file_publish(&now->file);
    via_pages_tidy(folder, VIA_PAGES_CROWD);
}

static bool has_page(own *now)
{
    if (!now->is_tried) {
        now->is_tried = true;
        make_page(now);
    }
    return now->file.base != NULL;
}

void via_stats_enter(void)
{
    own *now = ours();

    if (!now)
        return;
    via_mutex_take(&now->lock);
    now->hosts++;
    via_mutex_give(&now->lock);
}

void via_stats_leave(void)
{
    own *now = ours();

    if (!now)
        return;
    via_mutex_take(&now->lock);
    if (now->hosts > 0 && --now->hosts == 0) {
        via_page_file_remove(&now->file);
        memset(now->taken, 0, sizeof(now->taken));
        now->reach = 0;
        now->is_tried = false;
    }
    via_mutex_give(&now->lock);
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static via_slot *slot_at(const own *now, uint32_t index)
{
    return (via_slot *)((unsigned char *)now->file.base + VIA_PAGE_HEAD_BYTES) + index;
}

static uint32_t find_free(const own *now)
{
    for (uint32_t i = 0; i < WORDS; i++) {
        if (now->taken[i] != UINT64_MAX)
            return i * WORD_BITS + (uint32_t)__builtin_ctzll(~now->taken[i]);
    }
    return VIA_PAGE_SLOTS;
}

/* Room in the file first: a page that the file system has no room for would end the process as it is written to. */
static bool reaches(own *now, uint32_t index)
{
    uint32_t reach = now->reach;

    while (reach <= index)
        reach += VIA_PAGE_GROWTH;
    if (reach > now->reach &&
        !via_page_file_grow(&now->file, VIA_PAGE_HEAD_BYTES + (size_t)reach * VIA_PAGE_SLOT_BYTES))
        return false;
    now->reach = reach;
    return true;
}

static via_slot *take_shared(own *now)
{
    if (!has_page(now))
        return NULL;
    uint32_t index = find_free(now);
    if (index == VIA_PAGE_SLOTS || !reaches(now, index)) {
        (void)atomic_fetch_add(&head_of(now)->unseen, 1);
        return NULL;
    }
    now->taken[index / WORD_BITS] |= UINT64_C(1) << index % WORD_BITS;
    return slot_at(now, index);
}

static via_slot *take_private(void)
{
    via_slot *slot = aligned_alloc(alignof(via_slot), sizeof(*slot));

    if (!slot)
        return NULL;
    memset(slot, 0, sizeof(*slot));
    slot->is_private = 1;
    return slot;
}

via_slot *via_slot_take(void)
{
    own *now = ours();
    via_slot *slot = NULL;

    if (now) {
        via_mutex_take(&now->lock);
        slot = take_shared(now);
        via_mutex_give(&now->lock);
    }
    if (!slot && !(slot = take_private()))
        return NULL;
    slot->peer_pid = -1;
    slot->counters.size = sizeof(slot->counters);
    return slot;
}

void via_slot_show(via_slot *slot, uint32_t kind)
{
    own *now = ours();

    slot->number = now ? atomic_fetch_add(&now->objects, 1) + 1 : 0;
    slot->opened_s = via_page_file_time_s();
    atomic_store_explicit(&slot->kind, kind, memory_order_release);
}

static void add_up(via_counters *sums, const via_slot *slot)
{
    uint64_t *to = &sums->sent_messages;
    const uint64_t *from = &slot->counters.sent_messages;
    const size_t peers = offsetof(via_counters, peers) / sizeof(uint64_t) - 1;

    for (size_t i = 0; i < peers; i++) /* those that only grow */
        __atomic_store_n(&to[i], to[i] + __atomic_load_n(&from[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    sums->sent_messages += atomic_load_explicit(&slot->sender.messages, memory_order_relaxed);
    sums->sent_bytes += atomic_load_explicit(&slot->sender.bytes, memory_order_relaxed);
    sums->received_messages += atomic_load_explicit(&slot->receiver.messages, memory_order_relaxed);
    sums->received_bytes += atomic_load_explicit(&slot->receiver.bytes, memory_order_relaxed);
}

static void give_shared(own *now, via_slot *slot)
{
    via_page_head *head = head_of(now);
    size_t index = (size_t)(slot - slot_at(now, 0));

    if (atomic_exchange(&slot->kind, VIA_SLOT_FREE) == VIA_SLOT_CHANNEL) {
        add_up(&head->sums, slot);
        (void)atomic_fetch_add(&head->closed, 1);
    }
    memset(slot, 0, sizeof(*slot));
    now->taken[index / WORD_BITS] &= ~(UINT64_C(1) << index % WORD_BITS);
}

void via_slot_give(via_slot *slot, bool is_foreign)
{
    if (!slot)
        return;
    if (slot->is_private) {
        free(slot);
        return;
    }
    if (is_foreign)
        return;
    own *now = ours();
    via_mutex_take(&now->lock);
    give_shared(now, slot);
    via_mutex_give(&now->lock);
}
