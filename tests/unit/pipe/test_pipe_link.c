/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listener and link, without a host: what is counted, what is named, what the kernel objects show.
 */
#include "pipe_unit.h"

#include "card.h"
#include "link_state.h"
#include "listener.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pipe_listener *listen_at(const pipe_settings *settings, const char *path)
{
    pipe_listener *listener = NULL;
    via_error error;

    assert_int_equal(pipe_listener_open(settings, path, &listener, &error), VIA_OK);
    return listener;
}

static void open_pair(const char *path, pipe_listener *listener, via_stream *dialer, via_stream *accepted)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_CONNECT);
    pipe_place place;
    via_stream_config config;
    via_error error;

    assert_int_equal(pipe_place_find(&unit_host, path, &place, &error), VIA_OK);
    assert_int_equal(pipe_link_dial(&settings, &place, VIA_NOW, &config, &error), VIA_OK);
    assert_int_equal(via_stream_init(dialer, &config), VIA_OK);
    assert_int_equal(pipe_link_check(config.user), VIA_ETIMEDOUT);
    assert_int_equal(pipe_listener_next(listener, &settings, &config), VIA_OK);
    assert_int_equal(via_stream_init(accepted, &config), VIA_OK);
    assert_int_equal(pipe_link_check(dialer->config.user), VIA_OK);
}

static void test_link__no_names_once_both_have_it(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    char path[64];
    pipe_listener *listener;
    via_stream dialer;
    via_stream accepted;
    const via_slice slice = {"hello", 5};
    via_msg message;

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    assert_int_equal(unit_folder_count(path), 2); /* FIFO and lock */
    open_pair(path, listener, &dialer, &accepted);
    assert_int_equal(unit_folder_count(path), 2);
    assert_int_equal(via_stream_send(&dialer, &slice, 1, NULL, VIA_NOW), VIA_OK);
    assert_int_equal(via_stream_recv(&accepted, VIA_NOW, &message), VIA_OK);
    assert_memory_equal(message.data, "hello", 5);
    via_stream_release(&accepted, &message);
    via_stream_fini(&accepted, VIA_CLOSE_FLUSH);
    assert_int_equal(via_stream_recv(&dialer, VIA_NOW, &message), VIA_ECLOSED);
    via_stream_fini(&dialer, VIA_CLOSE_FLUSH);
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

/* An end that goes without the mark, as the kernel closes it for a dead process. */
static void test_link__unmarked_end_is_a_death(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    char path[64];
    pipe_listener *listener;
    via_stream dialer;
    via_stream accepted;
    via_msg message;
    const via_slice slice = {"hello", 5};

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    open_pair(path, listener, &dialer, &accepted);
    via_stream_fini(&accepted, VIA_CLOSE_FORKED);
    assert_int_equal(via_stream_recv(&dialer, VIA_NOW, &message), VIA_EPEER);
    assert_int_equal(unit_failure.status, VIA_EPEER);
    assert_int_equal(via_stream_send(&dialer, &slice, 1, NULL, VIA_NOW), VIA_EPEER);
    via_stream_fini(&dialer, VIA_CLOSE_FLUSH);
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

/* Whoever turns a dialer away has to claim it first, and leaves everything to one that is securing what it has sent. */
static void test_link__is_turned_away_by_who_claims_it(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    char path[64];
    pipe_listener *listener;
    pipe_link *link;
    pipe_place place;
    pipe_names names;
    via_stream_config config;
    via_error error;

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    assert_int_equal(pipe_place_find(&unit_host, path, &place, &error), VIA_OK);
    assert_int_equal(pipe_link_dial(&settings, &place, VIA_NOW, &config, &error), VIA_OK);
    link = config.user;
    pipe_place_names(&place, &link->record, &names);
    assert_int_equal(rename(names.up, names.hold), 0);
    assert_int_equal(pipe_link_turn_away(&place, &link->record, PIPE_GREETING_PATTERN), VIA_EBUSY);
    assert_int_equal(unit_folder_count(path), 4);
    assert_int_equal(pipe_link_check(link), VIA_ETIMEDOUT);
    assert_int_equal(rename(names.hold, names.up), 0);
    assert_int_equal(pipe_link_secure(link), VIA_OK);
    assert_int_equal(pipe_link_turn_away(&place, &link->record, PIPE_GREETING_PATTERN), VIA_ENOPEER);
    assert_int_equal(unit_folder_count(path), 2);
    assert_int_equal(pipe_link_secure(link), VIA_ENOENT);
    assert_int_equal(pipe_link_verdict(link), VIA_EPROTO);
    assert_non_null(strstr(unit_failure.what, "pattern"));
    pipe_link_abandon(link);
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

/* One that is refused announces itself at every attempt to be heard, and counts once. */
static void test_listener__counts_a_dialer_once(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    static const uint32_t kinds[] = {PIPE_RECORD_CONNECT, PIPE_RECORD_AGAIN, PIPE_RECORD_REST};
    char path[64];
    pipe_listener *listener;
    via_stream_config config;

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    unit_counters.protocol_errors = 0;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const pipe_record record = {.kind = kinds[i], .role = VIA_PUSH, .pid = getpid()};
        uint8_t bytes[PIPE_RECORD_SIZE];

        pipe_record_write(&record, bytes);
        assert_int_equal(write(pipe_listener_descriptor(listener), bytes, sizeof(bytes)), sizeof(bytes));
        assert_int_equal(pipe_listener_next(listener, &settings, &config), VIA_ETIMEDOUT);
        assert_int_equal(unit_counters.protocol_errors, 1);
    }
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

/* What a listener serves is known as long as it has the name, and a line cut short is none. */
static void test_card__lasts_as_long_as_the_name(void **state)
{
    pipe_settings settings = unit_settings(VIA_PUSH, VIA_SIDE_BIND);
    char path[64];
    char lock[80];
    pipe_listener *listener;
    pipe_place place;
    pipe_card card;
    via_error error;
    char text[512] = "";
    const char *stop;
    FILE *file;

    (void)state;
    unit_folder_make(path);
    assert_int_equal(pipe_place_find(&unit_host, path, &place, &error), VIA_OK);
    assert_int_equal(pipe_card_read(&place, &card), VIA_ENOPEER);
    listener = listen_at(&settings, path);
    assert_int_equal(pipe_card_read(&place, &card), VIA_OK);
    assert_int_equal(card.role, VIA_PUSH);
    assert_int_equal(card.framing, pipe_record_framing("length32"));
    (void)snprintf(lock, sizeof(lock), "%s.lock", path);
    file = fopen(lock, "r");
    assert_non_null(file);
    assert_in_range(fread(text, 1, sizeof(text) - 1, file), 1, sizeof(text) - 1);
    fclose(file);
    stop = strchr(strstr(text, "serves "), '.'); /* the listener may have more to say after it */
    for (off_t size = stop - text; size >= 0; size--) {
        assert_int_equal(truncate(lock, size), 0);
        assert_int_equal(pipe_card_read(&place, &card), VIA_ENOPEER);
    }
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

static void test_listener__counts_what_it_passes_over(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    char path[64];
    char target[128];
    pipe_listener *listener;
    pipe_names names;
    pipe_place place;
    pipe_record record = {
        .kind = PIPE_RECORD_CONNECT, .role = VIA_PAIR, .framing = pipe_record_framing("length32"), .pid = getpid()};
    uint8_t bytes[PIPE_RECORD_SIZE];
    via_stream_config config;
    int fifo;

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    fifo = pipe_listener_descriptor(listener);
    unit_counters.protocol_errors = 0;
    memset(bytes, 'z', sizeof(bytes));
    assert_int_equal(write(fifo, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(pipe_listener_next(listener, &settings, &config), VIA_ETIMEDOUT);
    assert_int_equal(unit_counters.protocol_errors, 1);

    /* Well-formed, but what it names is a folder and a link. */
    (void)snprintf(place.path, sizeof(place.path), "%s", path);
    pipe_place_names(&place, &record, &names);
    (void)snprintf(target, sizeof(target), "%s.target", path);
    assert_int_equal(mkdir(names.up, 0700), 0);
    assert_int_equal(symlink(target, names.down), 0);
    pipe_record_write(&record, bytes);
    assert_int_equal(write(fifo, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(pipe_listener_next(listener, &settings, &config), VIA_ETIMEDOUT);
    assert_int_equal(unit_counters.protocol_errors, 2);
    assert_int_equal(access(target, F_OK), -1);
    assert_int_equal(rmdir(names.up), 0);
    assert_int_equal(unlink(names.down), 0);

    record.framing++;
    pipe_record_write(&record, bytes);
    assert_int_equal(write(fifo, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(pipe_listener_next(listener, &settings, &config), VIA_ETIMEDOUT);
    assert_int_equal(unit_counters.protocol_errors, 3);
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

static void test_listener__keeps_its_name(void **state)
{
    pipe_settings settings = unit_settings(VIA_PAIR, VIA_SIDE_BIND);
    char path[64];
    pipe_listener *listener;
    pipe_listener *thief = NULL;
    via_error error;
    int reader;

    (void)state;
    unit_folder_make(path);
    listener = listen_at(&settings, path);
    assert_int_equal(pipe_listener_open(&settings, path, &thief, &error), VIA_EBUSY);
    assert_string_not_equal(error.what, "");
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);

    /* Somebody who does not know our lock: his FIFO is as safe. */
    assert_int_equal(mkfifo(path, 0600), 0);
    reader = open(path, O_RDONLY | O_NONBLOCK);
    assert_int_equal(pipe_listener_open(&settings, path, &thief, &error), VIA_EBUSY);
    close(reader);
    listener = listen_at(&settings, path); /* and in nobody's way once he is gone */
    pipe_listener_close(listener, VIA_CLOSE_FLUSH);
    unit_folder_remove(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link__no_names_once_both_have_it),
        cmocka_unit_test(test_link__unmarked_end_is_a_death),
        cmocka_unit_test(test_link__is_turned_away_by_who_claims_it),
        cmocka_unit_test(test_listener__counts_a_dialer_once),
        cmocka_unit_test(test_card__lasts_as_long_as_the_name),
        cmocka_unit_test(test_listener__counts_what_it_passes_over),
        cmocka_unit_test(test_listener__keeps_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
