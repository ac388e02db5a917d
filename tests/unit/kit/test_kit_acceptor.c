/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Greetings: quick ones, slow ones, hostile ones, and no descriptor left. The greeting here is four bytes: "hi " and a
 * digit of the visitor's choice.
 */
#include "kit_fixture.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kit/acceptor.h"
#include "kit/unix_name.h"

enum { GREETING = 4, LIMIT = 3, BACKLOG = 128, AT_ONCE = 64 };

typedef struct visit {
    size_t have;
    char greeting[GREETING];
    void *held; /* what a real transport's state may hold: given up by forget, or handed out */
} visit;

typedef struct fixture {
    char folder[64];
    via_counters counters;
    via_error error;
    via_unix_name name;
    via_pollset set;
    via_acceptor *acceptor;
    unsigned begun;
    unsigned forgotten;
    bool at_once; /* nobody has to say anything */
    char log[256];
} fixture;

/* ---- the greeter -------------------------------------------------------------------------------------------- */

static via_status go_on(void *user, int descriptor, void *state, const char **why)
{
    visit *who = state;
    ssize_t got = recv(descriptor, who->greeting + who->have, GREETING - who->have, MSG_DONTWAIT);

    (void)user;
    if (got <= 0)
        return got < 0 && errno == EAGAIN ? VIA_ETIMEDOUT : VIA_EPEER;
    who->have += (size_t)got;
    if (strncmp(who->greeting, "hi ", who->have < 3 ? who->have : 3) != 0) {
        *why = "it is rude";
        return VIA_EPROTO;
    }
    return who->have == GREETING ? VIA_OK : VIA_ETIMEDOUT;
}

static via_status begin(void *user, int descriptor, void *state, const char **why)
{
    static const visit zeroed;
    fixture *f = user;
    visit *who = state;

    assert_memory_equal(who, &zeroed, sizeof(zeroed));
    who->held = malloc(1);
    f->begun++;
    return f->at_once ? VIA_OK : go_on(user, descriptor, state, why);
}

static void forget(void *user, void *state)
{
    fixture *f = user;
    visit *who = state;

    free(who->held);
    f->forgotten++;
}

static const via_greeter greeter = {
    .state_size = sizeof(visit),
    .begin = begin,
    .go_on = go_on,
    .forget = forget,
};

/* ---- the scene ---------------------------------------------------------------------------------------------- */

static void keep_log(via_context *context, uint32_t level, const char *text)
{
    fixture *f = (fixture *)context;

    assert_int_equal(level, VIA_LOG_WARNING);
    (void)snprintf(f->log, sizeof(f->log), "%s", text);
}

static via_host_api logging_host;

static void make_acceptor(fixture *f, uint64_t handshake_ns)
{
    const via_acceptor_config config = {
        .host = &logging_host,
        .context = (via_context *)f,
        .counters = &f->counters,
        .listening = f->name.descriptor,
        .set = &f->set,
        .tag = f,
        .handshake_ns = handshake_ns,
        .handshake_limit = LIMIT,
        .greeter = &greeter,
        .user = f,
    };

    assert_int_equal(via_acceptor_create(&config, &f->acceptor, &f->error), VIA_OK);
}

static int set_up_with(void **state, uint64_t handshake_ns)
{
    fixture *f = calloc(1, sizeof(*f));
    char path[96];

    assert_non_null(f);
    logging_host = fake_host_api;
    logging_host.log = keep_log;
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/via-acceptor.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    (void)snprintf(path, sizeof(path), "%s/s", f->folder);
    assert_int_equal(via_pollset_init(&f->set, false), VIA_OK);
    assert_int_equal(via_unix_name_take(&logging_host, path, SOCK_STREAM, 0600, &f->name, &f->error), VIA_OK);
    assert_int_equal(listen(f->name.descriptor, BACKLOG), 0);
    make_acceptor(f, handshake_ns);
    *state = f;
    return 0;
}

static int set_up(void **state)
{
    return set_up_with(state, UINT64_MAX);
}

static int set_up_impatient(void **state)
{
    return set_up_with(state, 20000000);
}

static int tear_down(void **state)
{
    fixture *f = *state;

    via_acceptor_destroy(f->acceptor, VIA_CLOSE_FLUSH);
    via_unix_name_give_up(&f->name, VIA_CLOSE_FLUSH);
    via_pollset_fini(&f->set);
    (void)rmdir(f->folder);
    free(f);
    return 0;
}

static int dial(fixture *f)
{
    int descriptor;

    assert_int_equal(via_unix_name_dial(&logging_host, f->name.path, SOCK_STREAM, &descriptor, &f->error), VIA_OK);
    return descriptor;
}

static void say(int descriptor, const char *text)
{
    assert_int_equal(send(descriptor, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static int dial_and_say(fixture *f, const char *text)
{
    int descriptor = dial(f);

    say(descriptor, text);
    return descriptor;
}

static via_status try_next(const fixture *f, char *who)
{
    int descriptor;
    visit state;
    via_status status = via_acceptor_next(f->acceptor, &descriptor, &state);

    if (status != VIA_OK)
        return status;
    *who = state.greeting[GREETING - 1];
    free(state.held); /* ours now */
    (void)close(descriptor);
    return status;
}

/* Waits on the acceptor's handle as a listener does. */
static via_status next(const fixture *f, char *who)
{
    via_status status;

    while ((status = try_next(f, who)) == VIA_ETIMEDOUT) {
        struct pollfd set = {.fd = f->set.main, .events = POLLIN};
        assert_int_equal(poll(&set, 1, 10000), 1);
    }
    return status;
}

static void expect_next(const fixture *f, char expected)
{
    char who = '?';

    assert_int_equal(next(f, &who), VIA_OK);
    assert_int_equal(who, expected);
}

static bool shows(const fixture *f)
{
    struct pollfd set = {.fd = f->set.main, .events = POLLIN};

    return poll(&set, 1, 0) > 0;
}

/* Handles events until the other end is closed. */
static void expect_turned_away(const fixture *f, int descriptor, const char *why)
{
    struct pollfd set[2] = {{.fd = descriptor, .events = POLLIN}, {.fd = f->set.main, .events = POLLIN}};
    char byte, who;

    while ((set[0].revents & POLLIN) == 0) {
        assert_int_equal(try_next(f, &who), VIA_ETIMEDOUT);
        assert_true(poll(set, 2, 10000) > 0);
    }
    assert_true(recv(descriptor, &byte, 1, 0) <= 0);
    if (!strstr(f->log, why))
        fail_msg("'%s' was said, not '%s'", f->log, why);
    (void)close(descriptor);
}

/* ---- greetings ---------------------------------------------------------------------------------------------- */

static void test_acceptor__hands_out_what_was_agreed(void **state)
{
    fixture *f = *state;
    int visitors[2] = {dial_and_say(f, "hi 1"), dial_and_say(f, "hi 2")};

    expect_next(f, '1');
    expect_next(f, '2');
    assert_int_equal(f->begun, 2);
    assert_int_equal(f->forgotten, 0);
    assert_int_equal(f->counters.protocol_errors, 0);
    assert_false(shows(f));
    (void)close(visitors[0]);
    (void)close(visitors[1]);
}

static void test_acceptor__keeps_the_one_that_it_found(void **state)
{
    fixture *f = *state;
    char who = '?';

    assert_false(via_acceptor_ready(f->acceptor));
    int visitor = dial_and_say(f, "hi 1");
    assert_true(via_acceptor_ready(f->acceptor));
    assert_true(via_acceptor_ready(f->acceptor));
    assert_int_equal(f->begun, 1);
    assert_int_equal(try_next(f, &who), VIA_OK);
    assert_int_equal(who, '1');
    assert_false(via_acceptor_ready(f->acceptor));
    (void)close(visitor);
}

static void test_acceptor__asks_for_no_greeting_where_the_plugin_has_none(void **state)
{
    fixture *f = *state;
    char who = '?';

    f->at_once = true;
    int visitor = dial(f);
    assert_int_equal(try_next(f, &who), VIA_OK);
    (void)close(visitor);
}

static void test_acceptor__a_slow_one_delays_nobody(void **state)
{
    fixture *f = *state;
    int slow = dial_and_say(f, "h");
    int quick = dial_and_say(f, "hi 2");

    expect_next(f, '2');
    say(slow, "i ");
    say(slow, "1");
    expect_next(f, '1');
    (void)close(slow);
    (void)close(quick);
}

static void test_acceptor__turns_strangers_away(void **state)
{
    fixture *f = *state;
    int slow = dial_and_say(f, "h");

    expect_turned_away(f, dial_and_say(f, "no"), "it is rude");
    assert_int_equal(f->counters.protocol_errors, 1);
    say(slow, "o");
    expect_turned_away(f, slow, "it is rude");
    assert_int_equal(f->counters.protocol_errors, 2);
    assert_int_equal(f->forgotten, 2);
}

static void test_acceptor__forgets_who_leaves_at_once(void **state)
{
    fixture *f = *state;

    (void)close(dial(f));
    int good = dial_and_say(f, "hi 1");
    expect_next(f, '1');
    assert_non_null(strstr(f->log, "it left during the handshake"));
    assert_int_equal(f->forgotten, 1);
    (void)close(good);
}

/* ---- limits ------------------------------------------------------------------------------------------------- */

static void test_acceptor__has_a_limit_of_time(void **state)
{
    fixture *f = *state;

    expect_turned_away(f, dial(f), "no greeting within handshake_timeout");
    assert_int_equal(f->forgotten, 1);
    assert_false(shows(f)); /* the timer is quiet again */
}

static void test_acceptor__has_a_limit_of_number(void **state)
{
    fixture *f = *state;
    int silent[LIMIT + 1];
    char who;

    for (int i = 0; i <= LIMIT; i++) {
        silent[i] = dial(f);
        assert_int_equal(try_next(f, &who), VIA_ETIMEDOUT);
    }
    assert_int_equal(f->forgotten, 1);
    expect_turned_away(f, silent[0], "handshake_limit is reached"); /* the oldest */
    say(silent[1], "hi 1");
    expect_next(f, '1');
    for (int i = 1; i <= LIMIT; i++)
        (void)close(silent[i]);
}

static void test_acceptor__takes_no_more_than_so_many_strangers_a_call(void **state)
{
    fixture *f = *state;
    int strangers[AT_ONCE + 1];
    char who;

    for (int i = 0; i <= AT_ONCE; i++)
        strangers[i] = dial_and_say(f, "no");
    assert_int_equal(try_next(f, &who), VIA_ETIMEDOUT);
    assert_int_equal(f->counters.protocol_errors, AT_ONCE);
    assert_true(shows(f));
    assert_int_equal(try_next(f, &who), VIA_ETIMEDOUT);
    assert_int_equal(f->counters.protocol_errors, AT_ONCE + 1);
    for (int i = 0; i <= AT_ONCE; i++)
        (void)close(strangers[i]);
}

static rlim_t limit_files(rlim_t wanted)
{
    struct rlimit limit;

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = wanted;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

static void test_acceptor__does_not_spin_without_descriptors(void **state)
{
    fixture *f = *state;
    char who;
    int visitor = dial_and_say(f, "hi 1");
    int free_one = dup(visitor);

    rlim_t before = limit_files((rlim_t)free_one);
    (void)close(free_one);
    assert_int_equal(try_next(f, &who), VIA_ELIMIT);
    assert_int_equal(errno, EMFILE);
    assert_non_null(strstr(f->log, "trying again in 100 ms"));
    assert_int_equal(try_next(f, &who), VIA_ETIMEDOUT);
    assert_false(shows(f)); /* the handle is quiet though somebody waits */
    (void)limit_files(before);
    expect_next(f, '1'); /* and comes back by itself */
    assert_int_equal(f->counters.protocol_errors, 0);
    (void)close(visitor);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static void test_acceptor__gives_up_what_it_has_not_handed_out(void **state)
{
    fixture *f = *state;
    int slow = dial_and_say(f, "h");
    int found = dial_and_say(f, "hi 2");
    char byte;

    assert_true(via_acceptor_ready(f->acceptor));
    int waiting = dial_and_say(f, "hi 3");
    via_acceptor_destroy(f->acceptor, VIA_CLOSE_FLUSH);
    f->acceptor = NULL;
    assert_int_equal(f->forgotten, 2);
    assert_true(recv(slow, &byte, 1, 0) <= 0);
    assert_true(recv(found, &byte, 1, 0) <= 0);
    assert_false(shows(f)); /* nothing is watched any more, */
    make_acceptor(f, UINT64_MAX);
    expect_next(f, '3'); /* and the listening socket is as it was */
    (void)close(slow);
    (void)close(found);
    (void)close(waiting);
}

static void test_acceptor__leaves_the_set_alone_in_a_forked_child(void **state)
{
    fixture *f = *state;

    via_acceptor_destroy(f->acceptor, VIA_CLOSE_FORKED);
    f->acceptor = NULL;
    int visitor = dial(f);
    assert_true(shows(f)); /* the listening socket is watched: the epoll is the parent's too */
    (void)close(visitor);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_acceptor__hands_out_what_was_agreed),
        TEST(test_acceptor__keeps_the_one_that_it_found),
        TEST(test_acceptor__asks_for_no_greeting_where_the_plugin_has_none),
        TEST(test_acceptor__a_slow_one_delays_nobody),
        TEST(test_acceptor__turns_strangers_away),
        TEST(test_acceptor__forgets_who_leaves_at_once),
        cmocka_unit_test_setup_teardown(test_acceptor__has_a_limit_of_time, set_up_impatient, tear_down),
        TEST(test_acceptor__has_a_limit_of_number),
        TEST(test_acceptor__takes_no_more_than_so_many_strangers_a_call),
        TEST(test_acceptor__does_not_spin_without_descriptors),
        TEST(test_acceptor__gives_up_what_it_has_not_handed_out),
        TEST(test_acceptor__leaves_the_set_alone_in_a_forked_child),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
