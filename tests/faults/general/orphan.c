/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An owner that is killed while a child that it forked lives on, with every descriptor of the owner's open: the name is
 * free for the next owner, nobody reaches the dead one, and the child's end takes nothing from the next owner.
 */
#include "ways.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct family {
    pid_t owner;
    int news;  /* a byte comes when the owner's child is there; the end when it is gone */
    int leash; /* closing it lets the owner's child go */
} family;

static via_status bind_name(const via_way *way, via_ends *ends, via_error *error)
{
    if (way->sender == VIA_PAIR)
        return via_listen(ends->host, ends->address, NULL, &ends->listener, error);
    return way->sender_binds ? via_way_open_sender(way, ends, error) : via_way_open_receiver(way, ends, error);
}

/* In the owner. Its child does nothing at all. */
static void own_and_fork(const via_way *way, const char *address, int news, int leash)
{
    via_ends ends = {0};
    via_error error;
    char byte;

    memcpy(ends.address, address, sizeof ends.address);
    if (bind_name(way, &ends, &error) != VIA_OK)
        _exit(1);
    pid_t child = fork();
    if (child < 0)
        _exit(2);
    if (child == 0) {
        if (write(news, "!", 1) != 1 || read(leash, &byte, 1) != 0)
            _exit(3);
        _exit(0);
    }
    for (;;)
        (void)pause();
}

static void start_family(const via_way *way, const char *address, family *made)
{
    int news[2], leash[2];
    char byte;

    assert_int_equal(pipe(news), 0);
    assert_int_equal(pipe(leash), 0);
    made->owner = fork();
    assert_true(made->owner >= 0);
    if (made->owner == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nobody behind */
        (void)close(news[0]);
        (void)close(leash[1]);
        own_and_fork(way, address, news[1], leash[0]);
    }
    (void)close(news[1]);
    (void)close(leash[0]);
    made->news = news[0];
    made->leash = leash[1];
    assert_int_equal(read(made->news, &byte, 1), 1);
}

static void kill_owner(const family *of)
{
    assert_int_equal(kill(of->owner, SIGKILL), 0);
    while (waitpid(of->owner, NULL, 0) < 0)
        assert_int_equal(errno, EINTR);
}

/* Returns when the orphan and with it the last descriptor of the dead owner's is gone. */
static void release_orphan(const family *of)
{
    char byte;

    (void)close(of->leash);
    assert_int_equal(read(of->news, &byte, 1), 0);
    (void)close(of->news);
}

static void expect_taken(const via_way *way, const char *address)
{
    via_ends second = {0};
    via_error error;

    memcpy(second.address, address, sizeof second.address);
    assert_int_equal(bind_name(way, &second, &error), VIA_EBUSY);
}

static void expect_nobody(const via_way *way, const char *address)
{
    via_channel *channel = NULL;
    uint32_t role = way->sender_binds ? VIA_SUBSCRIBE : way->sender;
    via_status status = role == VIA_PAIR ? via_dial(NULL, address, NULL, VIA_NOW, &channel, NULL)
                                         : via_join(NULL, address, role, NULL, VIA_NOW, &channel, NULL);

    if (status != VIA_ENOPEER)
        fail_msg("dialing a dead owner answers %s", via_status_name(status));
}

static void connect_and_exchange(const via_way *way, via_ends *ends)
{
    via_error error;

    if (!ends->sender)
        assert_int_equal(via_way_open_sender(way, ends, &error), VIA_OK);
    if (!ends->receiver)
        assert_int_equal(via_way_open_receiver(way, ends, &error), VIA_OK);
    via_way_exchange(ends, "the next owner's");
}

static void test_orphan(void **state)
{
    const via_way *way = *state;
    via_ends ends = {0};
    via_error error;
    family dead;

    if (strcmp(way->scheme, "tcp") == 0)
        skip(); /* a port has no lock file: it is the kernel's, until the last descriptor goes */
    via_way_address(way, ends.address, sizeof ends.address);
    start_family(way, ends.address, &dead);
    expect_taken(way, ends.address);
    kill_owner(&dead);
    expect_nobody(way, ends.address);
    if (bind_name(way, &ends, &error) != VIA_OK)
        fail_msg("taking a dead owner's name: %s", error.what);
    expect_taken(way, ends.address);
    connect_and_exchange(way, &ends);
    release_orphan(&dead);
    expect_taken(way, ends.address);
    via_way_exchange(&ends, "is still the next owner's");
    via_way_close(&ends);
}

int main(void)
{
    return via_ways_run("orphan", test_orphan);
}
