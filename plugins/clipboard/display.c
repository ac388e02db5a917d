/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which backend serves a channel.
 *
 * Owns: the order: what the option says, Wayland, X11, files. Must never fall back in silence: a display that is set is the one
 * that is meant. The one exception: a compositor that has no data-control, beside an X11 display.
 */
#include "channel.h"

#include "kit/deadline.h"
#include "kit/error.h"
#include "kit/fail.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE_NS = 250 * 1000 * 1000 };

/* Nothing that a program with raised privileges may be told by its caller. */
static const char *variable(const char *name)
{
    const char *text = secure_getenv(name);

    return text && text[0] ? text : NULL;
}

typedef struct place {
    const clip_backend *backend;
    const char *variable; /* NULL = it needs no display */
} place;

static const place places[] = {
    [CLIP_WAYLAND] = {&clip_wayland, "WAYLAND_DISPLAY"},
    [CLIP_X11] = {&clip_x11, "DISPLAY"},
    [CLIP_EMBEDDED] = {&clip_embedded, NULL},
};

/* X11 displays have a colon in their names: ":0", "host:0". */
static uint32_t guess(const clip_options *options)
{
    if (options->display)
        return strchr(options->display, ':') ? CLIP_X11 : CLIP_WAYLAND;
    if (variable("WAYLAND_DISPLAY"))
        return CLIP_WAYLAND;
    return variable("DISPLAY") ? CLIP_X11 : CLIP_EMBEDDED;
}

static via_status open_place(clip_channel *channel, uint32_t which, via_deadline deadline, via_error *error)
{
    clip_settings *settings = &channel->options.settings;

    channel->backend = places[which].backend;
    settings->display = channel->options.display;
    if (!settings->display && places[which].variable)
        settings->display = variable(places[which].variable);
    via_status status =
        channel->backend->open(settings, &clip_channel_events, channel, deadline, &channel->self, error);
    if (status != VIA_OK)
        channel->self = NULL;
    return status;
}

static bool goes_on_to_x11(const clip_channel *channel, uint32_t which, via_status status)
{
    return which == CLIP_WAYLAND && status == VIA_ENOTSUP && channel->options.backend == CLIP_AUTO &&
           !channel->options.display && variable("DISPLAY");
}

/* The host would wait for a peer to come; a display that is not there is a mistake. */
static via_status explain(const clip_channel *channel, via_status status, via_error *error)
{
    char mend[sizeof(error->mend)];

    if (status == VIA_ENOPEER)
        status = error->status = VIA_EREFUSED;
    if (strstr(error->mend, "backend="))
        return status;
    memcpy(mend, error->mend, sizeof(mend));
    via_error_mend(error, "%s%s%s", mend, mend[0] ? "; or " : "",
                   channel->options.backend == CLIP_EMBEDDED ? "choose another backend="
                                                             : "open with backend=embedded");
    return status;
}

/* A display has to be asked a few things before it is there, so "now" is a moment. */
static via_deadline with_patience(via_deadline deadline)
{
    const via_deadline least = via_deadline_after(PATIENCE_NS);

    return deadline > least ? deadline : least;
}

via_status clip_display_open(clip_channel *channel, via_deadline asked, via_error *error)
{
    const via_deadline deadline = with_patience(asked);
    uint32_t which = channel->options.backend == CLIP_AUTO ? guess(&channel->options) : channel->options.backend;

    via_status status = open_place(channel, which, deadline, error);
    if (goes_on_to_x11(channel, which, status)) {
        via_note(channel->host, channel->context, VIA_LOG_INFO, "X11 instead of Wayland: %s", error->what);
        which = CLIP_X11;
        status = open_place(channel, which, deadline, error);
    }
    if (status != VIA_OK)
        return which == CLIP_EMBEDDED ? status : explain(channel, status, error);
    via_note(channel->host, channel->context, VIA_LOG_DEBUG, "backend %s", channel->backend->name);
    return VIA_OK;
}
