/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A backend of the clipboard without a channel; see driver.h.
 */
#include "driver.h"

#include "kit/deadline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_S = 20 };

static driver *open_drivers[DRIVERS];
static driver_also other;

/* ---- the host that only remembers ------------------------------------------------------------------------------------ */

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
    return status;
}

static void host_log(via_context *context, uint32_t level, const char *text)
{
    driver *self = (driver *)context;

    (void)level;
    snprintf(self->note, sizeof(self->note), "%s", text);
}

const via_host_api driver_host = {.size = sizeof(via_host_api), .error = host_error, .log = host_log};

/* ---- what the backend tells ------------------------------------------------------------------------------------------ */

static driver_event *record(void *core, driver_kind kind, uint64_t id, via_status status)
{
    driver *self = core;

    assert_true(self->event_count < DRIVER_EVENTS);
    driver_event *event = &self->events[self->event_count++];
    *event = (driver_event){.kind = kind, .id = id, .status = status};
    return event;
}

static void on_changed(void *core, const clip_change *change)
{
    driver_event *event = record(core, DRIVER_CHANGED, change->ours, VIA_OK);
    size_t at = 0;

    event->count = change->count;
    for (size_t i = 0; i < change->count; i++) {
        const size_t size = strlen(change->types[i]);

        if (at + size + 2 > sizeof(event->types))
            break;
        at += (size_t)snprintf(event->types + at, sizeof(event->types) - at, "%s\n", change->types[i]);
    }
}

static void on_offered(void *core, uint64_t number, via_status status)
{
    (void)record(core, DRIVER_OFFERED, number, status);
}

static void on_fetched(void *core, uint64_t ticket, via_status status, clip_bytes *bytes)
{
    driver_event *event = record(core, DRIVER_FETCHED, ticket, status);

    if (status == VIA_OK) {
        event->bytes = *bytes;
        clip_bytes_init(bytes, bytes->limit);
    } else {
        assert_int_equal(bytes->size, 0);
    }
}

static void on_looked(void *core, uint64_t ticket)
{
    (void)record(core, DRIVER_LOOKED, ticket, VIA_OK);
}

static void on_pasted(void *core, uint64_t number)
{
    (void)record(core, DRIVER_PASTED, number, VIA_OK);
}

static void on_released(void *core, uint64_t number, bool kept)
{
    assert_false(kept);
    (void)record(core, DRIVER_RELEASED, number, VIA_OK);
}

static void on_failed(void *core, via_status status, int32_t os_code, const char *what, const char *mend)
{
    driver_event *event = record(core, DRIVER_FAILED, 0, status);

    (void)os_code;
    snprintf(event->what, sizeof(event->what), "%s", what);
    snprintf(event->mend, sizeof(event->mend), "%s", mend ? mend : "");
}

static const clip_events events = {
    .changed = on_changed,
    .offered = on_offered,
    .fetched = on_fetched,
    .looked = on_looked,
    .pasted = on_pasted,
    .released = on_released,
    .failed = on_failed,
};

/* ---- opening and closing --------------------------------------------------------------------------------------------- */

void driver_init(driver *self, const clip_backend *backend)
{
    *self = (driver){.backend = backend};
    self->events = calloc(DRIVER_EVENTS, sizeof(*self->events));
    assert_non_null(self->events);
    self->settings = (clip_settings){
        .reply_ns = UINT64_C(2000000000),
        .idle_ns = UINT64_C(4000000000),
        .transfer_ns = UINT64_C(30000000000),
        .max_size = 16 << 20,
        .context = (via_context *)self,
        .host = &driver_host,
    };
}

via_status driver_try_open(driver *self, const char *name, const char *display, via_deadline deadline, via_error *error)
{
    self->settings.name = name;
    self->settings.display = display;
    via_status status = self->backend->open(&self->settings, &events, self, deadline, &self->self, error);

    if (status != VIA_OK) {
        free(self->events);
        self->events = NULL;
        self->self = NULL;
        return status;
    }
    for (size_t i = 0; i < DRIVERS; i++) {
        if (!open_drivers[i]) {
            open_drivers[i] = self;
            return VIA_OK;
        }
    }
    fail_msg("too many drivers");
    return VIA_ELIMIT;
}

const driver_event *driver_open(driver *self, const char *name, const char *display)
{
    via_error error;
    via_status status = driver_try_open(self, name, display, via_deadline_after(INT64_C(20000000000)), &error);

    if (status != VIA_OK)
        fail_msg("%d: %s", status, error.what);
    assert_int_equal(self->event_count, 0);
    return driver_await(self, DRIVER_CHANGED, 0);
}

void driver_close(driver *self)
{
    for (size_t i = 0; i < DRIVERS; i++)
        if (open_drivers[i] == self)
            open_drivers[i] = NULL;
    if (self->self)
        self->backend->close(self->self, VIA_CLOSE_FLUSH);
    for (size_t i = 0; i < self->event_count; i++)
        clip_bytes_fini(&self->events[i].bytes);
    free(self->events);
}

void driver_turn_with(const driver_also *also)
{
    other = also ? *also : (driver_also){0};
}

/* ---- turns ----------------------------------------------------------------------------------------------------------- */

void driver_turn(via_deadline deadline)
{
    struct pollfd set[DRIVERS * CLIP_DESCRIPTORS + 1];
    size_t from[DRIVERS + 1] = {0};
    size_t count = 0;
    struct timespec storage;

    if (other.work)
        other.work(other.self); /* what the test itself has asked for */
    for (size_t i = 0; i < DRIVERS; i++) {
        via_deadline until = VIA_FOREVER;

        from[i] = count;
        if (!open_drivers[i])
            continue;
        count += open_drivers[i]->backend->wants(open_drivers[i]->self, set + count, &until);
        assert_true(count - from[i] <= CLIP_DESCRIPTORS);
        deadline = via_deadline_min(deadline, until);
    }
    from[DRIVERS] = count;
    if (other.work)
        set[count++] = (struct pollfd){.fd = other.descriptor(other.self), .events = POLLIN};
    assert_true(ppoll(set, count, via_deadline_timespec(deadline, &storage), NULL) >= 0);
    for (size_t i = 0; i < DRIVERS; i++)
        if (open_drivers[i])
            open_drivers[i]->backend->work(open_drivers[i]->self, set + from[i], from[i + 1] - from[i]);
    if (other.work)
        other.work(other.self);
}

static driver_event *take(driver *self, driver_kind kind, uint64_t id)
{
    for (size_t i = 0; i < self->event_count; i++) {
        driver_event *event = &self->events[i];

        if (event->is_taken || event->kind != kind || (id != 0 && event->id != id))
            continue;
        event->is_taken = true;
        return event;
    }
    return NULL;
}

driver_event *driver_await(driver *self, driver_kind kind, uint64_t id)
{
    const via_deadline limit = via_deadline_after(INT64_C(1000000000) * PATIENCE_S);
    driver_event *event;

    while (!(event = take(self, kind, id))) {
        if (via_deadline_left(limit) == 0)
            fail_msg("no event of kind %d for %llu", (int)kind, (unsigned long long)id);
        driver_turn(limit);
    }
    return event;
}

void driver_until(bool (*is_so)(void *data), void *data)
{
    const via_deadline limit = via_deadline_after(INT64_C(1000000000) * PATIENCE_S);

    while (!is_so(data)) {
        if (via_deadline_left(limit) == 0)
            fail_msg("it has not come to that");
        driver_turn(limit);
    }
}

size_t driver_untaken(const driver *self, driver_kind kind)
{
    size_t count = 0;

    for (size_t i = 0; i < self->event_count; i++)
        count += self->events[i].kind == kind && !self->events[i].is_taken;
    return count;
}

/* ---- shortcuts ------------------------------------------------------------------------------------------------------- */

void driver_offer(driver *self, uint64_t number, const char *type, const void *data, size_t size)
{
    const via_offer offer = {type, data, size};
    clip_content *content = clip_content_create(&offer, 1, (clip_marks){0}, number);

    assert_non_null(content);
    self->backend->offer(self->self, content, number);
    clip_content_drop(content);
    assert_int_equal(driver_await(self, DRIVER_OFFERED, number)->status, VIA_OK);
}

driver_event *driver_fetch(driver *self, uint64_t ticket, const char *type)
{
    self->backend->fetch(self->self, ticket, type);
    return driver_await(self, DRIVER_FETCHED, ticket);
}

uint8_t *driver_bytes(size_t size, unsigned seed)
{
    uint8_t *bytes = malloc(size + 1);
    uint32_t state = seed * 2654435761u + 1u;

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
    }
    return bytes;
}
