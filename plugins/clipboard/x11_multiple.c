/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several targets in one request (ICCCM 2.6.2, MULTIPLE).
 *
 * Owns: the lists that are being read from their requestors. One notice at the end; what could not be converted has None in
 * its place in the list.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

enum {
    PAIRS = 256, /* in one list; more than there are formats is no honest question */
    LISTS = 64   /* under way at once */
};

static x11_multiple *unlink_list(x11 *self, x11_multiple *multiple)
{
    x11_multiple **at = &self->multiples;

    while (*at != multiple)
        at = &(*at)->next;
    *at = multiple->next;
    return multiple;
}

/* The pairs of target and property; returns how many failed. */
static size_t convert(x11 *self, const x11_multiple *multiple, xcb_atom_t *atoms, size_t count)
{
    size_t failed = 0;

    for (size_t i = 0; i + 1 < count; i += 2) {
        const bool is_one = atoms[i] != self->atoms[X11_MULTIPLE] && atoms[i + 1] != XCB_ATOM_NONE;
        if (is_one && x11_convert(self, multiple->publication, multiple->request.requestor, atoms[i], atoms[i + 1]))
            continue;
        atoms[i + 1] = XCB_ATOM_NONE;
        failed++;
    }
    return failed;
}

/* Is this a list of pairs? Some programs say ATOM for the type where they should say ATOM_PAIR. */
static bool is_list(const x11 *self, const xcb_get_property_reply_t *answer)
{
    return answer && answer->format == 32 && answer->bytes_after == 0 && answer->value_len >= 2 &&
           (answer->type == self->atoms[X11_ATOM_PAIR] || answer->type == XCB_ATOM_ATOM);
}

static void answer_list(x11 *self, void *context, const void *reply)
{
    x11_multiple *multiple = unlink_list(self, context);
    const xcb_selection_request_event_t *request = &multiple->request;
    const xcb_get_property_reply_t *answer = reply;
    xcb_atom_t atoms[(size_t)PAIRS * 2];

    if (is_list(self, answer)) {
        const size_t count = answer->value_len & ~(size_t)1;
        memcpy(atoms, answer + 1, count * sizeof(atoms[0]));
        if (convert(self, multiple, atoms, count) > 0)
            (void)self->xcb.change_property(self->connection, XCB_PROP_MODE_REPLACE, request->requestor,
                                            request->property, answer->type, 32, (uint32_t)count, atoms);
        x11_notify(self, request, request->property);
    } else {
        x11_notify(self, request, XCB_ATOM_NONE);
    }
    x11_owner_drop(self, multiple->publication);
    free(multiple);
}

static size_t count_lists(const x11 *self)
{
    size_t count = 0;

    for (const x11_multiple *at = self->multiples; at; at = at->next)
        count++;
    return count;
}

void x11_multiple_begin(x11 *self, const xcb_selection_request_event_t *event, x11_publication *publication)
{
    x11_multiple *multiple = count_lists(self) < LISTS ? malloc(sizeof(*multiple)) : NULL;

    if (!multiple) {
        x11_notify(self, event, XCB_ATOM_NONE);
        return;
    }
    *multiple = (x11_multiple){.next = self->multiples, .request = *event, .publication = publication};
    self->multiples = multiple;
    x11_owner_hold(publication);
    x11_ask(self,
            self->xcb
                .get_property(self->connection, 0, event->requestor, event->property, XCB_GET_PROPERTY_TYPE_ANY, 0,
                              PAIRS * 2)
                .sequence,
            answer_list, multiple);
}

void x11_multiple_fini(x11 *self)
{
    while (self->multiples)
        free(unlink_list(self, self->multiples));
}
