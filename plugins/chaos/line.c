/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receiving: messages are lost, come twice, late, or out of their order.
 *
 * Owns: the line of those that have come and may not go yet. `queue` is in order, and so are its times, whatever the
 * jitter; `stragglers` wait until others have overtaken them, or for their time. Slots are used again, so that no
 * message costs an allocation once the line has been full.
 */
#include "chaos.h"

#include "kit/deadline.h"

#include <stdlib.h>
#include <string.h>

/* ---- lists -------------------------------------------------------------------------------------------------- */

static void append(chaos_list *list, chaos_slot *slot)
{
    slot->next = NULL;
    if (list->last != NULL)
        list->last->next = slot;
    else
        list->first = slot;
    list->last = slot;
}

static chaos_slot *take_first(chaos_list *list)
{
    chaos_slot *slot = list->first;
    if (slot == NULL)
        return NULL;
    list->first = slot->next;
    if (list->first == NULL)
        list->last = NULL;
    return slot;
}

static void take_out(chaos_list *list, const chaos_slot *slot)
{
    chaos_list kept = {NULL, NULL};
    for (chaos_slot *each = take_first(list); each != NULL; each = take_first(list)) {
        if (each != slot)
            append(&kept, each);
    }
    *list = kept;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

static chaos_slot *get_slot(chaos_channel *chaos)
{
    chaos_slot *slot = take_first(&chaos->spare);
    if (slot == NULL)
        slot = calloc(1, sizeof(*slot));
    if (slot != NULL)
        slot->is_copy = false;
    return slot;
}

static const char *copy_text(char to[256], const char *text)
{
    if (text == NULL)
        return NULL;
    const size_t length = strnlen(text, 255);
    memcpy(to, text, length);
    to[length] = '\0';
    return to;
}

/* The receiver may write into a message, so a second one has bytes of its own. */
static bool fill_copy(chaos_slot *slot, const via_msg *message)
{
    if (slot->capacity < message->size) {
        unsigned char *bytes = realloc(slot->bytes, message->size);
        if (bytes == NULL)
            return false;
        slot->bytes = bytes;
        slot->capacity = message->size;
    }
    if (message->size > 0)
        memcpy(slot->bytes, message->data, message->size);
    slot->message = *message;
    slot->message.data = slot->bytes;
    slot->message.meta.key = copy_text(slot->key, message->meta.key);
    slot->message.meta.content_type = copy_text(slot->content_type, message->meta.content_type);
    slot->is_copy = true;
    return true;
}

static void free_list(chaos_channel *chaos, chaos_list *list, bool forgets)
{
    for (chaos_slot *slot = take_first(list); slot != NULL; slot = take_first(list)) {
        if (!forgets && !slot->is_copy && list != &chaos->spare)
            chaos->host->inner->release(chaos->inner, &slot->message);
        free(slot->bytes);
        free(slot);
    }
}

void chaos_line_fini(chaos_channel *chaos, bool forgets)
{
    if (chaos->has_waiting && !forgets)
        chaos->host->inner->release(chaos->inner, &chaos->waiting);
    free_list(chaos, &chaos->queue, forgets);
    free_list(chaos, &chaos->stragglers, forgets);
    free_list(chaos, &chaos->spare, forgets);
}

/* ---- in ----------------------------------------------------------------------------------------------------- */

static void count(atomic_uint_fast64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* Times in the queue never go back: jitter makes messages late, only `reorder` changes their order. */
static via_deadline due_of(chaos_channel *chaos, const chaos_fate *fate)
{
    const int64_t late_ns = chaos->settings.delay_ns + fate->jitter_ns;
    if (late_ns == 0)
        return VIA_NOW;
    const via_deadline due = via_deadline_after(late_ns);
    chaos->last_due = due > chaos->last_due ? due : chaos->last_due;
    count(&chaos->tally.delayed);
    return chaos->last_due;
}

static void line_up(chaos_channel *chaos, chaos_slot *slot, const chaos_fate *fate)
{
    slot->due = due_of(chaos, fate);
    slot->behind = fate->behind;
    chaos->held++;
    if (fate->behind == 0) {
        append(&chaos->queue, slot);
        return;
    }
    const via_deadline from = slot->due == VIA_NOW ? via_deadline_clock() : slot->due;
    slot->due = from + (uint64_t)chaos->settings.reorder_wait_ns;
    append(&chaos->stragglers, slot);
    count(&chaos->tally.reordered);
}

static void line_up_again(chaos_channel *chaos, const chaos_slot *original)
{
    chaos_slot *slot = get_slot(chaos);
    if (slot == NULL)
        return;
    if (!fill_copy(slot, &original->message)) {
        append(&chaos->spare, slot);
        return;
    }
    slot->due = original->behind == 0 ? original->due : VIA_NOW;
    slot->behind = 0;
    chaos->held++;
    append(&chaos->queue, slot);
    count(&chaos->tally.duplicated);
}

/* `waiting` gets its fate. VIA_ENOMEM: it stays. */
static via_status admit(chaos_channel *chaos)
{
    const chaos_fate fate = chaos_fate_of(&chaos->settings, CHAOS_RECEIVING, chaos->received);
    chaos_slot *slot = fate.drops ? NULL : get_slot(chaos);
    if (slot == NULL && !fate.drops)
        return VIA_ENOMEM;
    chaos->has_waiting = false;
    chaos->received++;
    count(&chaos->tally.seen);
    if (fate.drops) {
        chaos->host->inner->release(chaos->inner, &chaos->waiting);
        count(&chaos->tally.dropped);
        chaos_note_passed(chaos);
    } else {
        slot->message = chaos->waiting;
        line_up(chaos, slot, &fate);
        if (fate.duplicates)
            line_up_again(chaos, slot);
    }
    return VIA_OK;
}

/* An interrupt is no end of what is held: whoever is interrupted gets nothing more. */
static bool is_end(via_status status)
{
    switch (status) {
    case VIA_OK:
    case VIA_ETIMEDOUT:
    case VIA_ECANCELED:
    case VIA_ENOMEM:
    case VIA_ETOOBIG:
        return false;
    default:
        return true;
    }
}

/* One message from below into the line. */
static via_status pull(chaos_channel *chaos, via_deadline deadline)
{
    if (!chaos->has_waiting) {
        const via_status status = chaos->host->inner->recv(chaos->inner, deadline, &chaos->waiting);
        if (is_end(status))
            chaos->ended = status;
        if (status != VIA_OK)
            return status;
        chaos->has_waiting = true;
    }
    return admit(chaos);
}

/* ---- out ---------------------------------------------------------------------------------------------------- */

/* After the end nobody is left to overtake a straggler. */
static chaos_slot *find_straggler(const chaos_channel *chaos, via_deadline now)
{
    const bool is_last = chaos->ended != VIA_OK && chaos->queue.first == NULL;
    for (chaos_slot *slot = chaos->stragglers.first; slot != NULL; slot = slot->next) {
        if (slot->behind == 0 || slot->due <= now || is_last)
            return slot;
    }
    return NULL;
}

static void overtake(const chaos_channel *chaos)
{
    for (chaos_slot *slot = chaos->stragglers.first; slot != NULL; slot = slot->next)
        slot->behind -= slot->behind > 0;
}

static bool has_ready(const chaos_channel *chaos, via_deadline now)
{
    return (chaos->queue.first != NULL && chaos->queue.first->due <= now) || find_straggler(chaos, now) != NULL;
}

static chaos_slot *take_ready(chaos_channel *chaos, via_deadline now)
{
    chaos_slot *slot = find_straggler(chaos, now);
    if (slot != NULL) {
        take_out(&chaos->stragglers, slot);
    } else if (chaos->queue.first != NULL && chaos->queue.first->due <= now) {
        slot = take_first(&chaos->queue);
        overtake(chaos);
    }
    chaos->held -= slot != NULL;
    return slot;
}

static via_deadline next_due(const chaos_channel *chaos)
{
    via_deadline due = chaos->queue.first != NULL ? chaos->queue.first->due : VIA_FOREVER;
    for (const chaos_slot *slot = chaos->stragglers.first; slot != NULL; slot = slot->next)
        due = via_deadline_min(due, slot->due);
    return due;
}

static via_deadline clock_if_late(const chaos_channel *chaos)
{
    return chaos->is_late ? via_deadline_clock() : VIA_NOW;
}

/* ---- slots of the table ------------------------------------------------------------------------------------- */

/* Everything that is there comes into the line at once: its time runs from now, not from when it is asked for. */
static void pull_all(chaos_channel *chaos)
{
    while (chaos->held < chaos->settings.hold && chaos->ended == VIA_OK && pull(chaos, VIA_NOW) == VIA_OK)
        ;
}

/* Sleeps until a message comes from below, one of the line may go, or the deadline. */
static via_status wait_for_more(chaos_channel *chaos, via_deadline deadline)
{
    const via_deadline until = via_deadline_min(via_deadline_min(deadline, next_due(chaos)), chaos->cut_at);
    if (chaos->held < chaos->settings.hold && chaos->ended == VIA_OK)
        return pull(chaos, until);
    return via_wake_poll(&chaos->wake, -1, 0, until);
}

/* The second one of two does not count: it is no message that somebody sent. */
static void hand_out(chaos_channel *chaos, chaos_slot *slot, via_msg *out)
{
    *out = slot->message;
    out->token[0] = (uintptr_t)slot;
    if (!slot->is_copy)
        chaos_note_passed(chaos);
}

static via_status recv_late(chaos_channel *chaos, via_deadline deadline, via_msg *out)
{
    for (;;) {
        if (chaos_is_cut(chaos))
            return VIA_EPEER;
        if (chaos->is_late)
            pull_all(chaos);
        chaos_slot *slot = take_ready(chaos, clock_if_late(chaos));
        if (slot != NULL) {
            hand_out(chaos, slot, out);
            return VIA_OK;
        }
        if (chaos->ended != VIA_OK && chaos->held == 0)
            return chaos->ended;
        const via_status status = wait_for_more(chaos, deadline);
        if (status == VIA_ETIMEDOUT && via_deadline_left(deadline) == 0)
            return status;
        if (status != VIA_OK && status != VIA_ETIMEDOUT && status != chaos->ended)
            return status;
    }
}

/* Nothing to be kept: only its number counts. */
static via_status recv_plain(chaos_channel *chaos, via_deadline deadline, via_msg *out)
{
    if (chaos_is_cut(chaos))
        return VIA_EPEER;
    const via_status status = chaos->host->inner->recv(chaos->inner, via_deadline_min(deadline, chaos->cut_at), out);
    if (status == VIA_OK && chaos->settings.receives) {
        count(&chaos->tally.seen);
        chaos_note_passed(chaos);
    }
    return status;
}

via_status chaos_recv(void *channel, via_deadline deadline, via_msg *out)
{
    chaos_channel *chaos = channel;
    return chaos_answer(chaos, chaos->has_slots ? recv_late(chaos, deadline, out) : recv_plain(chaos, deadline, out));
}

void chaos_release(void *channel, via_msg *message)
{
    chaos_channel *chaos = channel;
    if (!chaos->has_slots) {
        chaos->host->inner->release(chaos->inner, message);
        return;
    }
    chaos_slot *slot =
        (chaos_slot *)message->token[0]; // NOLINT(performance-no-int-to-ptr): it was put there by hand_out
    if (!slot->is_copy)
        chaos->host->inner->release(chaos->inner, &slot->message);
    append(&chaos->spare, slot);
}

via_status chaos_look(chaos_channel *chaos, via_deadline *due)
{
    if (chaos->is_late)
        pull_all(chaos);
    *due = via_deadline_min(next_due(chaos), chaos->cut_at);
    if (has_ready(chaos, clock_if_late(chaos)) || (chaos->ended != VIA_OK && chaos->held == 0))
        return VIA_EREADY;
    return VIA_OK;
}
