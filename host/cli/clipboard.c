/* SPDX-License-Identifier: Apache-2.0 */
/* Opening the clipboard, and telling what is wrong with it; see clipboard.h. */
#include "clipboard.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/ext/offers.h>

#include "facts.h"
#include "session.h"
#include "stop.h"

enum { OWN_OPTIONS = 8, TYPE_LONGEST = 255 };

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

/* "SCHEME:" is what people copy to, "SCHEME:primary" the selection. */
static int find_address(const via_cli_args *args, via_cli_clipboard *clipboard)
{
    char scheme[64];
    if (!via_cli_scheme_for(clipboard->host, "pattern=value,feature=offers", scheme, sizeof scheme))
        return via_cli_complain(VIA_EXIT_FAILED,
                                "install one; 'via plugins' shows those that are there, and why one is not ready",
                                "no plugin that is ready keeps a clipboard: none has the feature \"offers\"");
    (void)snprintf(clipboard->address, sizeof clipboard->address, "%s:%s", scheme, args->primary ? "primary" : "");
    return VIA_EXIT_OK;
}

int via_cli_clipboard_open(const via_cli_args *args, const char *const *more, size_t count,
                           via_cli_clipboard *clipboard)
{
    *clipboard = (via_cli_clipboard){.host = NULL};
    int result = via_cli_host_open(args, &clipboard->host);
    if (result == VIA_EXIT_OK)
        result = find_address(args, clipboard);
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

struct words {
    via_status status;
    int exit_status;
    const char *what, *mend;
};

/* The transport has named the file in a line before, as it does with what goes wrong and does not end a channel. */
static const struct words both[] = {
    {VIA_ENOENT, VIA_EXIT_FAILED, "empty", "copy something first"},
    {VIA_ESTALLED, VIA_EXIT_FAILED, "the owner of the content lives, but does not go on",
     "see why the program that has the content does not answer, or copy anew"},
    {VIA_EPEER, VIA_EXIT_PEER, "the owner of the content died", "copy it anew"},
    {VIA_EREVOKED, VIA_EXIT_FAILED, "another program took it at the same moment", "try again"},
    {VIA_ETOOBIG, VIA_EXIT_FAILED, "larger than max_size allows", "raise the limit: --option max_size=64MiB"},
    {VIA_ELIMIT, VIA_EXIT_FAILED, "no room, or a limit is in the way: see the line above",
     "make room there, or raise that limit"},
    {VIA_EPERM, VIA_EXIT_FAILED, "a file is refused: see the line above", "remove it: it will be made again"},
    {VIA_EIO, VIA_EXIT_FAILED, "a file cannot be read or written: see the line above",
     "see what is wrong with it, or remove it: it will be made again"}};

static const struct words copying[] = {{VIA_ESTALLED, VIA_EXIT_FAILED,
                                        "nothing is copied: who has to let go of it does not go on",
                                        "end the program that is named above, then copy again"}};

static const struct words *find_words(const struct words *list, size_t count, via_status status)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].status == status)
            return &list[i];
    return NULL;
}

/* Why the channel has ended is told by itself. */
static bool has_ended_so(via_channel *channel, via_status status)
{
    via_error error;
    return via_failure(channel, &error) == VIA_OK && error.status == status;
}

int via_cli_clipboard_told(const via_cli_clipboard *clipboard, via_status status)
{
    const struct words *words = NULL;
    if (status == VIA_OK)
        return VIA_EXIT_OK;
    if (status == VIA_ETYPE)
        return tell_type(clipboard);
    if (status == VIA_ECANCELED)
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (clipboard->is_copying)
        words = find_words(copying, sizeof copying / sizeof copying[0], status);
    if (!words)
        words = find_words(both, sizeof both / sizeof both[0], status);
    if (!words || has_ended_so(clipboard->channel, status))
        return via_cli_status(clipboard->address, clipboard->channel, status);
    return via_cli_complain(words->exit_status, words->mend, "%s: %s", clipboard->address, words->what);
}

/* ---- what is asked for -------------------------------------------------------------------------------------- */

static bool is_type(const char *text, bool is_list)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 127 || (text[i] == ',' && !is_list))
            return false;
    return length > 0 && (is_list || length <= TYPE_LONGEST);
}

int via_cli_clipboard_check_type(const via_cli_args *args, bool is_list)
{
    if (!via_cli_given(args, VIA_CLI_TYPE) || is_type(args->type, is_list))
        return VIA_EXIT_OK;
    return via_cli_usage(args->command, "name one, such as text/html or image/png",
                         "--type wants a content type of 1 to %d characters%s, none of them a control character",
                         TYPE_LONGEST, is_list ? "" : " without a comma");
}
