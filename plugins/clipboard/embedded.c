/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clipboard of machines without a display: files, and nobody who serves them.
 *
 * Owns: what was told last, the folder under its name, and the jobs that need the writers' lock. Must never hold that lock
 * from one turn to the next.
 *
 * A content outlives the process that set it, so nothing depends on us once it is there; but a secret does: it goes with
 * us, as it does where an owner has to serve it.
 */
#include "backend.h"

#include "kit/deadline.h"
#include "kit/error.h"
#include "kit/fail.h"
#include "store.h"
#include "watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    TRIES = 16,        /* to open the folder under its name */
    AGAIN_NS = 1000000 /* at most, between two tries for the lock, which is held for as long as a file takes to write */
};

enum { JOB_OFFER, JOB_WITHDRAW, JOB_TAKE };

/* Something that needs the writers' lock. In the order of arrival. */
typedef struct job {
    struct job *next;
    uint32_t kind;
    uint64_t number;       /* of our content, or a fetch's ticket */
    clip_content *content; /* to offer; NULL = none */
    uint64_t id;           /* to take: the content */
    via_deadline deadline;
    char type[256];
} job;

typedef struct embedded {
    clip_settings settings;
    const clip_events *events;
    void *core;
    clip_store store;
    int watch; /* its descriptor */
    job *jobs;
    via_deadline next_try; /* for the lock; VIA_NOW = it was not in vain */
    bool has_told;
    bool has_failed;
    uint64_t told_id; /* 0 = that there is no file */
    uint64_t generation;
    uint64_t our_id; /* of the content that this channel has put there; 0 = it is another's */
    uint64_t our_number;
    bool is_held; /* it is a secret, and depends on us */
} embedded;

static const char mend_file[] = "remove it: it will be made again";

/* ---- telling ------------------------------------------------------------------------------------------------ */

static void fail(embedded *self, via_status status, int32_t os_code, const char *what, const char *mend)
{
    if (self->has_failed)
        return;
    self->has_failed = true;
    self->events->failed(self->core, status, os_code, what, mend);
}

/* damage: what is wrong with the file; NULL = nothing. */
static void tell_change(embedded *self, const clip_head *head, uint64_t ours, const clip_fault *damage)
{
    const char *types[CLIP_HEAD_FORMATS];

    for (uint32_t i = 0; i < head->count; i++)
        types[i] = head->formats[i].type;
    self->has_told = true;
    self->told_id = head->id;
    self->generation = head->generation > self->generation ? head->generation : self->generation + 1;
    clip_change change = {types, head->count, ours, self->generation, VIA_OK, NULL};
    if (damage) {
        change.status = damage->status;
        change.what = damage->what;
    }
    self->events->changed(self->core, &change);
}

/* Ours is gone: another's took its place, or nothing did. */
static void let_go(embedded *self)
{
    const uint64_t number = self->our_number;
    const bool was_held = self->is_held;

    self->our_id = self->our_number = 0;
    self->is_held = false;
    if (was_held)
        self->events->released(self->core, number, false);
}

/* Tells what is there if it is not what was told last. */
static void note_view(embedded *self, const clip_view *view, const clip_fault *fault)
{
    if (self->has_told && view->head.id == self->told_id)
        return;
    tell_change(self, &view->head, 0, view->is_damaged ? fault : NULL);
    let_go(self);
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

static via_status open_folder(embedded *self, via_error *error)
{
    if (self->watch >= 0)
        (void)close(self->watch);
    self->watch = -1;
    clip_store_close(&self->store);
    via_status status = clip_store_open(&self->store, self->settings.host, self->settings.name, error);
    if (status == VIA_OK && (self->watch = clip_watch_open(&self->store, self->settings.host, error)) < 0)
        status = error->status;
    return status;
}

/*
 * Somebody may have removed the runtime folder, or moved it away: others meet in the one that has its name now, which is made if it
 * is not there. False: that cannot be, and it is the end.
 */
static bool is_in_folder(embedded *self)
{
    via_error error;
    via_status status = VIA_OK;

    via_error_init(&error);
    for (int i = 0; status == VIA_OK && !clip_store_is_current(&self->store); i++)
        status = i < TRIES ? open_folder(self, &error)
                           : via_fail(self->settings.host, &error, VIA_EBUSY, 0, "leave it alone, and open again",
                                      "%s is removed again and again", self->store.folder_path);
    if (status == VIA_OK)
        return true;
    fail(self, status, error.os_code, error.what, error.mend);
    return false;
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

/* What is there now, told. False: it cannot be read, and that is the end. */
static bool look(embedded *self, clip_view *view)
{
    clip_fault fault;

    if (clip_store_look(&self->store, view, &fault) != VIA_OK) {
        fail(self, fault.status, fault.os_code, fault.what, mend_file);
        return false;
    }
    note_view(self, view, &fault);
    return true;
}

static void look_again(embedded *self)
{
    clip_view view;

    if (is_in_folder(self) && look(self, &view))
        clip_view_close(&view);
}

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
    tell_change(self, &head, number, NULL);
    let_go(self);
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

static via_status read_type(const clip_view *view, const char *type, clip_bytes *bytes)
{
    for (uint32_t i = 0; i < view->head.count; i++)
        if (strcmp(view->head.formats[i].type, type) == 0)
            return clip_view_read(view, i, bytes);
    return VIA_ETYPE;
}

static void tell_fetched(embedded *self, uint64_t ticket, via_status status, clip_bytes *bytes)
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
    via_status status = view->head.id == this->id ? read_type(view, this->type, &bytes) : VIA_EREVOKED;
    if (status == VIA_OK) {
        status = write_down(self, view, NULL, 0, &fault);
        if (status != VIA_OK)
            note_fault(self, "nothing is given out that could be pasted again", &fault);
    }
    tell_fetched(self, this->number, status, &bytes);
}

/* ---- jobs --------------------------------------------------------------------------------------------------- */

static job *add_job(embedded *self, uint32_t kind, uint64_t number)
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

static void drop_job(embedded *self)
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
        tell_fetched(self, this->number, status, &none);
    else
        self->events->withdrawn(self->core, this->number, this->number == self->our_number ? status : VIA_OK);
}

/* Under the lock. */
static void do_first(embedded *self)
{
    const job *this = self->jobs;
    clip_view view;

    if (!look(self, &view))
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
    drop_job(self);
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

static void do_jobs(embedded *self)
{
    if (via_deadline_left(self->next_try) > 0)
        return;
    self->next_try = VIA_NOW;
    while (self->jobs && !self->has_failed && is_in_folder(self))
        if (!try_first(self)) {
            self->next_try = choose_next_try();
            return;
        }
}

/* ---- the slots ---------------------------------------------------------------------------------------------- */

static void embedded_work(void *argument, const struct pollfd *set, size_t count)
{
    embedded *self = argument;
    const bool is_first = !self->has_told;

    (void)set, (void)count;
    if ((clip_watch_hear(self->watch, &self->store) || is_first) && !self->has_failed)
        look_again(self);
    do_jobs(self);
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
    job *this = add_job(self, JOB_OFFER, number);

    if (!this) {
        self->events->offered(self->core, number, VIA_ENOMEM);
        return;
    }
    this->content = content ? clip_content_hold(content) : NULL;
    do_jobs(self);
}

/* Under way only for as long as another writer has the lock. */
static bool embedded_withdraw(void *argument, uint64_t number)
{
    embedded *self = argument;

    if (self->our_number != number || !add_job(self, JOB_WITHDRAW, number))
        return false;
    do_jobs(self);
    return self->jobs != NULL;
}

static void take_once(embedded *self, uint64_t ticket, const char *type, uint64_t id)
{
    job *this = add_job(self, JOB_TAKE, ticket);
    clip_bytes none;

    clip_bytes_init(&none, 0);
    if (!this) {
        tell_fetched(self, ticket, VIA_ENOMEM, &none);
        return;
    }
    this->id = id;
    (void)snprintf(this->type, sizeof(this->type), "%s", type);
    do_jobs(self);
}

static void embedded_fetch(void *argument, uint64_t ticket, const char *type)
{
    embedded *self = argument;
    const uint64_t asked = self->told_id;
    clip_view view;
    clip_bytes bytes;

    if (!is_in_folder(self) || !look(self, &view))
        return;
    clip_bytes_init(&bytes, self->settings.max_size);
    if (view.head.id != asked)
        tell_fetched(self, ticket, VIA_EREVOKED, &bytes);
    else if (view.head.count == 0)
        tell_fetched(self, ticket, VIA_ENOENT, &bytes);
    else if (view.head.flags & CLIP_HEAD_ONCE)
        take_once(self, ticket, type, asked);
    else
        tell_fetched(self, ticket, read_type(&view, type, &bytes), &bytes);
    clip_view_close(&view);
}

static void embedded_look(void *argument, uint64_t ticket)
{
    embedded *self = argument;

    look_again(self);
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
        drop_job(self);
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
        return via_fail(host, error, fault.status, fault.os_code, mend_file, "%s", fault.what);
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
    via_status status = open_folder(self, error);
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
    .look = embedded_look,
    .cancel = embedded_cancel,
    .close = embedded_close,
};
