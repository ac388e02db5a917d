/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Polling: handles are constant and level-triggered, arm never loses a wake-up, VIA_WORK moves what waits.
 */
#include "conform.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

static via_poll_handle handle_of(via_channel *channel, uint32_t event)
{
    via_poll_handle handle = {.size = sizeof(handle)};

    CHECK_OK(via_pollable(channel, event, &handle));
    CHECK(handle.kind == VIA_POLL_DESCRIPTOR && handle.handle >= 0 &&
              (handle.wait == VIA_WAIT_READABLE || handle.wait == VIA_WAIT_WRITABLE),
          "an unusable handle: kind %u, handle %lld, wait %u", handle.kind, (long long)handle.handle, handle.wait);
    return handle;
}

/* Does the handle show? */
static bool wait_on(const via_poll_handle *handle, int timeout_ms)
{
    struct pollfd event = {(int)handle->handle, handle->wait == VIA_WAIT_READABLE ? POLLIN : POLLOUT, 0};
    int ready;

    do {
        ready = poll(&event, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    CHECK(ready >= 0 && !(event.revents & POLLNVAL), "poll refuses the handle");
    return ready > 0;
}

/* ---- handles ------------------------------------------------------------------------------------------------ */

static void test_polling__constant(via_conform *suite)
{
    via_conform_link link;
    via_poll_handle before[2], after;

    via_conform_open(suite, &link, NULL);
    before[0] = handle_of(link.rx, VIA_READ);
    before[1] = handle_of(link.tx, VIA_WRITE);
    for (uint64_t i = 0; i < 30; i++) {
        via_conform_send(suite, link.tx, i, via_conform_fit(suite, i * 500));
        via_conform_expect(suite, link.rx, i, via_conform_fit(suite, i * 500));
        via_conform_arm(link.rx, VIA_READ);
        after = handle_of(link.rx, VIA_READ);
        CHECK(after.handle == before[0].handle && after.wait == before[0].wait, "the handle for VIA_READ has changed");
        after = handle_of(link.tx, VIA_WRITE);
        CHECK(after.handle == before[1].handle && after.wait == before[1].wait, "the handle for VIA_WRITE has changed");
    }
    via_conform_close(&link);
}

static void test_polling__level(via_conform *suite)
{
    via_conform_link link;
    via_conform_open(suite, &link, NULL);
    via_poll_handle handle = handle_of(link.rx, VIA_READ);

    for (uint64_t round = 0; round < 10; round++) {
        CHECK_STATUS(VIA_OK, via_arm(link.rx, VIA_READ));
        for (uint64_t i = 0; i < 3; i++)
            via_conform_send(suite, link.tx, i, 100);
        for (int i = 0; i < 3; i++) /* looking takes nothing away */
            CHECK(wait_on(&handle, CONFORM_PATIENCE_MS), "the handle does not show a message that waits");
        for (uint64_t i = 0; i < 3; i++) {
            via_status armed = via_arm(link.rx, VIA_READ);
            CHECK(armed == VIA_EREADY || wait_on(&handle, CONFORM_PATIENCE_MS),
                  "arm answers %s and the handle is quiet, with message %llu waiting", via_status_name(armed),
                  (unsigned long long)i);
            via_conform_expect(suite, link.rx, i, 100);
        }
    }
    CHECK_STATUS(VIA_OK, via_arm(link.rx, VIA_READ));
    via_conform_close(&link);
}

/* One full, then emptied: the handle for writing shows it. */
static void test_polling__write(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    size_t size = via_conform_page_size(suite, 0);

    via_conform_open(suite, &link, &how);
    via_poll_handle handle = handle_of(link.tx, VIA_WRITE);
    CHECK(via_arm(link.tx, VIA_WRITE) == VIA_EREADY || wait_on(&handle, CONFORM_PATIENCE_MS),
          "an empty channel does not show that there is room");
    uint64_t sent = via_conform_fill_up(suite, link.tx, 0, size), received = 0;
    uint64_t goal = sent + 300;
    while (received < goal) {
        while (sent < goal && via_conform_try_send(suite, link.tx, sent, size, 0, VIA_NOW) == VIA_OK)
            sent++;
        bool waits = via_arm(link.tx, VIA_WRITE) == VIA_OK;
        via_conform_expect_moving(suite, &link, received++, size);
        while (received < sent && waits && !wait_on(&handle, 0)) /* as room is made, it shows */
            via_conform_expect_moving(suite, &link, received++, size);
        CHECK(!waits || received < sent || wait_on(&handle, CONFORM_PATIENCE_MS),
              "the channel is empty and its handle does not show that there is room");
    }
    via_conform_close(&link);
}

/* ---- the hunt ----------------------------------------------------------------------------------------------- */

typedef struct via_conform_hunt {
    via_conform *suite;
    via_channel *channel;
    atomic_uint_fast64_t received;
    atomic_uint_fast64_t rounds;
} via_conform_hunt;

/* A round of a slow transport may take milliseconds: after this time there is one more, whichever it is. */
static void end_in_time(via_conform_hunt *hunt, via_deadline until, uint64_t received)
{
    if (via_now_ns() >= until && received + 1 < hunt->rounds)
        atomic_store(&hunt->rounds, received + 1); /* the sender waits to send exactly that one */
}

/* Sends each message only after the one before was received, after a pause of varying length. */
static void *send_singly(void *argument)
{
    via_conform_hunt *hunt = argument;

    for (uint64_t i = 0; i < hunt->rounds; i++) {
        uint64_t spins = via_conform_mix(hunt->suite->seed + i) % 3000;
        while (atomic_load(&hunt->received) < i)
            via_conform_linger(0);
        for (volatile uint64_t spin = 0; spin < spins; spin++)
            ;
        CHECK_OK(via_conform_try_send(hunt->suite, hunt->channel, i, 24, 0, via_conform_soon()));
    }
    return NULL;
}

static void test_polling__no_lost_wakeup(via_conform *suite)
{
    via_conform_link link;
    via_msg message;

    via_conform_open(suite, &link, NULL);
    via_poll_handle handle = handle_of(link.rx, VIA_READ);
    via_conform_hunt hunt = {.suite = suite, .channel = link.tx, .rounds = 4000};
    via_deadline until = via_conform_soon();
    via_conform_thread *sender = via_conform_thread_start(send_singly, &hunt);
    for (uint64_t i = 0; i < hunt.rounds;) {
        via_status status = via_recv(link.rx, VIA_NOW, &message);
        if (status == VIA_OK) {
            via_conform_check_bytes(suite->seed, i, message.data, message.size, 24);
            via_release(link.rx, &message);
            end_in_time(&hunt, until, ++i);
            atomic_store(&hunt.received, i);
            continue;
        }
        CHECK(status == VIA_ETIMEDOUT, "via_recv answers %s", via_status_name(status));
        status = via_arm(link.rx, VIA_READ);
        CHECK(status == VIA_OK || status == VIA_EREADY, "via_arm answers %s", via_status_name(status));
        CHECK(status == VIA_EREADY || wait_on(&handle, CONFORM_PATIENCE_MS),
              "arm said VIA_OK, and message %llu never woke us", (unsigned long long)i);
    }
    (void)via_conform_thread_join(sender);
    via_conform_close(&link);
}

/* A slow reader, a sender that sleeps on its handle only. */
static void test_polling__no_lost_room(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    size_t size = via_conform_page_size(suite, 0);

    via_conform_open(suite, &link, &how);
    via_poll_handle handle = handle_of(link.tx, VIA_WRITE);
    uint64_t goal = via_conform_fill_up(suite, link.tx, 0, size), sent = goal;
    goal += 600;
    via_conform_stream stream = {suite, link.rx, 0, goal, via_conform_page_size, 0};
    via_conform_thread *receiver = via_conform_thread_start(via_conform_run_receiver, &stream);
    while (sent < goal) {
        via_status status = via_conform_try_send(suite, link.tx, sent, size, 0, VIA_NOW);
        if (status == VIA_OK) {
            sent++;
            continue;
        }
        CHECK(status == VIA_ETIMEDOUT, "a send answers %s", via_status_name(status));
        status = via_arm(link.tx, VIA_WRITE);
        CHECK(status == VIA_EREADY || wait_on(&handle, CONFORM_PATIENCE_MS),
              "arm said VIA_OK, and no room ever showed");
    }
    CHECK_OK(via_flush(link.tx, via_conform_soon()));
    (void)via_conform_thread_join(receiver);
    via_conform_close(&link);
}

/* ---- work --------------------------------------------------------------------------------------------------- */

typedef struct via_conform_finisher {
    via_conform_stream stream;
    int done; /* an eventfd */
} via_conform_finisher;

static void *receive_and_say(void *argument)
{
    const via_conform_finisher *finisher = argument;
    (void)via_conform_run_receiver((void *)(uintptr_t)&finisher->stream);
    CHECK(eventfd_write(finisher->done, 1) == 0, "an eventfd does not take 1");
    return NULL;
}

/* Sleeps until the handle shows work (true) or everything has arrived (false). */
static bool wait_for_work(const via_poll_handle *handle, bool outstanding, int done)
{
    struct pollfd events[2] = {
        {done, POLLIN, 0},
        {outstanding ? (int)handle->handle : -1, handle->wait == VIA_WAIT_READABLE ? POLLIN : POLLOUT, 0}};
    CHECK(poll(events, 2, CONFORM_PATIENCE_MS) > 0, "%s",
          outstanding ? "work is outstanding and its handle never shows"
                      : "no work is outstanding, and not everything has arrived");
    return events[0].revents == 0;
}

/* What waits in the sender moves by arm(VIA_WORK) alone, asleep on its handle. */
static void test_polling__work(via_conform *suite)
{
    via_conform_link link;
    via_conform_how how = {.options = {"overflow=block"}};
    via_poll_handle handle = {.size = sizeof(handle)};
    via_status status;

    via_conform_open(suite, &link, &how);
    status = via_pollable(link.tx, VIA_WORK, &handle);
    CHECK(status == VIA_OK || status == VIA_ENOTSUP, "via_pollable(VIA_WORK) answers %s", via_status_name(status));
    bool works = status == VIA_OK;
    uint64_t sent = via_conform_fill_up(suite, link.tx, 0, via_conform_page_size(suite, 0));
    via_conform_finisher finisher = {{suite, link.rx, 0, sent, via_conform_page_size, 0}, eventfd(0, EFD_CLOEXEC)};
    via_conform_thread *receiver = via_conform_thread_start(receive_and_say, &finisher);
    via_conform_step("arm(VIA_WORK) moves what waits in a sender");
    do {
        status = works ? via_arm(link.tx, VIA_WORK) : VIA_ENOENT;
        CHECK(status == VIA_OK || status == VIA_ENOENT, "via_arm(VIA_WORK) answers %s", via_status_name(status));
    } while (wait_for_work(&handle, status == VIA_OK, finisher.done));
    (void)via_conform_thread_join(receiver);
    (void)close(finisher.done);
    via_conform_close(&link);
}

/* ---- listeners ---------------------------------------------------------------------------------------------- */

static void test_polling__listener(via_conform *suite)
{
    via_conform_end binder, guest;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_channel *none = NULL;
    via_error error;

    via_conform_bind(suite, &binder, END_RECEIVES, NULL, NULL);
    CHECK_OK(via_listener_pollable(binder.listener, &handle));
    for (uint64_t i = 0; i < 5; i++) {
        CHECK_STATUS(VIA_OK, via_listener_arm(binder.listener));
        CHECK_STATUS(VIA_ETIMEDOUT, via_accept(binder.listener, VIA_NOW, &none, &error));
        via_conform_connect(suite, &guest, END_SENDS, binder.address, NULL);
        do { /* a handshake may take several wakes */
            CHECK(via_listener_arm(binder.listener) == VIA_EREADY || wait_on(&handle, CONFORM_PATIENCE_MS),
                  "a dialer waits and the listener's handle does not show it");
        } while (via_accept(binder.listener, VIA_NOW, &binder.channel, &error) == VIA_ETIMEDOUT);
        CHECK(binder.channel, "the dialer was not accepted: %s", error.what);
        via_conform_send(suite, guest.channel, i, 33);
        via_conform_expect(suite, binder.channel, i, 33);
        via_conform_end_close(&guest);
        via_close(binder.channel);
        binder.channel = NULL;
    }
    via_conform_end_close(&binder);
}

/* The end of a channel wakes those who sleep on its handle. */
static void test_polling__end_shows(via_conform *suite)
{
    via_conform_link link;
    via_conform_open(suite, &link, NULL);
    via_poll_handle handle = handle_of(link.rx, VIA_READ);

    CHECK_STATUS(VIA_OK, via_arm(link.rx, VIA_READ));
    via_conform_close_sender(&link);
    CHECK(wait_on(&handle, CONFORM_PATIENCE_MS), "the other end has closed and the handle does not show it");
    via_conform_expect_end(link.rx, false);
    CHECK_STATUS(VIA_EREADY, via_arm(link.rx, VIA_READ));
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"polling.constant", "Polling: pollable is mandatory, and its handle constant", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_polling__constant},
    {"polling.level", "Polling: level-triggered; arm looks again", CONFORM_ALL, NEEDS_WHOLE, test_polling__level},
    {"polling.write", "Polling: room to write shows", CONFORM_ALL, NEEDS_WHOLE, test_polling__write},
    {"polling.no_lost_wakeup", "Polling: arm never loses a wake-up", CONFORM_VALUE_TOO, NEEDS_WHOLE,
     test_polling__no_lost_wakeup},
    {"polling.no_lost_room", "Polling: arm never loses the wake-up of a sender", CONFORM_ALL, NEEDS_WHOLE,
     test_polling__no_lost_room},
    {"polling.work", "Progress: arm(VIA_WORK) moves what waits in the sender", CONFORM_ALL, NEEDS_WHOLE,
     test_polling__work},
    {"polling.listener", "Polling: a listener's handle shows a dialer", VIA_PATTERN_PAIR, NEEDS_WHOLE | NEEDS_TWO_ENDS,
     test_polling__listener},
    {"polling.end_shows", "Polling: the end of a channel shows on its handle", VIA_PATTERN_PAIR,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_polling__end_shows},
};

const via_conform_group via_conform_polling_tests = {tests, sizeof(tests) / sizeof(tests[0])};
