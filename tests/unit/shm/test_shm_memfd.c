/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memories: what one process makes another can read, and neither can pull it away.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "memfd.h"

static void test_memory__shows_to_the_reader_what_the_writer_writes(void **state)
{
    shm_memory mine, theirs;
    int descriptor;

    (void)state;
    assert_int_equal(shm_memory_create(5000, 0, &mine, &descriptor), VIA_OK);
    assert_int_equal(mine.size, 8192);
    assert_int_equal(shm_memory_adopt(descriptor, 8192, 0, &theirs), VIA_OK);
    (void)close(descriptor);
    memcpy(mine.base + 4990, "written", sizeof("written"));
    assert_string_equal(theirs.base + 4990, "written");
    shm_memory_drop(&mine);
    assert_string_equal(theirs.base + 4990, "written"); /* it lives as long as one of the two has it */
    shm_memory_drop(&theirs);
    assert_null(theirs.base);
}

static void test_memory__cannot_be_changed_by_whoever_has_the_descriptor(void **state)
{
    shm_memory mine;
    int descriptor;

    (void)state;
    assert_int_equal(shm_memory_create(4096, SHM_TOUCH, &mine, &descriptor), VIA_OK);
    assert_int_equal(ftruncate(descriptor, 0), -1);
    assert_int_equal(ftruncate(descriptor, 1 << 20), -1);
    assert_int_equal(pwrite(descriptor, "x", 1, 0), -1);
    assert_int_equal(fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), MAP_FAILED);
    mine.base[0] = 'm'; /* the maker still can */
    shm_memory_drop(&mine);
    (void)close(descriptor);
}

static void test_memory__adopts_nothing_that_could_shrink_or_has_another_size(void **state)
{
    int unsealed = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING), ends[2], sealed;
    shm_memory mine, theirs;

    (void)state;
    assert_true(unsealed >= 0);
    assert_int_equal(ftruncate(unsealed, 4096), 0);
    assert_int_equal(shm_memory_adopt(unsealed, 4096, 0, &theirs), VIA_EPROTO);
    assert_int_equal(fcntl(unsealed, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_FUTURE_WRITE), 0);
    assert_int_equal(shm_memory_adopt(unsealed, 4096, 0, &theirs), VIA_EPROTO);
    assert_int_equal(fcntl(unsealed, F_ADD_SEALS, F_SEAL_SHRINK), 0);
    assert_int_equal(shm_memory_adopt(unsealed, 4096, 0, &theirs), VIA_OK);
    shm_memory_drop(&theirs);
    (void)close(unsealed);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(shm_memory_adopt(ends[0], 4096, 0, &theirs), VIA_EPROTO);
    (void)close(ends[0]), (void)close(ends[1]);
    assert_int_equal(shm_memory_create(4096, 0, &mine, &sealed), VIA_OK);
    assert_int_equal(shm_memory_adopt(sealed, 8192, 0, &theirs), VIA_EPROTO);
    assert_int_equal(shm_memory_adopt(sealed, 0, 0, &theirs), VIA_EPROTO);
    shm_memory_drop(&mine);
    (void)close(sealed);
}

/* In a child: the limit is for good. */
static void test_memory__says_so_when_there_is_none(void **state)
{
    int wait_status;
    pid_t child = fork();

    (void)state;
    if (child == 0) {
        const struct rlimit little = {1 << 20, 1 << 20};
        shm_memory mine;
        int descriptor;
        if (setrlimit(RLIMIT_FSIZE, &little) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
            _exit(1);
        via_status status = shm_memory_create(2 << 20, 0, &mine, &descriptor);
        _exit(status != VIA_OK && mine.base == NULL && descriptor == -1 ? 0 : 2);
    }
    assert_int_equal(waitpid(child, &wait_status, 0), child);
    assert_true(WIFEXITED(wait_status));
    assert_int_equal(WEXITSTATUS(wait_status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory__shows_to_the_reader_what_the_writer_writes),
        cmocka_unit_test(test_memory__cannot_be_changed_by_whoever_has_the_descriptor),
        cmocka_unit_test(test_memory__adopts_nothing_that_could_shrink_or_has_another_size),
        cmocka_unit_test(test_memory__says_so_when_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
