/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a test fails.
 *
 * Owns: the report that all processes of a test share, and the descriptor that tells the runner of it. The first failure
 * is kept: what follows from it (a peer that has gone) would only hide it.
 */
#include "conform.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

struct via_conform_report {
    atomic_int taken;
    atomic_int written;
    int descriptor;
    int line;
    char file[128];
    char expected[256];
    char found[1024];
    char step[256];
};

static via_conform_report *shared;

via_conform_report *via_conform_report_create(void)
{
    void *memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    shared = memory;
    shared->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return shared;
}

void via_conform_report_reset(via_conform_report *report)
{
    uint64_t count;
    ssize_t got = read(report->descriptor, &count, sizeof(count));
    (void)got;
    report->step[0] = '\0';
    atomic_store(&report->written, 0);
    atomic_store(&report->taken, 0);
}

int via_conform_report_descriptor(const via_conform_report *report)
{
    return report->descriptor;
}

bool via_conform_report_failed(const via_conform_report *report)
{
    return atomic_load(&((via_conform_report *)report)->written) != 0;
}

void via_conform_report_end(via_conform_report *report, const char *expected, const char *found)
{
    if (atomic_exchange(&report->taken, 1) != 0)
        return;
    (void)snprintf(report->expected, sizeof(report->expected), "%s", expected);
    (void)snprintf(report->found, sizeof(report->found), "%s", found);
    report->file[0] = '\0';
    atomic_store(&report->written, 1);
}

void via_conform_report_read(const via_conform_report *report, via_conform_finding *finding)
{
    bool failed = via_conform_report_failed(report);

    finding->expected = failed ? report->expected : "";
    finding->found = failed ? report->found : "";
    finding->file = failed ? report->file : "";
    finding->line = report->line;
    finding->step = report->step;
}

void via_conform_step(const char *format, ...)
{
    va_list arguments;

    if (!via_conform_in_main_thread())
        return;
    va_start(arguments, format);
    (void)vsnprintf(shared->step, sizeof(shared->step), format, arguments);
    va_end(arguments);
}

/* _exit: other threads may be anywhere, and a plugin's clean-up must not hide the report. */
_Noreturn void via_conform_fail(const char *file, int line, const char *expected, const char *format, ...)
{
    if (atomic_exchange(&shared->taken, 1) == 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(shared->found, sizeof(shared->found), format, arguments);
        va_end(arguments);
        (void)snprintf(shared->expected, sizeof(shared->expected), "%s", expected);
        (void)snprintf(shared->file, sizeof(shared->file), "%s", file);
        shared->line = line;
        atomic_store(&shared->written, 1);
        uint64_t one = 1;
        ssize_t put = write(shared->descriptor, &one, sizeof(one));
        (void)put;
    }
    _exit(1);
}

void via_conform_check_status(const char *file, int line, via_status got, via_status want, const char *doing)
{
    char expected[256];

    if (got == want)
        return;
    (void)snprintf(expected, sizeof(expected), "%s from %s", via_status_name(want), doing);
    via_conform_fail(file, line, expected, "%s (%s)", via_status_name(got), via_status_text(got));
}

void via_conform_check_error(const char *file, int line, via_status got, via_status want, const char *doing,
                             const via_error *error)
{
    char expected[256];

    if (got == want)
        return;
    (void)snprintf(expected, sizeof(expected), "%s from %s", via_status_name(want), doing);
    via_conform_fail(file, line, expected, "%s: %s%s%s", via_status_name(got), error->what,
                     error->os_text[0] ? ": " : "", error->os_text);
}
