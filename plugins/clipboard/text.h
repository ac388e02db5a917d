/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that text goes by.
 *
 * Programs ask for the same text as text/plain;charset=utf-8 (Wayland, GTK), UTF8_STRING (X11), text/plain, TEXT and STRING
 * (ICCCM 2.6.2). Owns: which names are one thing. Changes no bytes: STRING is Latin-1 by ICCCM, and that is the X11 backend's.
 */
#ifndef CLIPBOARD_TEXT_H
#define CLIPBOARD_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* The name under which text is given to applications: "text/plain;charset=utf-8". */
extern const char clip_text_type[];

/* All names under which others may ask for it, the best first. NULL at the end. */
extern const char *const clip_text_names[];

/* Is this a name of plain UTF-8 text, or of text that is to be read as such? Charset and case of the name are looked at. */
bool clip_text_is(const char *type);

#endif
