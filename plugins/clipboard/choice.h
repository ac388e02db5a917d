/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the offered formats a reader takes.
 *
 * Owns: the meaning of lists of wanted types, and which name text is asked for and told by.
 */
#ifndef CLIPBOARD_CHOICE_H
#define CLIPBOARD_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct clip_choice {
    const char *asked; /* the name to fetch it by: one of the offered, borrowed */
    const char *told;  /* the content type that the application is told; borrowed, or clip_text_type */
} clip_choice;

/*
 * The first of `wanted` (separated by commas; `*` at an end stands for anything; text goes by all its names) that is offered.
 * False: none is. A hint about the content is no format that `*` stands for.
 */
bool clip_choose(const char *wanted, const char *const *types, size_t count, clip_choice *choice);
/* May this be the type of a format? 1 to 255 bytes, none of them a control character or a comma. */
bool clip_type_is_valid(const char *type);

#endif
