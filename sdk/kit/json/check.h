/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking parsed JSON against tables of fields.
 *
 * Owns: the wording of every schema error, and its place: file:line:column and JSON pointer. Must never know what a
 * file means.
 */
#ifndef VIADUCT_KIT_CHECK_H
#define VIADUCT_KIT_CHECK_H

#include "kit/json/locate.h"

#include <jansson.h>
#include <viaduct/types.h>

enum { VIA_CHECK_DEPTH = 16 }; /* the deepest that any form allows */

/* What holds for every text of one form. */
typedef struct via_check_form {
    const char *subject;   /* how messages call the whole: "the manifest" */
    const char *reference; /* the mend where there is no better one: what describes every field */
    const char *split;     /* the mend of a text that is too large */
    size_t bytes;          /* of a text, a multiple of 1024 */
    size_t depth;          /* of brackets, at most VIA_CHECK_DEPTH */
} via_check_form;

/* One text being checked, and how deep in it the check stands. */
typedef struct via_check {
    const via_check_form *form;
    const char *file;
    const char *text;
    size_t size;
    via_error *error; /* may be NULL */
    size_t depth;
    via_step path[VIA_CHECK_DEPTH + 2];
} via_check;

/* Reads one value into its place in `target`. */
typedef via_status (*via_read_fn)(via_check *check, json_t *value, void *target);

typedef struct via_field {
    const char *name;
    via_read_fn read; /* NULL = anything goes */
    bool required;
} via_field;

typedef struct via_word {
    const char *name;
    uint32_t value;
} via_word;

/* Parses with the limits of the form: size, depth, UTF-8, no double keys. VIA_EINVAL, VIA_ENOMEM. */
via_status via_check_parse(via_check *check, const via_check_form *form, const char *file, const char *text,
                           size_t size, json_t **root, via_error *error);

void via_check_enter(via_check *check, const char *key, size_t index);
void via_check_leave(via_check *check);
/* Fills the error with the present place. Answers VIA_EINVAL. `mend` may be NULL. */
via_status via_check_fail(via_check *check, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same with the key's place instead of its value's. */
via_status via_check_fail_key(via_check *check, const char *mend, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "KEY is a string; expected EXPECTED". */
via_status via_check_fail_type(via_check *check, const json_t *value, const char *expected);
/* The place of the present value. */
void via_check_place(const via_check *check, uint32_t *line, uint32_t *column);
/* The name of what is being checked: the last key of the path, or the subject. Written to `name`. */
const char *via_check_name(const via_check *check, char *name, size_t capacity);

/* An object with these fields, in any order; other keys are errors unless they begin with "x-". */
via_status via_check_object(via_check *check, json_t *value, const via_field *fields, size_t count, void *target);

via_status via_check_text(via_check *check, json_t *value, size_t shortest, size_t longest, const char **out);
via_status via_check_bool(via_check *check, json_t *value, bool *out);
via_status via_check_integer(via_check *check, json_t *value, int64_t least, int64_t most, int64_t *out);
/* One word of a table that ends with NULL. */
via_status via_check_word(via_check *check, json_t *value, const via_word *words, uint32_t *out);
/* An array of different words, or-ed together. */
via_status via_check_words(via_check *check, json_t *value, const via_word *words, size_t shortest, uint32_t *out);
/* An array of different texts; each is held to `is_name`, which says `expected`. */
via_status via_check_names(via_check *check, json_t *value, size_t shortest, bool (*is_name)(const char *),
                           const char *expected, json_t **out);
/* Is it among such texts? NULL holds none. */
bool via_names_hold(const json_t *names, const char *name);

#endif
