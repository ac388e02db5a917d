/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that records.
 *
 * Owns: when it looks. It is woken when the first message comes after a pause; from then on it looks every millisecond, so
 * that busy traffic costs no system call per message, until nothing has come in between.
 */
#include "tap.h"

#include "kit/barrier.h"
#include "kit/fail.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { NAP_MS = 1, NICE = 5, RUN_MOST = 2 * 1024 * 1024, PATIENCE = 64 * 1024 * 1024 };

static uint64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* ---- recording ---------------------------------------------------------------------------------------------- */

static uint64_t sum(const via_tap_area *area, bool of_dropped)
{
    uint64_t total = 0;
    for (unsigned i = 0; i < 2; i++)
        total += atomic_load(of_dropped ? &area->head->rings[i].dropped : &area->head->rings[i].recorded);
    return total;
}

/* Says it once, and lets the traffic go its way. */
static void give_up(tap_recorder *recorder)
{
    const tap_file *file = &recorder->file;
    atomic_store(&recorder->area->head->wanted, 0);
    if (file->os_code != 0)
        via_note(recorder->host, recorder->context, VIA_LOG_WARNING, "%s: recording has ended: %s", file->path,
                 strerrordesc_np(file->os_code));
    else
        via_note(recorder->host, recorder->context, VIA_LOG_INFO,
                 "%s: recording has ended at its limit of %" PRIu64 " bytes", file->path, file->limit);
}

/* Blocks of one direction that lie one behind the other. */
typedef struct span {
    const uint8_t *begin;
    size_t size;
    unsigned direction;
} span;

/* A run keeps its room in the ring while it is written, so it takes half of one at most. */
static bool goes_on(const tap_recorder *recorder, const span *run, const uint8_t *block, size_t size,
                    unsigned direction)
{
    const size_t whole = run->size + size;
    return direction == run->direction && block == run->begin + run->size && whole <= RUN_MOST &&
           whole <= recorder->area->ring_size / 2 && whole <= tap_file_room(&recorder->file);
}

static void put_run(tap_recorder *recorder, const span *run)
{
    if (run->size == 0)
        return;
    const uint64_t lost = sum(recorder->area, true);
    recorder->file.is_direct = false; /* what is only staged says nothing of the disk */
    tap_file_put(&recorder->file, run->begin, run->size);
    if (recorder->file.is_direct && tap_pace_is_late(&recorder->pace, sum(recorder->area, true) != lost))
        recorder->file.cached_left = PATIENCE;
    via_tap_release(recorder->area, &recorder->reader, run->direction);
}

/* Everything that is there now; what comes meanwhile is for the next time. false = nothing was. */
static bool record(tap_recorder *recorder)
{
    const uint8_t *block;
    size_t size;
    unsigned direction;
    span run = {NULL, 0, 0};
    bool has_any = false;
    (void)via_tap_look(recorder->area, &recorder->reader);
    while (via_tap_peek(recorder->area, &recorder->reader, &block, &size, &direction) == VIA_OK) {
        has_any = true;
        if (!goes_on(recorder, &run, block, size, direction)) {
            put_run(recorder, &run);
            run = (span){block, 0, direction};
        }
        run.size += size;
        via_tap_next(&recorder->reader, direction, size);
    }
    put_run(recorder, &run);
    tap_file_flush(&recorder->file);
    if (recorder->file.has_ended && atomic_load(&recorder->area->head->wanted) != 0)
        give_up(recorder);
    return has_any;
}

/* ---- sleeping ----------------------------------------------------------------------------------------------- */

static void sleep_for(const tap_recorder *recorder, int timeout_ms)
{
    struct pollfd event = {recorder->wake, POLLIN, 0};
    eventfd_t count;
    if (poll(&event, 1, timeout_ms) > 0)
        (void)eventfd_read(recorder->wake, &count);
}

static bool is_empty(const via_tap_area *area)
{
    return via_tap_waiting(area, 0) == 0 && via_tap_waiting(area, 1) == 0;
}

/* Whoever publishes stores first and looks at `sleeps` then; here it is the other way round, so one sees the other. */
static void sleep_until_woken(tap_recorder *recorder)
{
    atomic_store(&recorder->area->head->sleeps, 1);
    const bool is_seen = !recorder->is_crossed || via_barrier_cross();
    if (is_empty(recorder->area) && !atomic_load(&recorder->stops))
        sleep_for(recorder, is_seen ? -1 : NAP_MS);
    atomic_store(&recorder->area->head->sleeps, 0);
}

/* Where all processors are busy the traffic comes first: a recording lacks messages then, and says so. Linux's priority is
 * the thread's own. */
static void step_back(void)
{
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
}

static void *run(void *argument)
{
    tap_recorder *recorder = argument;
    step_back();
    for (;;) {
        const bool stops = atomic_load(&recorder->stops);
        const bool has_any = record(recorder);
        atomic_store(&recorder->is_nudged, false);
        if (stops)
            return NULL;
        if (has_any)
            sleep_for(recorder, NAP_MS);
        else
            sleep_until_woken(recorder);
    }
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

via_status tap_recorder_start(tap_recorder *recorder)
{
    sigset_t all, before;
    recorder->is_crossed = via_barrier_reaches_us();
    recorder->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (recorder->wake < 0)
        return via_status_of_errno(errno);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&recorder->thread, NULL, run, recorder);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0)
        return VIA_OK;
    (void)close(recorder->wake);
    errno = code;
    return via_status_of_errno(code);
}

void tap_recorder_nudge(tap_recorder *recorder, unsigned direction)
{
    via_tap_head *head = recorder->area->head;
    if (recorder->is_crossed)
        atomic_signal_fence(memory_order_seq_cst); /* whoever sleeps makes the fence */
    else
        atomic_thread_fence(memory_order_seq_cst); /* waits until the whole message has been stored */
    const bool sleeps = atomic_load(&head->sleeps) != 0 && atomic_exchange(&head->sleeps, 0) != 0;
    if (!sleeps && via_tap_waiting(recorder->area, direction) < recorder->area->ring_size / 4)
        return;
    if (sleeps || (!atomic_load_explicit(&recorder->is_nudged, memory_order_relaxed) &&
                   !atomic_exchange(&recorder->is_nudged, true)))
        (void)eventfd_write(recorder->wake, 1);
}

void tap_recorder_stop(tap_recorder *recorder)
{
    uint8_t block[128];
    atomic_store(&recorder->stops, true);
    (void)eventfd_write(recorder->wake, 1);
    (void)pthread_join(recorder->thread, NULL);
    recorder->file.limit = UINT64_MAX; /* some bytes more, so that it tells what it lacks */
    recorder->file.has_ended = recorder->file.os_code != 0;
    const size_t size = via_pcapng_put_statistics(block, sizeof(block), 0, now_ns(), sum(recorder->area, false),
                                                  sum(recorder->area, true));
    tap_file_put(&recorder->file, block, size);
    tap_file_flush(&recorder->file);
    tap_file_close(&recorder->file);
    (void)close(recorder->wake);
}
