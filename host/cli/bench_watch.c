/* SPDX-License-Identifier: Apache-2.0 */
/* The watchdog of a measurement. Owns: SIGALRM and the interval timer. */
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "bench.h"

volatile uint64_t via_bench_progress;

static _Atomic(via_channel *) watched;
static volatile uint64_t last_progress;
static volatile sig_atomic_t still_s, limit_s;

static void on_tick(int number)
{
    (void)number;
    via_channel *channel = atomic_load(&watched);
    if (via_bench_progress != last_progress)
        still_s = 0;
    else if (++still_s >= limit_s && channel)
        via_interrupt(channel);
    last_progress = via_bench_progress;
}

static void set_timer(time_t every_s)
{
    struct itimerval every = {.it_interval = {.tv_sec = every_s}, .it_value = {.tv_sec = every_s}};
    (void)setitimer(ITIMER_REAL, &every, NULL);
}

void via_bench_watch(via_channel *channel, unsigned seconds)
{
    struct sigaction tick = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    limit_s = (sig_atomic_t)seconds;
    still_s = 0;
    atomic_store(&watched, channel);
    (void)sigaction(SIGALRM, &tick, NULL);
    set_timer(1);
}

void via_bench_unwatch(void)
{
    set_timer(0);
    atomic_store(&watched, NULL);
}
