/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counter pages: what others can read of this process, while it lives and after it was killed; and that no lack of room for
 * a page ever stands in the way.
 *
 * A child may not use cmocka: it answers by its exit status, the number of the line that failed.
 */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOTS = 4096, KEPT = 16, LIMIT_BYTES = 1 << 20 };

static char folder[512];

/* A runtime folder for each test. */
static int setup(void **state)
{
    char made[] = "/tmp/via-observe-XXXXXX";

    if (!mkdtemp(made))
        return -1;
    (void)snprintf(folder, sizeof(folder), "%s/viaduct-stats", made);
    (void)setenv("XDG_RUNTIME_DIR", made, 1);
    (void)unsetenv("VIADUCT_STATS");
    *state = strdup(made);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    char command[600];

    (void)snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
    free(*state);
    return system(command);
}

static size_t count_files(void)
{
    DIR *open = opendir(folder);
    size_t count = 0;

    if (!open)
        return 0;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;)
        count += entry->d_name[0] != '.' || strstr(entry->d_name, "draft");
    (void)closedir(open);
    return count;
}

/* The process of that pid, or NULL; to be given back. */
static json_t *observe(int64_t pid)
{
    char *text = NULL;
    via_error error;

    if (via_observe(pid, &text, &error) != VIA_OK)
        return NULL;
    json_t *whole = json_loads(text, 0, NULL);
    json_t *process = json_incref(json_array_get(json_object_get(whole, "processes"), 0));
    json_decref(whole);
    via_free(text);
    return process;
}

static json_t *channel_of(const json_t *process, const char *kind, size_t nth)
{
    size_t index;
    json_t *channel;

    json_array_foreach(json_object_get(process, "channels"), index, channel)
    {
        if (strcmp(json_string_value(json_object_get(channel, "kind")), kind) == 0 && nth-- == 0)
            return channel;
    }
    return NULL;
}

static int64_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* ---- what is seen ------------------------------------------------------------------------------------------- */

static void test_observe__shows_what_is_open_and_what_it_counted(void **state)
{
    (void)state;
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    core_send(pair.client, "one");
    core_send(pair.client, "three");
    core_expect(pair.server, "one");
    json_t *process = observe(getpid());
    assert_non_null(process);
    assert_int_equal(getpid(), number(process, "pid"));
    assert_string_equal("running", text(process, "state"));
    assert_non_null(strstr(text(process, "program"), "unit_core_observe"));
    assert_int_equal(3, json_array_size(json_object_get(process, "channels")));
    const json_t *listener = channel_of(process, "listener", 0);
    assert_non_null(listener);
    assert_string_equal("loop", text(listener, "scheme"));
    const json_t *client = channel_of(process, "channel", 0), *server = channel_of(process, "channel", 1);
    if (number(client, "sent_messages") == 0) {
        const json_t *other = client;
        client = server;
        server = other;
    }
    assert_int_equal(2, number(client, "sent_messages"));
    assert_int_equal(8, number(client, "sent_bytes"));
    assert_int_equal(1, number(server, "received_messages"));
    assert_int_equal(3, number(server, "received_bytes"));
    assert_string_equal("pair", text(client, "pattern"));
    assert_string_equal("idle", text(client, "sending"));
    json_decref(process);
    core_pair_close(&pair);
    via_host_close(host);
}

static void test_observe__a_page_goes_with_the_last_host(void **state)
{
    (void)state;
    via_host *host = core_host_open(), *second = core_host_open();
    assert_int_equal(0, count_files()); /* nothing is open yet */
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    assert_int_equal(1, count_files());
    core_send(pair.client, "x");
    core_pair_close(&pair);
    via_host_close(host);
    json_t *process = observe(getpid());
    assert_int_equal(0, json_array_size(json_object_get(process, "channels")));
    assert_int_equal(2, number(json_object_get(process, "closed"), "channels"));
    assert_int_equal(1, number(json_object_get(process, "closed"), "sent_messages"));
    json_decref(process);
    via_host_close(second);
    assert_int_equal(0, count_files());
    assert_null(observe(getpid()));
}

static void test_observe__says_that_a_send_found_no_room(void **state)
{
    (void)state;
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    static const char body[4096];
    via_status status = VIA_OK;
    for (int i = 0; i < 1000000 && status == VIA_OK; i++)
        status = via_send(pair.client, body, sizeof(body), NULL, VIA_NOW);
    assert_int_equal(VIA_ETIMEDOUT, status);
    json_t *process = observe(getpid());
    size_t full = 0;
    for (size_t i = 0; i < 2; i++)
        full += strcmp("full", text(channel_of(process, "channel", i), "sending")) == 0;
    assert_int_equal(1, full);
    json_decref(process);
    core_pair_close(&pair);
    via_host_close(host);
}

static void test_observe__a_pid_without_a_page_is_told(void **state)
{
    (void)state;
    char *json = NULL;
    via_error error;
    assert_int_equal(VIA_ENOENT, via_observe(1, &json, &error));
    assert_null(json);
    assert_string_equal("process 1 has no counters: it has nothing open, or is another user's", error.what);
    assert_non_null(strstr(error.mend, "via ps"));
}

/* ---- processes that end ------------------------------------------------------------------------------------- */

/* What a child does: something is open and counted, then it waits to be killed. */
static int live(int ready)
{
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    if (via_send(pair.client, "last", 4, NULL, VIA_NOW) != VIA_OK || write(ready, "r", 1) != 1)
        return __LINE__;
    for (;;)
        (void)pause();
}

static pid_t start_child(void)
{
    int ready[2];
    char byte;

    assert_int_equal(0, pipe(ready));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(live(ready[1]));
    assert_int_equal(1, read(ready[0], &byte, 1));
    (void)close(ready[0]);
    (void)close(ready[1]);
    return child;
}

static void kill_child(pid_t child)
{
    assert_int_equal(0, kill(child, SIGKILL));
    assert_int_equal(child, waitpid(child, NULL, 0));
}

static void test_observe__a_crash_leaves_the_counters_readable(void **state)
{
    (void)state;
    pid_t child = start_child();
    assert_int_equal(0, kill(child, SIGSTOP));
    assert_int_equal(child, waitpid(child, NULL, WUNTRACED));
    json_t *process = observe(child);
    assert_string_equal("stopped", text(process, "state"));
    json_decref(process);
    kill_child(child);
    process = observe(child);
    assert_non_null(process);
    assert_string_equal("ended", text(process, "state"));
    assert_int_equal(3, json_array_size(json_object_get(process, "channels")));
    int64_t sent = number(channel_of(process, "channel", 0), "sent_messages") +
                   number(channel_of(process, "channel", 1), "sent_messages");
    assert_int_equal(1, sent);
    json_decref(process);
}

static void test_observe__of_the_dead_the_newest_are_kept(void **state)
{
    (void)state;
    for (int i = 0; i < KEPT + 4; i++)
        kill_child(start_child());
    assert_int_equal(KEPT + 4, count_files());
    assert_null(observe(1));
    assert_int_equal(KEPT, count_files());
}

/* Opening and reading is most of what it costs where there are many. */
static void test_observe__looks_at_each_page_once(void **state)
{
    char name[32];
    _Alignas(struct inotify_event) char events[4096];
    size_t opened = 0;
    (void)state;

    via_host *host = core_host_open();
    const int watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    assert_true(inotify_add_watch(watch, folder, IN_OPEN) >= 0);
    json_t *process = observe(getpid());
    assert_non_null(process);
    (void)snprintf(name, sizeof(name), "%ld.page", (long)getpid());
    const ssize_t size = read(watch, events, sizeof(events));
    for (ssize_t at = 0; at < size;) {
        const struct inotify_event *event = (const struct inotify_event *)(const void *)(events + at);
        opened += event->len > 0 && strcmp(event->name, name) == 0;
        at += (ssize_t)(sizeof(*event) + event->len);
    }
    assert_int_equal(1, opened);
    json_decref(process);
    (void)close(watch);
    core_pair_close(&pair);
    via_host_close(host);
}

/* ---- fork --------------------------------------------------------------------------------------------------- */

static int use_own(void)
{
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    json_t *process = observe(getpid());
    int line = !process                                                     ? __LINE__
               : json_array_size(json_object_get(process, "channels")) != 3 ? __LINE__
               : via_send(pair.client, "x", 1, NULL, VIA_NOW) != VIA_OK     ? __LINE__
                                                                            : 0;
    json_decref(process);
    core_pair_close(&pair);
    via_host_close(host);
    return line;
}

static void test_observe__a_child_has_a_page_of_its_own(void **state)
{
    (void)state;
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    core_send(pair.client, "x");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        core_pair_close(&pair); /* which frees memory, and leaves the parent's page as it is */
        via_host_close(host);
        _exit(use_own());
    }
    int status;
    assert_int_equal(child, waitpid(child, &status, 0));
    assert_true(WIFEXITED(status));
    assert_int_equal(0, WEXITSTATUS(status));
    json_t *process = observe(getpid());
    assert_int_equal(3, json_array_size(json_object_get(process, "channels")));
    json_decref(process);
    assert_int_equal(1, count_files());
    core_pair_close(&pair);
    via_host_close(host);
    assert_int_equal(0, count_files());
}

/* ---- where there can be no page ----------------------------------------------------------------------------- */

static void use_without_page(void)
{
    via_counters counters = {.size = sizeof(counters)};
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    core_send(pair.client, "x");
    core_expect(pair.server, "x");
    assert_int_equal(VIA_OK, via_stats(pair.client, &counters));
    assert_int_equal(1, counters.sent_messages);
    assert_null(observe(getpid()));
    core_pair_close(&pair);
    via_host_close(host);
}

static void test_observe__can_be_switched_off(void **state)
{
    (void)state;
    (void)setenv("VIADUCT_STATS", "0", 1);
    use_without_page();
    (void)unsetenv("VIADUCT_STATS");
    assert_int_equal(0, count_files());
}

static void test_observe__a_folder_that_cannot_be_used_is_no_hindrance(void **state)
{
    (void)state;
    int file = open(folder, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    use_without_page();
    (void)close(file);
}

/* The kernel would end the process with SIGXFSZ. Plugins are files, too, and have to fit. */
static void test_observe__a_limit_of_file_sizes_is_no_hindrance(void **state)
{
    (void)state;
    static core_pair pairs[LIMIT_BYTES / 1024 / 3 + 1];
    const size_t count = sizeof(pairs) / sizeof(pairs[0]);
    struct rlimit before, less;
    via_host *host = core_host_open();
    assert_int_equal(0, getrlimit(RLIMIT_FSIZE, &before));
    less = before;
    less.rlim_cur = LIMIT_BYTES;
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &less));
    for (size_t i = 0; i < count; i++)
        pairs[i] = core_pair_open(host, "loop", "", VIA_TWO);
    assert_int_equal(0, setrlimit(RLIMIT_FSIZE, &before));
    core_send(pairs[count - 1].client, "x");
    json_t *process = observe(getpid());
    assert_true(number(process, "unseen") > 0);
    assert_int_equal(3 * count,
                     json_array_size(json_object_get(process, "channels")) + (size_t)number(process, "unseen"));
    json_decref(process);
    for (size_t i = 0; i < count; i++)
        core_pair_close(&pairs[i]);
    via_host_close(host);
}

static void test_observe__more_objects_than_slots_go_on_unseen(void **state)
{
    (void)state;
    static core_pair pairs[SLOTS / 3 + 2];
    const size_t count = sizeof(pairs) / sizeof(pairs[0]);
    via_host *host = core_host_open();
    for (size_t i = 0; i < count; i++)
        pairs[i] = core_pair_open(host, "loop", "", VIA_TWO);
    core_send(pairs[count - 1].client, "x");
    json_t *process = observe(getpid());
    assert_int_equal(SLOTS, json_array_size(json_object_get(process, "channels")));
    assert_int_equal(3 * count - SLOTS, number(process, "unseen"));
    json_decref(process);
    for (size_t i = 0; i < count; i++)
        core_pair_close(&pairs[i]);
    via_host_close(host);
}

/* ---- pages that are none ------------------------------------------------------------------------------------ */

static void write_file(const char *name, const void *bytes, size_t size)
{
    char path[700];

    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(size, fwrite(bytes, 1, size, file));
    assert_int_equal(0, fclose(file));
}

static void test_observe__passes_over_what_is_no_page(void **state)
{
    (void)state;
    static const unsigned char magic[8] = {'V', 'I', 'A', 'P', 'A', 'G', 'E', '1'};
    unsigned char noise[9000];
    char path[700];
    via_host *host = core_host_open();
    core_pair pair = core_pair_open(host, "loop", "", VIA_TWO);
    memset(noise, 0xff, sizeof(noise));
    write_file("1.page", "", 0);
    write_file("2.page", magic, sizeof(magic));
    memcpy(noise, magic, sizeof(magic)); /* whose sizes and texts have no end */
    write_file("3.page", noise, sizeof(noise));
    memset(noise + 8, 0, sizeof(noise) - 8); /* slots of no size */
    write_file("4.page", noise, sizeof(noise));
    (void)snprintf(path, sizeof(path), "%s/5.page", folder);
    assert_int_equal(0, mkfifo(path, 0600));
    (void)snprintf(path, sizeof(path), "%s/6.page", folder);
    assert_int_equal(0, symlink("/etc/passwd", path));
    json_t *process = observe(0);
    assert_int_equal(getpid(), number(process, "pid"));
    json_decref(process);
    core_pair_close(&pair);
    via_host_close(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_observe__shows_what_is_open_and_what_it_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_page_goes_with_the_last_host, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__says_that_a_send_found_no_room, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_pid_without_a_page_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_crash_leaves_the_counters_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__of_the_dead_the_newest_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__looks_at_each_page_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_child_has_a_page_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__can_be_switched_off, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_folder_that_cannot_be_used_is_no_hindrance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__a_limit_of_file_sizes_is_no_hindrance, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__more_objects_than_slots_go_on_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(test_observe__passes_over_what_is_no_page, setup, teardown),
    };
    return cmocka_run_group_tests_name("observe", tests, NULL, NULL);
}
