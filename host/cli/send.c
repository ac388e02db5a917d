/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via send`, `via pub`, `via push`: messages from the command line, a file or standard input.
 *
 * Owns: what is sent, and that it has left before the command ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "messages.h"
#include "outgoing.h"
#include "program.h"
#include "refusal.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

enum { USUAL_WAIT_S = 5 };
static const uint64_t second_ns = UINT64_C(1000000000);

struct sender {
    const via_cli_args *args;
    via_host *host;
    const char *address;
    uint32_t role;
    via_channel *channel;
    via_cli_source source;
    via_meta meta;
};

/* As elsewhere, "-" is standard input. */
static bool names_file(const via_cli_args *args)
{
    return args->file && strcmp(args->file, "-") != 0;
}

/* ---- one message after the other ---------------------------------------------------------------------------- */

static via_cli_letter letter_of(const struct sender *sender, via_slice body, uint64_t number)
{
    return (via_cli_letter){.args = sender->args,
                            .host = sender->host,
                            .address = sender->address,
                            .channel = sender->channel,
                            .body = body,
                            .number = number};
}

static int explain_send(const struct sender *sender, const via_slice *body, via_status status)
{
    via_cli_letter letter = letter_of(sender, *body, sender->source.number);
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    return via_cli_is_refusal(status) ? via_cli_refused(&letter, status)
                                      : via_cli_send_waited(sender->address, sender->channel, status);
}

static int send_one(struct sender *sender, const via_slice *body, via_meta *meta, bool more)
{
    int result = via_cli_check_meta(sender->host, sender->address, sender->channel, meta);
    if (result != VIA_EXIT_OK)
        return result;
    meta->flags = more ? VIA_MORE : 0;
    via_status status = via_cli_send(sender->channel, body, meta, via_cli_deadline(sender->args, UINT64_MAX));
    return status == VIA_OK ? VIA_EXIT_OK : explain_send(sender, body, status);
}

static int refuse_input(const struct sender *sender)
{
    static const char *const names[] = {"line", "raw", "null", "quoted", "hex", "json"};
    return via_cli_complain(VIA_EXIT_FAILED, "mend the input, or choose another --format",
                            "message %llu of the input is not in the format '%s': expected %s",
                            (unsigned long long)sender->source.number, names[sender->source.format],
                            via_cli_format_expected(sender->source.format));
}

/* Reads once, without missing a signal. */
static int fill(struct sender *sender)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, VIA_FOREVER);
    sleep.on[0].channel = sender->channel;
    sleep.on[0].events = VIA_WORK;
    sleep.readable[0] = sender->source.descriptor;
    if (via_cli_sleep_wait(&sleep) == VIA_ECANCELED)
        return via_cli_stop_result(VIA_EXIT_FAILED);
    if (!via_cli_readable_now(sender->source.descriptor))
        return VIA_EXIT_OK;
    switch (via_cli_source_fill(&sender->source)) {
    case VIA_OK:
        return VIA_EXIT_OK;
    case VIA_ENOMEM:
        return via_cli_out_of_memory();
    default:
        return via_cli_os_error(names_file(sender->args) ? sender->args->file : "standard input", errno,
                                "see that it is a file that can be read");
    }
}

/* What comes as a whole is not read to the end to learn that it is too large. */
static int check_size(const struct sender *sender)
{
    via_channel_info info = {.size = sizeof info};
    via_cli_letter letter = letter_of(sender, (via_slice){NULL, 0}, sender->source.number + 1);
    bool is_all;
    if (!sender->source.whole || sender->source.format != VIA_CLI_RAW || via_info(sender->channel, &info) != VIA_OK)
        return VIA_EXIT_OK;
    letter.body.size = (size_t)via_cli_source_size(&sender->source, &is_all);
    letter.is_part = !is_all;
    return letter.body.size > info.max_message ? via_cli_refused(&letter, VIA_ETOOBIG) : VIA_EXIT_OK;
}

static int send_all(struct sender *sender)
{
    for (;;) {
        via_slice body;
        via_meta meta;
        int result = VIA_EXIT_OK;
        switch (via_cli_source_next(&sender->source, &body, &meta)) {
        case VIA_OK:
            result = send_one(sender, &body, &meta, via_cli_source_has_next(&sender->source));
            break;
        case VIA_ETIMEDOUT:
            result = check_size(sender);
            if (result == VIA_EXIT_OK)
                result = fill(sender);
            break;
        case VIA_ECLOSED:
            return VIA_EXIT_OK;
        default:
            return refuse_input(sender);
        }
        if (result != VIA_EXIT_OK)
            return result;
    }
}

/* ---- opening and ending ------------------------------------------------------------------------------------- */

/* Its input ends here, and with it most programs. */
static int end_of_program(const struct sender *sender)
{
    if (!via_cli_is_program(sender->channel))
        return VIA_EXIT_OK;
    via_status status = via_finish(sender->channel, via_after_ms(1000));
    return status == VIA_OK ? via_cli_program_end(sender->channel, sender->address) : VIA_EXIT_OK;
}

static int finish(struct sender *sender, int result)
{
    if (via_cli_stopped()) {
        via_cli_drain_briefly(sender->channel);
        return via_cli_stop_result(result);
    }
    if (result != VIA_EXIT_OK)
        return result;
    bool is_value = sender->role == VIA_VALUE; /* it goes with the last who has it */
    via_deadline deadline = via_cli_deadline(sender->args, is_value ? USUAL_WAIT_S * second_ns : UINT64_MAX);
    via_status status = via_cli_drain(sender->channel, deadline);
    if (status == VIA_OK || status == VIA_ENOTSUP)
        return end_of_program(sender);
    if (status == VIA_ETIMEDOUT && is_value)
        return via_cli_complain(
            VIA_EXIT_TIMEOUT,
            "start one that takes it (via recv ADDRESS --pattern value), or wait longer with --timeout",
            "%s: nobody has taken the value, and it ends with this command", sender->address);
    if (status == VIA_ECANCELED && via_cli_stopped())
        return via_cli_stop_result(VIA_EXIT_FAILED);
    const int lost = via_cli_program_lost(sender->channel, sender->address, status);
    return lost != VIA_EXIT_OK ? lost : via_cli_status(sender->address, sender->channel, status);
}

/* Out of a folder nothing can be read, which open(2) does not mind. */
static int open_file(const char *name)
{
    struct stat about;
    int descriptor = open(name, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &about) != 0 || !S_ISDIR(about.st_mode))
        return descriptor;
    (void)close(descriptor);
    errno = EISDIR;
    return -1;
}

/* TEXT and --file are one message as they are, unless --format says how to read them. */
static int open_source(struct sender *sender)
{
    const via_cli_args *args = sender->args;
    const char *text = args->operands.count > 1 ? args->operands.items[1] : NULL;
    bool is_plain = (text || args->file) && !via_cli_given(args, VIA_CLI_FORMAT);
    via_cli_format format = is_plain ? VIA_CLI_RAW : (via_cli_format)args->format;
    int descriptor = names_file(args) ? open_file(args->file) : STDIN_FILENO;
    if (descriptor < 0)
        return via_cli_os_error(args->file, errno, "name a file that can be read");
    via_cli_source_init(&sender->source, descriptor, format, &sender->meta);
    if (text && !via_cli_source_init_text(&sender->source, text, format, &sender->meta))
        return via_cli_out_of_memory();
    sender->source.whole = true;
    return VIA_EXIT_OK;
}

/* Into a channel without boundaries standard input goes as it comes, and not as one message at its end. */
static void choose_format(struct sender *sender)
{
    via_cli_source *source = &sender->source;
    bool is_line = source->format == VIA_CLI_LINE;
    source->format = is_line ? via_cli_format_for(sender->args, sender->channel) : source->format;
    source->whole = !is_line;
}

static int open_channel(struct sender *sender, uint32_t role)
{
    via_cli_outgoing what = {.args = sender->args, .host = sender->host, .address = sender->address, .role = role};
    int result = via_cli_outgoing_open(&what, &sender->channel);
    sender->role = what.role;
    if (result != VIA_EXIT_OK)
        return result;
    choose_format(sender);
    return via_cli_outgoing_wait(&what, sender->channel);
}

static int check(const via_cli_args *args)
{
    if (args->operands.count > 1 && args->file)
        return via_cli_usage(args->command, NULL, "TEXT and --file exclude each other");
    if (args->key && strlen(args->key) > 255)
        return via_cli_usage(args->command, "shorten it", "--key is longer than 255 bytes");
    if (args->type && strlen(args->type) > 255)
        return via_cli_usage(args->command, "shorten it", "--type is longer than 255 bytes");
    return VIA_EXIT_OK;
}

static int send_as(const via_cli_args *args, uint32_t role)
{
    struct sender sender = {.args = args, .address = args->operands.items[0], .source = {.descriptor = -1}};
    sender.meta = (via_meta){.key = args->key, .content_type = args->type, .priority = (int32_t)args->priority};
    int result = check(args);
    if (result == VIA_EXIT_OK)
        result = open_source(&sender);
    if (result == VIA_EXIT_OK)
        result = via_cli_host_open(args, &sender.host);
    if (result == VIA_EXIT_OK)
        result = open_channel(&sender, role);
    if (result == VIA_EXIT_OK)
        result = finish(&sender, send_all(&sender));
    via_close(sender.channel);
    via_host_close(sender.host);
    via_cli_source_fini(&sender.source);
    if (sender.source.descriptor > STDIN_FILENO)
        (void)close(sender.source.descriptor);
    return result;
}

int via_cli_run_send(const via_cli_args *args)
{
    return send_as(args, VIA_PAIR);
}

int via_cli_run_pub(const via_cli_args *args)
{
    return send_as(args, VIA_PUBLISH);
}

int via_cli_run_push(const via_cli_args *args)
{
    return send_as(args, VIA_PUSH);
}
