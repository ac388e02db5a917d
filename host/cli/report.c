/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an error is told: what is wrong first, details in the middle, the way out last. On standard error, always.
 *
 * Owns: the words for statuses and stages, and the exit status that stands for each.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cli.h"

static const char *const stages[] = {
    [VIA_STAGE_NONE] = "",           [VIA_STAGE_DISCOVER] = "discover",   [VIA_STAGE_PARSE] = "parse",
    [VIA_STAGE_SCHEMA] = "schema",   [VIA_STAGE_TRUST] = "trust",         [VIA_STAGE_PREFLIGHT] = "preflight",
    [VIA_STAGE_LOAD] = "load",       [VIA_STAGE_NEGOTIATE] = "negotiate", [VIA_STAGE_INIT] = "init",
    [VIA_STAGE_RESOLVE] = "resolve", [VIA_STAGE_OPTIONS] = "options",     [VIA_STAGE_OPEN] = "open",
    [VIA_STAGE_DATA] = "data"};

const char *via_cli_stage_name(uint32_t stage)
{
    return stage < sizeof stages / sizeof stages[0] ? stages[stage] : "unknown";
}

int via_cli_exit_of(via_status status)
{
    switch (status) {
    case VIA_OK:
        return VIA_EXIT_OK;
    case VIA_ETIMEDOUT:
        return VIA_EXIT_TIMEOUT;
    case VIA_ENOPEER:
    case VIA_EPEER:
    case VIA_ECLOSED:
        return VIA_EXIT_PEER;
    case VIA_EPROTO:
    case VIA_EREMOTE:
        return VIA_EXIT_REMOTE;
    default:
        return VIA_EXIT_FAILED;
    }
}

const char *via_cli_usual_mend(via_status status)
{
    switch (status) {
    case VIA_ETIMEDOUT:
        return "wait longer with --timeout, or see whether the other end is stuck";
    case VIA_ENOPEER:
        return "start the other end first, wait longer with --timeout, or check the address with 'via explain'";
    case VIA_EPEER:
    case VIA_ECLOSED:
        return "see why the other end ended, then start both again";
    case VIA_EPROTO:
        return "see that both ends use the same pattern and framing ('via explain ADDRESS' shows this one's)";
    case VIA_ELIMIT:
        return "raise the limit of open files (ulimit -n), or another one: 'via doctor' shows them";
    case VIA_ETOOBIG:
        return "send less at once, or raise max_message on both ends";
    case VIA_EDROPPED:
        return "make more room ('via explain ADDRESS' lists the options), choose another overflow= (block waits), or "
               "send at a slower pace";
    case VIA_ENOTSUP:
        return "'via plugins' lists what there is; 'via explain ADDRESS' shows what this one can do";
    default:
        return "set VIADUCT_LOG=debug and try again to see more";
    }
}

static void put_detail(const char *name, const char *text)
{
    (void)fprintf(stderr, "     %-5s ", name);
    via_cli_put_text(stderr, text);
    (void)fputc('\n', stderr);
}

static void put_what(const char *subject, const char *what)
{
    (void)fflush(stdout);
    (void)fputs("via: ", stderr);
    if (subject && strncmp(subject, what, strlen(subject)) != 0) {
        via_cli_put_text(stderr, subject);
        (void)fputs(": ", stderr);
    }
    via_cli_put_text(stderr, what);
    (void)fputc('\n', stderr);
}

static void put_place(const char *subject, const via_error *error)
{
    char place[800];
    bool is_told = subject && strcmp(subject, error->file) == 0 && !error->line && !error->pointer[0];
    if (error->file[0] == '\0' || is_told)
        return;
    int used = snprintf(place, sizeof place, "%s", error->file);
    if (error->line)
        used += snprintf(place + used, sizeof place - (size_t)used, ":%u:%u", error->line, error->column);
    if (error->pointer[0])
        (void)snprintf(place + used, sizeof place - (size_t)used, " (%s)", error->pointer);
    put_detail("at:", place);
}

static void put_more(const char *more)
{
    char line[1025];
    while (*more) {
        size_t length = strcspn(more, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)length, more);
        put_detail("also:", line);
        more += length + (more[length] == '\n');
    }
}

int via_cli_error(const char *subject, const via_error *error)
{
    put_what(subject, error->what[0] ? error->what : via_status_text(error->status));
    put_place(subject, error);
    if (error->os_text[0])
        put_detail("os:", error->os_text);
    put_more(error->more);
    put_detail("mend:", error->mend[0] ? error->mend : via_cli_usual_mend(error->status));
    return via_cli_exit_of(error->status);
}

int via_cli_status(const char *subject, via_channel *channel, via_status status)
{
    via_error error;
    via_error_init(&error);
    if (channel && via_failure(channel, &error) == VIA_OK && error.status == status)
        return via_cli_error(subject, &error);
    put_what(subject, via_status_text(status));
    put_detail("mend:", via_cli_usual_mend(status));
    return via_cli_exit_of(status);
}

int via_cli_os_error(const char *subject, int os_code, const char *mend)
{
    char storage[128];
    put_what(subject, strerror_r(os_code, storage, sizeof storage)); /* GNU's: it may not use the storage */
    put_detail("mend:", mend);
    return VIA_EXIT_FAILED;
}

int via_cli_out_of_memory(void)
{
    return via_cli_os_error("via", ENOMEM, "free some memory, or send smaller messages");
}

__attribute__((format(printf, 1, 0))) static void put_formatted(const char *what, va_list arguments)
{
    char text[1024];
    (void)vsnprintf(text, sizeof text, what, arguments);
    put_what(NULL, text);
}

int via_cli_complain(int exit_status, const char *mend, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    put_formatted(what, arguments);
    va_end(arguments);
    put_detail("mend:", mend);
    return exit_status;
}

int via_cli_usage(const via_cli_command *command, const char *mend, const char *what, ...)
{
    char usual[128];
    va_list arguments;
    va_start(arguments, what);
    put_formatted(what, arguments);
    va_end(arguments);
    (void)snprintf(usual, sizeof usual, "'via %s --help' shows how it is used", command->name);
    put_detail("mend:", mend ? mend : usual);
    return VIA_EXIT_USAGE;
}
