/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one entry of a waitset waits for.
 *
 * Owns: the entry's handles in the poller. VIA_READ and VIA_WRITE stay in it; VIA_WORK only while there is some.
 */
#include "core/channel.h"
#include "core/listener.h"
#include "core/waitset.h"

#include <stddef.h>

enum { FRUITLESS_LIMIT = 16 };

static const uint32_t events_in_order[VIA_ENTRY_EVENTS] = {VIA_READ, VIA_WRITE, VIA_WORK};

static via_status pollable(via_entry *entry, uint32_t event, via_poll_handle *handle)
{
    return entry->channel != NULL ? via_channel_ask_handle(entry->channel, event, handle)
                                  : via_listener_ask_handle(entry->listener, event, handle);
}

static via_status arm(via_entry *entry, uint32_t event)
{
    return entry->channel != NULL ? via_channel_arm_event(entry->channel, event)
                                  : via_listener_arm_event(entry->listener, event);
}

static bool is_wanted(const via_entry *entry, uint32_t event)
{
    return event == VIA_WORK || (entry->events & event) != 0;
}

static bool is_suspended(const via_entry *entry, uint32_t event)
{
    return event != VIA_READ && atomic_load(&entry->context->suspensions) != 0;
}

/* ---- handles ------------------------------------------------------------------------------------------------ */

/* The place of a handle: one that has it already, or a free one. */
static uint8_t find_place(const via_entry *entry, intptr_t handle)
{
    uint8_t place = 0;
    while (entry->places[place].handle != handle && entry->places[place].handle != -1)
        place++;
    return place;
}

static via_status resolve_event(via_entry *entry, size_t index)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    const via_status status = pollable(entry, events_in_order[index], &handle);
    if (status == VIA_ENOTSUP && events_in_order[index] == VIA_WORK)
        return VIA_OK;
    if (status != VIA_OK)
        return status;
    if (handle.kind != VIA_POLL_DESCRIPTOR)
        return VIA_ENOTSUP;
    entry->place_of[index] = find_place(entry, handle.handle);
    entry->places[entry->place_of[index]].handle = handle.handle;
    entry->waits[index] = handle.wait;
    return VIA_OK;
}

via_status via_entry_resolve(via_entry *entry)
{
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++) {
        if (entry->place_of[i] != VIA_ENTRY_NO_PLACE || !is_wanted(entry, events_in_order[i]) ||
            is_suspended(entry, events_in_order[i]))
            continue;
        const via_status status = resolve_event(entry, i);
        if (status != VIA_OK)
            return status;
    }
    return VIA_OK;
}

/* A handle that another entry of this set has as well goes in under a second name: a poller takes each name once. */
static via_status add_second(via_entry *entry, via_entry_place *place, uint32_t wait)
{
    const intptr_t second = via_poller_second(place->handle);
    if (second < 0)
        return VIA_ELIMIT;
    const via_status status = via_poller_add(entry->set->poller, second, wait, entry->tag);
    if (status != VIA_OK) {
        via_poller_second_close(second);
        return status;
    }
    place->handle = second;
    place->is_second = true;
    return VIA_OK;
}

/* Lets the poller look for `wait` on this handle. */
static via_status apply(via_entry *entry, via_entry_place *place, uint32_t wait)
{
    const via_poller poller = entry->set->poller;
    via_status status = VIA_OK;
    if (wait == place->wait)
        return VIA_OK;
    if (wait == 0)
        via_poller_remove(poller, place->handle);
    else if (place->wait != 0)
        status = via_poller_change(poller, place->handle, wait, entry->tag);
    else {
        status = via_poller_add(poller, place->handle, wait, entry->tag);
        if (status == VIA_EBUSY)
            status = add_second(entry, place, wait);
    }
    if (status == VIA_OK)
        place->wait = wait;
    return status;
}

static void withdraw(via_entry *entry, via_entry_place *place)
{
    (void)apply(entry, place, 0);
    if (place->is_second)
        via_poller_second_close(place->handle);
    place->is_second = false;
}

void via_entry_withdraw(via_entry *entry)
{
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++)
        withdraw(entry, &entry->places[i]);
}

void via_entry_suspend(via_entry *entry)
{
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++) {
        const uint8_t place = entry->place_of[i];
        if (place == VIA_ENTRY_NO_PLACE || place == entry->place_of[0])
            continue;
        withdraw(entry, &entry->places[place]);
        entry->places[place].handle = -1;
        for (size_t j = i; j < VIA_ENTRY_EVENTS; j++) {
            if (entry->place_of[j] == place)
                entry->place_of[j] = VIA_ENTRY_NO_PLACE;
        }
    }
}

void via_entry_forget_poller(via_entry *entry)
{
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++)
        entry->places[i].wait = 0;
}

/* ---- arming ------------------------------------------------------------------------------------------------- */

/* Arms one event. Answers it if it is ready; otherwise, if there is something to sleep for, marks its handle. */
static uint32_t arm_event(via_entry *entry, size_t index, uint32_t waits[VIA_ENTRY_EVENTS])
{
    const uint32_t event = events_in_order[index];
    if (entry->place_of[index] == VIA_ENTRY_NO_PLACE || !is_wanted(entry, event))
        return 0;
    const via_status status = arm(entry, event);
    if (status == VIA_OK || event != VIA_WORK)
        waits[entry->place_of[index]] |= entry->waits[index];
    return status != VIA_OK && event != VIA_WORK ? event : 0;
}

/* The events whose handle shows something although their arming said that nothing is there. */
static uint32_t shown_events(const via_entry *entry)
{
    uint32_t shown = 0;
    for (size_t i = 0; i < 2; i++) {
        const uint8_t place = entry->place_of[i];
        if (place != VIA_ENTRY_NO_PLACE && is_wanted(entry, events_in_order[i]) &&
            via_poller_shows(entry->places[place].handle, entry->waits[i]))
            shown |= events_in_order[i];
    }
    return shown;
}

/* A transport whose arming does not take in what its handle shows would make the wait spin: let the caller act. */
static uint32_t give_up_on_fruitless(via_entry *entry)
{
    if (!entry->is_woken || ++entry->fruitless < FRUITLESS_LIMIT)
        return 0;
    entry->fruitless = 0;
    return shown_events(entry);
}

uint32_t via_entry_arm(via_entry *entry)
{
    uint32_t waits[VIA_ENTRY_EVENTS] = {0};
    uint32_t ready = 0;
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++)
        ready |= arm_event(entry, i, waits);
    for (size_t i = 0; i < VIA_ENTRY_EVENTS; i++) {
        if (entry->places[i].handle != -1 && apply(entry, &entry->places[i], waits[i]) != VIA_OK)
            ready |= entry->events; /* it cannot be slept for: let the caller try */
    }
    if (ready == 0)
        ready = give_up_on_fruitless(entry);
    else
        entry->fruitless = 0;
    entry->is_woken = false;
    return ready;
}
