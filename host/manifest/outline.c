/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a plugin's manifest in two steps: everything but the options, then those.
 *
 * Owns: what an outline leaves out: the options of schemes and layers, most of a manifest's text, and what is the author's own beside
 * them ("x-"). Of the plugins in a folder a program uses few.
 */
#include "manifest/plugin_manifest.h"

#include "kit/error.h"

#include <stdlib.h>
#include <string.h>

/* ---- leaving out -------------------------------------------------------------------------------------------- */

/* Options stand in one scheme or layer, that among the others, those in the whole. */
enum { OPTIONS_DEPTH = 3 };

/* Text that is copied but for what is left out. Valid or not, nothing beyond `end` is looked at. */
typedef struct cut {
    const char *at;
    const char *end;
    char *to;
    bool has_left_out;
} cut;

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Leads on behind the string that begins here. */
static void skip_string(cut *c)
{
    for (c->at++; c->at < c->end && *c->at != '"'; c->at++)
        c->at += *c->at == '\\' && c->at + 1 < c->end;
    c->at += c->at < c->end;
}

/* From inside an object to the bracket that closes it, or the end. Kinds of brackets are for the parser to match. */
static void skip_inside(cut *c)
{
    size_t open = 1;

    while (c->at < c->end) {
        char now = *c->at;
        if (now == '"') {
            skip_string(c);
            continue;
        }
        open += now == '{' || now == '[';
        open -= now == '}' || now == ']';
        if (open == 0)
            return;
        c->at++;
    }
}

static void copy_string(cut *c)
{
    const char *from = c->at;

    skip_string(c);
    memcpy(c->to, from, (size_t)(c->at - from));
    c->to += c->at - from;
}

/* One of many stands for all of them; none at all could join what must stay apart. */
static void copy_spaces(cut *c)
{
    *c->to++ = *c->at;
    while (c->at < c->end && is_space(*c->at))
        c->at++;
}

static bool copy_mark(cut *c, char mark)
{
    if (c->at < c->end && is_space(*c->at))
        copy_spaces(c);
    if (c->at == c->end || *c->at != mark)
        return false;
    *c->to++ = *c->at++;
    return true;
}

static bool is_left_out(const char *key, size_t size)
{
    static const char options[] = "\"options\"";

    return (size == sizeof(options) - 1 && memcmp(key, options, size) == 0) ||
           (size > 3 && memcmp(key, "\"x-", 3) == 0);
}

/* A key, or a text that is not one. Of an object that is left out the brackets stay. */
static void copy_member(cut *c)
{
    const char *key = c->at;

    copy_string(c);
    if (!is_left_out(key, (size_t)(c->at - key)) || !copy_mark(c, ':') || !copy_mark(c, '{'))
        return;
    skip_inside(c);
    if (c->at < c->end)
        *c->to++ = *c->at++;
    c->has_left_out = true;
}

/* Writes the text without its options to `outline`, which has room for all of it. Answers its size. */
static size_t write_outline(const char *text, size_t size, char *outline, bool *has_left_out)
{
    cut c = {text, text + size, outline, false};
    size_t depth = 0;

    while (c.at < c.end) {
        char now = *c.at;
        if (now == '"' && depth == OPTIONS_DEPTH) {
            copy_member(&c);
        } else if (now == '"') {
            copy_string(&c);
        } else if (is_space(now)) {
            copy_spaces(&c);
        } else {
            depth += now == '{' || now == '[';
            depth -= depth && (now == '}' || now == ']');
            *c.to++ = now;
            c.at++;
        }
    }
    *has_left_out = c.has_left_out;
    return (size_t)(c.to - outline);
}

/* ---- both steps --------------------------------------------------------------------------------------------- */

/* Whatever is wrong is wrong in the whole as well, which has the places that people see: it is read anew. */
via_status via_plugin_manifest_outline(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                       via_error *error)
{
    char *outline = malloc(size + 1);
    bool has_left_out = false;

    *manifest = (via_plugin_manifest){.enabled = true};
    if (!outline)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_PARSE, NULL, "out of memory");
    size_t outline_size = write_outline(text, size, outline, &has_left_out);
    via_status status = VIA_EINVAL;
    if (has_left_out)
        status = via_plugin_manifest_read(manifest, file, outline, outline_size, NULL);
    free(outline);
    manifest->is_outline = status == VIA_OK;
    if (status == VIA_OK)
        return VIA_OK;
    via_plugin_manifest_fini(manifest);
    return via_plugin_manifest_read(manifest, file, text, size, error);
}

static void move(via_option_list *to, via_option_list *from)
{
    via_option_list_fini(to);
    *to = *from;
    *from = (via_option_list){NULL, 0};
}

/* Both were read from one text, so the order is the same. Pointers to schemes, layers and texts stay good. */
static void take_options(via_plugin_manifest *manifest, via_plugin_manifest *whole)
{
    for (size_t i = 0; i < manifest->scheme_count; i++)
        move(&manifest->schemes[i].options, &whole->schemes[i].options);
    for (size_t i = 0; i < manifest->layer_count; i++)
        move(&manifest->layers[i].options, &whole->layers[i].options);
    manifest->options_root = json_incref(whole->root);
}

via_status via_plugin_manifest_complete(via_plugin_manifest *manifest, const char *file, const char *text, size_t size,
                                        via_error *error)
{
    via_plugin_manifest whole;

    if (!manifest->is_outline)
        return VIA_OK;
    via_status status = via_plugin_manifest_read(&whole, file, text, size, error);
    if (status == VIA_OK)
        take_options(manifest, &whole);
    manifest->is_outline = status == VIA_ENOMEM;
    via_plugin_manifest_fini(&whole);
    return status;
}
