/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of large messages: whole or not there, and swept up after the dead.
 */
#include "mqueue_unit.h"

#include "body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static mqueue_place place;

static const via_slice slices[] = {{"four", 4}, {NULL, 0}, {" and three", 10}};

enum { SIZE = 14 };

static void write_one(mqueue_body *body)
{
    assert_int_equal(mqueue_body_write(place.path, slices, 3, SIZE, body), VIA_OK);
}

static void test_body__is_read_once(void **state)
{
    mqueue_body body;
    char bytes[SIZE];

    (void)state;
    write_one(&body);
    assert_int_equal(mqueue_body_read(place.path, body.number, SIZE, bytes), VIA_EPROTO); /* not shown yet */
    assert_int_equal(mqueue_body_show(place.path, &body, true), VIA_OK);
    mqueue_body_sent(&body);
    assert_int_equal(mqueue_body_read(place.path, body.number, SIZE, bytes), VIA_OK);
    assert_memory_equal(bytes, "four and three", SIZE);
    assert_int_equal(unit_files(), 0);
    assert_int_equal(mqueue_body_read(place.path, body.number, SIZE, bytes), VIA_EPROTO);
}

static void test_body__is_dropped(void **state)
{
    mqueue_body body;

    (void)state;
    write_one(&body);
    assert_int_equal(mqueue_body_show(place.path, &body, true), VIA_OK);
    assert_int_equal(mqueue_body_show(place.path, &body, false), VIA_OK);
    mqueue_body_drop(place.path, &body);
    assert_int_equal(unit_files(), 0);
}

static void test_body__of_another_size_is_none(void **state)
{
    mqueue_body body;
    char bytes[SIZE + 1];

    (void)state;
    write_one(&body);
    assert_int_equal(mqueue_body_show(place.path, &body, true), VIA_OK);
    mqueue_body_sent(&body);
    assert_int_equal(mqueue_body_read(place.path, body.number, SIZE + 1, bytes), VIA_EPROTO);
    assert_int_equal(unit_files(), 0);
}

/* A living writer's part stays, a dead one's goes; what was sent goes only with all. */
static void test_body__sweeping(void **state)
{
    mqueue_body living, dead, sent;

    (void)state;
    write_one(&living);
    write_one(&dead);
    (void)close(dead.descriptor); /* as the kernel does for one that dies */
    write_one(&sent);
    assert_int_equal(mqueue_body_show(place.path, &sent, true), VIA_OK);
    mqueue_body_sent(&sent);
    assert_int_equal(mqueue_body_sweep(place.path, false), 1);
    assert_int_equal(unit_files(), 2);
    assert_int_equal(mqueue_body_sweep(place.path, true), 0);
    assert_int_equal(unit_files(), 1);
    mqueue_body_drop(place.path, &living);
    assert_int_equal(unit_files(), 0);
}

/* The limit of file sizes is told, and no signal ends the program. */
static void test_body__limit_of_file_sizes(void **state)
{
    struct rlimit before, small;
    mqueue_body body;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){SIZE - 1, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(mqueue_body_write(place.path, slices, 3, SIZE, &body), VIA_ETOOBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(unit_files(), 0);
}

static int make(void **state)
{
    const mqueue_settings settings = unit_settings(VIA_PUSH);
    via_error error;

    return unit_folder_make(state) == 0 && mqueue_place_find(&settings, "large", &place, &error) == VIA_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body__is_read_once),
        cmocka_unit_test(test_body__is_dropped),
        cmocka_unit_test(test_body__of_another_size_is_none),
        cmocka_unit_test(test_body__sweeping),
        cmocka_unit_test(test_body__limit_of_file_sizes),
    };

    return cmocka_run_group_tests(tests, make, unit_folder_remove);
}
