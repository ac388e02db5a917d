/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who is a member, and who is the last.
 */
#include "mqueue_unit.h"

#include "members.h"

#include <fcntl.h>
#include <unistd.h>

static mqueue_settings settings;
static mqueue_place place;
static via_error error;

static mqueue_members fresh(void)
{
    mqueue_members members;

    mqueue_members_init(&members, &place);
    return members;
}

static bool found(mqueue_members *members, bool *is_alone, mqueue_note *note)
{
    *members = fresh();
    return mqueue_members_found(members, &settings, is_alone, note, &error) == VIA_OK;
}

static void test_members__one_joins_where_somebody_is(void **state)
{
    mqueue_members owner, member = fresh();
    bool is_alone = false;
    mqueue_note note = {.made = 7};

    (void)state;
    assert_int_equal(mqueue_members_join(&member, &settings, &error), VIA_ENOPEER);
    assert_true(found(&owner, &is_alone, &note));
    assert_true(is_alone);
    assert_int_equal(note.made, 0);
    assert_int_equal(mqueue_members_join(&member, &settings, &error), VIA_ENOPEER); /* the owner is not ready */
    mqueue_members_note(&owner, &(mqueue_note){.made = 5});
    assert_int_equal(mqueue_members_join(&member, &settings, &error), VIA_OK);
    assert_false(mqueue_members_are_gone(&owner));
    mqueue_members_leave(&owner, false);
    assert_true(mqueue_members_are_gone(&member));
    mqueue_members_leave(&member, true);
    assert_int_equal(unit_files(), 0);
}

/* What the one before us said is still there; and who is just leaving cannot be joined. */
static void test_members__the_note_outlives_its_writer(void **state)
{
    mqueue_members first, second, third;
    bool is_alone = false;
    mqueue_note note;

    (void)state;
    assert_true(found(&first, &is_alone, &note));
    mqueue_members_note(&first, &(mqueue_note){.made = 1234, .is_left = true});
    mqueue_members_leave(&first, false);
    assert_true(found(&second, &is_alone, &note));
    assert_int_equal(note.made, 1234);
    assert_true(note.is_left);
    mqueue_members_note(&second, &(mqueue_note){.made = 99});
    assert_true(found(&third, &is_alone, &note));
    assert_false(is_alone);
    assert_int_equal(note.made, 99);
    assert_false(note.is_left);
    mqueue_members_leave(&third, false);
    assert_true(mqueue_members_are_gone(&second));
    assert_false(found(&third, &is_alone, &note));
    assert_int_equal(error.status, VIA_ENOPEER);
    mqueue_members_leave(&second, true);
}

/* Both are on their way out: one of them is the last, never none and never both. */
static void test_members__of_two_leaving_one_is_the_last(void **state)
{
    mqueue_members one, other;
    bool is_alone = false;
    mqueue_note note;

    (void)state;
    assert_true(found(&one, &is_alone, &note));
    mqueue_members_note(&one, &(mqueue_note){.made = 1});
    assert_true(found(&other, &is_alone, &note));
    assert_false(mqueue_members_are_gone(&one)); /* gives up its own share */
    assert_true(mqueue_members_are_gone(&other));
    mqueue_members_leave(&one, false);
    mqueue_members_leave(&other, true);
    assert_int_equal(unit_files(), 0);
}

/* Half a line was being written when its writer died. */
static void test_members__half_a_note_is_none(void **state)
{
    mqueue_members owner;
    bool is_alone = false;
    mqueue_note note;

    (void)state;
    assert_true(found(&owner, &is_alone, &note));
    assert_int_equal(pwrite(owner.descriptor, "1234", 4, 0), 4);
    mqueue_members_read(&owner, &note);
    assert_int_equal(note.made, 0);
    mqueue_members_leave(&owner, true);
}

static int make(void **state)
{
    settings = unit_settings(VIA_PULL);
    return unit_folder_make(state) == 0 && mqueue_place_find(&settings, "club", &place, &error) == VIA_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members__one_joins_where_somebody_is),
        cmocka_unit_test(test_members__the_note_outlives_its_writer),
        cmocka_unit_test(test_members__of_two_leaving_one_is_the_last),
        cmocka_unit_test(test_members__half_a_note_is_none),
    };

    return cmocka_run_group_tests(tests, make, unit_folder_remove);
}
