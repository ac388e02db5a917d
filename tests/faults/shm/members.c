/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members that lie, die, stop, or leave children behind. The others go on, get VIA_EPROTO at worst, and never have two cells
 * under one name.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <viaduct/ext/region.h>
#include <viaduct/viaduct.h>

#include "common.h"
#include "words.h"

enum { PATIENCE_MS = 20000, ROUNDS = 50, CHILDREN = 4 };

typedef struct scene {
    char folder[64];
    char path[96];
    char address[128];
    via_host *host;
    shm_common *common; /* as a liar has it */
    size_t size;
    int memory;
} scene;

static int open_scene(void **state)
{
    scene *s = calloc(1, sizeof(*s));

    (void)snprintf(s->folder, sizeof(s->folder), "/tmp/via-members.XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    (void)snprintf(s->path, sizeof(s->path), "%s/s", s->folder);
    (void)snprintf(s->address, sizeof(s->address), "shm:%s", s->path);
    s->memory = -1;
    *state = s;
    return 0;
}

/* Whoever left last has left nothing. */
static int close_scene(void **state)
{
    scene *s = *state;

    if (s->common)
        (void)munmap(s->common, s->size);
    if (s->memory >= 0)
        (void)close(s->memory);
    via_host_close(s->host);
    assert_int_equal(rmdir(s->folder), 0);
    free(s);
    return 0;
}

static via_channel *try_join(scene *s, uint32_t role, uint64_t wait_ms)
{
    via_channel *channel = NULL;

    if (!s->host)
        assert_int_equal(via_host_open(NULL, &s->host, NULL), VIA_OK);
    (void)!via_join(s->host, s->address, role, NULL, via_after_ms(wait_ms), &channel, NULL);
    return channel;
}

static via_channel *join(scene *s, uint32_t role)
{
    via_channel *channel = try_join(s, role, PATIENCE_MS);

    assert_non_null(channel);
    return channel;
}

/* ---- lies --------------------------------------------------------------------------------------------------- */

/* Gets the memory as every newcomer does. */
static void become_liar(scene *s)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int raw = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), descriptors[SHM_WORD_DESCRIPTORS];
    struct pollfd readable = {raw, POLLIN, 0};
    shm_word word;

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", s->path);
    assert_int_equal(connect(raw, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(poll(&readable, 1, PATIENCE_MS), 1);
    assert_int_equal(shm_word_receive(raw, &word, descriptors), VIA_OK);
    assert_int_equal(word.kind, SHM_CELL);
    if (s->common)
        (void)munmap(s->common, s->size), (void)close(s->memory);
    s->memory = descriptors[0];
    descriptors[0] = -1;
    shm_word_close(descriptors);
    s->size = (size_t)lseek(s->memory, 0, SEEK_END);
    s->common = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->memory, 0);
    assert_true(s->common != MAP_FAILED);
    (void)close(raw);
}

static void test_members__memory_cannot_shrink(void **state)
{
    scene *s = *state;
    via_channel *channel = join(s, VIA_VALUE);

    become_liar(s);
    assert_int_equal(ftruncate(s->memory, 0), -1);
    assert_int_equal(errno, EPERM);
    via_close(channel);
}

typedef struct lie {
    const char *name;
    size_t offset; /* in the entry that the next generation has */
    uint64_t value;
} lie;

/* A value whose entry is nonsense, published rightly. */
static void test_members__values_that_cannot_be_end_the_channel(void **state)
{
    const lie lies[] = {{"place", offsetof(shm_entry, place), UINT64_MAX},
                        {"place in the first page", offsetof(shm_entry, place), 64},
                        {"place at the end", offsetof(shm_entry, place), UINT64_C(1) << 40},
                        {"odd place", offsetof(shm_entry, place), 4097},
                        {"size", offsetof(shm_entry, size), UINT64_MAX},
                        {"size beyond the end", offsetof(shm_entry, size), UINT64_C(1) << 30},
                        {"texts", offsetof(shm_entry, key_size), UINT64_MAX}};
    scene *s = *state;

    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        via_channel *channel = join(s, VIA_VALUE);
        via_error error;
        via_msg message;
        become_liar(s);
        shm_entry *entry = shm_value_entry(s->common, 1);
        memcpy((char *)entry + lies[i].offset, &lies[i].value, sizeof(uint64_t));
        shm_value_publish(s->common, entry, 1);
        if (via_recv(channel, via_after_ms(PATIENCE_MS), &message) != VIA_EPROTO)
            fail_msg("%s: was believed", lies[i].name);
        assert_int_equal(via_recv(channel, VIA_NOW, &message), VIA_EPROTO);
        assert_int_equal(via_failure(channel, &error), VIA_OK);
        via_close(channel);
    }
}

/* Numbers of values that nobody wrote, rooms that nobody has, owners that nobody is. */
static void test_members__nonsense_blocks_nobody(void **state)
{
    scene *s = *state;
    via_channel *channel = join(s, VIA_VALUE);
    char bytes[9000] = {0};
    via_msg message;

    become_liar(s);
    SHM_PUT(&s->common->owner, UINT64_C(0x123456789));
    assert_int_equal(via_send(channel, bytes, 10, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    SHM_PUT(&shm_value_entry(s->common, 2)->room, UINT64_MAX);
    assert_int_equal(via_send(channel, bytes, sizeof(bytes), NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_recv(channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_int_equal(message.size, sizeof(bytes));
    via_release(channel, &message);
    SHM_PUT(&s->common->latest, UINT64_C(77));
    assert_int_equal(via_recv(channel, via_after_ms(PATIENCE_MS), &message), VIA_EPROTO);
    via_close(channel);
    channel = join(s, VIA_VALUE);
    become_liar(s);
    SHM_PUT(&s->common->end, UINT64_C(12345));
    assert_int_equal(via_send(channel, bytes, sizeof(bytes), NULL, via_after_ms(PATIENCE_MS)), VIA_EPROTO);
    via_close(channel);
}

static void test_members__a_region_is_never_larger_than_it_is(void **state)
{
    scene *s = *state;
    via_region_view view = {.size = sizeof(view)};
    via_channel *channel = join(s, VIA_REGION);

    become_liar(s);
    SHM_PUT(&s->common->end, UINT64_C(1) << 20);
    assert_int_equal(via_region_map(channel, &view), VIA_EPROTO);
    via_close(channel);
}

typedef struct scribbler {
    scene *scene;
    atomic_bool stop;
    uint32_t seed;
} scribbler;

static uint32_t chance(scribbler *self)
{
    return self->seed = self->seed * 1664525 + 1013904223;
}

static void *scribble(void *argument)
{
    scribbler *self = argument;
    _Atomic(uint64_t) *words = (_Atomic(uint64_t) *)(void *)self->scene->common;

    while (!atomic_load(&self->stop)) {
        uint64_t value = ((uint64_t)chance(self) << 32 | chance(self)) >> (chance(self) >> 26);
        atomic_store_explicit(&words[(chance(self) >> 8) % (sizeof(shm_common) / 8)], value, memory_order_relaxed);
        (void)SHM_ADD(&self->scene->common->latest, UINT64_C(1));
    }
    return NULL;
}

static void test_members__a_page_that_changes_all_the_time_harms_nothing(void **state)
{
    scene *s = *state;
    char bytes[6000] = {0};
    via_msg message;

    /* Room that a liar can have made: that of the largest message, gigabytes by default. */
    (void)snprintf(s->address, sizeof(s->address), "shm:%s?max_message=1MiB", s->path);
    for (uint32_t round = 0; round < 40; round++) {
        scribbler liar = {.scene = s, .seed = round};
        via_channel *channel = join(s, VIA_VALUE);
        pthread_t thread;
        become_liar(s);
        assert_int_equal(pthread_create(&thread, NULL, scribble, &liar), 0);
        for (int i = 0; i < 200; i++) {
            (void)!via_send(channel, bytes, (size_t)(i * 29 % 6000), NULL, via_after_ms(1));
            if (via_recv(channel, via_after_ms(1), &message) == VIA_OK)
                via_release(channel, &message);
        }
        atomic_store(&liar.stop, true);
        assert_int_equal(pthread_join(thread, NULL), 0);
        via_close(channel);
    }
}

/* ---- deaths ------------------------------------------------------------------------------------------------- */

/* Runs in a child: exit status 0 if it went well. */
static pid_t in_child(scene *s, void (*run)(scene *s, int tell))
{
    int ends[2];
    char word;

    assert_null(s->host);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        run(s, ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &word, 1), 1);
    (void)close(ends[0]);
    return child;
}

static void hold_value(scene *s, int tell)
{
    via_channel *channel = try_join(s, VIA_VALUE, PATIENCE_MS);

    if (!channel || via_send(channel, "held", 4, NULL, via_after_ms(PATIENCE_MS)) != VIA_OK || write(tell, "x", 1) != 1)
        _exit(1);
    for (;;)
        (void)pause();
}

/* The child of the child has all descriptors of the cell, and serves nobody. */
static void hold_and_fork(scene *s, int tell)
{
    via_channel *channel = try_join(s, VIA_VALUE, PATIENCE_MS);
    pid_t orphan = channel ? fork() : -1;

    if (orphan < 0)
        _exit(1);
    if (orphan > 0 && write(tell, "x", 1) != 1)
        _exit(1);
    if (orphan == 0) {
        (void)close(STDOUT_FILENO), (void)close(STDERR_FILENO); /* whoever reads them waits for their end */
        (void)alarm(30);
    }
    for (;;)
        (void)pause();
}

static void test_members__orphans_do_not_keep_the_name(void **state)
{
    scene *s = *state;
    pid_t child = in_child(s, hold_and_fork);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    via_channel *channel = join(s, VIA_VALUE);
    assert_int_equal(via_send(channel, "new", 3, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    via_close(channel);
}

/* Killed while it removed the files: the socket is gone, the orphan still has it, and the roster is there. */
static void test_members__orphans_without_a_socket_do_not_keep_the_name(void **state)
{
    scene *s = *state;
    pid_t child = in_child(s, hold_and_fork);

    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(unlink(s->path), 0);
    via_channel *channel = join(s, VIA_VALUE);
    assert_int_equal(via_send(channel, "new", 3, NULL, via_after_ms(PATIENCE_MS)), VIA_OK);
    via_close(channel);
}

/* Somebody's socket who takes no lock, and has no time to answer. */
static void test_members__a_strangers_socket_stays(void **state)
{
    scene *s = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int raw = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    struct stat before, after;

    (void)snprintf(name.sun_path, sizeof(name.sun_path), "%s", s->path);
    assert_int_equal(bind(raw, (const struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(raw, 64), 0);
    assert_int_equal(lstat(s->path, &before), 0);
    assert_null(try_join(s, VIA_VALUE, 700));
    assert_int_equal(lstat(s->path, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    (void)close(raw);
    (void)unlink(s->path);
}

static void test_members__a_stopped_member_keeps_its_cell(void **state)
{
    scene *s = *state;
    pid_t child = in_child(s, hold_value);
    via_msg message;

    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, NULL, WUNTRACED), child);
    assert_null(try_join(s, VIA_VALUE, 700));
    assert_int_equal(kill(child, SIGCONT), 0);
    via_channel *channel = join(s, VIA_VALUE);
    assert_int_equal(via_recv(channel, via_after_ms(PATIENCE_MS), &message), VIA_OK);
    assert_memory_equal(message.data, "held", 4);
    via_release(channel, &message);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    via_close(channel);
}

/* Whoever lives is found by whoever comes: the second channel of a process must reach the cell of the first. */
static void join_twice_for_ever(scene *s, int tell)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || write(tell, "x", 1) != 1)
        _exit(1);
    for (;;) {
        via_region_view one = {.size = sizeof(one)}, two = {.size = sizeof(two)};
        via_channel *first = try_join(s, VIA_REGION, PATIENCE_MS), *second = try_join(s, VIA_REGION, PATIENCE_MS);
        if (!first || !second || via_region_map(first, &one) != VIA_OK || via_region_map(second, &two) != VIA_OK)
            _exit(2);
        _Atomic(uint64_t) *mine = one.address, *same = two.address;
        uint64_t before = atomic_fetch_add(mine, 1);
        if (atomic_load(same) <= before)
            _exit(3);
        via_close(first);
        via_close(second);
    }
}

static void test_members__a_cell_is_never_split(void **state)
{
    scene *s = *state;
    pid_t children[CHILDREN];
    uint32_t seed = 1;

    for (int i = 0; i < CHILDREN; i++)
        children[i] = in_child(s, join_twice_for_ever);
    for (int round = 0; round < ROUNDS; round++) {
        int which = round % CHILDREN, status = 0;
        seed = seed * 1664525 + 1013904223;
        (void)poll(NULL, 0, (int)(seed >> 27));
        assert_int_equal(kill(children[which], SIGKILL), 0);
        assert_int_equal(waitpid(children[which], &status, 0), children[which]);
        if (!WIFSIGNALED(status))
            fail_msg("a member ended by itself with status %d", WEXITSTATUS(status));
        children[which] = in_child(s, join_twice_for_ever);
    }
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(kill(children[i], SIGKILL), 0);
        assert_int_equal(waitpid(children[i], NULL, 0), children[i]);
    }
    via_close(join(s, VIA_REGION)); /* takes what they left, and removes it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_scene, close_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_members__memory_cannot_shrink),
        TEST(test_members__values_that_cannot_be_end_the_channel),
        TEST(test_members__nonsense_blocks_nobody),
        TEST(test_members__a_region_is_never_larger_than_it_is),
        TEST(test_members__a_page_that_changes_all_the_time_harms_nothing),
        TEST(test_members__orphans_do_not_keep_the_name),
        TEST(test_members__orphans_without_a_socket_do_not_keep_the_name),
        TEST(test_members__a_strangers_socket_stays),
        TEST(test_members__a_stopped_member_keeps_its_cell),
        TEST(test_members__a_cell_is_never_split),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
