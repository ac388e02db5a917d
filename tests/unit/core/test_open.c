/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening: what is refused and how it is told, retries, logs, the life of a host.
 */
#include "support.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static void test_open__nobody_there_is_told_at_once_or_at_the_deadline(void **state)
{
    via_channel *channel = NULL;
    via_error error;
    assert_int_equal(via_dial(*state, "loop:nobody", NULL, VIA_NOW, &channel, &error), VIA_ENOPEER);
    assert_null(channel);
    assert_int_equal(error.status, VIA_ENOPEER);
    assert_int_equal(error.stage, VIA_STAGE_OPEN);
    assert_string_equal(error.plugin, "loop");
    assert_string_equal(error.what, "nobody listens on loop:nobody");
    assert_string_equal(error.mend, "start the listener first");
    const uint64_t before = via_now_ns();
    assert_int_equal(via_dial(*state, "loop:nobody", NULL, via_after_ms(30), &channel, NULL), VIA_ENOPEER);
    assert_true(via_now_ns() - before >= 30000000u);
    assert_int_equal(via_join(*state, "loop:nobody", VIA_PUSH, NULL, via_after_ms(5), &channel, &error), VIA_ENOPEER);
    assert_string_equal(error.what, "nobody has bound loop:nobody");
}

typedef struct dialler {
    via_host *host;
    via_channel *channel;
    via_status status;
} dialler;

static void *dial(void *argument)
{
    dialler *task = argument;
    task->status = via_dial(task->host, "loop:late", NULL, CORE_PATIENCE, &task->channel, NULL);
    return NULL;
}

static void test_open__dial_waits_for_a_listener(void **state)
{
    dialler task = {*state, NULL, VIA_EIO};
    pthread_t thread;
    via_listener *listener = NULL;
    via_channel *channel = NULL;
    assert_int_equal(pthread_create(&thread, NULL, dial, &task), 0);
    assert_int_equal(via_listen(*state, "loop:late", NULL, &listener, NULL), VIA_OK);
    assert_int_equal(via_accept(listener, CORE_PATIENCE, &channel, NULL), VIA_OK);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(task.status, VIA_OK);
    core_send(channel, "at last");
    core_expect(task.channel, "at last");
    via_close(task.channel);
    via_close(channel);
    via_listener_close(listener);
}

static void test_open__what_is_sent_before_accept_is_not_missed(void **state)
{
    via_listener *listener = NULL;
    via_channel *client = NULL;
    via_channel *server = NULL;
    assert_int_equal(via_listen(*state, "loop:early", NULL, &listener, NULL), VIA_OK);
    assert_int_equal(via_accept(listener, VIA_NOW, &server, NULL), VIA_ETIMEDOUT);
    assert_null(server);
    assert_int_equal(via_dial(*state, "loop:early", NULL, VIA_NOW, &client, NULL), VIA_OK);
    core_send(client, "early");
    assert_int_equal(via_accept(listener, VIA_NOW, &server, NULL), VIA_OK);
    core_expect(server, "early");
    via_close(server);
    via_close(client);
    via_listener_close(listener);
}

static void test_open__listener_tells_its_address_and_handle(void **state)
{
    via_listener *listener = NULL;
    via_listener *second = NULL;
    via_channel *client = NULL;
    via_error error;
    via_poll_handle handle = {.size = sizeof(handle)};
    via_poll_handle unset = {.size = 0};
    char address[64];
    assert_int_equal(via_listen(*state, "loop:here", NULL, &listener, NULL), VIA_OK);
    assert_int_equal(via_listener_address(listener, address, sizeof(address)), VIA_OK);
    assert_string_equal(address, "loop:here");
    assert_int_equal(via_listener_address(listener, address, 4), VIA_EBUFFER);
    assert_int_equal(via_listener_pollable(listener, &handle), VIA_OK);
    assert_int_equal(handle.wait, VIA_WAIT_READABLE);
    assert_int_equal(via_listener_pollable(listener, &unset), VIA_EINVAL);
    assert_int_equal(via_listener_arm(listener), VIA_OK);
    assert_int_equal(via_dial(*state, "loop:here", NULL, VIA_NOW, &client, NULL), VIA_OK);
    assert_int_equal(via_listener_arm(listener), VIA_EREADY);
    assert_int_equal(via_listen(*state, "loop:here", NULL, &second, &error), VIA_EBUSY);
    assert_null(second);
    assert_int_equal(error.status, VIA_EBUSY);
    via_listener_close(listener);
    via_close(client);
}

static void test_open__arguments_that_make_no_sense(void **state)
{
    via_channel *channel = NULL;
    via_listener *listener = NULL;
    via_error error;
    via_open_options options;
    memset(&options, 0, sizeof(options));
    assert_int_equal(via_dial(*state, NULL, NULL, VIA_NOW, &channel, &error), VIA_EINVAL);
    assert_true(error.mend[0] != '\0');
    assert_int_equal(via_dial(*state, "loop:x", &options, VIA_NOW, &channel, &error), VIA_EINVAL);
    assert_non_null(strstr(error.mend, "via_open_options_init"));
    via_open_options_init(&options);
    options.threads = 9;
    assert_int_equal(via_listen(*state, "loop:x", &options, &listener, &error), VIA_EINVAL);
    assert_int_equal(error.stage, VIA_STAGE_OPTIONS);
    via_open_options_init(&options);
    options.option_count = 1;
    assert_int_equal(via_listen(*state, "loop:x", &options, &listener, &error), VIA_EINVAL);
    assert_int_equal(via_join(*state, "loop:x", VIA_PAIR, NULL, VIA_NOW, &channel, &error), VIA_EINVAL);
    assert_int_equal(via_join(*state, "loop:x", 99, NULL, VIA_NOW, &channel, &error), VIA_EINVAL);
    assert_int_equal(via_join(*state, "bare:x", VIA_PUBLISH, NULL, VIA_NOW, &channel, &error), VIA_ENOTSUP);
    assert_int_not_equal(via_dial(*state, "lop:x", NULL, VIA_NOW, &channel, &error), VIA_OK);
    assert_int_not_equal(via_dial(*state, "loop:x?capacty=1", NULL, VIA_NOW, &channel, &error), VIA_OK);
    assert_null(channel);
    assert_null(listener);
}

static void test_open__record_of_an_older_program_is_understood(void **state)
{
    via_open_options options;
    via_listener *listener = NULL;
    memset(&options, 0xaa, sizeof(options)); /* what lies beyond its size is not looked at */
    options.size = offsetof(via_open_options, log);
    options.threads = VIA_TWO;
    options.side = VIA_SIDE_DEFAULT;
    options.options = NULL;
    options.option_count = 0;
    assert_int_equal(via_listen(*state, "loop:old", &options, &listener, NULL), VIA_OK);
    via_listener_close(listener);
}

static void test_open__host_lives_as_long_as_what_was_opened(void **state)
{
    (void)state;
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    via_host_close(host);
    core_send(pair.client, "alive");
    core_expect(pair.server, "alive");
    core_pair_close(&pair);
    via_host_close(NULL);
    via_close(NULL);
    via_listener_close(NULL);
    via_waitset_destroy(NULL);
}

/* ---- log ---------------------------------------------------------------------------------------------------- */

typedef struct lines {
    pthread_mutex_t lock;
    char plugin[64];
    char text[256];
    int count;
} lines;

static void collect(void *user, uint32_t level, const char *plugin, const char *text)
{
    lines *log = user;
    (void)level;
    (void)pthread_mutex_lock(&log->lock);
    log->count++;
    (void)snprintf(log->plugin, sizeof(log->plugin), "%s", plugin);
    (void)snprintf(log->text, sizeof(log->text), "%s", text);
    (void)pthread_mutex_unlock(&log->lock);
}

static void test_open__log_of_a_channel_goes_where_its_options_say(void **state)
{
    (void)state;
    lines log = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const char *folder = getenv("CORE_PLUGIN_FOLDER");
    via_host *host = NULL;
    via_host_options host_options;
    via_open_options options;
    via_channel *channel = NULL;
    via_listener *listener = NULL;
    via_msg message;
    assert_non_null(folder);
    via_host_options_init(&host_options);
    host_options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    host_options.plugin_paths = &folder;
    host_options.plugin_path_count = 1;
    host_options.log_level = VIA_LOG_INFO;
    assert_int_equal(via_host_open(&host_options, &host, NULL), VIA_OK);
    via_open_options_init(&options);
    options.log = collect;
    options.log_user = &log;
    assert_int_equal(via_listen(host, "loop:logged", NULL, &listener, NULL), VIA_OK);
    assert_int_equal(via_dial(host, "loop:logged", &options, VIA_NOW, &channel, NULL), VIA_OK);
    via_channel *other = NULL;
    assert_int_equal(via_accept(listener, VIA_NOW, &other, NULL), VIA_OK);
    core_kill(other);
    assert_int_equal(via_recv(channel, CORE_PATIENCE, &message), VIA_EPEER);
    assert_int_equal(log.count, 1);
    assert_string_equal(log.plugin, "loop");
    assert_non_null(strstr(log.text, "killed by the test"));
    via_close(channel);
    via_close(other);
    via_listener_close(listener);
    via_host_close(host);
}

/* ---- helpers ------------------------------------------------------------------------------------------------ */

static void test_open__helpers_need_no_object(void **state)
{
    (void)state;
    via_error error;
    void (*initialiser)(via_error *) = via_error_init;
    initialiser(&error);
    assert_int_equal(error.size, sizeof(error));
    assert_string_equal(via_status_name(VIA_OK), "VIA_OK");
    assert_string_equal(via_status_name(VIA_EDROPPED), "VIA_EDROPPED");
    assert_string_equal(via_status_name(VIA_ENOPEER), "VIA_ENOPEER");
    assert_string_equal(via_status_name(-1000), "VIA_?");
    assert_string_equal(via_status_name(INT32_MIN), "VIA_?");
    assert_string_equal(via_status_name(1), "VIA_?");
    assert_true(via_status_text(VIA_ETIMEDOUT)[0] != '\0');
    assert_true(via_version()[0] != '\0');
    assert_true(via_after_ms(UINT64_MAX) == VIA_FOREVER);
    assert_true(via_after_ms(UINT64_MAX / 1000000) == VIA_FOREVER);
    assert_true(via_after_ms(10) > via_now_ns());
    via_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open__nobody_there_is_told_at_once_or_at_the_deadline),
        cmocka_unit_test(test_open__dial_waits_for_a_listener),
        cmocka_unit_test(test_open__what_is_sent_before_accept_is_not_missed),
        cmocka_unit_test(test_open__listener_tells_its_address_and_handle),
        cmocka_unit_test(test_open__arguments_that_make_no_sense),
        cmocka_unit_test(test_open__record_of_an_older_program_is_understood),
        cmocka_unit_test(test_open__host_lives_as_long_as_what_was_opened),
        cmocka_unit_test(test_open__log_of_a_channel_goes_where_its_options_say),
        cmocka_unit_test(test_open__helpers_need_no_object),
    };
    return cmocka_run_group_tests(tests, core_setup, core_teardown);
}
