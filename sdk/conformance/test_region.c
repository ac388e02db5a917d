/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: bytes that all members see, a lock that survives its owners, notices, growth (<viaduct/ext/region.h>).
 *
 * Owns: the rules of that extension. Must never assume that two members have a region at the same address.
 */
#include "conform.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <viaduct/ext/region.h>

static via_region_view map(via_channel *channel)
{
    via_region_view view = {.size = sizeof(view)};

    CHECK_OK(via_region_map(channel, &view));
    CHECK(view.address && view.bytes > 0 && view.bytes <= view.max_bytes,
          "a region of %llu bytes at %p, of at most %llu", (unsigned long long)view.bytes, view.address,
          (unsigned long long)view.max_bytes);
    return view;
}

static void open_two(via_conform *suite, via_conform_end ends[2])
{
    via_conform_bind(suite, &ends[0], END_SENDS, NULL, NULL);
    via_conform_connect(suite, &ends[1], END_RECEIVES, ends[0].address, NULL);
}

static void close_two(via_conform_end ends[2])
{
    via_conform_end_close(&ends[0]);
    via_conform_end_close(&ends[1]);
}

static void lock(via_channel *channel, uint32_t expected)
{
    uint32_t state = 99;

    CHECK_OK(via_region_lock(channel, via_conform_soon(), &state));
    CHECK(state == expected, "the lock was taken with state %u instead of %u", state, expected);
}

/* ---- bytes -------------------------------------------------------------------------------------------------- */

static void test_region__same_bytes(via_conform *suite)
{
    via_conform_end ends[2];

    open_two(suite, ends);
    via_region_view one = map(ends[0].channel), other = map(ends[1].channel);
    CHECK(one.bytes == other.bytes, "%llu bytes for one member, %llu for the other", (unsigned long long)one.bytes,
          (unsigned long long)other.bytes);
    via_conform_fill(suite->seed, 1, one.address, one.bytes);
    via_conform_check_bytes(suite->seed, 1, other.address, other.bytes, one.bytes);
    via_conform_fill(suite->seed, 2, other.address, other.bytes);
    via_conform_check_bytes(suite->seed, 2, one.address, one.bytes, one.bytes);
    close_two(ends);
}

static void test_region__no_messages(via_conform *suite)
{
    via_conform_end end;
    via_msg message;

    via_conform_bind(suite, &end, END_SENDS, NULL, NULL);
    CHECK_STATUS(VIA_ENOTSUP, via_send(end.channel, "x", 1, NULL, VIA_NOW));
    CHECK_STATUS(VIA_ENOTSUP, via_recv(end.channel, VIA_NOW, &message));
    via_conform_end_close(&end);
}

static void test_region__grows(via_conform *suite)
{
    via_conform_end ends[2];

    open_two(suite, ends);
    via_region_view one = map(ends[0].channel), other = map(ends[1].channel);
    uint64_t generation = other.generation, larger = one.bytes + 100000;
    CHECK(larger <= one.max_bytes, "a region that cannot grow by 100000 bytes");
    memcpy(one.address, "kept", 4);
    CHECK_STATUS(VIA_EPERM, via_region_grow(ends[0].channel, larger));
    lock(ends[0].channel, VIA_REGION_CONSISTENT);
    CHECK_STATUS(VIA_ETOOBIG, via_region_grow(ends[0].channel, one.max_bytes + 1));
    CHECK_OK(via_region_grow(ends[0].channel, larger));
    CHECK_OK(via_region_unlock(ends[0].channel));
    CHECK_OK(via_region_wait(ends[1].channel, &generation, via_conform_soon()));
    via_region_view after = map(ends[1].channel);
    CHECK(after.bytes >= larger && after.address == other.address, "after growing: %llu bytes at %p, before at %p",
          (unsigned long long)after.bytes, after.address, other.address);
    CHECK(memcmp(other.address, "kept", 4) == 0, "growing has changed the bytes");
    via_conform_fill(suite->seed, 3, after.address, larger);
    via_conform_check_bytes(suite->seed, 3, one.address, larger, larger);
    close_two(ends);
}

static void test_region__read_only(via_conform *suite)
{
    via_conform_end writer, reader;
    const via_conform_how how = {.options = {"access=read"}};

    if (!via_conform_find_option(suite->claims, "access"))
        return;
    via_conform_bind(suite, &writer, END_SENDS, NULL, NULL);
    via_conform_connect(suite, &reader, END_RECEIVES, writer.address, &how);
    via_region_view view = map(reader.channel), writers = map(writer.channel);
    uint64_t generation = view.generation;
    CHECK(!view.writable && writers.writable, "access=read is not shown");
    CHECK_STATUS(VIA_EPERM, via_region_lock(reader.channel, VIA_NOW, NULL));
    memcpy(writers.address, "news", 4);
    CHECK_OK(via_region_notify(writer.channel));
    CHECK_OK(via_region_wait(reader.channel, &generation, via_conform_soon()));
    CHECK(memcmp(view.address, "news", 4) == 0, "a reader does not see what was written");
    via_conform_end_close(&reader);
    via_conform_end_close(&writer);
}

/* ---- the lock ----------------------------------------------------------------------------------------------- */

enum { TURNS = 4000, COUNTERS = 3, ALL_TURNS = COUNTERS * TURNS };

typedef struct counter {
    via_channel *channel;
    atomic_int *tried; /* counters that have asked for the lock */
} counter;

/* Whoever comes first keeps the lock until all the others have asked for it: without one they are in by then. */
static void meet_others(const counter *self)
{
    while (atomic_load(self->tried) < COUNTERS)
        via_conform_linger(50);
    via_conform_linger(5000);
}

/* Not atomic on purpose. */
static void *count_up(void *argument)
{
    const counter *self = argument;
    volatile uint64_t *cell = map(self->channel).address;

    atomic_fetch_add(self->tried, 1);
    for (int i = 0; i < TURNS; i++) {
        lock(self->channel, VIA_REGION_CONSISTENT);
        uint64_t now = cell[0];
        if (i == 0)
            meet_others(self);
        else if (i % 64 == 0)
            via_conform_linger(50); /* widens the window */
        cell[1]++;
        cell[0] = now + 1;
        CHECK_OK(via_region_unlock(self->channel));
    }
    return NULL;
}

static void test_region__excludes(via_conform *suite)
{
    via_conform_end ends[2];
    via_conform_thread *threads[COUNTERS];
    counter counters[COUNTERS];
    atomic_int tried = 0;

    open_two(suite, ends);
    for (int i = 0; i < COUNTERS; i++) { /* two threads on one channel, too */
        counters[i] = (counter){ends[i > 0].channel, &tried};
        threads[i] = via_conform_thread_start(count_up, &counters[i]);
    }
    for (int i = 0; i < COUNTERS; i++)
        (void)via_conform_thread_join(threads[i]);
    const volatile uint64_t *cell = map(ends[0].channel).address;
    CHECK(cell[0] == ALL_TURNS && cell[1] == ALL_TURNS, "of %d increments under the lock %llu and %llu were kept",
          ALL_TURNS, (unsigned long long)cell[0], (unsigned long long)cell[1]);
    close_two(ends);
}

static void test_region__lock_waits(via_conform *suite)
{
    via_conform_end ends[2];

    open_two(suite, ends);
    lock(ends[0].channel, VIA_REGION_CONSISTENT);
    CHECK_STATUS(VIA_ETIMEDOUT, via_region_lock(ends[1].channel, VIA_NOW, NULL));
    uint64_t began = via_now_ns();
    CHECK_STATUS(VIA_ETIMEDOUT, via_region_lock(ends[1].channel, via_after_ms(60), NULL));
    CHECK(via_now_ns() - began >= 60000000, "the lock was waited for less long than allowed");
    CHECK_STATUS(VIA_EPERM, via_region_unlock(ends[1].channel));
    CHECK_OK(via_region_unlock(ends[0].channel));
    lock(ends[1].channel, VIA_REGION_CONSISTENT);
    CHECK_OK(via_region_unlock(ends[1].channel));
    via_interrupt(ends[1].channel);
    CHECK_STATUS(VIA_ECANCELED, via_region_lock(ends[1].channel, via_conform_soon(), NULL));
    close_two(ends);
}

/* ---- deaths ------------------------------------------------------------------------------------------------- */

static void die_with_lock(via_conform *suite, int control, void *argument)
{
    via_conform_end end;
    char word = 'x';

    via_conform_bind(suite, &end, END_SENDS, argument, NULL);
    lock(end.channel, VIA_REGION_CONSISTENT);
    memcpy(map(end.channel).address, "half", 4);
    via_conform_tell(control, &word, 1);
    via_conform_hear(control, &word, 1);
}

static void test_region__owner_dies(via_conform *suite)
{
    char address[CONFORM_ADDRESS], word;
    via_conform_peer peer;
    via_conform_end ends[2];

    via_conform_new_address(suite, address);
    via_conform_peer_start(suite, &peer, die_with_lock, address);
    via_conform_hear(peer.control, &word, 1);
    via_conform_connect(suite, &ends[0], END_SENDS, address, NULL);
    via_conform_connect(suite, &ends[1], END_RECEIVES, address, NULL);
    CHECK_STATUS(VIA_ETIMEDOUT, via_region_lock(ends[0].channel, via_after_ms(120), NULL));
    via_conform_peer_kill(&peer);
    lock(ends[0].channel, VIA_REGION_ABANDONED);
    CHECK(memcmp(map(ends[0].channel).address, "half", 4) == 0, "what the dead owner wrote is gone");
    CHECK_OK(via_region_unlock(ends[0].channel)); /* not repaired: the next one is told too */
    CHECK_STATUS(VIA_EPERM, via_region_repaired(ends[1].channel));
    lock(ends[1].channel, VIA_REGION_ABANDONED);
    CHECK_OK(via_region_repaired(ends[1].channel));
    CHECK_OK(via_region_unlock(ends[1].channel));
    lock(ends[0].channel, VIA_REGION_CONSISTENT);
    close_two(ends);
}

static void test_region__owner_leaves(via_conform *suite)
{
    via_conform_end ends[2];

    open_two(suite, ends);
    lock(ends[0].channel, VIA_REGION_CONSISTENT);
    via_conform_end_close(&ends[0]);
    lock(ends[1].channel, VIA_REGION_ABANDONED);
    close_two(ends);
}

/* ---- notices ------------------------------------------------------------------------------------------------ */

enum { NOTICES = 2000 };

/* Answers each change of the first word with the same in the second. */
static void *answer(void *argument)
{
    via_channel *channel = argument;
    via_region_view view = map(channel);
    volatile uint64_t *cell = view.address;
    uint64_t generation = view.generation;

    for (uint64_t i = 1; i <= NOTICES; i++) {
        while (cell[0] != i)
            CHECK_OK(via_region_wait(channel, &generation, via_conform_soon()));
        cell[1] = i;
        CHECK_OK(via_region_notify(channel));
    }
    return NULL;
}

static void test_region__notices(via_conform *suite)
{
    via_conform_end ends[2];

    open_two(suite, ends);
    via_region_view view = map(ends[0].channel);
    volatile uint64_t *cell = view.address;
    uint64_t generation = view.generation;
    CHECK_STATUS(VIA_ETIMEDOUT, via_region_wait(ends[0].channel, &generation, via_after_ms(20)));
    via_conform_thread *thread = via_conform_thread_start(answer, ends[1].channel);
    for (uint64_t i = 1; i <= NOTICES; i++) {
        cell[0] = i;
        CHECK_OK(via_region_notify(ends[0].channel));
        while (cell[1] != i)
            CHECK_OK(via_region_wait(ends[0].channel, &generation, via_conform_soon()));
    }
    (void)via_conform_thread_join(thread);
    close_two(ends);
}

static bool shows(const via_poll_handle *handle, int timeout_ms)
{
    struct pollfd one = {(int)handle->handle, POLLIN, 0};

    return poll(&one, 1, timeout_ms) == 1;
}

static void test_region__polling(via_conform *suite)
{
    via_poll_handle handle = {.size = sizeof(handle)};
    via_conform_end ends[2];
    uint64_t generation = 0;

    open_two(suite, ends);
    CHECK_OK(via_pollable(ends[1].channel, VIA_READ, &handle));
    for (int i = 0; i < 300; i++) {
        CHECK_OK(via_arm(ends[1].channel, VIA_READ));
        CHECK(i > 2 || !shows(&handle, 20), "the handle shows a notice that nobody gave");
        CHECK_OK(via_region_notify(ends[0].channel));
        CHECK(shows(&handle, CONFORM_PATIENCE_MS), "a notice does not show on the handle");
        CHECK_STATUS(VIA_EREADY, via_arm(ends[1].channel, VIA_READ));
        CHECK_OK(via_region_wait(ends[1].channel, &generation, VIA_NOW));
    }
    close_two(ends);
}

#define REGION(name, rule, more, run)                                                                                  \
    {                                                                                                                  \
        name, "Region: " rule, VIA_PATTERN_REGION, NEEDS_TWO_ENDS | (more), run                                        \
    }

static const via_conform_test tests[] = {
    REGION("region.same_bytes", "all members see the same bytes", 0, test_region__same_bytes),
    REGION("region.no_messages", "data calls answer VIA_ENOTSUP", 0, test_region__no_messages),
    REGION("region.grows", "it grows under the lock, and pointers stay valid", 0, test_region__grows),
    REGION("region.read_only", "with access=read bytes are seen and the lock is refused", 0, test_region__read_only),
    REGION("region.excludes", "one owner of the lock at a time, threads and members alike", 0, test_region__excludes),
    REGION("region.lock_waits", "the lock keeps its deadline, and an interrupt ends the wait", 0,
           test_region__lock_waits),
    REGION("region.owner_dies", "the lock of a dead owner is handed on, with word of it until all is repaired",
           NEEDS_DEATH, test_region__owner_dies),
    REGION("region.owner_leaves", "an owner that closes is as one that died", 0, test_region__owner_leaves),
    REGION("region.notices", "a notice wakes all who wait, and none is lost", 0, test_region__notices),
    REGION("region.polling", "a notice shows on the handle; arm clears and looks again", 0, test_region__polling),
};

const via_conform_group via_conform_region_tests = {tests, sizeof(tests) / sizeof(tests[0])};
