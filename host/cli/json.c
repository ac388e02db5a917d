/* SPDX-License-Identifier: Apache-2.0 */
/* JSON output; see json.h. Owns: its indentation and order of keys. */
#include "json.h"

#include <string.h>

json_t *via_cli_json_text(const char *text)
{
    char clean[2048];
    size_t used = 0, left = strlen(text);
    if (via_cli_is_utf8(text, left))
        return json_string(text);
    while (left > 0 && used + 4 < sizeof clean) {
        size_t length = via_cli_utf8_next(text, left, NULL);
        if (length > 0)
            memcpy(clean + used, text, length);
        else
            clean[used] = '?';
        used += length ? length : 1;
        text += length ? length : 1;
        left -= length ? length : 1;
    }
    return json_stringn(clean, used);
}

static void set_text(json_t *object, const char *key, const char *text)
{
    if (text[0])
        (void)json_object_set_new(object, key, via_cli_json_text(text));
}

json_t *via_cli_json_error(const via_error *error)
{
    json_t *object = json_object();
    set_text(object, "status", via_status_name(error->status));
    set_text(object, "stage", via_cli_stage_name(error->stage));
    set_text(object, "what", error->what);
    set_text(object, "mend", error->mend);
    set_text(object, "plugin", error->plugin);
    set_text(object, "file", error->file);
    if (error->line) {
        (void)json_object_set_new(object, "line", json_integer((json_int_t)error->line));
        (void)json_object_set_new(object, "column", json_integer((json_int_t)error->column));
    }
    set_text(object, "pointer", error->pointer);
    set_text(object, "os", error->os_text);
    set_text(object, "more", error->more);
    return object;
}

bool via_cli_json_print(json_t *value)
{
    /* A value that could not be made, or printed, is out of memory; a closed stdout is main's business. */
    bool made = value != NULL;
    if (made && json_dumpf(value, stdout, JSON_INDENT(2)) == 0)
        (void)fputc('\n', stdout);
    json_decref(value);
    return made;
}
