/* SPDX-License-Identifier: Apache-2.0 */
/* Signals, as stop.h describes. Owns: the process's signal handlers; calls in them are async-signal-safe. */
#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

/* timeout(1) signals its child and then the child's whole group: what comes so close together is one wish. */
enum { ONE_WISH_NS = 300 * 1000 * 1000 };

static _Atomic(uint64_t) stop_at_ns; /* when it was asked to; 0 = it was not */
static atomic_int stop_signal;
static atomic_bool stop_asked;
static atomic_bool stdout_closed;
static atomic_int stop_event = -1;
static _Atomic(via_waitset *) stop_set;
static _Atomic(via_channel *) stop_channel;

static void ring(void)
{
    uint64_t one = 1;
    int event = atomic_load(&stop_event);
    via_waitset *set = atomic_load(&stop_set);
    via_channel *channel = atomic_load(&stop_channel);
    if (set)
        via_waitset_wake(set);
    if (channel)
        via_interrupt(channel);
    if (event >= 0 && write(event, &one, sizeof one) < 0) {
        /* Only a full counter refuses, and then it is readable already. */
    }
}

static uint64_t clock_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void on_signal(int number)
{
    int saved = errno;
    uint64_t first_ns = 0, now_ns = clock_ns();
    if (atomic_load(&stop_event) < 0)
        _exit(VIA_EXIT_SIGNAL + number);
    if (atomic_compare_exchange_strong(&stop_at_ns, &first_ns, now_ns)) {
        atomic_store(&stop_signal, number);
        atomic_store(&stop_asked, true);
        ring();
    } else if (now_ns - first_ns >= ONE_WISH_NS) {
        _exit(VIA_EXIT_SIGNAL + number);
    }
    errno = saved;
}

/* A broken pipe, or a file that may grow no more: the call that met it says so. */
static void on_failed_write(int number)
{
    (void)number;
}

void via_cli_stop_prepare(void)
{
    struct sigaction failed = {.sa_handler = on_failed_write, .sa_flags = SA_RESTART};
    (void)sigaction(SIGPIPE, &failed, NULL);
    (void)sigaction(SIGXFSZ, &failed, NULL);
}

void via_cli_stop_gently(void)
{
    struct sigaction stop = {.sa_handler = on_signal}, before;
    if (atomic_load(&stop_event) >= 0)
        return;
    /* Without a descriptor the default action stays: the process ends at once. */
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event < 0)
        return;
    atomic_store(&stop_event, event);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)sigaction(SIGTERM, &stop, NULL);
    /* The terminal was closed: the name is given back all the same. nohup(1) has it ignored, and so it stays. */
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(SIGHUP, &stop, NULL);
}

void via_cli_stop_now(void)
{
    atomic_store(&stop_asked, true);
    ring();
}

bool via_cli_stopped(void)
{
    return atomic_load(&stop_asked);
}

int via_cli_stop_descriptor(void)
{
    return atomic_load(&stop_event);
}

void via_cli_stop_wakes(via_waitset *set)
{
    atomic_store(&stop_set, set);
    if (set && via_cli_stopped())
        via_waitset_wake(set);
}

void via_cli_stop_interrupts(via_channel *channel)
{
    atomic_store(&stop_channel, channel);
    if (channel && via_cli_stopped())
        via_interrupt(channel);
}

int via_cli_stop_result(int result)
{
    int number = atomic_load(&stop_signal);
    return number ? VIA_EXIT_SIGNAL + number : result;
}

void via_cli_stdout_lost(void)
{
    atomic_store(&stdout_closed, true);
}

bool via_cli_stdout_closed(void)
{
    return atomic_load(&stdout_closed);
}
