/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Endpoints with any_of: a dialer takes the first that it reaches, a listener listens on all and accepts from all.
 */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char endpoints[] =
    "{\"manifest\": 1, \"endpoints\": {\n"
    "  \"two\": {\"pattern\": \"pair\", \"any_of\": [\"loop:two\", \"bare:b-two\"]},\n"
    "  \"far\": {\"any_of\": [\"loop:far\", \"gone:far\", \"bare:b-far\"], \"options\": {\"capacity\": 4}},\n"
    "  \"none\": {\"any_of\": [\"gone:a\", \"lost:b\"]},\n"
    "  \"odd\": {\"any_of\": [\"loop:odd\", \"bare:b-odd\"], \"options\": {\"capacty\": 4}},\n"
    "  \"own\": {\"any_of\": [\"loop:own?lazzy=true\", \"bare:b-own\"]},\n"
    "  \"big\": {\"any_of\": [\"loop:big\", \"bare:b-big\"], \"options\": {\"capacity\": 0}},\n"
    "  \"jobs\": {\"pattern\": \"queue\", \"any_of\": [\"loop:jobs\", \"bare:b-jobs\"]},\n"
    "  \"news\": {\"pattern\": \"topic\", \"any_of\": [\"bare:b-news\", \"loop:news\"]},\n"
    "  \"last\": {\"pattern\": \"value\", \"any_of\": [\"bare:b-last\", \"loop:last\"]},\n"
    "  \"same\": {\"any_of\": [\"loop:same\", \"loop:same?backlog=3\"]}\n"
    "} }\n";

typedef struct any_of {
    via_host *host;
    char folder[64];
    char file[80];
} any_of;

typedef struct log_lines {
    char text[1024];
} log_lines;

static log_lines heard; /* the tests of this file run one after the other, and only the host's calls write it */

static void hear(void *user, uint32_t level, const char *plugin, const char *text)
{
    log_lines *lines = user;
    const size_t used = strlen(lines->text);
    (void)plugin;
    if (level <= VIA_LOG_WARNING)
        (void)snprintf(lines->text + used, sizeof(lines->text) - used, "%s\n", text);
}

static int setup(void **state)
{
    any_of *now = calloc(1, sizeof(*now));
    (void)snprintf(now->folder, sizeof(now->folder), "/tmp/any_of_XXXXXX");
    if (mkdtemp(now->folder) == NULL)
        return -1;
    (void)snprintf(now->file, sizeof(now->file), "%s/shop.json", now->folder);
    FILE *file = fopen(now->file, "w");
    if (file == NULL || fputs(endpoints, file) < 0 || fclose(file) != 0)
        return -1;
    const char *const folders[] = {getenv("CORE_PLUGIN_FOLDER")};
    const char *const files[] = {now->file};
    via_host_options options;
    via_error error;
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = folders;
    options.plugin_path_count = 1;
    options.endpoint_paths = files;
    options.endpoint_path_count = 1;
    options.log = hear;
    options.log_user = &heard;
    if (via_host_open(&options, &now->host, &error) != VIA_OK)
        fail_msg("no host: %s", error.what);
    heard.text[0] = '\0';
    *state = now;
    return 0;
}

static int teardown(void **state)
{
    any_of *now = *state;
    via_host_close(now->host);
    (void)unlink(now->file);
    (void)rmdir(now->folder);
    free(now);
    return 0;
}

static via_host *host_of(void **state)
{
    return ((any_of *)*state)->host;
}

static via_listener *listen_on(void **state, const char *address)
{
    via_listener *listener = NULL;
    via_error error;
    if (via_listen(host_of(state), address, NULL, &listener, &error) != VIA_OK)
        fail_msg("%s: %s (%s)", address, error.what, error.more);
    return listener;
}

static via_channel *dial_to(void **state, const char *address)
{
    via_channel *channel = NULL;
    via_error error;
    if (via_dial(host_of(state), address, NULL, CORE_PATIENCE, &channel, &error) != VIA_OK)
        fail_msg("%s: %s (%s)", address, error.what, error.more);
    return channel;
}

static via_channel *accept_on(via_listener *listener)
{
    via_channel *channel = NULL;
    via_error error;
    if (via_accept(listener, CORE_PATIENCE, &channel, &error) != VIA_OK)
        fail_msg("accept: %s (%s)", error.what, error.more);
    return channel;
}

static void expect_scheme(via_channel *channel, const char *scheme)
{
    via_channel_info info = {.size = sizeof(info)};
    assert_int_equal(via_info(channel, &info), VIA_OK);
    assert_string_equal(info.scheme, scheme);
}

/* ---- dialling ----------------------------------------------------------------------------------------------- */

static void expect_reached(void **state, const char *listens, const char *scheme)
{
    via_listener *listener = listen_on(state, listens);
    via_channel *client = dial_to(state, "two");
    via_channel *server = accept_on(listener);
    expect_scheme(client, scheme);
    core_send(client, "by name");
    core_expect(server, "by name");
    via_close(client);
    via_close(server);
    via_listener_close(listener);
}

static void test_any_of__a_dialer_takes_the_first_it_reaches(void **state)
{
    expect_reached(state, "loop:two", "loop");
    expect_reached(state, "bare:b-two", "bare");
    via_listener *second = listen_on(state, "bare:b-two");
    expect_reached(state, "loop:two", "loop"); /* both are there: the first counts */
    via_listener_close(second);
}

static void test_any_of__the_error_tells_of_each_candidate(void **state)
{
    via_channel *channel = NULL;
    via_error error;
    assert_int_equal(via_dial(host_of(state), "two", NULL, VIA_NOW, &channel, &error), VIA_ENOPEER);
    assert_null(channel);
    assert_string_equal(error.what, "nobody answers at any candidate of \"two\"");
    assert_string_equal(error.mend, "start the listener first");
    assert_string_equal(error.more, "loop:two: VIA_ENOPEER: nobody listens on loop:two\n"
                                    "bare:b-two: VIA_ENOPEER: nobody listens on loop:b-two");
    assert_int_equal(error.stage, VIA_STAGE_OPEN);
    assert_int_equal(error.line, 2);
    assert_int_equal(via_dial(host_of(state), "far", NULL, via_after_ms(5), &channel, &error), VIA_ENOPEER);
    assert_string_equal(error.more, "loop:far: VIA_ENOPEER: nobody listens on loop:far\n"
                                    "gone:far: VIA_ENOENT: no plugin serves \"gone:\"\n"
                                    "bare:b-far: VIA_ENOPEER: nobody listens on loop:b-far");
    assert_int_equal(via_dial(host_of(state), "none", NULL, VIA_FOREVER, &channel, &error), VIA_ENOENT);
    assert_string_equal(error.what, "no candidate of \"none\" can be used; see each below");
    assert_string_equal(error.more, "gone:a: VIA_ENOENT: no plugin serves \"gone:\"\n"
                                    "lost:b: VIA_ENOENT: no plugin serves \"lost:\"");
}

static void expect_refused(void **state, const char *address, const char *what, const char *mend)
{
    via_channel *channel = NULL;
    via_error error;
    assert_int_equal(via_dial(host_of(state), address, NULL, VIA_NOW, &channel, &error), VIA_EINVAL);
    assert_string_equal(error.what, what);
    assert_string_equal(error.mend, mend);
    assert_int_equal(error.stage, VIA_STAGE_OPTIONS);
}

static void test_any_of__options_are_for_those_that_have_them(void **state)
{
    expect_refused(state, "odd", "no candidate of \"odd\" has an option \"capacty\"; did you mean \"capacity\"?",
                   "write \"capacity\"");
    expect_refused(state, "two?lasy=true", "no candidate of \"two\" has an option \"lasy\"; did you mean \"lazy\"?",
                   "write \"lazy\"");
    expect_refused(state, "own", "loop: has no option \"lazzy\"; did you mean \"lazy\"?", "write \"lazy\"");
    expect_refused(state, "big", "option capacity is 0; expected from 1 to 65536",
                   "give it such a value, or leave the option out");
    expect_refused(state, "two?pattern=pair", "\"pattern\" is no option of an address",
                   "write \"pattern\" in the endpoint manifest, bind=true or bind=false in an address");
    via_channel *channel = NULL; /* what is missing may have it */
    assert_int_equal(via_dial(host_of(state), "far?speed=9", NULL, VIA_NOW, &channel, NULL), VIA_ENOPEER);
}

static void *listen_late(void *argument)
{
    return listen_on(argument, "bare:b-two");
}

static void test_any_of__a_dialer_waits_for_any_of_them(void **state)
{
    pthread_t thread;
    void *listener = NULL;
    assert_int_equal(pthread_create(&thread, NULL, listen_late, state), 0);
    via_channel *client = dial_to(state, "two");
    expect_scheme(client, "bare");
    assert_int_equal(pthread_join(thread, &listener), 0);
    via_close(client);
    via_listener_close(listener);
}

/* ---- listening ---------------------------------------------------------------------------------------------- */

static void talk(via_listener *listener, via_channel *client)
{
    via_channel *server = accept_on(listener);
    core_send(client, "here");
    core_expect(server, "here");
    core_send(server, "there");
    core_expect(client, "there");
    via_close(server);
    via_close(client);
}

static void test_any_of__a_listener_accepts_from_all(void **state)
{
    via_listener *listener = listen_on(state, "two");
    via_channel *none = NULL;
    via_error error;
    assert_int_equal(via_accept(listener, VIA_NOW, &none, &error), VIA_ETIMEDOUT);
    assert_string_equal(error.what, "loop:two and 1 more: nobody dialled until the deadline");
    talk(listener, dial_to(state, "bare:b-two"));
    talk(listener, dial_to(state, "loop:two"));
    talk(listener, dial_to(state, "two"));
    const uint64_t before = via_now_ns();
    assert_int_equal(via_accept(listener, via_after_ms(20), &none, NULL), VIA_ETIMEDOUT);
    assert_true(via_now_ns() - before >= 20000000u);
    via_listener_close(listener);
}

static void test_any_of__no_candidate_starves_another(void **state)
{
    via_listener *listener = listen_on(state, "two");
    via_channel *clients[8], *servers[8];
    unsigned bare = 0;
    for (size_t i = 0; i < 8; i++)
        clients[i] = dial_to(state, i < 4 ? "loop:two" : "bare:b-two");
    for (size_t i = 0; i < 8; i++) {
        via_channel_info info = {.size = sizeof(info)};
        servers[i] = accept_on(listener);
        assert_int_equal(via_info(servers[i], &info), VIA_OK);
        bare += strcmp(info.scheme, "bare") == 0;
        if (i % 2 == 1)
            assert_int_equal(bare, (i + 1) / 2);
    }
    for (size_t i = 0; i < 8; i++) {
        via_close(clients[i]);
        via_close(servers[i]);
    }
    via_listener_close(listener);
}

static bool shows(const via_poll_handle *handle)
{
    struct pollfd place = {(int)handle->handle, POLLIN, 0};
    return poll(&place, 1, 0) == 1;
}

static void test_any_of__one_handle_tells_of_all(void **state)
{
    static const char *const addresses[] = {"loop:two", "bare:b-two"};
    via_listener *listener = listen_on(state, "two");
    via_poll_handle handle = {.size = sizeof(handle)};
    assert_int_equal(via_listener_pollable(listener, &handle), VIA_OK);
    assert_int_equal(handle.wait, VIA_WAIT_READABLE);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(via_listener_arm(listener), VIA_OK);
        assert_false(shows(&handle));
        via_channel *client = dial_to(state, addresses[i]);
        assert_true(shows(&handle));
        assert_int_equal(via_listener_arm(listener), VIA_EREADY);
        talk(listener, client);
    }
    via_listener_interrupt(listener);
    assert_true(shows(&handle));
    via_listener_close(listener);
}

static void test_any_of__a_waitset_takes_it_as_any_other(void **state)
{
    via_waitset *set = NULL;
    via_ready ready;
    size_t count = 0;
    via_listener *listener = listen_on(state, "two");
    assert_int_equal(via_waitset_create(&set, NULL), VIA_OK);
    assert_int_equal(via_waitset_add_listener(set, listener, &count), VIA_OK);
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, VIA_NOW), VIA_ETIMEDOUT);
    via_channel *client = dial_to(state, "bare:b-two");
    assert_int_equal(via_waitset_wait(set, &ready, 1, &count, CORE_PATIENCE), VIA_OK);
    assert_ptr_equal(ready.listener, listener);
    assert_ptr_equal(ready.user, &count);
    talk(listener, client);
    via_listener_close(listener);
    via_waitset_destroy(set);
}

static void test_any_of__addresses_are_listed(void **state)
{
    via_listener *listener = listen_on(state, "two");
    char address[64];
    size_t cursor = 0;
    assert_int_equal(via_listener_address(listener, address, sizeof(address)), VIA_OK);
    assert_string_equal(address, "loop:two");
    assert_int_equal(via_listener_next_address(listener, &cursor, address, 2), VIA_EBUFFER);
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_OK);
    assert_string_equal(address, "loop:two");
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_OK);
    assert_string_equal(address, "loop:b-two"); /* as the plugin spells it */
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_ENOENT);
    via_listener_close(listener);
    listener = listen_on(state, "loop:alone");
    cursor = 0;
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_OK);
    assert_string_equal(address, "loop:alone");
    assert_int_equal(via_listener_next_address(listener, &cursor, address, sizeof(address)), VIA_ENOENT);
    via_listener_close(listener);
}

static void test_any_of__what_is_missing_is_left_out_with_a_warning(void **state)
{
    via_listener *listener = listen_on(state, "far");
    assert_string_equal(heard.text, "far: gone:far is left out: no plugin serves \"gone:\"\n");
    talk(listener, dial_to(state, "bare:b-far"));
    talk(listener, dial_to(state, "far"));
    via_listener_close(listener);
    via_error error;
    assert_int_equal(via_listen(host_of(state), "none", NULL, &listener, &error), VIA_ENOENT);
    assert_null(listener);
    assert_string_equal(error.what, "no candidate of \"none\" can be used; see each below");
}

static void test_any_of__a_name_that_is_taken_is_an_error(void **state)
{
    via_listener *owner = listen_on(state, "bare:b-two"), *listener = NULL;
    via_channel *none = NULL;
    via_error error;
    assert_int_equal(via_listen(host_of(state), "two", NULL, &listener, &error), VIA_EBUSY);
    assert_null(listener);
    assert_non_null(strstr(error.what, "loop:b-two"));
    assert_string_equal(error.more, "it is a candidate of \"two\": bare:b-two");
    /* and nothing of it stays behind */
    assert_int_equal(via_dial(host_of(state), "loop:two", NULL, VIA_NOW, &none, NULL), VIA_ENOPEER);
    assert_int_equal(via_listen(host_of(state), "same", NULL, &listener, &error), VIA_EBUSY);
    assert_string_equal(error.more, "it is a candidate of \"same\": loop:same");
    via_listener_close(owner);
}

/* ---- ending ------------------------------------------------------------------------------------------------- */

typedef struct accepting {
    via_listener *listener;
    via_status status;
    unsigned accepted;
} accepting;

static void *accept_until_interrupted(void *argument)
{
    accepting *task = argument;
    via_channel *channel = NULL;
    while ((task->status = via_accept(task->listener, CORE_PATIENCE, &channel, NULL)) == VIA_OK) {
        core_send(channel, "served");
        via_close(channel);
        task->accepted++;
    }
    return NULL;
}

static void expect_interrupt(void **state, uint32_t threads)
{
    pthread_t runners[2];
    accepting tasks[2] = {{0}};
    via_open_options options;
    via_listener *listener = NULL;
    const size_t count = threads == VIA_MANY ? 2 : 1;
    via_open_options_init(&options);
    options.threads = threads;
    assert_int_equal(via_listen(host_of(state), "two", &options, &listener, NULL), VIA_OK);
    for (size_t i = 0; i < count; i++) {
        tasks[i].listener = listener;
        assert_int_equal(pthread_create(&runners[i], NULL, accept_until_interrupted, &tasks[i]), 0);
    }
    for (size_t i = 0; i < 40; i++) {
        via_channel *client = dial_to(state, i % 3 ? "bare:b-two" : "loop:two");
        core_expect(client, "served");
        via_close(client);
    }
    via_listener_interrupt(listener);
    unsigned accepted = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(pthread_join(runners[i], NULL), 0);
        assert_int_equal(tasks[i].status, VIA_ECANCELED);
        accepted += tasks[i].accepted;
    }
    assert_int_equal(accepted, 40);
    via_channel *none = NULL;
    assert_int_equal(via_accept(listener, VIA_FOREVER, &none, NULL), VIA_ECANCELED);
    via_listener_close(listener);
}

static void test_any_of__an_interrupt_ends_every_accept(void **state)
{
    expect_interrupt(state, VIA_TWO);
}

static void test_any_of__many_threads_accept(void **state)
{
    expect_interrupt(state, VIA_MANY);
}

static int use_in_child(via_listener *listener)
{
    via_channel *none = NULL;
    char address[64];
    size_t cursor = 0;
    if (via_accept(listener, VIA_NOW, &none, NULL) != VIA_EFORK || via_listener_arm(listener) != VIA_EFORK)
        return 1;
    if (via_listener_next_address(listener, &cursor, address, sizeof(address)) != VIA_EFORK)
        return 2;
    via_listener_interrupt(listener);
    via_listener_close(listener);
    return 0;
}

static void test_any_of__a_child_only_frees_it(void **state)
{
    via_listener *listener = listen_on(state, "two");
    via_poll_handle handle = {.size = sizeof(handle)};
    int how = -1;
    assert_int_equal(via_listener_pollable(listener, &handle), VIA_OK);
    const pid_t child = fork();
    if (child == 0)
        _exit(use_in_child(listener));
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    assert_int_equal(via_listener_arm(listener), VIA_OK);
    assert_false(shows(&handle));
    via_channel *client = dial_to(state, "bare:b-two");
    assert_true(shows(&handle));
    talk(listener, client);
    via_listener_close(listener);
}

/* ---- joining ------------------------------------------------------------------------------------------------ */

static void test_any_of__who_connects_to_a_queue_takes_the_first_it_reaches(void **state)
{
    via_channel *receiver = NULL, *sender = NULL;
    via_error error;
    assert_int_equal(via_join(host_of(state), "bare:b-jobs", VIA_PULL, NULL, VIA_NOW, &receiver, &error), VIA_OK);
    assert_int_equal(via_join(host_of(state), "jobs", VIA_PUSH, NULL, CORE_PATIENCE, &sender, &error), VIA_OK);
    expect_scheme(sender, "bare");
    core_send(sender, "work");
    core_expect(receiver, "work");
    via_close(sender);
    via_close(receiver);
}

static void test_any_of__who_binds_a_queue_is_in_one_place(void **state)
{
    via_channel *channel = NULL;
    via_error error;
    assert_int_equal(via_join(host_of(state), "jobs", VIA_PULL, NULL, VIA_NOW, &channel, &error), VIA_ENOTSUP);
    assert_string_equal(error.what,
                        "\"jobs\" has 2 candidates, and the side that binds a queue or a topic is in one place only");
    assert_string_equal(error.mend, "name one: \"address\": \"loop:jobs\"; via bridge A B serves a second");
    assert_int_equal(error.line, 8);
    /* a candidate that has no such pattern still counts: elsewhere it may have it */
    assert_int_equal(via_join(host_of(state), "news", VIA_PUBLISH, NULL, VIA_NOW, &channel, &error), VIA_ENOTSUP);
}

static void test_any_of__equals_meet_at_the_first_that_is_there(void **state)
{
    via_channel *writer = NULL, *reader = NULL;
    via_error error;
    assert_int_equal(via_join(host_of(state), "last", VIA_VALUE, NULL, VIA_NOW, &writer, &error), VIA_OK);
    assert_int_equal(via_join(host_of(state), "loop:last", VIA_VALUE, NULL, VIA_NOW, &reader, &error), VIA_OK);
    expect_scheme(writer, "loop");
    core_send(writer, "now");
    core_expect(reader, "now");
    via_close(writer);
    via_close(reader);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_any_of__a_dialer_takes_the_first_it_reaches),
        TEST(test_any_of__the_error_tells_of_each_candidate),
        TEST(test_any_of__options_are_for_those_that_have_them),
        TEST(test_any_of__a_dialer_waits_for_any_of_them),
        TEST(test_any_of__a_listener_accepts_from_all),
        TEST(test_any_of__no_candidate_starves_another),
        TEST(test_any_of__one_handle_tells_of_all),
        TEST(test_any_of__a_waitset_takes_it_as_any_other),
        TEST(test_any_of__addresses_are_listed),
        TEST(test_any_of__what_is_missing_is_left_out_with_a_warning),
        TEST(test_any_of__a_name_that_is_taken_is_an_error),
        TEST(test_any_of__an_interrupt_ends_every_accept),
        TEST(test_any_of__many_threads_accept),
        TEST(test_any_of__a_child_only_frees_it),
        TEST(test_any_of__who_connects_to_a_queue_takes_the_first_it_reaches),
        TEST(test_any_of__who_binds_a_queue_is_in_one_place),
        TEST(test_any_of__equals_meet_at_the_first_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
