/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writers of the clipboard's files that die at any moment, that stop, or that all come at once.
 */
#include "clipboard_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DEATHS = 25, SIZE = 200000 };

static unsigned char body[2][SIZE];

static void fill_bodies(void)
{
    for (size_t i = 0; i < SIZE; i++) {
        body[0][i] = (unsigned char)(i * 7 + 1);
        body[1][i] = (unsigned char)(i * 13 + 2);
    }
}

/* What this program does as a process of its own; it says one byte when it has begun. */
typedef struct role {
    const char *name;
    void (*live)(const clipboard_fixture *own, int said);
} role;

static void write_for_ever(const clipboard_fixture *own, int said);
static void hold_the_lock(const clipboard_fixture *own, int said);
static void take_all(const clipboard_fixture *own, int said);

static const role roles[] = {{"writer", write_for_ever}, {"holder", hold_the_lock}, {"taker", take_all}};

enum { SAYS = 3 /* the descriptor of a role */ };

static int play(const char *name, const char *folder)
{
    clipboard_fixture own = {NULL, ""};
    via_error error;

    (void)snprintf(own.folder, sizeof(own.folder), "%s", folder);
    if (via_host_open(NULL, &own.host, &error) != VIA_OK)
        return 1;
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++)
        if (strcmp(roles[i].name, name) == 0)
            roles[i].live(&own, SAYS);
    return 1;
}

static pid_t start(const clipboard_fixture *fixture, const char *name, int *heard)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        if (dup2(ends[1], SAYS) == SAYS && fcntl(SAYS, F_SETFD, 0) == 0)
            (void)execl("/proc/self/exe", "writers", name, fixture->folder, (char *)NULL);
        _exit(1);
    }
    (void)close(ends[1]);
    *heard = ends[0];
    return child;
}

static void hear(int heard)
{
    char word;

    assert_int_equal(read(heard, &word, 1), 1);
    (void)close(heard);
}

static void end(pid_t child)
{
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* ---- dying -------------------------------------------------------------------------------------------------- */

static void write_for_ever(const clipboard_fixture *own, int said)
{
    via_channel *channel = open_clipboard(own, NULL);

    for (unsigned i = 0;; i++) {
        via_status status = via_send(channel, body[i % 2], SIZE, NULL, soon_enough());
        if (status != VIA_OK) {
            fprintf(stderr, "a writer: %s\n", via_status_text(status));
            _exit(2);
        }
        if (i == 0 && write(said, "x", 1) != 1)
            _exit(3);
    }
}

static void expect_either(via_channel *reader)
{
    via_msg message;

    assert_int_equal(via_offers_receive(reader, NULL, soon_enough(), &message), VIA_OK);
    assert_int_equal(message.size, SIZE);
    assert_memory_equal(message.data, body[((unsigned char *)message.data)[0] - 1], SIZE);
    via_release(reader, &message);
}

/* Several at once; each dies when it likes, and the others and the reader go on. */
static void test_writers__die_at_any_moment(void **state)
{
    enum { AT_ONCE = 3 };
    pid_t writers[AT_ONCE];
    int heard[AT_ONCE];
    unsigned seed = (unsigned)getpid();

    for (int i = 0; i < AT_ONCE; i++)
        writers[i] = start(*state, "writer", &heard[i]);
    for (int i = 0; i < AT_ONCE; i++)
        hear(heard[i]);
    via_channel *reader = open_clipboard(*state, NULL);
    for (int i = 0; i < DEATHS; i++) {
        expect_either(reader);
        usleep((useconds_t)(rand_r(&seed) % 3000)); /* to die somewhere else each time */
        end(writers[i % AT_ONCE]);
        expect_either(reader);
        copy_text(reader, "the reader's");
        writers[i % AT_ONCE] = start(*state, "writer", &heard[0]);
        hear(heard[0]);
    }
    for (int i = 0; i < AT_ONCE; i++)
        end(writers[i]);
    copy_text(reader, "at last");
    assert_int_not_equal(access(clipboard_path(*state, ".new"), F_OK), 0);
    via_channel *late = open_clipboard(*state, NULL);
    expect_text(late, "at last");
    via_close(late);
    via_close(reader);
}

/* ---- forking ------------------------------------------------------------------------------------------------ */

typedef struct busy {
    via_channel *channel;
    atomic_bool shall_end;
    atomic_uint sent;
} busy;

static void *write_until_told(void *argument)
{
    busy *self = argument;

    while (!atomic_load(&self->shall_end) && via_send(self->channel, body[0], SIZE, NULL, soon_enough()) == VIA_OK)
        (void)atomic_fetch_add(&self->sent, 1);
    return NULL;
}

/* A child has all descriptors that its parent had in that moment, the lock's too, and lives on without knowing. */
static void test_writers__fork_in_the_middle(void **state)
{
    enum { CHILDREN = 30 };
    via_channel *other = open_clipboard(*state, NULL);
    busy self = {.channel = open_clipboard(*state, NULL)};
    pid_t children[CHILDREN];
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, write_until_told, &self), 0);
    for (int i = 0; i < CHILDREN; i++) {
        const unsigned before = atomic_load(&self.sent);
        while (atomic_load(&self.sent) < before + 2)
            (void)sched_yield();
        children[i] = fork();
        assert_true(children[i] >= 0);
        while (children[i] == 0)
            (void)pause();
    }
    atomic_store(&self.shall_end, true);
    assert_int_equal(pthread_join(thread, NULL), 0);
    copy_text(other, "goes on");
    copy_text(self.channel, "goes on");
    for (int i = 0; i < CHILDREN; i++)
        end(children[i]);
    via_close(other);
    via_close(self.channel);
}

/* ---- stopping ----------------------------------------------------------------------------------------------- */

/* As a writer takes it. Its descriptor, or -1. */
static int take_the_lock(const clipboard_fixture *fixture)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int lock = open(clipboard_path(fixture, ".lock"), O_RDWR | O_CLOEXEC);

    return lock >= 0 && fcntl(lock, F_OFD_SETLKW, &whole) == 0 ? lock : -1;
}

/* Takes it, and then nothing more. */
static void hold_the_lock(const clipboard_fixture *own, int said)
{
    if (take_the_lock(own) < 0 || write(said, "x", 1) != 1)
        _exit(2);
    for (;;)
        (void)pause();
}

static void test_writers__stop_in_the_middle(void **state)
{
    via_channel *channel = open_clipboard(*state, "reply_timeout=100ms", NULL), *reader = open_clipboard(*state, NULL);
    int heard;

    copy_text(channel, "before");
    pid_t stopped = start(*state, "holder", &heard);
    hear(heard);
    const uint64_t began = via_now_ns();
    assert_int_equal(via_send(channel, "x", 1, NULL, soon_enough()), VIA_ESTALLED);
    const uint64_t took_ms = (via_now_ns() - began) / 1000000;
    assert_true(took_ms >= 99 && took_ms < 10000);
    assert_int_equal(via_offers_clear(channel, soon_enough()), VIA_ESTALLED);
    via_error error;
    assert_int_equal(via_failure(channel, &error), VIA_ENOENT);                 /* the channel goes on */
    expect_text(reader, "before");                                              /* readers need no lock */
    assert_int_equal(via_send(channel, "x", 1, NULL, via_after_ms(1)), VIA_OK); /* accepted, and told later: */
    assert_int_equal(via_flush(channel, soon_enough()), VIA_ESTALLED);
    assert_int_equal(via_flush(channel, soon_enough()), VIA_OK);
    end(stopped);
    copy_text(channel, "after");
    expect_text(reader, "after");
    via_close(channel);
    via_close(reader);
}

/* ---- clearing ------------------------------------------------------------------------------------------------ */

static void *close_it(void *channel)
{
    via_close(channel);
    return NULL;
}

/* A secret that goes with its owner: who has the lock just then only makes it later. */
static void test_writers__stop_while_a_secret_goes(void **state)
{
    via_channel *owner = open_clipboard(*state, "sensitive=true", "reply_timeout=1min", NULL);
    via_channel *reader = open_clipboard(*state, NULL);
    struct timespec soon;
    pthread_t thread;
    int heard;

    copy_text(owner, "secret");
    pid_t stopped = start(*state, "holder", &heard);
    hear(heard);
    assert_int_equal(pthread_create(&thread, NULL, close_it, owner), 0);
    assert_int_equal(clock_gettime(CLOCK_REALTIME, &soon), 0);
    soon.tv_sec += 1;
    assert_int_equal(pthread_timedjoin_np(thread, NULL, &soon), ETIMEDOUT);
    end(stopped);
    assert_int_equal(pthread_join(thread, NULL), 0);
    size_t needed;
    assert_int_equal(via_offers_types(reader, NULL, 0, &needed, soon_enough()), VIA_ENOENT);
    via_close(reader);
}

/* The lock is taken over the end of the content's time, and over several tries after that. */
static void test_writers__stop_while_the_time_ends(void **state)
{
    via_channel *brief = open_clipboard(*state, "ttl=500ms", "reply_timeout=50ms", NULL);
    via_channel *reader = open_clipboard(*state, NULL);
    uint64_t undelivered = 0;

    copy_text(brief, "for a moment");
    const int lock = take_the_lock(*state);
    assert_true(lock >= 0);
    via_status drained = via_drain(brief, via_after_ms(1500), &undelivered);
    (void)close(lock);
    assert_int_equal(drained, VIA_ETIMEDOUT);
    assert_int_equal(undelivered, 1);
    assert_int_equal(via_drain(brief, soon_enough(), &undelivered), VIA_OK);
    expect_emptied(reader);
    via_close(brief);
    via_close(reader);
}

/* Who never goes on keeps nobody for ever. */
static void test_writers__stop_for_good_while_a_secret_goes(void **state)
{
    via_channel *owner = open_clipboard(*state, "sensitive=true", "reply_timeout=100ms", NULL);
    int heard;

    copy_text(owner, "secret");
    pid_t stopped = start(*state, "holder", &heard);
    hear(heard);
    const uint64_t began = via_now_ns();
    via_close(owner);
    const uint64_t took_ms = (via_now_ns() - began) / 1000000;
    assert_true(took_ms >= 99 && took_ms < 10000);
    end(stopped);
}

/* ---- all at once -------------------------------------------------------------------------------------------- */

enum { TAKERS = 6, CONTENTS = 60 };

static void take_all(const clipboard_fixture *own, int said)
{
    via_channel *channel = open_clipboard(own, NULL);
    via_msg message;
    unsigned char taken = 0;

    for (;;) {
        via_status status = via_offers_receive(channel, NULL, soon_enough(), &message);
        if (status == VIA_OK && message.size == 4 && memcmp(message.data, "done", 4) == 0)
            break;
        if (status == VIA_OK) {
            taken++;
            via_release(channel, &message);
        } else if (status != VIA_ENOENT && status != VIA_EREVOKED) {
            _exit(2);
        }
    }
    via_release(channel, &message);
    _exit(write(said, &taken, 1) == 1 ? 0 : 3);
}

/* Each content that may be pasted once is got by one reader, never by two, and never by none. */
static void test_once__among_many_readers(void **state)
{
    via_channel *writer = open_clipboard(*state, "paste_once=true", NULL);
    via_channel *last = open_clipboard(*state, NULL);
    int heard[TAKERS];
    pid_t takers[TAKERS];
    unsigned sum = 0;
    char text[32];

    for (int i = 0; i < TAKERS; i++)
        takers[i] = start(*state, "taker", &heard[i]);
    for (int i = 0; i < CONTENTS; i++) {
        (void)snprintf(text, sizeof(text), "number %d", i);
        copy_text(writer, text);
        expect_emptied(writer);
    }
    copy_text(last, "done");
    for (int i = 0; i < TAKERS; i++) {
        unsigned char taken;
        int status;
        assert_int_equal(read(heard[i], &taken, 1), 1);
        (void)close(heard[i]);
        assert_int_equal(waitpid(takers[i], &status, 0), takers[i]);
        assert_int_equal(status, 0);
        sum += taken;
    }
    assert_int_equal(sum, CONTENTS);
    via_close(writer);
    via_close(last);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, clipboard_set_up, clipboard_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_writers__die_at_any_moment),        TEST(test_writers__fork_in_the_middle),
        TEST(test_writers__stop_in_the_middle),       TEST(test_writers__stop_while_a_secret_goes),
        TEST(test_writers__stop_while_the_time_ends), TEST(test_writers__stop_for_good_while_a_secret_goes),
        TEST(test_once__among_many_readers),
    };

    fill_bodies();
    if (argc == 3)
        return play(argv[1], argv[2]);
    return cmocka_run_group_tests_name("clipboard writers", tests, NULL, NULL);
}
