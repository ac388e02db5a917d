/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via paste`: what is on the clipboard, to standard output or to a command.
 *
 * Owns: how a content is asked for and written. What a command is run for each change is in watch.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <viaduct/ext/offers.h>

#include "clipboard.h"
#include "commands.h"
#include "json.h"
#include "paste.h"
#include "stop.h"

static via_deadline deadline_of(const via_cli_args *args)
{
    return via_cli_deadline(args, UINT64_C(1000000) * VIA_CLI_CLIPBOARD_MS);
}

/* "image" is any image; a type as it stands is asked for first. */
via_status via_cli_paste_take(const via_cli_args *args, via_channel *channel, via_msg *message)
{
    char wanted[600];
    const char *type = args->type;
    if (type && !strpbrk(type, "/,*") && strlen(type) < 256) {
        (void)snprintf(wanted, sizeof wanted, "%s,%s/*", type, type);
        type = wanted;
    }
    return via_offers_receive(channel, type, deadline_of(args), message);
}

/* ---- the content -------------------------------------------------------------------------------------------- */

static int explain_output(void)
{
    if (errno != EPIPE)
        return via_cli_os_error("standard output", errno, "make room where the output goes");
    via_cli_stdout_lost();
    return VIA_EXIT_OK;
}

/* A shell prompt begins on a line of its own, as after any text; other bytes stay what they are. */
static bool ends_with_newline(const via_cli_args *args, const via_msg *message)
{
    return !args->no_newline && strncmp(message->meta.content_type, "text/", 5) == 0;
}

static int print_content(const via_cli_args *args, const via_cli_clipboard *clipboard)
{
    via_msg message;
    via_status status = via_cli_paste_take(args, clipboard->channel, &message);
    if (status != VIA_OK)
        return via_cli_clipboard_told(clipboard, status);
    errno = 0;
    bool is_written = message.size == 0 || fwrite(message.data, message.size, 1, stdout) == 1;
    if (is_written && ends_with_newline(args, &message))
        is_written = fputc('\n', stdout) != EOF;
    is_written = is_written && fflush(stdout) == 0;
    const int code = errno;
    via_release(clipboard->channel, &message);
    errno = code;
    return is_written ? VIA_EXIT_OK : explain_output();
}

/* ---- the types ---------------------------------------------------------------------------------------------- */

/* They may become others between the two calls. */
static via_status get_types(const via_cli_args *args, via_channel *channel, char **text)
{
    size_t needed = 0;
    via_status status = via_offers_types(channel, NULL, 0, &needed, deadline_of(args));
    while (status == VIA_EBUFFER) {
        char *larger = realloc(*text, needed);
        if (!larger)
            return VIA_ENOMEM;
        *text = larger;
        status = via_offers_types(channel, *text, needed, &needed, deadline_of(args));
    }
    return status;
}

static void put_line(const char *type)
{
    via_cli_put_text(stdout, type);
    (void)fputc('\n', stdout);
}

static int print_types(const via_cli_args *args, const via_cli_clipboard *clipboard)
{
    char *text = NULL, *rest = NULL;
    via_status status = get_types(args, clipboard->channel, &text);
    json_t *list = args->json ? json_array() : NULL;
    for (char *type = text ? strtok_r(text, "\n", &rest) : NULL; type && status == VIA_OK;
         type = strtok_r(NULL, "\n", &rest)) {
        if (list)
            (void)json_array_append_new(list, via_cli_json_text(type));
        else
            put_line(type);
    }
    free(text);
    if (status != VIA_OK) {
        json_decref(list);
        return via_cli_clipboard_told(clipboard, status);
    }
    return !args->json || via_cli_json_print(list) ? VIA_EXIT_OK : via_cli_out_of_memory();
}

/* ---- the command -------------------------------------------------------------------------------------------- */

static int check(const via_cli_args *args)
{
    if (args->watch && args->operands.count == 0)
        return via_cli_usage(args->command, "say what to run: via paste --watch CMD", "--watch has no command to run");
    if (!args->watch && args->operands.count)
        return via_cli_usage(args->command,
                             "to copy text: via copy TEXT; to run a command for each change: --watch CMD",
                             "'%s' is one word too many", args->operands.items[0]);
    if (args->watch && args->list_types)
        return via_cli_usage(args->command, "leave out one of them", "--watch and --list-types exclude each other");
    if (args->json && !args->list_types)
        return via_cli_usage(args->command, "add --list-types", "--json is for the list of types");
    return via_cli_clipboard_check_type(args, true);
}

int via_cli_run_paste(const via_cli_args *args)
{
    via_cli_clipboard clipboard;
    int result = check(args);
    if (result != VIA_EXIT_OK)
        return result;
    result = via_cli_clipboard_open(args, NULL, 0, &clipboard);
    if (result == VIA_EXIT_OK && args->watch)
        result = via_cli_paste_watch(args, &clipboard);
    else if (result == VIA_EXIT_OK)
        result = args->list_types ? print_types(args, &clipboard) : print_content(args, &clipboard);
    via_cli_clipboard_close(&clipboard);
    return result;
}
