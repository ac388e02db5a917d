/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What programs see of a clipboard, whichever backend has it: formats, types, echo, secrets, times, ends.
 */
#include "clipboard_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const char page[] = "<b>hi</b>";
static const char picture[] = "\x89PNG\r\n\x1a\n\0\0";
static const via_offer formats[] = {
    {"text/html", page, sizeof(page) - 1}, {"image/png", picture, sizeof(picture) - 1}, {"text/plain", "hi", 2}};

/* ---- formats ------------------------------------------------------------------------------------------------ */

static void test_offers__each_reader_takes_what_it_can_use(void **state)
{
    via_channel *writer = open_clipboard(*state, NULL), *reader = open_clipboard(*state, NULL);
    via_msg message;

    assert_int_equal(via_offers_publish(writer, formats, 3, soon_enough()), VIA_OK);
    expect_types(reader, "text/html\nimage/png\ntext/plain\n");
    expect_offer(reader, "image/png", "image/png", picture, sizeof(picture) - 1);
    expect_offer(reader, "image/*", "image/png", picture, sizeof(picture) - 1);
    expect_offer(reader, "audio/ogg, text/html", "text/html", page, sizeof(page) - 1);
    expect_offer(reader, "UTF8_STRING", "text/plain", "hi", 2);
    expect_offer(reader, "*", "text/html", page, sizeof(page) - 1);
    expect_offer(reader, NULL, "text/plain", "hi", 2);
    assert_int_equal(via_offers_receive(reader, "audio/*", soon_enough(), &message), VIA_ETYPE);
    expect_text(reader, "hi");
    expect_offer(writer, "image/*", "image/png", picture, sizeof(picture) - 1); /* from itself */
    via_close(writer);
    expect_offer(reader, NULL, "text/plain", "hi", 2);
    via_close(reader);
}

static void test_offers__types_fit_whole_or_not(void **state)
{
    via_channel *channel = open_clipboard(*state, NULL);
    char buffer[64] = "untouched";
    size_t needed = 7;

    assert_int_equal(via_offers_types(channel, buffer, sizeof(buffer), &needed, soon_enough()), VIA_ENOENT);
    assert_string_equal(buffer, "");
    assert_int_equal(via_offers_publish(channel, formats, 3, soon_enough()), VIA_OK);
    assert_int_equal(via_offers_types(channel, NULL, 0, &needed, soon_enough()), VIA_EBUFFER);
    assert_int_equal(needed, 32);
    for (size_t capacity = 1; capacity < needed; capacity++) {
        memset(buffer, 'x', sizeof(buffer));
        assert_int_equal(via_offers_types(channel, buffer, capacity, &needed, soon_enough()), VIA_EBUFFER);
        assert_string_equal(buffer, capacity > 20 ? "text/html\nimage/png\n" : capacity > 10 ? "text/html\n" : "");
        assert_int_equal(buffer[capacity], 'x');
    }
    assert_int_equal(via_offers_types(channel, buffer, 32, &needed, soon_enough()), VIA_OK);
    via_close(channel);
}

static void test_offers__what_cannot_be_published(void **state)
{
    static char longest[300];
    via_channel *channel = open_clipboard(*state, "max_size=10", NULL);
    via_offer many[VIA_OFFERS_MAX + 1], twice[] = {formats[2], formats[2]};
    char names[VIA_OFFERS_MAX + 1][16];
    const via_offer wrong[] = {{"", "x", 1}, {"a\nb", "x", 1}, {"a,b", "x", 1}, {longest, "x", 1}, {NULL, "x", 1}};

    memset(longest, 'a', sizeof(longest) - 1);
    for (size_t i = 0; i <= VIA_OFFERS_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "x/%zu", i);
        many[i] = (via_offer){names[i], "x", 1};
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_int_equal(via_offers_publish(channel, &wrong[i], 1, soon_enough()), VIA_EINVAL);
    assert_int_equal(via_offers_publish(channel, formats, 0, soon_enough()), VIA_EINVAL);
    assert_int_equal(via_offers_publish(channel, twice, 2, soon_enough()), VIA_EINVAL);
    assert_int_equal(via_offers_publish(channel, many, VIA_OFFERS_MAX + 1, soon_enough()), VIA_EINVAL);
    assert_int_equal(via_offers_publish(channel, &(via_offer){"x/y", "elevenbytes", 11}, 1, soon_enough()),
                     VIA_ETOOBIG);
    assert_int_equal(via_send(channel, "elevenbytes", 11, NULL, soon_enough()), VIA_ETOOBIG);
    assert_int_equal(via_offers_publish(channel, many, VIA_OFFERS_MAX, soon_enough()), VIA_OK);
    expect_offer(channel, "x/63", "x/63", "x", 1);
    via_close(channel);
}

static void test_offers__text_or_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *type;
    } cases[] = {{"", 0, "text/plain;charset=utf-8"},
                 {"plain", 5, "text/plain;charset=utf-8"},
                 {"\xc3\xa4", 2, "text/plain;charset=utf-8"},
                 {"\xc3", 1, "application/octet-stream"},
                 {"a\0b", 3, "application/octet-stream"}};
    via_channel *writer = open_clipboard(*state, NULL), *reader = open_clipboard(*state, NULL);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(via_send(writer, cases[i].bytes, cases[i].size, NULL, soon_enough()), VIA_OK);
        (void)expect_received(reader, cases[i].type, cases[i].bytes, cases[i].size);
    }
    const via_slice slices[] = {{"one ", 4}, {NULL, 0}, {"text", 4}};
    assert_int_equal(via_sendv(writer, slices, 3, NULL, soon_enough()), VIA_OK);
    (void)expect_received(reader, "text/plain;charset=utf-8", "one text", 8);
    via_close(writer);
    via_close(reader);
}

/* ---- empty -------------------------------------------------------------------------------------------------- */

static void test_clear__empties_whoever_set_it(void **state)
{
    via_channel *writer = open_clipboard(*state, NULL), *other = open_clipboard(*state, NULL);
    via_msg message;
    uint64_t generation = 0;

    assert_int_equal(via_offers_receive(other, NULL, soon_enough(), &message), VIA_ENOENT);
    copy_text(writer, "here");
    expect_offer(other, NULL, NULL, "here", 4);
    assert_int_equal(via_offers_wait(other, &generation, soon_enough()), VIA_OK);
    assert_int_equal(via_offers_wait(other, &generation, VIA_NOW), VIA_ETIMEDOUT);
    assert_int_equal(via_offers_clear(other, soon_enough()), VIA_OK);
    assert_int_equal(via_offers_wait(other, &generation, soon_enough()), VIA_OK);
    assert_int_equal(via_offers_receive(writer, NULL, soon_enough(), &message), VIA_ENOENT);
    expect_nothing(writer);
    copy_text(other, "again");
    expect_text(writer, "again");
    via_close(writer);
    via_close(other);
}

/* ---- what is received --------------------------------------------------------------------------------------- */

static void test_receive__no_echo_unless_asked(void **state)
{
    via_channel *quiet = open_clipboard(*state, NULL), *loud = open_clipboard(*state, "echo=true", NULL);

    copy_text(quiet, "one");
    expect_nothing(quiet);
    expect_text(loud, "one");
    copy_text(loud, "two");
    expect_text(loud, "two");
    expect_text(quiet, "two");
    expect_nothing(quiet);
    via_close(quiet);
    via_close(loud);
}

/* What one has set oneself is not missed; what others had set before it is. */
static void test_receive__counts_what_others_set(void **state)
{
    via_channel *reader = open_clipboard(*state, NULL), *writer = open_clipboard(*state, NULL);
    via_counters counters = {.size = sizeof(counters)};
    via_msg message;

    copy_text(writer, "0");
    expect_text(reader, "0");
    copy_text(reader, "mine");
    copy_text(writer, "1");
    expect_text(reader, "1");
    assert_int_equal(via_stats(reader, &counters), VIA_OK);
    assert_int_equal(counters.missed, 0);
    copy_text(writer, "2");
    copy_text(writer, "3");
    copy_text(reader, "mine");
    copy_text(writer, "4");
    assert_int_equal(via_recv(reader, soon_enough(), &message), VIA_OK);
    assert_true(message.meta.flags & VIA_MISSED);
    via_release(reader, &message);
    assert_int_equal(via_stats(reader, &counters), VIA_OK);
    assert_int_equal(counters.missed, 2);
    via_close(reader);
    via_close(writer);
}

/* Fetched ahead, and replaced before somebody took it. */
static void test_receive__newest_though_an_older_one_was_fetched(void **state)
{
    via_channel *reader = open_clipboard(*state, NULL), *writer = open_clipboard(*state, NULL);
    via_poll_handle handle = {.size = sizeof(handle)};

    assert_int_equal(via_pollable(reader, VIA_READ, &handle), VIA_OK);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(via_arm(reader, VIA_READ), VIA_OK);
        copy_text(writer, "older");
        if (i % 2)
            while (via_arm(reader, VIA_READ) != VIA_EREADY)
                ;
        copy_text(writer, "newer");
        expect_text(reader, "newer");
    }
    copy_text(writer, "secret");
    while (via_arm(reader, VIA_READ) != VIA_EREADY)
        ;
    assert_int_equal(via_offers_clear(writer, soon_enough()), VIA_OK);
    expect_nothing(reader);
    via_close(reader);
    via_close(writer);
}

static void test_receive__what_cannot_be_taken_is_told_once(void **state)
{
    via_channel *reader = open_clipboard(*state, "types=image/*", "max_size=12", NULL);
    via_channel *writer = open_clipboard(*state, NULL);
    const via_meta meta = {.content_type = "image/png"};
    via_msg message;

    copy_text(writer, "words");
    assert_int_equal(via_recv(reader, soon_enough(), &message), VIA_ETYPE);
    expect_nothing(reader);
    assert_int_equal(via_send(writer, "thirteen byte", 13, &meta, soon_enough()), VIA_OK);
    assert_int_equal(via_recv(reader, soon_enough(), &message), VIA_ETOOBIG);
    expect_nothing(reader);
    assert_int_equal(via_offers_receive(reader, NULL, soon_enough(), &message), VIA_ETOOBIG);
    assert_int_equal(via_send(writer, "twelve bytes", 12, &meta, soon_enough()), VIA_OK);
    (void)expect_received(reader, "image/png", "twelve bytes", 12);
    via_close(reader);
    via_close(writer);
}

/* ---- secrets, and contents that go by themselves --------------------------------------------------------------- */

static void test_secret__is_marked_and_goes_with_its_owner(void **state)
{
    via_channel *owner = open_clipboard(*state, "sensitive=true", NULL), *reader = open_clipboard(*state, NULL);
    uint64_t left = 0;

    copy_text(owner, "pw");
    expect_types(reader, "text/plain;charset=utf-8\nx-kde-passwordManagerHint\n");
    expect_offer(reader, "x-kde-passwordManagerHint", NULL, "secret", 6);
    expect_offer(reader, NULL, NULL, "pw", 2);
    assert_int_equal(via_drain(owner, via_after_ms(20), &left), VIA_ETIMEDOUT);
    assert_int_equal(left, 1);
    via_close(owner);
    expect_emptied(reader);
    owner = open_clipboard(*state, "sensitive=true", NULL);
    copy_text(owner, "pw");
    copy_text(reader, "not secret");
    assert_int_equal(via_drain(owner, soon_enough(), &left), VIA_OK);
    via_close(owner);
    expect_offer(reader, NULL, NULL, "not secret", 10);
    via_close(reader);
}

static void test_ttl__clears_ours_only(void **state)
{
    via_channel *owner = open_clipboard(*state, "ttl=1s", NULL), *reader = open_clipboard(*state, NULL);
    uint64_t left = 0;

    copy_text(owner, "for a moment");
    expect_text(reader, "for a moment");
    assert_int_equal(via_drain(owner, soon_enough(), &left), VIA_OK);
    expect_emptied(reader);
    copy_text(owner, "for a moment");
    copy_text(reader, "to stay");
    assert_int_equal(via_drain(owner, soon_enough(), &left), VIA_OK);
    expect_text(owner, "to stay");
    assert_int_equal(via_drain(owner, via_after_ms(150), &left), VIA_OK);
    expect_offer(reader, NULL, NULL, "to stay", 7);
    via_close(owner);
    owner = open_clipboard(*state, "ttl=1h", NULL);
    copy_text(owner, "until the end");
    via_close(owner); /* nobody else would clear it */
    expect_emptied(reader);
    owner = open_clipboard(*state, "ttl=1h", NULL);
    copy_text(owner, "until another's");
    copy_text(reader, "another's");
    assert_int_equal(via_drain(owner, soon_enough(), &left), VIA_OK); /* there is nothing to clear any more */
    via_close(owner);
    expect_offer(reader, NULL, NULL, "another's", 9);
    via_close(reader);
}

static void test_once__one_reader_gets_it(void **state)
{
    via_channel *owner = open_clipboard(*state, "paste_once=true", NULL);
    via_channel *readers[] = {open_clipboard(*state, NULL), open_clipboard(*state, NULL)};
    via_msg message;

    copy_text(owner, "once");
    expect_types(readers[0], "text/plain;charset=utf-8\n"); /* looking is not taking */
    assert_int_equal(via_offers_receive(readers[0], "image/png", soon_enough(), &message), VIA_ETYPE);
    via_close(owner);
    expect_offer(readers[0], NULL, NULL, "once", 4);
    assert_int_equal(via_offers_receive(readers[1], NULL, soon_enough(), &message), VIA_ENOENT);
    expect_nothing(readers[1]);
    via_close(readers[0]);
    via_close(readers[1]);
}

/* ---- names and addresses ------------------------------------------------------------------------------------ */

static void test_address__names_the_backend_and_can_be_opened(void **state)
{
    via_channel *channel = open_clipboard(*state, NULL), *again = NULL;
    via_channel_info info = {.size = sizeof(info)};
    via_error error;

    assert_int_equal(via_info(channel, &info), VIA_OK);
    assert_string_equal(info.address, "clipboard:test?backend=embedded");
    assert_int_equal(info.max_message, 16 << 20);
    copy_text(channel, "found");
    const clipboard_fixture *fixture = *state;
    assert_int_equal(via_join(fixture->host, info.address, VIA_VALUE, NULL, soon_enough(), &again, &error), VIA_OK);
    expect_text(again, "found");
    via_close(again);
    via_close(channel);
    assert_int_equal(
        via_join(fixture->host, "clipboard:?backend=embedded", VIA_VALUE, NULL, soon_enough(), &channel, &error),
        VIA_OK);
    copy_text(channel, "usual");
    assert_int_equal(
        via_join(fixture->host, "clipboard:clipboard?backend=embedded", VIA_VALUE, NULL, soon_enough(), &again, &error),
        VIA_OK);
    expect_text(again, "usual");
    via_close(again);
    via_close(channel);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

enum { THREADS = 4, ROUNDS = 100 };

static void *publish_and_ask(void *argument)
{
    via_channel *channel = argument;
    via_msg message;

    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(via_offers_publish(channel, formats, 3, soon_enough()), VIA_OK);
        assert_int_equal(via_offers_receive(channel, "image/png", soon_enough(), &message), VIA_OK);
        assert_int_equal(message.size, sizeof(picture) - 1);
        via_release(channel, &message);
    }
    return NULL;
}

static void test_threads__each_waits_for_itself(void **state)
{
    const clipboard_fixture *fixture = *state;
    via_open_options options;
    via_counters counters = {.size = sizeof(counters)};
    via_channel *channel = NULL;
    pthread_t threads[THREADS];
    via_error error;

    via_open_options_init(&options);
    options.threads = VIA_MANY;
    assert_int_equal(via_join(fixture->host, "clipboard:test?backend=embedded", VIA_VALUE, &options, soon_enough(),
                              &channel, &error),
                     VIA_OK);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, publish_and_ask, channel), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(via_stats(channel, &counters), VIA_OK);
    assert_int_equal(counters.sent_messages, THREADS * ROUNDS);
    assert_int_equal(counters.received_messages, THREADS * ROUNDS);
    via_close(channel);
}

static void *wait_for_news(void *argument)
{
    uint64_t generation = 0;
    via_status status = VIA_OK;

    while (status == VIA_OK)
        status = via_offers_wait(argument, &generation, soon_enough());
    assert_int_equal(status, VIA_ECANCELED);
    return NULL;
}

static void test_threads__an_interrupt_ends_the_waiting(void **state)
{
    via_channel *channel = open_clipboard(*state, NULL);
    pthread_t thread;
    size_t needed;
    via_msg message;

    assert_int_equal(pthread_create(&thread, NULL, wait_for_news, channel), 0);
    via_interrupt(channel);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(via_offers_types(channel, NULL, 0, &needed, soon_enough()), VIA_ECANCELED);
    assert_int_equal(via_offers_receive(channel, NULL, soon_enough(), &message), VIA_ECANCELED);
    assert_int_equal(via_offers_publish(channel, formats, 1, soon_enough()), VIA_ECANCELED);
    assert_int_equal(via_offers_clear(channel, soon_enough()), VIA_ECANCELED);
    via_close(channel);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clipboard_set_up, clipboard_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_offers__each_reader_takes_what_it_can_use),
        TEST(test_offers__types_fit_whole_or_not),
        TEST(test_offers__what_cannot_be_published),
        TEST(test_offers__text_or_bytes),
        TEST(test_clear__empties_whoever_set_it),
        TEST(test_receive__no_echo_unless_asked),
        TEST(test_receive__counts_what_others_set),
        TEST(test_receive__newest_though_an_older_one_was_fetched),
        TEST(test_receive__what_cannot_be_taken_is_told_once),
        TEST(test_secret__is_marked_and_goes_with_its_owner),
        TEST(test_ttl__clears_ours_only),
        TEST(test_once__one_reader_gets_it),
        TEST(test_address__names_the_backend_and_can_be_opened),
        TEST(test_threads__each_waits_for_itself),
        TEST(test_threads__an_interrupt_ends_the_waiting),
    };

    return cmocka_run_group_tests_name("clipboard value", tests, NULL, NULL);
}
