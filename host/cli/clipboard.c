/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the clipboard, and telling what is wrong with it; see clipboard.h. */
#include "clipboard.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/ext/offers.h>

#include "session.h"
#include "stop.h"

enum { OWN_OPTIONS = 8 };

static const char *const addresses[] = {"clipboard:", "clipboard:primary"};

/* An option that is given twice is refused by the host, and told. */
static bool gather(const via_cli_args *args, const char *const *more, size_t count, const char *backend,
                   via_open_options *options, const char ***list)
{
    size_t at = 0;
    *list = calloc(args->options.count + count + OWN_OPTIONS, sizeof **list);
    if (!*list)
        return false;
    if (args->backend)
        (*list)[at++] = backend;
    for (size_t i = 0; i < count; i++)
        (*list)[at++] = more[i];
    for (size_t i = 0; i < args->options.count; i++)
        (*list)[at++] = args->options.items[i];
    via_open_options_init(options);
    options->options = *list;
    options->option_count = at;
    return true;
}

static int join(const via_cli_args *args, const char *const *more, size_t count, via_cli_clipboard *clipboard)
{
    via_open_options options;
    via_error error;
    const char **list;
    char backend[64];
    (void)snprintf(backend, sizeof backend, "backend=%s", args->backend ? args->backend : "");
    if (!gather(args, more, count, backend, &options, &list))
        return via_cli_out_of_memory();
    via_error_init(&error);
    const via_deadline deadline = via_cli_deadline(args, UINT64_C(1000000) * VIA_CLI_CLIPBOARD_MS);
    via_status status =
        via_join(clipboard->host, clipboard->address, VIA_VALUE, &options, deadline, &clipboard->channel, &error);
    free(list);
    return status == VIA_OK ? VIA_EXIT_OK : via_cli_error(clipboard->address, &error);
}

int via_cli_clipboard_open(const via_cli_args *args, const char *const *more, size_t count,
                           via_cli_clipboard *clipboard)
{
    *clipboard = (via_cli_clipboard){.address = addresses[args->primary]};
    int result = via_cli_host_open(args, &clipboard->host);
    if (result == VIA_EXIT_OK)
        result = join(args, more, count, clipboard);
    via_cli_stop_gently();
    if (result == VIA_EXIT_OK)
        via_cli_stop_interrupts(clipboard->channel);
    return result;
}

void via_cli_clipboard_close(via_cli_clipboard *clipboard)
{
    via_cli_stop_interrupts(NULL);
    via_close(clipboard->channel);
    via_host_close(clipboard->host);
}

/* ---- what is wrong ------------------------------------------------------------------------------------------ */

/* The types in one line, for people; "" = not known. */
static void list_types(via_channel *channel, char *text, size_t capacity)
{
    size_t needed = 0;
    via_status status = via_offers_types(channel, text, capacity, &needed, via_after_ms(2000));
    if (status != VIA_OK && status != VIA_EBUFFER)
        text[0] = '\0';
    for (char *at = text; (at = strchr(at, '\n')) != NULL;)
        *at = at[1] ? ' ' : '\0';
}

static int tell_type(const via_cli_clipboard *clipboard)
{
    char types[512];
    list_types(clipboard->channel, types, sizeof types);
    if (types[0] == '\0')
        return via_cli_complain(VIA_EXIT_FAILED, "copy something: it takes the place of what is there",
                                "%s: what is there cannot be read", clipboard->address);
    return via_cli_complain(VIA_EXIT_FAILED, "ask for one of these with --type",
                            "%s: not offered in this type, but in: %s", clipboard->address, types);
}

int via_cli_clipboard_told(const via_cli_clipboard *clipboard, via_status status)
{
    const char *address = clipboard->address;
    switch (status) {
    case VIA_OK:
        return VIA_EXIT_OK;
    case VIA_ENOENT:
        return via_cli_complain(VIA_EXIT_FAILED, "copy something first", "%s: empty", address);
    case VIA_ETYPE:
        return tell_type(clipboard);
    case VIA_ESTALLED:
        return via_cli_complain(VIA_EXIT_FAILED,
                                "see why the program that has the content does not answer, or copy anew",
                                "%s: the owner of the content lives, but does not go on", address);
    case VIA_EPEER:
        return via_cli_complain(VIA_EXIT_PEER, "copy it anew", "%s: the owner of the content died", address);
    case VIA_EREVOKED:
        return via_cli_complain(VIA_EXIT_FAILED, "try again", "%s: another program took it at the same moment",
                                address);
    case VIA_ETOOBIG:
        return via_cli_complain(VIA_EXIT_FAILED, "raise the limit: --option max_size=64MiB",
                                "%s: larger than max_size allows", address);
    case VIA_ECANCELED:
        return via_cli_stop_result(VIA_EXIT_FAILED);
    default:
        return via_cli_status(address, clipboard->channel, status);
    }
}
