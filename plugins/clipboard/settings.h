/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once.
 *
 * Owns: the names of the manifest's options, and the copies that outlive the opening.
 */
#ifndef CLIPBOARD_SETTINGS_H
#define CLIPBOARD_SETTINGS_H

#include "backend.h"

/* clip_options.backend, in the manifest's order */
enum { CLIP_AUTO, CLIP_WAYLAND, CLIP_X11, CLIP_EMBEDDED };

typedef struct clip_options {
    clip_settings settings; /* its texts belong to this */
    uint32_t backend;
    bool has_echo;    /* one's own publications are received, too */
    clip_marks marks; /* of what is published */
    int64_t ttl_ns;   /* -1 = for ever */
    char *types;      /* what via_recv() takes, as for clip_choose() */
    char *name;       /* what settings.name points to */
    char *display;    /* what settings.display points to, or NULL */
} clip_options;

/* VIA_OK, VIA_EINVAL, VIA_ENOMEM, with the error filled. To be ended with clip_options_fini(), also after a failure. */
via_status clip_options_init(clip_options *options, const via_host_api *host, const via_open *open, via_error *error);
void clip_options_fini(clip_options *options);

#endif
