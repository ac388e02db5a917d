/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in the files of the clipboard, and in which folder they are; see embedded_state.h.
 */
#include "embedded_state.h"

#include "kit/fail.h"
#include "watch.h"

#include <unistd.h>

const char embedded_mend[] = "remove it: it will be made again";

enum { TRIES = 16 /* to open the folder under its name */ };

/* ---- telling ------------------------------------------------------------------------------------------------ */

void embedded_fail(embedded *self, via_status status, int32_t os_code, const char *what, const char *mend)
{
    if (self->has_failed)
        return;
    self->has_failed = true;
    self->events->failed(self->core, status, os_code, what, mend);
}

/* damage: what is wrong with the file; NULL = nothing. */
void embedded_tell_change(embedded *self, const clip_head *head, uint64_t ours, const clip_fault *damage)
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
void embedded_let_go(embedded *self)
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
    embedded_tell_change(self, &view->head, 0, view->is_damaged ? fault : NULL);
    embedded_let_go(self);
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

via_status embedded_open_folder(embedded *self, via_error *error)
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
bool embedded_is_in_folder(embedded *self)
{
    via_error error;
    via_status status = VIA_OK;

    via_error_init(&error);
    for (int i = 0; status == VIA_OK && !clip_store_is_current(&self->store); i++)
        status = i < TRIES ? embedded_open_folder(self, &error)
                           : via_fail(self->settings.host, &error, VIA_EBUSY, 0, "leave it alone, and open again",
                                      "%s is removed again and again", self->store.folder_path);
    if (status == VIA_OK)
        return true;
    embedded_fail(self, status, error.os_code, error.what, error.mend);
    return false;
}

/* ---- looking ------------------------------------------------------------------------------------------------ */

/* What is there now, told. False: it cannot be read, and that is the end. */
bool embedded_look(embedded *self, clip_view *view)
{
    clip_fault fault;

    if (clip_store_look(&self->store, view, &fault) != VIA_OK) {
        embedded_fail(self, fault.status, fault.os_code, fault.what, embedded_mend);
        return false;
    }
    note_view(self, view, &fault);
    return true;
}

void embedded_look_again(embedded *self)
{
    clip_view view;

    if (embedded_is_in_folder(self) && embedded_look(self, &view))
        clip_view_close(&view);
}
