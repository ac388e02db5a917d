/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two ends in one thread, so that what comes at the worst moment comes then every time.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "kit/deadline.h"
#include "pair.h"

enum { RING = 4096, SLOTS = 16, IN_ARENA = 3000, IN_SEGMENT = 5000, LOAN = 3900 };

typedef struct fixture {
    int sockets[2];
    via_counters counters;
    void *dialer;
    void *accepted;
    via_msg held[SLOTS];
    size_t held_count;
} fixture;

/* ---- the worst moment --------------------------------------------------------------------------------------- */

via_deadline __real_via_deadline_after(int64_t ns);
via_deadline __wrap_via_deadline_after(int64_t ns);

/* Gives one message back when the other end has seen that there is no room, and is about to sleep. */
static fixture *about_to_sleep;

static void release_oldest(fixture *f)
{
    shm_pair_release(f->accepted, &f->held[0]);
    memmove(f->held, f->held + 1, --f->held_count * sizeof(f->held[0]));
}

via_deadline __wrap_via_deadline_after(int64_t ns)
{
    if (about_to_sleep)
        release_oldest(about_to_sleep);
    about_to_sleep = NULL;
    return __real_via_deadline_after(ns);
}

/* ---- fixture ------------------------------------------------------------------------------------------------ */

static void ignore_failure(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context, (void)status, (void)os_code, (void)what, (void)mend;
}

static const via_host_api host = {.size = sizeof(host), .failed = ignore_failure};

static shm_settings settings_of(fixture *f)
{
    return (shm_settings){
        .host = &host, .counters = &f->counters, .max_message = 1 << 20, .slots = SLOTS, .ring = RING};
}

static void dial(fixture *f)
{
    const shm_settings settings = settings_of(f);

    assert_int_equal(shm_pair_create(&settings, f->sockets[0], NULL, -1, &f->dialer, NULL), VIA_OK);
}

/* The other end's hello is on its way from now on; a dialer has not read it before it looks. */
static void accept_it(fixture *f)
{
    const shm_settings settings = settings_of(f);
    int descriptors[SHM_WORD_DESCRIPTORS];
    shm_word hello;

    assert_int_equal(shm_word_receive(f->sockets[1], &hello, descriptors), VIA_OK);
    assert_int_equal(shm_pair_create(&settings, f->sockets[1], &hello, descriptors[0], &f->accepted, NULL), VIA_OK);
    shm_word_close(descriptors);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, f->sockets), 0);
    *state = f;
    return 0;
}

static void close_end(void **channel)
{
    if (*channel)
        shm_pair_close(*channel, VIA_CLOSE_FLUSH);
    *channel = NULL;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    while (f->held_count > 0)
        release_oldest(f);
    close_end(&f->dialer);
    close_end(&f->accepted);
    free(f);
    return 0;
}

static via_status send_some(void *channel, size_t size, const char *key, via_deadline deadline)
{
    static const unsigned char bytes[IN_SEGMENT];
    const via_slice slice = {bytes, size};
    const via_meta meta = {.key = key};

    return shm_pair_send(channel, &slice, 1, &meta, deadline);
}

static void expect(fixture *f, void *channel, size_t size)
{
    via_msg message;

    assert_int_equal(shm_pair_receive(channel, VIA_NOW, &message), VIA_OK);
    assert_int_equal(message.size, size);
    if (channel == f->accepted)
        f->held[f->held_count++] = message;
    else
        shm_pair_release(channel, &message);
}

/* ---- room --------------------------------------------------------------------------------------------------- */

/* As many as fit, all held by the receiver. */
static size_t fill(fixture *f, size_t size)
{
    size_t count = 0;

    while (send_some(f->dialer, size, NULL, VIA_NOW) == VIA_OK) {
        expect(f, f->accepted, size);
        count++;
    }
    return count;
}

/* Room that comes just before the sleep is one message's, and all of it is there again when that is given back. */
static void check_room_before_sleep(fixture *f, size_t size)
{
    dial(f);
    accept_it(f);
    size_t fits = fill(f, size);
    about_to_sleep = f;
    assert_int_equal(send_some(f->dialer, size, NULL, __real_via_deadline_after(1000000000)), VIA_OK);
    expect(f, f->accepted, size);
    while (f->held_count > 0)
        release_oldest(f);
    assert_int_equal(fill(f, size), fits);
}

static void test_pair__takes_room_of_the_arena_once_however_often_it_looks(void **state)
{
    check_room_before_sleep(*state, IN_ARENA);
}

static void test_pair__takes_one_segment_however_often_it_looks(void **state)
{
    check_room_before_sleep(*state, IN_SEGMENT);
}

/* ---- bells -------------------------------------------------------------------------------------------------- */

static bool is_rung(const via_poll_handle *handle)
{
    struct pollfd one = {.fd = (int)handle->handle, .events = POLLIN};

    return poll(&one, 1, 0) == 1;
}

/* A set of channels arms what it has seen ready, and not what was tried in vain meanwhile. */
static void test_pair__rings_though_a_receive_has_timed_out_since(void **state)
{
    fixture *f = *state;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_msg message;

    dial(f);
    accept_it(f);
    assert_int_equal(shm_pair_pollable(f->accepted, VIA_READ, &handle), VIA_OK);
    assert_int_equal(shm_pair_arm(f->accepted, VIA_READ), VIA_OK);
    assert_int_equal(shm_pair_receive(f->accepted, __real_via_deadline_after(1000000), &message), VIA_ETIMEDOUT);
    assert_false(is_rung(&handle));
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK); /* meets the other end, and its bells */
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK);
    assert_true(is_rung(&handle));
    expect(f, f->accepted, 1);
    expect(f, f->accepted, 1);
}

/* A free slot is no room for what needs memory: a loop that was told so would try for ever. */
static void check_ready_with_memory(fixture *f, size_t size)
{
    dial(f);
    accept_it(f);
    size_t fits = fill(f, size);
    assert_true(fits < SLOTS);
    assert_int_equal(shm_pair_arm(f->dialer, VIA_WRITE), VIA_OK);
    release_oldest(f);
    assert_int_equal(shm_pair_arm(f->dialer, VIA_WRITE), VIA_EREADY);
    assert_int_equal(shm_pair_arm(f->dialer, VIA_WRITE), VIA_EREADY); /* asking takes nothing away */
    assert_int_equal(send_some(f->dialer, size, NULL, VIA_NOW), VIA_OK);
    expect(f, f->accepted, size);
    assert_int_equal(send_some(f->dialer, size, NULL, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK); /* what was given up is forgotten */
    expect(f, f->accepted, 1);
    assert_int_equal(shm_pair_arm(f->dialer, VIA_WRITE), VIA_EREADY);
}

static void test_pair__is_ready_for_writing_when_the_arena_has_room(void **state)
{
    check_ready_with_memory(*state, IN_ARENA);
}

static void test_pair__is_ready_for_writing_when_a_segment_is_free(void **state)
{
    check_ready_with_memory(*state, IN_SEGMENT);
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

static void test_pair__refuses_texts_that_its_own_loan_leaves_no_room_for(void **state)
{
    fixture *f = *state;
    char key[101] = {0};
    via_msg loan;

    memset(key, 'k', sizeof(key) - 1);
    dial(f);
    accept_it(f);
    assert_int_equal(shm_pair_loan(f->dialer, LOAN, VIA_NOW, &loan), VIA_OK);
    assert_int_equal(send_some(f->dialer, 1, key, VIA_FOREVER), VIA_ENOMEM);
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK);
    expect(f, f->accepted, 1);
    shm_pair_discard(f->dialer, &loan);
    assert_int_equal(send_some(f->dialer, 1, key, VIA_NOW), VIA_OK);
    expect(f, f->accepted, 1);
    assert_string_equal(f->held[1].meta.key, key);
}

/* ---- meeting ------------------------------------------------------------------------------------------------ */

/* Who was accepted after the first message has come to sleep by the second, and would sleep until it looks by itself. */
static void test_pair__wakes_who_came_after_the_first_message(void **state)
{
    fixture *f = *state;

    dial(f);
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK);
    accept_it(f);
    expect(f, f->accepted, 1);
    shm_pair *sleeper = f->accepted, *sender = f->dialer;
    uint32_t before = SHM_GET(&sender->ours->published);
    shm_pair_call(sleeper, false, SHM_CALL_FUTEX);
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK);
    assert_int_not_equal(SHM_GET(&sender->ours->published), before);
}

/* ---- ends --------------------------------------------------------------------------------------------------- */

/* Closing a socket with something unread resets it, and that is told before what lies there to be read. */
static void test_pair__receives_what_was_sent_before_a_reset(void **state)
{
    fixture *f = *state;
    via_msg message;

    dial(f);
    accept_it(f);
    assert_int_equal(send_some(f->dialer, 1, NULL, VIA_NOW), VIA_OK); /* looks at the socket, and not for a while */
    assert_int_equal(send_some(f->dialer, IN_SEGMENT, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(send_some(f->accepted, IN_SEGMENT, NULL, VIA_NOW), VIA_OK); /* its announcement stays unread */
    close_end(&f->dialer);
    expect(f, f->accepted, 1);
    expect(f, f->accepted, IN_SEGMENT);
    assert_int_equal(shm_pair_receive(f->accepted, VIA_NOW, &message), VIA_ECLOSED);
}

static void test_pair__meets_who_has_reset_the_socket(void **state)
{
    fixture *f = *state;
    via_msg message;

    dial(f);
    assert_int_equal(send_some(f->dialer, IN_SEGMENT, NULL, VIA_NOW), VIA_OK);
    accept_it(f);
    shm_pair *accepted = f->accepted;
    accepted->sends_to_go = 1; /* so that it has never read the announcement of the segment */
    assert_int_equal(send_some(f->accepted, 1, NULL, VIA_NOW), VIA_OK);
    close_end(&f->accepted);
    expect(f, f->dialer, 1);
    assert_int_equal(shm_pair_receive(f->dialer, VIA_NOW, &message), VIA_ECLOSED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pair__wakes_who_came_after_the_first_message, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__takes_room_of_the_arena_once_however_often_it_looks, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pair__takes_one_segment_however_often_it_looks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__rings_though_a_receive_has_timed_out_since, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__is_ready_for_writing_when_the_arena_has_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__is_ready_for_writing_when_a_segment_is_free, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__refuses_texts_that_its_own_loan_leaves_no_room_for, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_pair__receives_what_was_sent_before_a_reset, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pair__meets_who_has_reset_the_socket, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
