/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the pages of others; see pages.h.
 *
 * Must never trust a page: its owner may be writing, a later version, or somebody who likes to play. Every size is checked,
 * every text is cut at its field's end.
 */
#include "stats/pages.h"

#include "kit/identity.h"
#include "load/explain.h"
#include "manifest/plugin_manifest.h"
#include "platform/folder.h"
#include "platform/page_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct page {
    unsigned char *bytes;
    size_t size;
    const via_page_head *head;
    bool is_dead;
} page;

/* ---- one page ----------------------------------------------------------------------------------------------- */

static bool is_terminated(const char *text, size_t capacity)
{
    return memchr(text, '\0', capacity) != NULL;
}

static bool is_sound(const page *one)
{
    const via_page_head *head = one->head;

    return one->size >= sizeof(*head) && memcmp(head->magic, VIA_PAGE_MAGIC, sizeof(head->magic)) == 0 &&
           head->head_bytes >= sizeof(*head) && head->head_bytes <= one->size && head->slot_bytes >= sizeof(via_slot) &&
           is_terminated(head->identity, sizeof(head->identity)) && is_terminated(head->program, sizeof(head->program));
}

static bool open_page(const char *folder, const char *name, page *one)
{
    if (!via_page_file_read(folder, name, VIA_PAGES_LARGEST, &one->bytes, &one->size))
        return false;
    one->head = (const via_page_head *)one->bytes;
    if (!is_sound(one)) {
        free(one->bytes);
        return false;
    }
    one->is_dead = via_identity_is_gone(one->head->identity);
    return true;
}

/* ---- what it says ------------------------------------------------------------------------------------------- */

static void put_text(json_t *object, const char *key, const char *text, size_t capacity)
{
    char copy[512];

    (void)snprintf(copy, sizeof(copy), "%.*s", (int)(capacity < sizeof(copy) ? capacity : sizeof(copy) - 1), text);
    (void)json_object_set_new(object, key, via_explain_text(copy));
}

static void put_number(json_t *object, const char *key, uint64_t number)
{
    (void)json_object_set_new(object, key, json_integer(number > INT64_MAX ? INT64_MAX : (json_int_t)number));
}

static uint64_t load(const _Atomic(uint64_t) *word)
{
    return atomic_load_explicit((_Atomic(uint64_t) *)(uintptr_t)word, memory_order_relaxed);
}

static void put_drops(json_t *object, const via_counters *counters)
{
    put_number(object, "dropped_oldest", counters->dropped_oldest);
    put_number(object, "dropped_newest", counters->dropped_newest);
    put_number(object, "dropped_nobody", counters->dropped_nobody);
    put_number(object, "dropped_filter", counters->dropped_filter);
    put_number(object, "dropped_closing", counters->dropped_closing);
    put_number(object, "missed", counters->missed);
    put_number(object, "protocol_errors", counters->protocol_errors);
    put_number(object, "connects", counters->connects);
    put_number(object, "disconnects", counters->disconnects);
}

static void put_counts(json_t *object, const via_slot *slot)
{
    put_number(object, "sent_messages", load(&slot->sender.messages));
    put_number(object, "sent_bytes", load(&slot->sender.bytes));
    put_number(object, "received_messages", load(&slot->receiver.messages));
    put_number(object, "received_bytes", load(&slot->receiver.bytes));
    put_drops(object, &slot->counters);
    put_number(object, "peers", slot->counters.peers);
    put_number(object, "backlog_bytes", slot->counters.backlog_bytes);
}

static const char *state_word(char state)
{
    return state == 'X' ? "ended" : state == 'T' ? "stopped" : "running";
}

static const char *role_word(uint32_t role)
{
    static const char *const words[] = {
        [VIA_PAIR] = "pair",           [VIA_PUSH] = "push",   [VIA_PULL] = "pull",    [VIA_PUBLISH] = "publish",
        [VIA_SUBSCRIBE] = "subscribe", [VIA_VALUE] = "value", [VIA_REGION] = "region"};

    return role < sizeof(words) / sizeof(words[0]) ? words[role] : "?";
}

/* A send is inside the transport, or the last one found no room. */
static const char *sending_word(const via_slot_lane *lane)
{
    uint64_t messages = load(&lane->messages), stuck_at = load(&lane->stuck_at);

    if (load(&lane->begun) > messages + load(&lane->failed))
        return "waits";
    return stuck_at == messages + 1 ? "full" : "idle";
}

static json_t *channel_of(const via_slot *slot, uint32_t kind)
{
    json_t *object = json_object();
    char pattern[64];

    put_number(object, "number", slot->number);
    put_text(object, "kind", kind == VIA_SLOT_LISTENER ? "listener" : "channel", 16);
    put_text(object, "address", slot->address, sizeof(slot->address));
    put_text(object, "endpoint", slot->endpoint, sizeof(slot->endpoint));
    put_text(object, "scheme", slot->scheme, sizeof(slot->scheme));
    put_text(object, "plugin", slot->plugin, sizeof(slot->plugin));
    put_text(object, "pattern", via_pattern_list(slot->pattern, pattern, sizeof(pattern)), sizeof(pattern));
    put_text(object, "role", role_word(slot->role), 16);
    put_number(object, "opened_s", slot->opened_s);
    put_counts(object, slot);
    put_text(object, "sending", sending_word(&slot->sender), 16);
    if (slot->peer_pid > 0) {
        (void)json_object_set_new(object, "peer_pid", json_integer(slot->peer_pid));
        put_text(object, "peer_state", state_word(via_process_state(slot->peer_pid)), 16);
    }
    return object;
}

static const via_slot *slot_of(const page *one, size_t at)
{
    return (const via_slot *)(const void *)(one->bytes + at);
}

static uint32_t kind_of(const via_slot *slot)
{
    return atomic_load_explicit((_Atomic(uint32_t) *)(uintptr_t)&slot->kind, memory_order_relaxed);
}

static json_t *channels_of(const page *one)
{
    json_t *list = json_array();
    const uint32_t size = one->head->slot_bytes;

    for (size_t at = one->head->head_bytes; at + size <= one->size; at += size) {
        const via_slot *slot = slot_of(one, at);
        uint32_t kind = kind_of(slot);
        if (kind == VIA_SLOT_CHANNEL || kind == VIA_SLOT_LISTENER)
            (void)json_array_append_new(list, channel_of(slot, kind));
    }
    return list;
}

static json_t *closed_of(const via_page_head *head)
{
    json_t *object = json_object();

    put_number(object, "channels", load(&head->closed));
    put_number(object, "sent_messages", head->sums.sent_messages);
    put_number(object, "sent_bytes", head->sums.sent_bytes);
    put_number(object, "received_messages", head->sums.received_messages);
    put_number(object, "received_bytes", head->sums.received_bytes);
    put_drops(object, &head->sums);
    return object;
}

static json_t *process_of(const page *one)
{
    const via_page_head *head = one->head;
    json_t *object = json_object();
    char state = one->is_dead ? 'X' : via_process_state(head->pid);

    (void)json_object_set_new(object, "pid", json_integer(head->pid));
    put_text(object, "program", head->program, sizeof(head->program));
    put_text(object, "state", state_word(state), 16);
    put_number(object, "started_s", head->started_s);
    put_number(object, "unseen", load(&head->unseen));
    (void)json_object_set_new(object, "closed", closed_of(head));
    (void)json_object_set_new(object, "channels", channels_of(one));
    return object;
}

/* ---- all ---------------------------------------------------------------------------------------------------- */

enum { NOBODY = -1 }; /* is asked for */

/* A page that was looked at, once. */
typedef struct look {
    const char *name;
    bool is_dead;
    uint64_t started_s;
    json_t *process; /* NULL = not asked for */
} look;

/* Of a process that had nothing open when it ended there is nothing to ask. */
static bool has_objects(const page *one)
{
    const uint32_t size = one->head->slot_bytes;

    for (size_t at = one->head->head_bytes; at + size <= one->size; at += size) {
        if (kind_of(slot_of(one, at)) != VIA_SLOT_FREE)
            return true;
    }
    return false;
}

/* False: there is nothing to see in it. `asked` is a pid, 0 for all. */
static bool look_at(const char *folder, const char *name, int64_t asked, look *found)
{
    page one;

    if (!open_page(folder, name, &one))
        return false;
    const bool is_empty = one.is_dead && !has_objects(&one);
    const bool is_asked = asked == 0 || (asked > 0 && one.head->pid == asked);
    if (is_empty)
        via_page_file_discard(folder, name);
    else
        *found = (look){name, one.is_dead, one.head->started_s, is_asked ? process_of(&one) : NULL};
    free(one.bytes);
    return !is_empty;
}

/* The living, then the dead, the newest first. */
static int by_age(const void *a, const void *b)
{
    const look *left = a, *right = b;

    if (left->is_dead != right->is_dead)
        return left->is_dead - right->is_dead;
    return (left->started_s < right->started_s) - (left->started_s > right->started_s);
}

/* How many are left when those of the dead that are too many have gone. */
static size_t discard_oldest(const char *folder, look *looks, size_t count)
{
    size_t kept = 0;

    qsort(looks, count, sizeof(*looks), by_age);
    while (kept < count && !looks[kept].is_dead)
        kept++;
    kept = count - kept > VIA_PAGES_KEPT ? kept + VIA_PAGES_KEPT : count;
    for (size_t i = kept; i < count; i++) {
        via_page_file_discard(folder, looks[i].name);
        json_decref(looks[i].process);
    }
    return kept;
}

/* Looks at all pages, and removes those that nobody needs. The caller's, with the references in it; NULL: out of memory. */
static look *look_at_all(const char *folder, char **names, size_t *count, int64_t asked)
{
    look *looks = calloc(*count + 1, sizeof(*looks));
    size_t found = 0;

    for (size_t i = 0; looks && i < *count; i++)
        found += look_at(folder, names[i], asked, &looks[found]);
    *count = looks ? discard_oldest(folder, looks, found) : 0;
    return looks;
}

void via_pages_tidy(const char *folder, size_t crowd)
{
    char **names = NULL;
    size_t count = 0;

    if (via_folder_list(folder, VIA_PAGE_SUFFIX, &names, &count, NULL) != VIA_OK)
        return;
    size_t left = count;
    if (count >= crowd)
        free(look_at_all(folder, names, &left, NOBODY));
    via_folder_free(names, count);
}

static int by_pid(const void *a, const void *b)
{
    json_int_t left = json_integer_value(json_object_get(((const look *)a)->process, "pid"));
    json_int_t right = json_integer_value(json_object_get(((const look *)b)->process, "pid"));

    return (left > right) - (left < right);
}

static json_t *list_of(look *looks, size_t count)
{
    json_t *list = json_array();

    qsort(looks, count, sizeof(*looks), by_pid);
    for (size_t i = 0; i < count; i++) {
        if (looks[i].process)
            (void)json_array_append_new(list, looks[i].process);
    }
    return list;
}

json_t *via_pages_read(const char *folder, int64_t pid)
{
    char **names = NULL;
    size_t count = 0;

    if (via_folder_list(folder, VIA_PAGE_SUFFIX, &names, &count, NULL) != VIA_OK)
        return json_array();
    size_t left = count;
    look *looks = look_at_all(folder, names, &left, pid);
    json_t *list = looks ? list_of(looks, left) : NULL;
    free(looks);
    via_folder_free(names, count);
    return list;
}
