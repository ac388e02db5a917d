/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drivers, and the round that turns them; see x11_unit.h.
 */
#include "x11_unit.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/deadline.h"

enum {
    DRIVERS = 8,
    PATIENCE_S = 60, /* a generous bound for whatever is waited for */
    ROUND_MS = 10    /* conditions are looked at again after this, since peers may have read ahead */
};

static driver *drivers[DRIVERS];
static int watched = -1;
static uint64_t impatient_at;
clip_settings unit_settings;

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    via_error_init(error);
    error->status = status;
    error->os_code = os_code;
    (void)snprintf(error->what, sizeof(error->what), "%s", what ? what : "");
    (void)snprintf(error->mend, sizeof(error->mend), "%s", mend ? mend : "");
    return status;
}

static void host_log(via_context *context, uint32_t level, const char *text)
{
    (void)context;
    (void)level;
    (void)text;
}

static const via_host_api host = {.size = sizeof(via_host_api), .error = host_error, .log = host_log};

void unit_reset(void)
{
    memset(drivers, 0, sizeof(drivers)); /* those of a test that has failed */
    watched = -1;
    unit_settings = (clip_settings){.name = "clipboard",
                                    .display = getenv("DISPLAY"),
                                    .reply_ns = 20000000000,
                                    .idle_ns = 20000000000,
                                    .transfer_ns = 50000000000,
                                    .max_size = 16 << 20,
                                    .host = &host};
}

/* ---- what is told ------------------------------------------------------------------------------------------- */

static void changed(void *core, const clip_change *change)
{
    driver *one = core;

    one->order++;
    one->changes++;
    one->count = change->count;
    one->ours = change->ours;
    one->generation = change->generation;
    for (size_t i = 0; i < change->count && i < UNIT_MANY; i++)
        (void)snprintf(one->types[i], sizeof(one->types[i]), "%s", change->types[i]);
    if (change->ours < UNIT_MANY)
        one->changed_at[change->ours] = one->order;
}

static void offered(void *core, uint64_t number, via_status status)
{
    driver *one = core;

    one->offered_at[number] = ++one->order;
    one->offered[number] = status;
    one->is_offered[number] = true;
}

static void fetched(void *core, uint64_t ticket, via_status status, clip_bytes *bytes)
{
    driver *one = core;
    unit_answer *answer = &one->answers[ticket];

    one->order++;
    clip_bytes_fini(&answer->bytes);
    *answer = (unit_answer){.is_here = true, .status = status, .bytes = *bytes};
    clip_bytes_init(bytes, bytes->limit);
}

static void looked(void *core, uint64_t ticket)
{
    driver *one = core;

    one->looked_at[ticket] = ++one->order;
}

static void pasted(void *core, uint64_t number)
{
    ((driver *)core)->pasted[number]++;
}

static void released(void *core, uint64_t number, bool kept)
{
    driver *one = core;

    one->released[number]++;
    one->kept[number] = kept;
}

static void failed(void *core, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)status;
    (void)os_code;
    (void)what;
    (void)mend;
    ((driver *)core)->is_failed = true;
}

static const clip_events events = {.changed = changed,
                                   .offered = offered,
                                   .fetched = fetched,
                                   .looked = looked,
                                   .pasted = pasted,
                                   .released = released,
                                   .failed = failed};

/* ---- drivers ------------------------------------------------------------------------------------------------ */

driver *driver_open(void)
{
    driver *one = calloc(1, sizeof(*one));
    size_t at = 0;
    via_error error;

    assert_non_null(one);
    while (drivers[at])
        assert_true(++at < DRIVERS);
    const via_status status =
        clip_x11.open(&unit_settings, &events, one, via_deadline_after(20000000000), &one->backend, &error);
    if (status != VIA_OK)
        fail_msg("%d %s", status, error.what);
    drivers[at] = one;
    AWAIT(one->changes > 0);
    return one;
}

void driver_close(driver *one)
{
    for (size_t i = 0; i < DRIVERS; i++)
        if (drivers[i] == one)
            drivers[i] = NULL;
    clip_x11.close(one->backend, VIA_CLOSE_FLUSH);
    for (size_t i = 0; i < UNIT_MANY; i++)
        clip_bytes_fini(&one->answers[i].bytes);
    free(one);
}

via_status driver_publish(driver *one, uint64_t number, const via_offer *offers, size_t count, bool is_sensitive)
{
    const clip_marks marks = {.is_sensitive = is_sensitive};
    clip_content *content = clip_content_create(offers, count, marks, number);

    assert_non_null(content);
    one->is_offered[number] = false;
    clip_x11.offer(one->backend, content, number);
    clip_content_drop(content);
    AWAIT(one->is_offered[number]);
    return one->offered[number];
}

void driver_publish_text(driver *one, uint64_t number, const char *text)
{
    const via_offer offer = {"text/plain;charset=utf-8", text, strlen(text)};

    assert_int_equal(driver_publish(one, number, &offer, 1, false), VIA_OK);
}

const unit_answer *driver_fetch(driver *one, uint64_t ticket, const char *type)
{
    one->answers[ticket].is_here = false;
    clip_x11.fetch(one->backend, ticket, type);
    AWAIT(one->answers[ticket].is_here);
    return &one->answers[ticket];
}

bool driver_has_type(const driver *one, const char *type)
{
    for (size_t i = 0; i < one->count; i++)
        if (strcmp(one->types[i], type) == 0)
            return true;
    return false;
}

/* ---- the round ---------------------------------------------------------------------------------------------- */

void unit_watch(int descriptor)
{
    watched = descriptor;
}

void unit_start_clock(void)
{
    impatient_at = via_deadline_after((int64_t)PATIENCE_S * 1000000000);
}

void unit_turn(void)
{
    struct pollfd set[CLIP_DESCRIPTORS * DRIVERS + 1];
    size_t first[DRIVERS + 1] = {0};
    via_deadline until = via_deadline_after((int64_t)ROUND_MS * 1000000);
    size_t count = 0;
    struct timespec left;

    for (size_t i = 0; i < DRIVERS; i++) {
        via_deadline wish = VIA_FOREVER;
        first[i] = count;
        count += drivers[i] ? clip_x11.wants(drivers[i]->backend, &set[count], &wish) : 0;
        until = via_deadline_min(until, wish);
    }
    first[DRIVERS] = count;
    set[count] = (struct pollfd){.fd = watched, .events = POLLIN};
    (void)ppoll(set, count + 1, via_deadline_timespec(until, &left), NULL);
    for (size_t i = 0; i < DRIVERS; i++)
        if (drivers[i])
            clip_x11.work(drivers[i]->backend, &set[first[i]], first[i + 1] - first[i]);
    if (via_deadline_clock() > impatient_at)
        fail_msg("nothing has come of it in %d s", PATIENCE_S);
}

uint8_t *unit_pattern(size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    uint32_t state = 2463534242u;

    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes[i] = i % 17 == 0 ? 0 : (uint8_t)state;
    }
    return bytes;
}
