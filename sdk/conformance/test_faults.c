/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chaos: a peer that is stopped, no descriptors, no memory, calls that move less than they could.
 */
#include "conform.h"
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a peer that is stopped --------------------------------------------------------------------------------- */

/* Takes messages until one of a single byte, and says how many came before it. */
static void take_until_told(via_conform *suite, int control, void *argument)
{
    via_conform_end end;
    via_msg message;
    uint64_t count = 0;
    bool over = false;

    (void)argument;
    via_conform_bind(suite, &end, END_RECEIVES, NULL, NULL);
    via_conform_tell(control, end.address, sizeof(end.address));
    via_conform_accept(&end);
    while (!over) {
        CHECK_OK(via_recv(end.channel, via_after_ms(UINT64_C(2) * CONFORM_PATIENCE_MS), &message));
        over = message.size == 1;
        if (!over)
            via_conform_check_bytes(suite->seed, count++, message.data, message.size, via_conform_page_size(suite, 0));
        via_release(end.channel, &message);
    }
    via_conform_tell(control, &count, sizeof(count));
    via_conform_end_close(&end);
}

static void stop(const via_conform_peer *peer)
{
    int status = 0;
    CHECK(kill(peer->pid, SIGSTOP) == 0 && waitpid(peer->pid, &status, WUNTRACED) == peer->pid && WIFSTOPPED(status),
          "the peer cannot be stopped");
}

/* A kernel that moves what it has been given to the other end's buffers may find room for more. What a send for some time answers. */
static via_status wait_until_full(via_conform *suite, via_channel *channel, uint64_t *sent, size_t size)
{
    via_status status = VIA_OK;

    for (int tries = 0; tries < 50 && status == VIA_OK; tries++) {
        *sent = via_conform_fill_up(suite, channel, *sent, size);
        uint64_t began = via_now_ns();
        status = via_conform_try_send(suite, channel, *sent, size, 0, via_after_ms(150));
        *sent += status == VIA_OK;
        CHECK(status == VIA_OK || via_now_ns() - began >= UINT64_C(149000000),
              "a send to a stopped peer gave up too early");
    }
    return status;
}

/* It is slow, not dead: a send waits as long as it may, and goes on when the peer does. */
static void test_stopped__goes_on(via_conform *suite)
{
    via_conform_peer peer;
    via_conform_end end;
    char address[CONFORM_ADDRESS];
    uint64_t sent = 0, taken = 0;
    const size_t size = via_conform_page_size(suite, 0);

    via_conform_peer_start(suite, &peer, take_until_told, NULL);
    via_conform_hear(peer.control, address, sizeof(address));
    via_conform_connect(suite, &end, END_SENDS, address, NULL);
    for (; sent < 5; sent++)
        via_conform_send(suite, end.channel, sent, size);
    for (int round = 0; round < 2; round++) {
        stop(&peer);
        CHECK_STATUS(VIA_ETIMEDOUT, wait_until_full(suite, end.channel, &sent, size));
        CHECK(kill(peer.pid, SIGCONT) == 0, "the peer cannot go on");
        via_conform_send(suite, end.channel, sent++, size);
    }
    via_conform_send(suite, end.channel, 0, 1);
    CHECK_OK(via_drain(end.channel, via_conform_soon(), NULL));
    via_conform_hear(peer.control, &taken, sizeof(taken));
    CHECK(taken == sent, "%llu of %llu messages came", (unsigned long long)taken, (unsigned long long)sent);
    via_conform_end_close(&end);
    via_conform_peer_join(&peer);
}

/* ---- opening while something is short ----------------------------------------------------------------------- */

typedef struct via_conform_attempt {
    via_status status;
    const char *doing;
    via_error error;
    via_conform_link link;
} via_conform_attempt;

enum { ATTEMPT_MS = 400 };

static via_status attempt_exchange(via_conform *suite, via_conform_attempt *attempt)
{
    via_msg message;
    unsigned char body[64];

    via_conform_fill(suite->seed, 0, body, sizeof(body));
    attempt->doing = "sending";
    via_status status = via_send(attempt->link.tx, body, sizeof(body), NULL, via_after_ms(ATTEMPT_MS));
    if (status != VIA_OK)
        return status;
    attempt->doing = "receiving";
    status = via_recv(attempt->link.rx, via_after_ms(ATTEMPT_MS), &message);
    if (status == VIA_OK) {
        via_conform_check_bytes(suite->seed, 0, message.data, message.size, sizeof(body));
        via_release(attempt->link.rx, &message);
    }
    return status;
}

static via_status attempt_two(via_conform *suite, via_conform_attempt *attempt)
{
    const int binder = via_conform_binder(suite, NULL);
    via_conform_end *ends = attempt->link.ends;

    attempt->doing = "binding";
    via_status status = via_conform_try_bind(suite, &ends[binder], binder, NULL, NULL, &attempt->error);
    if (status != VIA_OK)
        return status;
    attempt->doing = "connecting";
    status = via_conform_try_connect(suite, &ends[1 - binder], 1 - binder, ends[binder].address, NULL,
                                     via_after_ms(ATTEMPT_MS), &attempt->error);
    if (status != VIA_OK || !ends[binder].listener)
        return status;
    attempt->doing = "accepting";
    return via_accept(ends[binder].listener, via_after_ms(ATTEMPT_MS), &ends[binder].channel, &attempt->error);
}

/* Opens a link, sends one message over it, and closes it, as far as it gets. */
static void attempt(via_conform *suite, via_conform_attempt *attempt)
{
    char address[CONFORM_ADDRESS];

    memset(attempt, 0, sizeof(*attempt));
    if (suite->claims->has & NEEDS_TWO_ENDS) {
        attempt->status = attempt_two(suite, attempt);
    } else {
        via_conform_new_address(suite, address);
        attempt->doing = "connecting";
        attempt->status = via_conform_try_connect(suite, &attempt->link.ends[END_SENDS], END_SENDS, address, NULL,
                                                  via_after_ms(ATTEMPT_MS), &attempt->error);
    }
    attempt->link.tx = attempt->link.ends[END_SENDS].channel;
    attempt->link.rx =
        suite->claims->has & NEEDS_TWO_ENDS ? attempt->link.ends[END_RECEIVES].channel : attempt->link.tx;
    if (attempt->status == VIA_OK) {
        via_error_init(&attempt->error);
        attempt->status = attempt_exchange(suite, attempt);
    }
}

static void check_whole(via_conform *suite)
{
    via_conform_link link;

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 3, 50);
    via_conform_expect(suite, link.rx, 3, 50);
    via_conform_close(&link);
}

/* ---- descriptors -------------------------------------------------------------------------------------------- */

enum { SPARE_MOST = 64 };

static rlim_t first_free(void)
{
    int descriptor = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    CHECK(descriptor >= 0, "no descriptor: %s", strerror(errno));
    (void)close(descriptor);
    return (rlim_t)descriptor;
}

static void limit_to(rlim_t count)
{
    struct rlimit limit;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0, "no limit of descriptors");
    limit.rlim_cur = count;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0, "the limit of descriptors cannot be set: %s", strerror(errno));
}

/* One more descriptor each time, until there are enough. Who cannot let the other end in may keep it waiting. */
static void test_starved__descriptors(via_conform *suite)
{
    via_conform_attempt got = {.status = VIA_ELIMIT};
    rlim_t usual = 256;

    check_whole(suite);
    const rlim_t base = first_free();
    for (rlim_t spare = 0; got.status != VIA_OK; spare++) {
        CHECK(spare < SPARE_MOST, "with %d descriptors to spare: %s while %s", SPARE_MOST, via_status_name(got.status),
              got.doing);
        via_conform_step("opening with %u descriptors to spare", (unsigned)spare);
        limit_to(base + spare);
        attempt(suite, &got);
        limit_to(usual);
        via_conform_close(&got.link);
        CHECK(got.status == VIA_OK || got.status == VIA_ELIMIT || got.status == VIA_ETIMEDOUT,
              "with %u descriptors to spare: %s while %s (%s)", (unsigned)spare, via_status_name(got.status), got.doing,
              got.error.what);
        CHECK(first_free() == base, "with %u descriptors to spare %s failed, and left one open", (unsigned)spare,
              got.doing);
    }
    check_whole(suite);
}

/* ---- memory ------------------------------------------------------------------------------------------------- */

enum { ALLOCATIONS_MOST = 2000 };

/* Each allocation of opening, sending, receiving and closing fails in turn. */
static void test_starved__memory(via_conform *suite)
{
    via_conform_attempt got;
    via_conform_link guard;
    bool failed = true;

    via_conform_open(suite, &guard,
                     NULL); /* so that the plugin stays loaded: how the host loads one is not its business */
    for (uint64_t spared = 0; failed; spared++) {
        CHECK(spared < ALLOCATIONS_MOST, "a link needs more than %d allocations", ALLOCATIONS_MOST);
        via_conform_step("without the allocation after %llu others", (unsigned long long)spared);
        via_conform_fail_allocation(spared);
        attempt(suite, &got);
        failed = via_conform_spare_allocations();
        CHECK(failed || got.status == VIA_OK, "no allocation failed, and %s answers %s (%s)", got.doing,
              via_status_name(got.status), got.error.what);
        via_conform_close(&got.link);
    }
    via_conform_close(&guard);
    check_whole(suite);
}

/* A call that found no memory has done nothing: the same call again does it. */
static void test_starved__call_again(via_conform *suite)
{
    unsigned char body[3000];
    via_conform_link link;
    via_msg message;
    uint64_t index = 0;

    const size_t size = via_conform_fit(suite, sizeof(body));

    via_conform_open(suite, &link, NULL);
    via_conform_send(suite, link.tx, 0, size); /* now the ends know each other */
    via_conform_expect(suite, link.rx, 0, size);
    for (bool failed = true; failed; index++) {
        via_conform_step("without the allocation after %llu others", (unsigned long long)index);
        via_conform_fill(suite->seed, index, body, size);
        via_conform_fail_allocation(index);
        via_status sent = via_send(link.tx, body, size, NULL, via_conform_soon());
        failed = via_conform_spare_allocations();
        CHECK(sent == VIA_OK || (failed && sent == VIA_ENOMEM), "a send without memory answers %s",
              via_status_name(sent));
        if (sent != VIA_OK)
            CHECK_OK(via_send(link.tx, body, size, NULL, via_conform_soon()));
        via_conform_fail_allocation(index);
        via_status status = via_recv(link.rx, via_conform_soon(), &message);
        failed = via_conform_spare_allocations() || failed;
        CHECK(status == VIA_OK || (failed && status == VIA_ENOMEM), "a receive without memory answers %s",
              via_status_name(status));
        if (status != VIA_OK)
            CHECK_OK(via_recv(link.rx, via_conform_soon(), &message));
        via_conform_check_bytes(suite->seed, index, message.data, message.size, size);
        via_release(link.rx, &message);
    }
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

/* ---- short reads and writes --------------------------------------------------------------------------------- */

enum { SHORT_COUNT = 400 };

static size_t any_size(const via_conform *suite, uint64_t index)
{
    return index % 50 == 7 ? via_conform_fit(suite, 70000) : via_conform_small_size(suite, index);
}

static void test_short__calls(via_conform *suite)
{
    via_conform_link link;

    via_conform_shorten_calls(suite->seed);
    via_conform_open(suite, &link, NULL);
    via_conform_stream there = {suite, link.tx, 0, SHORT_COUNT, any_size, 16};
    via_conform_thread *sender = via_conform_thread_start(via_conform_run_sender, &there);
    via_conform_stream here = {suite, link.rx, 0, SHORT_COUNT, any_size, 0};
    (void)via_conform_run_receiver(&here);
    (void)via_conform_thread_join(sender);
    via_conform_expect_nothing(link.rx);
    via_conform_close(&link);
}

static const via_conform_test tests[] = {
    {"stopped.goes_on", "Full: a peer that is stopped is waited for, not given up; nothing is lost when it goes on",
     CONFORM_BLOCKING, NEEDS_WHOLE | NEEDS_TWO_ENDS, test_stopped__goes_on},
    {"starved.descriptors", "Opening: without descriptors it answers VIA_ELIMIT and leaves nothing open", CONFORM_ALL,
     NEEDS_WHOLE, test_starved__descriptors},
    {"starved.memory", "Opening: without memory it fails, and nothing else does", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_FAULTS | NEEDS_NAMES, test_starved__memory},
    {"starved.call_again", "Delivery: a call that finds no memory has done nothing, and can be made again", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_FAULTS, test_starved__call_again},
    {"short.calls", "Delivery: reads and writes that move less than they could disturb nothing", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_FAULTS, test_short__calls},
};

const via_conform_group via_conform_faults_tests = {tests, sizeof(tests) / sizeof(tests[0])};
