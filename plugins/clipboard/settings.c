/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening; see settings.h.
 */
#include "settings.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>

static const char usual_name[] = "clipboard";

static int64_t number_of(const via_open *open, const char *name)
{
    return via_option_find(open, name)->number;
}

/* "forever" is the largest there is. */
static uint64_t time_of(const via_open *open, const char *name)
{
    int64_t ns = number_of(open, name);

    return ns < 0 ? UINT64_MAX : (uint64_t)ns;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static const char *text_of(const via_open *open, const char *name)
{
    const char *text = via_option_find(open, name)->text;

    return text ? text : "";
}

static void read_plain(clip_options *options, const via_host_api *host, const via_open *open)
{
    options->backend = (uint32_t)number_of(open, "backend");
    options->has_echo = number_of(open, "echo") != 0;
    options->marks.is_sensitive = number_of(open, "sensitive") != 0;
    options->marks.is_once = number_of(open, "paste_once") != 0;
    options->ttl_ns = number_of(open, "ttl");
    options->settings = (clip_settings){
        .reply_ns = time_of(open, "reply_timeout"),
        .idle_ns = time_of(open, "idle_timeout"),
        .transfer_ns = time_of(open, "transfer_timeout"),
        .max_size = (size_t)least(open->max_message, (uint64_t)number_of(open, "max_size")),
        .context = open->context,
        .host = host,
    };
}

static via_status read_name(clip_options *options, const via_host_api *host, const via_open *open, via_error *error)
{
    via_status status = via_text_decode(open->rest, &options->name);

    if (status == VIA_ENOMEM)
        return via_fail(host, error, status, 0, NULL, "no memory for a channel");
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "write clipboard: or clipboard:primary",
                        "'%s' is no name of a clipboard: a wrong escape, or a control character", open->rest);
    if (options->name[0] == '\0') {
        free(options->name);
        options->name = strdup(usual_name);
    }
    return VIA_OK;
}

via_status clip_options_init(clip_options *options, const via_host_api *host, const via_open *open, via_error *error)
{
    const char *display = text_of(open, "display");

    *options = (clip_options){0};
    read_plain(options, host, open);
    via_status status = read_name(options, host, open, error);
    if (status != VIA_OK)
        return status;
    options->types = strdup(text_of(open, "types"));
    options->display = display[0] ? strdup(display) : NULL;
    if (!options->name || !options->types || (display[0] && !options->display))
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "no memory for a channel");
    options->settings.name = options->name;
    options->settings.display = options->display;
    return VIA_OK;
}

void clip_options_fini(clip_options *options)
{
    free(options->types);
    free(options->name);
    free(options->display);
}
