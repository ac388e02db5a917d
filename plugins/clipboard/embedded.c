/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clipboard of machines without a display: files, and nobody who serves them.
 *
 * Owns: the slots, and the life of one clipboard. What was told last and the folder are embedded_view.c's, what needs the writers'
 * lock embedded_jobs.c's.
 *
 * A content outlives the process that set it, so nothing depends on us once it is there; but a secret does: it goes with
 * us, as it does where an owner has to serve it.
 */
#include "embedded_state.h"

#include "kit/deadline.h"
#include "kit/fail.h"
#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static void embedded_work(void *argument, const struct pollfd *set, size_t count)
{
    embedded *self = argument;
    const bool is_first = !self->has_told;

    (void)set, (void)count;
    if ((clip_watch_hear(self->watch, &self->store) || is_first) && !self->has_failed)
        embedded_look_again(self);
    embedded_do_jobs(self);
}

static size_t embedded_wants(void *argument, struct pollfd *set, via_deadline *until)
{
    const embedded *self = argument;

    set[0] = (struct pollfd){.fd = self->watch, .events = POLLIN};
    *until = self->jobs ? self->next_try : VIA_FOREVER;
    return 1;
}

static void embedded_offer(void *argument, clip_content *content, uint64_t number)
{
    embedded *self = argument;
    job *this = embedded_add_job(self, JOB_OFFER, number);

    if (!this) {
        self->events->offered(self->core, number, VIA_ENOMEM);
        return;
    }
    this->content = content ? clip_content_hold(content) : NULL;
    embedded_do_jobs(self);
}

/* Under way only for as long as another writer has the lock. What there is no memory for is to be asked for again. */
static bool embedded_withdraw(void *argument, uint64_t number)
{
    embedded *self = argument;

    if (self->our_number != number)
        return false;
    if (!embedded_add_job(self, JOB_WITHDRAW, number)) {
        self->events->withdrawn(self->core, number, VIA_ENOMEM);
        return false;
    }
    embedded_do_jobs(self);
    return self->jobs != NULL;
}

static void take_once(embedded *self, uint64_t ticket, const char *type, uint64_t id)
{
    job *this = embedded_add_job(self, JOB_TAKE, ticket);
    clip_bytes none;

    clip_bytes_init(&none, 0);
    if (!this) {
        embedded_tell_fetched(self, ticket, VIA_ENOMEM, &none);
        return;
    }
    this->id = id;
    (void)snprintf(this->type, sizeof(this->type), "%s", type);
    embedded_do_jobs(self);
}

static void embedded_fetch(void *argument, uint64_t ticket, const char *type)
{
    embedded *self = argument;
    const uint64_t asked = self->told_id;
    clip_view view;
    clip_bytes bytes;

    if (!embedded_is_in_folder(self) || !embedded_look(self, &view))
        return;
    clip_bytes_init(&bytes, self->settings.max_size);
    if (view.head.id != asked)
        embedded_tell_fetched(self, ticket, VIA_EREVOKED, &bytes);
    else if (view.head.count == 0)
        embedded_tell_fetched(self, ticket, VIA_ENOENT, &bytes);
    else if (view.head.flags & CLIP_HEAD_ONCE)
        take_once(self, ticket, type, asked);
    else
        embedded_tell_fetched(self, ticket, embedded_read_type(&view, type, &bytes), &bytes);
    clip_view_close(&view);
}

static void embedded_look_slot(void *argument, uint64_t ticket)
{
    embedded *self = argument;

    embedded_look_again(self);
    if (!self->has_failed)
        self->events->looked(self->core, ticket);
}

/* Only what waits for the lock is not there yet. */
static void embedded_cancel(void *argument, uint64_t ticket)
{
    job **link = &((embedded *)argument)->jobs;

    while (*link && ((*link)->kind != JOB_TAKE || (*link)->number != ticket))
        link = &(*link)->next;
    if (!*link)
        return;
    job *this = *link;
    *link = this->next;
    free(this);
}

/* ---- life --------------------------------------------------------------------------------------------------- */

static void embedded_close(void *argument, uint32_t how)
{
    embedded *self = argument;

    (void)how;
    while (self->jobs)
        embedded_drop_job(self);
    if (self->watch >= 0)
        (void)close(self->watch);
    clip_store_close(&self->store);
    free(self);
}

/* What is in the place of the file is refused now rather than at the first use; a damaged file only when it is to be read. */
static via_status try_look(const embedded *self, const via_host_api *host, via_error *error)
{
    clip_view view;
    clip_fault fault;

    if (clip_store_look(&self->store, &view, &fault) != VIA_OK)
        return via_fail(host, error, fault.status, fault.os_code, embedded_mend, "%s", fault.what);
    clip_view_close(&view);
    return VIA_OK;
}

static via_status embedded_open(const clip_settings *settings, const clip_events *events, void *core,
                                via_deadline deadline, void **out, via_error *error)
{
    embedded *self = calloc(1, sizeof(*self));

    (void)deadline;
    if (!self)
        return via_fail(settings->host, error, VIA_ENOMEM, 0, NULL, "no memory for the clipboard");
    *self = (embedded){.settings = *settings, .events = events, .core = core, .watch = -1, .store = {.folder = -1}};
    via_status status = embedded_open_folder(self, error);
    if (status == VIA_OK)
        status = try_look(self, settings->host, error);
    if (status == VIA_OK)
        *out = self;
    else
        embedded_close(self, VIA_CLOSE_FLUSH);
    return status;
}

const clip_backend clip_embedded = {
    .name = "embedded",
    .open = embedded_open,
    .wants = embedded_wants,
    .work = embedded_work,
    .offer = embedded_offer,
    .withdraw = embedded_withdraw,
    .fetch = embedded_fetch,
    .look = embedded_look_slot,
    .cancel = embedded_cancel,
    .close = embedded_close,
};
