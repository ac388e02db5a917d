/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clipboard of files where memory or room is short in the middle: what is not there is told, nothing half done remains, and what
 * was to go goes later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "channel.h"
#include "embedded_state.h"
#include "kit/deadline.h"

#include <errno.h>
#include <ftw.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, NOTES = 4096 };

static char folder[64];
static char notes[NOTES]; /* what was logged; to be read once the channel is closed */
static via_counters counters;

/* ---- what is short ------------------------------------------------------------------------------------------ */

static atomic_int jobs_with_memory;    /* the next of them, */
static atomic_int jobs_without_memory; /* and those after them */
static atomic_llong room = -1;         /* bytes that files take still; -1 = any */
static sem_t refusals;                 /* counts writes for which there was no room */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
ssize_t __real_write(int descriptor, const void *bytes, size_t size);
ssize_t __wrap_write(int descriptor, const void *bytes, size_t size);

void *__wrap_calloc(size_t count, size_t size)
{
    if (size != sizeof(job) || atomic_load(&jobs_without_memory) == 0)
        return __real_calloc(count, size);
    if (atomic_load(&jobs_with_memory) == 0) {
        atomic_fetch_sub(&jobs_without_memory, 1);
        errno = ENOMEM;
        return NULL;
    }
    atomic_fetch_sub(&jobs_with_memory, 1);
    return __real_calloc(count, size);
}

/* As a full disk does it: first only a part is taken, then nothing. Events are no files. */
ssize_t __wrap_write(int descriptor, const void *bytes, size_t size)
{
    const long long left = atomic_load(&room);
    struct stat status;

    if (left < 0 || fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode))
        return __real_write(descriptor, bytes, size);
    if (left == 0) {
        (void)sem_post(&refusals);
        errno = ENOSPC;
        return -1;
    }
    const ssize_t written = __real_write(descriptor, bytes, size < (size_t)left ? size : (size_t)left);
    if (written > 0)
        atomic_fetch_sub(&room, written);
    return written;
}

/* ---- a host that only remembers ----------------------------------------------------------------------------- */

static via_status host_error(via_error *error, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)error, (void)os_code, (void)mend;
    print_message("%s\n", what ? what : "");
    return status;
}

static void host_log(via_context *context, uint32_t level, const char *text)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

    (void)context;
    (void)pthread_mutex_lock(&lock);
    const size_t used = strlen(notes);
    if (level <= VIA_LOG_WARNING)
        (void)snprintf(notes + used, sizeof(notes) - used, "%s\n", text);
    (void)pthread_mutex_unlock(&lock);
}

static void host_failed(via_context *context, via_status status, int32_t os_code, const char *what, const char *mend)
{
    (void)context, (void)status, (void)os_code, (void)mend;
    print_message("%s\n", what ? what : "");
}

static const via_host_api host = {.size = sizeof(host), .error = host_error, .log = host_log, .failed = host_failed};

/* ---- channels ----------------------------------------------------------------------------------------------- */

static via_deadline soon_enough(void)
{
    return via_deadline_after(PATIENCE_MS * INT64_C(1000000));
}

static void *open_channel(bool is_sensitive, int64_t ttl_ns, int64_t reply_ns)
{
    const via_option options[] = {
        {.name = "backend", .number = CLIP_EMBEDDED},  {.name = "types", .text = "text/plain,*"},
        {.name = "sensitive", .number = is_sensitive}, {.name = "ttl", .number = ttl_ns},
        {.name = "reply_timeout", .number = reply_ns}, {.name = "max_size", .number = 1 << 20},
    };
    const via_open open = {.size = sizeof(open),
                           .pattern = VIA_PATTERN_VALUE,
                           .role = VIA_VALUE,
                           .scheme = "clipboard",
                           .rest = "test",
                           .options = options,
                           .option_count = sizeof(options) / sizeof(options[0]),
                           .max_message = 1 << 20,
                           .deadline = soon_enough(),
                           .counters = &counters};
    void *channel = NULL;
    via_error error;

    assert_int_equal(clip_join(&host, &open, &channel, &error), VIA_OK);
    return channel;
}

static void *open_plain(void)
{
    return open_channel(false, -1, PATIENCE_MS * INT64_C(1000000));
}

static void close_channel(void *channel)
{
    clip_channel_ops.close(channel, VIA_CLOSE_FLUSH);
}

static via_status copy(void *channel, const void *bytes, size_t size)
{
    const via_slice slice = {bytes, size};

    return clip_channel_ops.send(channel, &slice, 1, NULL, soon_enough());
}

static void expect(void *channel, const char *text)
{
    via_msg message;

    assert_int_equal(clip_offers.receive(channel, NULL, soon_enough(), &message), VIA_OK);
    assert_int_equal(message.size, strlen(text));
    assert_memory_equal(message.data, text, message.size);
    clip_channel_ops.release(channel, &message);
}

static via_status look(void *channel)
{
    size_t needed;
    const via_status status = clip_offers.types(channel, NULL, 0, &needed, soon_enough());

    return status == VIA_EBUFFER ? VIA_OK : status;
}

static void expect_emptied(void *channel)
{
    const via_deadline limit = soon_enough();
    uint64_t generation = 0;

    while (look(channel) == VIA_OK)
        assert_int_equal(clip_offers.wait(channel, &generation, limit), VIA_OK);
    assert_int_equal(look(channel), VIA_ENOENT);
}

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/viaduct/%s", folder, name);
    return path;
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

static void test_memory__missing_when_the_time_is_over(void **state)
{
    void *channel = open_channel(false, INT64_C(20000000), PATIENCE_MS * INT64_C(1000000)), *reader = open_plain();

    (void)state;
    atomic_store(&jobs_with_memory, 1); /* what is copied */
    atomic_store(&jobs_without_memory, 2);
    assert_int_equal(copy(channel, "soon gone", 9), VIA_OK);
    expect_emptied(reader);
    assert_int_equal(atomic_load(&jobs_without_memory), 0);
    close_channel(channel);
    close_channel(reader);
}

static void test_memory__missing_when_a_secret_is_to_go(void **state)
{
    void *channel = open_channel(true, -1, PATIENCE_MS * INT64_C(1000000)), *reader = open_plain();

    (void)state;
    assert_int_equal(copy(channel, "a secret", 8), VIA_OK);
    atomic_store(&jobs_without_memory, 2);
    close_channel(channel);
    assert_int_equal(atomic_load(&jobs_without_memory), 0);
    assert_int_equal(look(reader), VIA_ENOENT);
    close_channel(reader);
    assert_string_equal(notes, "");
}

/* What cannot be done at all is said, and closing ends. */
static void test_memory__missing_for_good(void **state)
{
    void *channel = open_channel(true, -1, INT64_C(300000000)), *reader = open_plain();

    (void)state;
    assert_int_equal(copy(channel, "a secret", 8), VIA_OK);
    atomic_store(&jobs_without_memory, INT32_MAX);
    close_channel(channel);
    atomic_store(&jobs_without_memory, 0);
    assert_int_equal(look(reader), VIA_OK);
    close_channel(reader);
    assert_non_null(strstr(notes, "still on the clipboard"));
}

/* ---- room --------------------------------------------------------------------------------------------------- */

/* However much of it finds a place: the whole does not, and that is what is told. */
static void test_room__none_for_what_is_copied(void **state)
{
    static const long long left[] = {0, 1, 100, 4096, 65536, 99999};
    static char large[100000];

    (void)state;
    for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
        void *channel = open_plain(), *reader = open_plain();
        notes[0] = '\0';
        assert_int_equal(copy(channel, "before", 6), VIA_OK);
        atomic_store(&room, left[i]);
        assert_int_equal(copy(channel, large, sizeof(large)), VIA_ELIMIT);
        atomic_store(&room, -1);
        expect(channel, "before");
        expect(reader, "before");
        assert_int_not_equal(access(path_of("test.clip.new"), F_OK), 0);
        assert_int_equal(copy(channel, "after", 5), VIA_OK);
        expect(reader, "after");
        close_channel(channel);
        close_channel(reader);
        assert_non_null(strstr(notes, path_of("test.clip.new")));
        assert_non_null(strstr(notes, "No space left on device"));
    }
}

/* What is to go goes as soon as there is room to say so. */
static void test_room__none_when_the_time_is_over(void **state)
{
    void *channel = open_channel(false, INT64_C(20000000), PATIENCE_MS * INT64_C(1000000)), *reader = open_plain();
    struct timespec limit;
    struct stat file;

    (void)state;
    assert_int_equal(copy(reader, "soon gone", 9), VIA_OK);
    assert_int_equal(stat(path_of("test.clip"), &file), 0);
    atomic_store(&room, file.st_size); /* the same once more, and no word about its end */
    assert_int_equal(copy(channel, "soon gone", 9), VIA_OK);
    (void)clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE_MS / 1000;
    assert_int_equal(sem_timedwait(&refusals, &limit), 0);
    assert_int_equal(look(reader), VIA_OK);
    atomic_store(&room, -1);
    expect_emptied(reader);
    close_channel(channel);
    close_channel(reader);
}

/* ---- the folder --------------------------------------------------------------------------------------------- */

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

static int set_up(void **state)
{
    (void)state;
    notes[0] = '\0';
    (void)sem_init(&refusals, 0, 0);
    (void)snprintf(folder, sizeof(folder), "/tmp/via-scarce.XXXXXX");
    assert_non_null(mkdtemp(folder));
    return setenv("XDG_RUNTIME_DIR", folder, 1); // NOLINT(concurrency-mt-unsafe): one thread
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&jobs_with_memory, 0);
    atomic_store(&jobs_without_memory, 0);
    atomic_store(&room, -1);
    (void)sem_destroy(&refusals);
    (void)nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_memory__missing_when_the_time_is_over),
        TEST(test_memory__missing_when_a_secret_is_to_go),
        TEST(test_memory__missing_for_good),
        TEST(test_room__none_for_what_is_copied),
        TEST(test_room__none_when_the_time_is_over),
    };

    return cmocka_run_group_tests_name("clipboard scarce", tests, NULL, NULL);
}
