/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Out of descriptors: every call answers, what is open goes on working, and when there are descriptors again all is well.
 */
#include "ways.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { LIMIT = 256 };

static struct rlimit usual;

/* What fills the table; closed again by relieve(). */
static int fillers[LIMIT];
static size_t filler_count;

/* No descriptor can be opened from here on. */
static void exhaust(void)
{
    struct rlimit low = usual;
    int next;

    low.rlim_cur = LIMIT;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    while ((next = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)) >= 0)
        fillers[filler_count++] = next;
}

static void relieve(void)
{
    while (filler_count > 0)
        (void)close(fillers[--filler_count]);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
}

static void expect_refusal(via_status status, const via_error *error)
{
    assert_int_not_equal(status, VIA_OK);
    if (status != VIA_ELIMIT)
        fail_msg("expected VIA_ELIMIT, got %s: %s", via_status_name(status), error->what);
    assert_int_not_equal(error->what[0], '\0');
}

static void test_descriptors(void **state)
{
    const via_way *way = *state;
    via_ends ends;
    via_ends more;
    via_channel *none = NULL;
    via_error error;

    via_way_open(way, &ends);
    more = (via_ends){.host = ends.host};
    exhaust();
    via_way_exchange(&ends, "what is open does not care");
    memcpy(more.address, ends.address, sizeof more.address);
    more.listener = ends.listener;
    expect_refusal(way->sender_binds ? via_way_open_receiver(way, &more, &error)
                                     : via_way_open_sender(way, &more, &error),
                   &error);
    assert_null(more.sender);
    assert_null(more.receiver);
    assert_int_not_equal(via_dial(NULL, ends.address, NULL, VIA_NOW, &none, &error), VIA_OK);
    assert_int_not_equal(error.what[0], '\0');
    relieve();

    if (way->sender == VIA_PAIR) {
        assert_int_equal(via_way_open_sender(way, &more, &error), VIA_OK);
        exhaust();
        expect_refusal(via_accept(ends.listener, via_after_ms(500), &more.receiver, &error), &error);
        relieve();
        assert_int_equal(via_way_open_receiver(way, &more, &error), VIA_OK);
        via_way_exchange(&more, "accepted later");
    }
    via_way_exchange(&ends, "and still");
    more.listener = NULL;
    via_way_close(&more);
    via_way_close(&ends);
}

int main(void)
{
    if (getrlimit(RLIMIT_NOFILE, &usual) != 0)
        return 1;
    return via_ways_run("descriptors", test_descriptors);
}
