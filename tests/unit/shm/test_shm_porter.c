/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that serves doors: where it runs, and that nobody's signals are its own. */
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "porter.h"

typedef struct visitor {
    shm_porter porter;
    shm_door door;
    int served; /* an eventfd */
    cpu_set_t processors;
    sigset_t blocked;
} visitor;

static bool look_around(void *user)
{
    visitor *v = user;
    eventfd_t ignored;

    (void)eventfd_read(v->door.descriptor, &ignored);
    (void)sched_getaffinity(0, sizeof(v->processors), &v->processors);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &v->blocked);
    (void)eventfd_write(v->served, 1);
    return true;
}

/* Whoever needs it first is bound to one processor. */
static void *start_bound(void *user)
{
    visitor *v = user;
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one) != 0)
        return NULL;
    return shm_porter_add(&v->porter, &v->door) == VIA_OK ? v : NULL;
}

static void test_porter__runs_where_the_process_may_and_takes_no_signal(void **state)
{
    visitor v = {.served = eventfd(0, EFD_CLOEXEC)};
    cpu_set_t ours;
    pthread_t starter;
    void *started = NULL;
    eventfd_t ignored;

    (void)state;
    shm_porter_init(&v.porter);
    v.door = (shm_door){.descriptor = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK), .open = look_around, .user = &v};
    assert_int_equal(pthread_create(&starter, NULL, start_bound, &v), 0);
    assert_int_equal(pthread_join(starter, &started), 0);
    assert_ptr_equal(started, &v);
    assert_int_equal(eventfd_read(v.served, &ignored), 0);
    shm_porter_remove(&v.porter, &v.door);
    assert_int_equal(sched_getaffinity(getpid(), sizeof(ours), &ours), 0);
    assert_true(CPU_EQUAL(&ours, &v.processors));
    assert_int_equal(sigismember(&v.blocked, SIGTERM), 1);
    shm_porter_fini(&v.porter);
    (void)close(v.door.descriptor);
    (void)close(v.served);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_porter__runs_where_the_process_may_and_takes_no_signal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
