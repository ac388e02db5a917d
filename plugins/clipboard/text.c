/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that text goes by; see text.h.
 */
#include "text.h"

#include <string.h>
#include <strings.h>

const char clip_text_type[] = "text/plain;charset=utf-8";

const char *const clip_text_names[] = {clip_text_type, "UTF8_STRING", "text/plain", "TEXT", "STRING", NULL};

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* US-ASCII is UTF-8 as well. */
static bool is_readable(const char *charset, size_t size)
{
    static const char *const names[] = {"utf-8", "utf8", "us-ascii"};

    if (size >= 2 && charset[0] == '"' && charset[size - 1] == '"') {
        charset++;
        size -= 2;
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strlen(names[i]) == size && strncasecmp(charset, names[i], size) == 0)
            return true;
    return false;
}

/* What follows "text/plain": any parameters, of which only the charset says how to read it (RFC 2046). */
static bool are_parameters_readable(const char *at)
{
    for (at = skip_blanks(at); *at; at = skip_blanks(at)) {
        if (*at != ';')
            return false;
        at = skip_blanks(at + 1);
        size_t size = strcspn(at, "; \t");
        if (size >= 8 && strncasecmp(at, "charset=", 8) == 0 && !is_readable(at + 8, size - 8))
            return false;
        at += size;
    }
    return true;
}

bool clip_text_is(const char *type)
{
    static const size_t plain = sizeof("text/plain") - 1;

    for (size_t i = 0; clip_text_names[i]; i++)
        if (strcmp(type, clip_text_names[i]) == 0)
            return true;
    return strncasecmp(type, "text/plain", plain) == 0 && are_parameters_readable(type + plain);
}
