/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What needs the writers' lock; see embedded_state.h. In the order of arrival, and never with the lock from one turn to the next.
 */
#include "embedded_state.h"

#include "kit/deadline.h"
#include "kit/error.h"
#include "kit/fail.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    AGAIN_NS = 1000000 /* at most, between two tries for the lock, which is held for as long as a file takes to write */
};

/* ---- writing ------------------------------------------------------------------------------------------------ */

/* The head of what was just written, as the others read it. */
static void describe(const clip_content *content, uint64_t id, uint64_t generation, clip_head *head)
{
    *head = (clip_head){.id = id, .generation = generation};
    for (size_t i = 0; content && i < content->count && i < CLIP_HEAD_FORMATS; i++)
        head->formats[head->count++].type = content->formats[i].type;
}

/* Under the lock. VIA_OK: told. `number`: of our content, 0 = what is written is nobody's. */
static via_status write_down(embedded *self, const clip_view *view, const clip_content *content, uint64_t number,
                             clip_fault *fault)
{
    uint64_t id, generation;
    clip_head head;

    via_status status = clip_store_replace(&self->store, view, content, self->generation + 1, &id, &generation, fault);
    if (status != VIA_OK)
        return status;
    describe(content, id, generation, &head);
    embedded_tell_change(self, &head, number, NULL);
    embedded_let_go(self);
    self->our_id = content ? id : 0;
    self->our_number = content ? number : 0;
    self->is_held = content && content->is_sensitive;
    return VIA_OK;
}

static void note_fault(const embedded *self, const char *consequence, const clip_fault *fault)
{
    char reason[128];

    via_error_text(fault->os_code, reason, sizeof(reason));
    via_note(self->settings.host, self->settings.context, VIA_LOG_ERROR, "%s: %s: %s", consequence, fault->what,
             reason);
}

static void do_offer(embedded *self, const job *this, const clip_view *view)
{
    clip_fault fault;
    via_status status = write_down(self, view, this->content, this->number, &fault);

    if (status != VIA_OK)
        note_fault(self, "nothing is published", &fault);
    self->events->offered(self->core, this->number, status);
    if (status == VIA_OK && this->content && !this->content->is_sensitive)
        self->events->released(self->core, this->number, true);
}

static void do_withdraw(embedded *self, const job *this, const clip_view *view)
{
    clip_fault fault;
    via_status status = VIA_OK;

    if (self->our_number == this->number && view->head.id == self->our_id)
        status = write_down(self, view, NULL, this->number, &fault);
    if (status != VIA_OK)
        note_fault(self, "the clipboard is not cleared", &fault);
    self->events->withdrawn(self->core, this->number, status);
}

/* ---- reading ------------------------------------------------------------------------------------------------ */

via_status embedded_read_type(const clip_view *view, const char *type, clip_bytes *bytes)
{
    for (uint32_t i = 0; i < view->head.count; i++)
        if (strcmp(view->head.formats[i].type, type) == 0)
            return clip_view_read(view, i, bytes);
    return VIA_ETYPE;
}

void embedded_tell_fetched(embedded *self, uint64_t ticket, via_status status, clip_bytes *bytes)
{
    self->events->fetched(self->core, ticket, status, bytes);
    clip_bytes_fini(bytes);
}

/* For one reader only: read and cleared under the same lock, so that there is no second one. */
static void do_take(embedded *self, const job *this, const clip_view *view)
{
    clip_bytes bytes;
    clip_fault fault;

    clip_bytes_init(&bytes, self->settings.max_size);
    via_status status = view->head.id == this->id ? embedded_read_type(view, this->type, &bytes) : VIA_EREVOKED;
    if (status == VIA_OK) {
        status = write_down(self, view, NULL, 0, &fault);
        if (status != VIA_OK)
            note_fault(self, "nothing is given out that could be pasted again", &fault);
    }
    embedded_tell_fetched(self, this->number, status, &bytes);
}

/* ---- jobs --------------------------------------------------------------------------------------------------- */

job *embedded_add_job(embedded *self, uint32_t kind, uint64_t number)
{
    job **link = &self->jobs;
    job *made = calloc(1, sizeof(*made));

    if (!made)
        return NULL;
    while (*link)
        link = &(*link)->next;
    *link = made;
    made->kind = kind;
    made->number = number;
    made->deadline = via_deadline_after((int64_t)self->settings.reply_ns);
    return made;
}

void embedded_drop_job(embedded *self)
{
    job *first = self->jobs;

    self->jobs = first->next;
    clip_content_drop(first->content);
    free(first);
}

static void tell_failed_job(embedded *self, const job *this, via_status status)
{
    clip_bytes none;

    clip_bytes_init(&none, 0);
    if (this->kind == JOB_OFFER)
        self->events->offered(self->core, this->number, status);
    else if (this->kind == JOB_TAKE)
        embedded_tell_fetched(self, this->number, status, &none);
    else
        self->events->withdrawn(self->core, this->number, this->number == self->our_number ? status : VIA_OK);
}

/* Under the lock. */
static void do_first(embedded *self)
{
    const job *this = self->jobs;
    clip_view view;

    if (!embedded_look(self, &view))
        return;
    if (this->kind == JOB_OFFER)
        do_offer(self, this, &view);
    else if (this->kind == JOB_WITHDRAW)
        do_withdraw(self, this, &view);
    else
        do_take(self, this, &view);
    clip_view_close(&view);
}

/* False: the lock is not to be had now. */
static bool try_first(embedded *self)
{
    const job *this = self->jobs;
    clip_fault fault;
    int lock;

    via_status status = clip_store_lock(&self->store, &lock, &fault);
    if (status == VIA_EBUSY && via_deadline_left(this->deadline) > 0)
        return false;
    if (status == VIA_OK) {
        do_first(self);
        clip_store_unlock(lock);
    } else {
        via_note(self->settings.host, self->settings.context, VIA_LOG_ERROR, "%s", fault.what);
        tell_failed_job(self, this, status == VIA_EBUSY ? VIA_ESTALLED : status);
    }
    embedded_drop_job(self);
    return true;
}

/*
 * The next try is at a time that has nothing to do with what the others do: whoever tries when a change shows tries while the
 * writer that made it still has the lock, each time.
 */
static via_deadline choose_next_try(void)
{
    uint32_t chance;

    if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != (ssize_t)sizeof(chance))
        chance = (uint32_t)via_deadline_clock();
    return via_deadline_after(AGAIN_NS / 8 + chance % (AGAIN_NS / 8 * 7));
}

void embedded_do_jobs(embedded *self)
{
    if (via_deadline_left(self->next_try) > 0)
        return;
    self->next_try = VIA_NOW;
    while (self->jobs && !self->has_failed && embedded_is_in_folder(self))
        if (!try_first(self)) {
            self->next_try = choose_next_try();
            return;
        }
}
