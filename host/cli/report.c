/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an error is told: what is wrong first, details in the middle, the way out last. On standard error, always.
 *
 * Owns: the words for statuses and stages, and the exit status that stands for each.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
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
    case VIA_ENOMEM:
        return "free some memory, raise the limit of it (ulimit -v), or send less at once";
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

/* Two commands often share a terminal: what one says is written at once, so that their words do not mix. */
typedef struct report {
    FILE *out; /* stderr itself, without memory for the text */
    char *text;
    size_t size;
} report;

static FILE *report_begin(report *told)
{
    *told = (report){0};
    told->out = open_memstream(&told->text, &told->size);
    if (!told->out)
        told->out = stderr;
    return told->out;
}

static void report_end(report *told)
{
    if (told->out == stderr)
        return;
    (void)fclose(told->out);
    if (told->text)
        (void)fwrite(told->text, 1, told->size, stderr);
    free(told->text);
}

static void put_detail(FILE *out, const char *name, const char *text)
{
    (void)fprintf(out, "     %-5s ", name);
    via_cli_put_text(out, text);
    (void)fputc('\n', out);
}

static void put_what(FILE *out, const char *subject, const char *what)
{
    (void)fflush(stdout);
    (void)fputs("via: ", out);
    if (subject && strncmp(subject, what, strlen(subject)) != 0) {
        via_cli_put_text(out, subject);
        (void)fputs(": ", out);
    }
    via_cli_put_text(out, what);
    (void)fputc('\n', out);
}

static void put_place(FILE *out, const char *subject, const via_error *error)
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
    put_detail(out, "at:", place);
}

static void put_more(FILE *out, const char *more)
{
    char line[1025];
    while (*more) {
        size_t length = strcspn(more, "\n");
        (void)snprintf(line, sizeof line, "%.*s", (int)length, more);
        put_detail(out, "also:", line);
        more += length + (more[length] == '\n');
    }
}

int via_cli_error(const char *subject, const via_error *error)
{
    report told;
    FILE *out = report_begin(&told);
    put_what(out, subject, error->what[0] ? error->what : via_status_text(error->status));
    put_place(out, subject, error);
    if (error->os_text[0])
        put_detail(out, "os:", error->os_text);
    put_more(out, error->more);
    put_detail(out, "mend:", error->mend[0] ? error->mend : via_cli_usual_mend(error->status));
    report_end(&told);
    return via_cli_exit_of(error->status);
}

static void put_what_and_mend(const char *subject, const char *what, const char *mend)
{
    report told;
    FILE *out = report_begin(&told);
    put_what(out, subject, what);
    put_detail(out, "mend:", mend);
    report_end(&told);
}

int via_cli_status(const char *subject, via_channel *channel, via_status status)
{
    via_error error;
    via_error_init(&error);
    if (channel && via_failure(channel, &error) == VIA_OK && error.status == status)
        return via_cli_error(subject, &error);
    put_what_and_mend(subject, via_status_text(status), via_cli_usual_mend(status));
    return via_cli_exit_of(status);
}

int via_cli_os_error(const char *subject, int os_code, const char *mend)
{
    char storage[128];
    put_what_and_mend(subject, strerror_r(os_code, storage, sizeof storage),
                      mend); /* GNU's: it may not use the storage */
    return VIA_EXIT_FAILED;
}

int via_cli_out_of_memory(void)
{
    return via_cli_os_error("via", ENOMEM, "free some memory, or send smaller messages");
}

__attribute__((format(printf, 2, 0))) static void complain(const char *mend, const char *what, va_list arguments)
{
    char text[1024];
    (void)vsnprintf(text, sizeof text, what, arguments);
    put_what_and_mend(NULL, text, mend);
}

int via_cli_complain(int exit_status, const char *mend, const char *what, ...)
{
    va_list arguments;
    va_start(arguments, what);
    complain(mend, what, arguments);
    va_end(arguments);
    return exit_status;
}

int via_cli_usage(const via_cli_command *command, const char *mend, const char *what, ...)
{
    char usual[128];
    va_list arguments;
    (void)snprintf(usual, sizeof usual, "'via %s --help' shows how it is used", command->name);
    va_start(arguments, what);
    complain(mend ? mend : usual, what, arguments);
    va_end(arguments);
    return VIA_EXIT_USAGE;
}

void via_cli_warn(const char *about, const char *text)
{
    report told;
    FILE *out = report_begin(&told);
    (void)fputs("via: warning: ", out);
    if (about[0])
        (void)fprintf(out, "%s: ", about);
    via_cli_put_text(out, text);
    (void)fputc('\n', out);
    report_end(&told);
}
