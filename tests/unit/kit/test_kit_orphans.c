/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks whose owner is dead while a child of it holds them, and who a process is.
 */
#include "kit_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit/identity.h"
#include "kit/lock.h"

typedef struct fixture {
    char folder[64];
    char name[96];
    char lock_path[112];
    pid_t owner;
    int leash; /* closing it lets the orphan go */
    via_error error;
} fixture;

static int make_folder(void **state)
{
    fixture *f = calloc(1, sizeof(*f));

    strcpy(f->folder, "/tmp/via-orphan-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    snprintf(f->name, sizeof(f->name), "%s/name", f->folder);
    snprintf(f->lock_path, sizeof(f->lock_path), "%s.lock", f->name);
    f->leash = -1;
    *state = f;
    return 0;
}

static int remove_folder(void **state)
{
    fixture *f = *state;

    close(f->leash);
    unlink(f->name);
    unlink(f->lock_path);
    rmdir(f->folder);
    free(f);
    return 0;
}

static via_status take(fixture *f, via_lock *lock)
{
    return via_lock_take(&fake_host_api, f->name, lock, &f->error);
}

/* ---- an owner with a child ---------------------------------------------------------------------------------- */

static bool note_new_file(const fixture *f, via_lock *lock)
{
    struct stat made;
    int descriptor = open(f->name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);

    if (descriptor < 0 || fstat(descriptor, &made) != 0)
        return false;
    close(descriptor);
    via_lock_note_file(lock, made.st_dev, made.st_ino);
    return true;
}

static void own_and_fork(fixture *f, int news, int leash)
{
    via_lock lock;
    char byte;

    if (take(f, &lock) != VIA_OK || !note_new_file(f, &lock))
        _exit(1);
    if (fork() == 0) {
        if (write(news, "!", 1) != 1 || read(leash, &byte, 1) != 0)
            _exit(2);
        _exit(0);
    }
    for (;;)
        (void)pause();
}

static void start_owner(fixture *f)
{
    int news[2];
    int leash[2];
    char byte;

    assert_int_equal(pipe(news), 0);
    assert_int_equal(pipe(leash), 0);
    f->owner = fork();
    assert_true(f->owner >= 0);
    if (f->owner == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(news[0]);
        close(leash[1]);
        own_and_fork(f, news[1], leash[0]);
    }
    close(news[1]);
    close(leash[0]);
    f->leash = leash[1];
    assert_int_equal(read(news[0], &byte, 1), 1);
    close(news[0]);
}

/* It stays a zombie. */
static void kill_owner(const fixture *f)
{
    siginfo_t info;

    assert_int_equal(kill(f->owner, SIGKILL), 0);
    while (waitid(P_PID, (id_t)f->owner, &info, WEXITED | WNOWAIT) < 0)
        assert_int_equal(errno, EINTR);
}

static void reap_owner(const fixture *f)
{
    while (waitpid(f->owner, NULL, 0) < 0)
        assert_int_equal(errno, EINTR);
}

static void make_orphan(fixture *f)
{
    start_owner(f);
    kill_owner(f);
    reap_owner(f);
}

/* ---- the lock ----------------------------------------------------------------------------------------------- */

static void test_orphans__do_not_keep_a_dead_owners_name(void **state)
{
    fixture *f = *state;
    via_lock lock;
    via_lock second;

    start_owner(f);
    assert_int_equal(via_lock_owner(f->name), f->owner);
    assert_false(via_lock_is_orphaned(f->name));
    assert_int_equal(take(f, &lock), VIA_EBUSY);
    kill_owner(f);
    reap_owner(f);
    assert_int_equal(via_lock_owner(f->name), 0);
    assert_true(via_lock_is_orphaned(f->name));
    assert_int_equal(take(f, &lock), VIA_OK);
    assert_int_equal(via_lock_owner(f->name), getpid());
    assert_false(via_lock_is_orphaned(f->name));
    assert_int_equal(access(f->name, F_OK), -1); /* what it had made there */
    assert_int_equal(take(f, &second), VIA_EBUSY);
    via_lock_drop(&lock);
    assert_int_equal(access(f->lock_path, F_OK), -1);
}

static void test_orphans__of_a_zombie_are_orphans(void **state)
{
    fixture *f = *state;
    via_lock lock;

    start_owner(f);
    kill_owner(f);
    assert_int_equal(take(f, &lock), VIA_OK);
    via_lock_drop(&lock);
    reap_owner(f);
}

static void test_orphans__files_of_others_stay(void **state)
{
    fixture *f = *state;
    via_lock lock;
    char other[112];

    make_orphan(f);
    snprintf(other, sizeof(other), "%s/other", f->folder);
    close(open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    assert_int_equal(rename(other, f->name), 0);
    assert_int_equal(take(f, &lock), VIA_OK);
    assert_int_equal(access(f->name, F_OK), 0);
    via_lock_drop(&lock);
    assert_int_equal(access(f->name, F_OK), 0);
}

/* Whoever loses must not take the winner's new lock for the dead one's. */
static int contend(fixture *f, int start, int verdicts, int done)
{
    via_lock lock;
    char byte;

    if (read(start, &byte, 1) != 0)
        return 1;
    via_status status = take(f, &lock);
    if (status != VIA_OK && status != VIA_EBUSY)
        return 2;
    if (write(verdicts, status == VIA_OK ? "!" : ".", 1) != 1)
        return 3;
    if (read(done, &byte, 1) != 0) /* it holds the name until all have tried */
        return 4;
    via_lock_drop(&lock);
    return 0;
}

static void race(fixture *f)
{
    enum { CONTENDERS = 6 };
    int start[2], verdicts[2], done[2];
    int winners = 0, outcome;
    char verdict;

    assert_int_equal(pipe(start) | pipe(verdicts) | pipe(done), 0);
    for (int i = 0; i < CONTENDERS; i++) {
        if (fork() == 0) {
            close(start[1]);
            close(done[1]);
            _exit(contend(f, start[0], verdicts[1], done[0]));
        }
    }
    close(verdicts[1]);
    close(start[1]);
    for (int i = 0; i < CONTENDERS; i++) {
        assert_int_equal(read(verdicts[0], &verdict, 1), 1);
        winners += verdict == '!';
    }
    assert_int_equal(winners, 1);
    close(done[1]);
    for (int i = 0; i < CONTENDERS; i++) {
        assert_true(wait(&outcome) > 0);
        assert_int_equal(outcome, 0);
    }
    close(verdicts[0]);
    close(start[0]);
    close(done[0]);
}

static void test_orphans__one_of_many_takes_over(void **state)
{
    fixture *f = *state;

    for (int round = 0; round < 25; round++) {
        make_orphan(f);
        race(f);
        assert_int_equal(access(f->name, F_OK), -1);
        assert_int_equal(access(f->lock_path, F_OK), -1);
        close(f->leash);
        f->leash = -1;
    }
}

static fixture *surprised; /* somebody else takes its name just before a lock file is removed; NULL = nobody */
static bool surpriser_won;

/* In a process of its own, which keeps the name if it gets it. */
static void surprise(fixture *f)
{
    int verdict[2];
    char byte = '?';

    surprised = NULL;
    assert_int_equal(pipe(verdict), 0);
    f->owner = fork();
    if (f->owner == 0) {
        via_lock lock;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        if (write(verdict[1], take(f, &lock) == VIA_OK ? "!" : ".", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(verdict[0], &byte, 1), 1);
    close(verdict[0]);
    close(verdict[1]);
    surpriser_won = byte == '!';
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);

/* Stands between the kit and the C library: see CMakeLists.txt. */
int __wrap_unlink(const char *path)
{
    if (surprised && strcmp(path, surprised->lock_path) == 0)
        surprise(surprised);
    return __real_unlink(path);
}

static void test_orphans__a_late_judge_steals_nothing(void **state)
{
    fixture *f = *state;
    via_lock lock;

    make_orphan(f);
    surprised = f;
    bool won = take(f, &lock) == VIA_OK;
    assert_null(surprised);
    assert_true(won != surpriser_won);
    via_lock_drop(&lock);
    kill_owner(f);
    reap_owner(f);
}

/* ---- proofs ------------------------------------------------------------------------------------------------- */

static void replace_text(const fixture *f, const char *text)
{
    int descriptor = open(f->lock_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    close(descriptor);
}

static void test_orphans__need_a_proof(void **state)
{
    fixture *f = *state;
    via_lock lock;
    char text[VIA_IDENTITY_SIZE];
    char other[VIA_IDENTITY_SIZE + 32];

    make_orphan(f);
    via_identity_of_self(text);
    assert_non_null(strchr(text, ' '));
    snprintf(other, sizeof(other), "%ld %s\n", (long)f->owner, strchr(strchr(text, ' ') + 1, ' '));
    replace_text(f, other); /* no start */
    assert_int_equal(take(f, &lock), VIA_EBUSY);
    snprintf(other, sizeof(other), "%ld 1 another-boot/pid:[1]/time:[1]\n", (long)f->owner);
    replace_text(f, other);
    assert_int_equal(take(f, &lock), VIA_EBUSY);
    replace_text(f, "");
    assert_int_equal(take(f, &lock), VIA_EBUSY);
    assert_false(via_lock_is_orphaned(f->name));
    snprintf(other, sizeof(other), "%ld 1%s\n", (long)getpid(), strrchr(text, ' '));
    replace_text(f, other); /* our pid, but another process */
    assert_true(via_lock_is_orphaned(f->name));
    assert_int_equal(take(f, &lock), VIA_OK);
    via_lock_drop(&lock);
}

/* An owner that cannot write its own text must not be judged by a dead one's. */
static void test_orphans__a_full_disk_costs_no_name(void **state)
{
    fixture *f = *state;
    struct rlimit kept;
    struct rlimit none;
    via_lock lock;
    via_lock second;
    int outcome;

    f->owner = fork();
    if (f->owner == 0)
        _exit(take(f, &lock) == VIA_OK ? 0 : 1); /* leaves its lock file */
    assert_int_equal(waitpid(f->owner, &outcome, 0), f->owner);
    assert_int_equal(outcome, 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    none = (struct rlimit){0, kept.rlim_max};
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
    via_status status = take(f, &lock);
    via_lock_note_file(&lock, 1, 1);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
    (void)signal(SIGXFSZ, before);
    assert_int_equal(status, VIA_OK);
    assert_int_equal(take(f, &second), VIA_EBUSY);
    via_lock_drop(&lock);
}

static void test_identity__of_the_living_and_of_nonsense(void **state)
{
    static const char *const nonsense[] = {"", "x", "1", "0 0 0", "-1 5 x", "99999999999 5 x", "4194399 5 x"};
    char text[VIA_IDENTITY_SIZE];

    (void)state;
    via_identity_of_self(text);
    assert_false(via_identity_is_gone(text));
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++)
        assert_false(via_identity_is_gone(nonsense[i]));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_orphans__do_not_keep_a_dead_owners_name),
        IN_FOLDER(test_orphans__of_a_zombie_are_orphans),
        IN_FOLDER(test_orphans__files_of_others_stay),
        IN_FOLDER(test_orphans__one_of_many_takes_over),
        IN_FOLDER(test_orphans__a_late_judge_steals_nothing),
        IN_FOLDER(test_orphans__need_a_proof),
        IN_FOLDER(test_orphans__a_full_disk_costs_no_name),
        cmocka_unit_test(test_identity__of_the_living_and_of_nonsense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
