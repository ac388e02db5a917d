/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs that speak lines, over exec: bc, sort, cat, tr, python3.
 */
#include "exec_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_exec__bc_calculates(void **state)
{
    via_channel *bc = start("exec:bc -q");

    (void)state;
    say(bc, "6 * 7");
    hear(bc, "42");
    say(bc, "2 ^ 64");
    hear(bc, "18446744073709551616");
    say(bc, "quit");
    hear_end(bc, VIA_ECLOSED);
    via_close(bc);
}

static void test_exec__sort_needs_the_half_close(void **state)
{
    via_channel *sort = start("exec:sort -n");

    (void)state;
    say(sort, "10");
    say(sort, "9");
    say(sort, "2");
    finish(sort);
    hear(sort, "2");
    hear(sort, "9");
    hear(sort, "10");
    hear_end(sort, VIA_ECLOSED);
    assert_int_equal(via_send(sort, "x", 1, NULL, VIA_NOW), VIA_EINVAL);
    via_close(sort);
}

/* More than any pipe holds, both ways at once: neither side may wait for the other for ever. */
static void test_exec__sort_takes_much(void **state)
{
    enum { LINES = 200000 };
    via_channel *sort = start("exec:sort?buffer=64KiB");
    char line[16];

    (void)state;
    for (int i = LINES - 1; i >= 0; i--) {
        via_meta meta = {.flags = i > 0 ? VIA_MORE : 0};

        assert_int_equal(snprintf(line, sizeof(line), "%08d", i), 8);
        assert_int_equal(via_send(sort, line, 8, &meta, soon_enough()), VIA_OK);
    }
    finish(sort);
    for (int i = 0; i < LINES; i++) {
        (void)snprintf(line, sizeof(line), "%08d", i);
        hear(sort, line);
    }
    hear_end(sort, VIA_ECLOSED);
    via_close(sort);
}

static void test_exec__python_keeps_its_state(void **state)
{
    via_channel *python = start("exec:python3 -u -i -q?env=PYTHON_BASIC_REPL=1 PYTHONSTARTUP=");

    (void)state;
    say(python, "import sys; sys.ps1 = sys.ps2 = ''");
    say(python, "x = 20 + 22");
    say(python, "print(x, len('a b'))");
    hear(python, "42 3");
    say(python, "print(x + 1)");
    hear(python, "43");
    finish(python);
    hear_end(python, VIA_ECLOSED);
    via_close(python);
}

static void test_exec__words_are_quoted_as_in_a_shell(void **state)
{
    static const char *const addresses[] = {
        "exec:printf '%25s|%25s\\n' 'two words' \"a'b\"",
        "exec:printf %25s|%25s\\\\n two\\ words a\\'b",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
        via_channel *printf_ = start(addresses[i]);

        hear(printf_, "two words|a'b");
        hear_end(printf_, VIA_ECLOSED);
        via_close(printf_);
    }
}

static void test_exec__environment_and_folder(void **state)
{
    via_channel *channel = start("exec:sh -c 'echo \"$ONE/$TWO/$HOME\"; pwd; env | wc -l'?"
                                 "env=ONE=1 TWO='2 two' ONE=first&clear_env=true&dir=/usr");

    (void)state;
    hear(channel, "first/2 two/");
    hear(channel, "/usr");
    hear(channel, "3"); /* ONE, TWO, and the shell's own PWD */
    hear_end(channel, VIA_ECLOSED);
    via_close(channel);

    assert_int_equal(setenv("EXEC_TEST_INHERITED", "yes", 1), 0);
    channel = start("exec:sh -c 'echo $EXEC_TEST_INHERITED'");
    hear(channel, "yes");
    via_close(channel);
    channel = start("exec:sh -c 'echo $EXEC_TEST_INHERITED'?env=EXEC_TEST_INHERITED=no");
    hear(channel, "no");
    via_close(channel);
}

/* Every framing over a program that only hands bytes on. */
static void test_exec__cat_in_every_framing(void **state)
{
    static const char *const framings[] = {"line", "length32", "content-length"};
    enum { BIG = 3 * 1024 * 1024 };
    char *big = malloc(BIG);

    (void)state;
    assert_non_null(big);
    memset(big, 'x', BIG);
    for (size_t i = 0; i < sizeof(framings) / sizeof(framings[0]); i++) {
        char address[64];
        via_channel *cat;
        via_msg message;

        (void)snprintf(address, sizeof(address), "exec:cat?framing=%s", framings[i]);
        cat = start(address);
        say(cat, "one");
        say(cat, "");
        say(cat, "three");
        hear(cat, "one");
        hear(cat, "");
        hear(cat, "three");
        /* The tail is kept when the deadline comes, and moves while we receive. */
        assert_int_equal(via_send(cat, big, BIG, NULL, via_after_ms(20)), VIA_OK);
        assert_int_equal(via_recv(cat, soon_enough(), &message), VIA_OK);
        assert_int_equal(message.size, BIG);
        assert_memory_equal(message.data, big, BIG);
        via_release(cat, &message);
        finish(cat);
        hear_end(cat, VIA_ECLOSED);
        via_close(cat);
    }
    free(big);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exec__bc_calculates),
        cmocka_unit_test(test_exec__sort_needs_the_half_close),
        cmocka_unit_test(test_exec__sort_takes_much),
        cmocka_unit_test(test_exec__python_keeps_its_state),
        cmocka_unit_test(test_exec__words_are_quoted_as_in_a_shell),
        cmocka_unit_test(test_exec__environment_and_folder),
        cmocka_unit_test(test_exec__cat_in_every_framing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
