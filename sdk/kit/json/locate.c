/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A walk over JSON text that builds nothing.
 *
 * Owns: no memory. Every step is bounded by `size`, so text that is not valid ends the walk instead of running on.
 */
#include "kit/json/locate.h"

#include <jansson.h>
#include <string.h>

typedef struct scan {
    const char *text;
    size_t size;
    size_t at;
} scan;

void via_locate_offset(const char *text, size_t size, size_t offset, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < offset && i < size; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) { /* not inside a UTF-8 sequence */
            ++*column;
        }
    }
}

static char peek(scan *s)
{
    while (s->at < s->size && strchr(" \t\r\n", s->text[s->at]) && s->text[s->at])
        s->at++;
    return s->at < s->size ? s->text[s->at] : '\0';
}

static bool skip(scan *s, char wanted)
{
    if (peek(s) != wanted)
        return false;
    s->at++;
    return true;
}

static bool skip_string(scan *s)
{
    if (!skip(s, '"'))
        return false;
    while (s->at < s->size && s->text[s->at] != '"')
        s->at += s->text[s->at] == '\\' ? 2 : 1;
    return skip(s, '"');
}

/* Any value: brackets are counted, not matched by kind, since the text is known to be valid. */
static bool skip_value(scan *s)
{
    size_t open = 0;

    do {
        char c = peek(s);
        if (c == '\0')
            return false;
        if (c == '"') {
            if (!skip_string(s))
                return false;
            continue;
        }
        open += c == '{' || c == '[';
        open -= open && (c == '}' || c == ']');
        s->at++;
        if (strchr("{}[],:", c))
            continue;
        while (s->at < s->size && !strchr(" \t\r\n{}[],:", s->text[s->at]))
            s->at++;
    } while (open);
    return true;
}

/* Keys may be written with escapes, so they are compared decoded. */
static bool key_is(const scan *s, size_t start, const char *key)
{
    json_t *string = json_loadb(s->text + start, s->at - start, JSON_DECODE_ANY, NULL);
    bool equal = json_is_string(string) && strcmp(json_string_value(string), key) == 0;

    json_decref(string);
    return equal;
}

static bool enter_key(scan *s, const char *key, bool at_key)
{
    if (!skip(s, '{'))
        return false;
    do {
        (void)peek(s);
        size_t start = s->at;
        if (!skip_string(s))
            return false;
        if (key_is(s, start, key)) {
            if (at_key) {
                s->at = start;
                return true;
            }
            return skip(s, ':');
        }
        if (!skip(s, ':') || !skip_value(s))
            return false;
    } while (skip(s, ','));
    return false;
}

static bool enter_index(scan *s, size_t index)
{
    if (!skip(s, '['))
        return false;
    for (; index; index--) {
        if (!skip_value(s) || !skip(s, ','))
            return false;
    }
    return true;
}

bool via_locate_value(const char *text, size_t size, const via_step *steps, size_t count, bool at_key, size_t *offset)
{
    scan s = {text, size, 0};

    for (size_t i = 0; i < count; i++) {
        bool last = i + 1 == count;
        if (steps[i].key ? !enter_key(&s, steps[i].key, at_key && last) : !enter_index(&s, steps[i].index))
            return false;
    }
    (void)peek(&s);
    *offset = s.at;
    return s.at < size;
}

bool via_locate_member(const char *text, size_t size, size_t *at, size_t *key)
{
    scan s = {text, size, *at};
    char before = peek(&s); /* the object's bracket, or what stands behind a value */

    if (before != '{' && before != ',')
        return false;
    s.at++;
    if (peek(&s) != '"')
        return false;
    *key = s.at;
    if (!skip_string(&s) || !skip(&s, ':') || !skip_value(&s))
        return false;
    (void)peek(&s);
    *at = s.at;
    return true;
}

bool via_locate_depth(const char *text, size_t size, size_t limit, size_t *offset)
{
    scan s = {text, size, 0};
    size_t open = 0;

    while (s.at < size) {
        char c = text[s.at];
        if (c == '"') {
            if (!skip_string(&s))
                return false; /* an open string: the parser will say so */
            continue;
        }
        if ((c == '{' || c == '[') && ++open > limit) {
            *offset = s.at;
            return true;
        }
        open -= open && (c == '}' || c == ']');
        s.at++;
    }
    return false;
}
