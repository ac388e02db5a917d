/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Death: what a SIGKILL leaves behind, and names.
 *
 * Owns: victims. The survivor opens nothing before they have been started.
 */
#include "conform.h"

#include <string.h>
#include <unistd.h>

/* ---- a victim that is connected ----------------------------------------------------------------------------- */

/* Connects to the address it hears, says so, and streams both ways until it is killed. */
static void stream_until_killed(via_conform *suite, int control, void *argument)
{
    char address[CONFORM_ADDRESS];
    via_conform_end end;
    via_msg message;
    const bool *quiet = argument;

    via_conform_hear(control, address, sizeof(address));
    via_conform_connect(suite, &end, END_SENDS, address, NULL);
    via_conform_tell(control, "c", 1);
    while (*quiet)
        (void)pause();
    for (uint64_t i = 0;; i++) {
        via_status status =
            via_conform_try_send(suite, end.channel, i, via_conform_small_size(suite, i), 0, VIA_FOREVER);
        CHECK(status == VIA_OK, "a send answers %s", via_status_name(status));
        if (suite->claims->pattern == VIA_PATTERN_PAIR && via_recv(end.channel, VIA_NOW, &message) == VIA_OK)
            via_release(end.channel, &message);
    }
}

static void meet(via_conform *suite, via_conform_peer *peer, via_conform_end *end)
{
    const via_conform_how how = {.flipped = suite->claims->pattern == VIA_PATTERN_TOPIC};
    char byte;

    via_conform_bind(suite, end, END_RECEIVES, NULL, &how);
    via_conform_tell(peer->control, end->address, sizeof(end->address));
    via_conform_hear(peer->control, &byte, 1);
    via_conform_accept(end);
}

static bool is_end(const via_conform *suite, via_status status)
{
    return status == VIA_EPEER || (!(suite->claims->has & NEEDS_DEATH) && status == VIA_ECLOSED);
}

static void test_death__seen(via_conform *suite)
{
    bool quiet = true;
    via_conform_peer peer;
    via_conform_end end;
    via_msg message;

    via_conform_peer_start(suite, &peer, stream_until_killed, &quiet);
    meet(suite, &peer, &end);
    via_conform_peer_kill(&peer);
    via_conform_step("receiving from a dead peer");
    for (int i = 0; i < 3; i++) {
        via_status status = via_recv(end.channel, via_conform_soon(), &message);
        CHECK(is_end(suite, status), "via_recv after a SIGKILL of the other end answers %s", via_status_name(status));
    }
    via_conform_end_close(&end);
}

/* What arrives until the end is whole and in order; the end comes, and sends do not block either. */
static void outlive(via_conform *suite, via_conform_end *end)
{
    via_msg message;
    via_status status = VIA_OK;
    uint64_t index = 0;

    via_conform_step("receiving what a dead peer left");
    while ((status = via_recv(end->channel, via_after_ms(10000), &message)) == VIA_OK) {
        via_conform_check_bytes(suite->seed, index, message.data, message.size, via_conform_small_size(suite, index));
        via_release(end->channel, &message);
        index++;
    }
    if (suite->claims->pattern == VIA_PATTERN_PAIR) {
        CHECK(is_end(suite, status), "after %llu messages via_recv answers %s", (unsigned long long)index,
              via_status_name(status));
        for (int i = 0; i < 1000 && status != VIA_OK; i++)
            status = via_conform_try_send(suite, end->channel, 0, 100, 0, via_after_ms(1000));
    }
}

/* One round in a pair of processes of its own: killed somewhere in the middle of streaming. */
static void survive(via_conform *suite, int control, void *argument)
{
    bool quiet = false;
    via_conform_peer victim;
    via_conform_end end;
    via_msg message;

    (void)control;
    suite->random ^= *(const uint64_t *)argument;
    via_conform_peer_start(suite, &victim, stream_until_killed, &quiet);
    meet(suite, &victim, &end);
    if (suite->claims->pattern == VIA_PATTERN_PAIR)
        CHECK_OK(via_conform_try_send(suite, end.channel, 0, 100, 0, via_conform_soon()));
    via_conform_linger((uint32_t)via_conform_random_below(suite, 8000));
    via_conform_peer_kill(&victim);
    if (suite->claims->pattern == VIA_PATTERN_PAIR) {
        outlive(suite, &end);
    } else { /* others may still come: only what has arrived is looked at */
        for (uint64_t i = 0; via_recv(end.channel, via_after_ms(100), &message) == VIA_OK; i++) {
            via_conform_check_bytes(suite->seed, i, message.data, message.size, via_conform_small_size(suite, i));
            via_release(end.channel, &message);
        }
    }
    via_conform_end_close(&end);
}

static void test_death__at_random_points(via_conform *suite)
{
    for (uint64_t round = 0; round < 25; round++) {
        via_conform_peer survivor;
        uint64_t chance = via_conform_random(suite);
        via_conform_step("round %llu", (unsigned long long)round);
        via_conform_peer_start(suite, &survivor, survive, &chance);
        via_conform_peer_join(&survivor);
    }
}

/* A queue or topic goes on with those who live. */
static void test_death__others_go_on(via_conform *suite)
{
    bool quiet = true;
    via_conform_peer peer;
    via_conform_end binder, other;
    const via_conform_how how = {.flipped = suite->claims->pattern == VIA_PATTERN_TOPIC};

    via_conform_peer_start(suite, &peer, stream_until_killed, &quiet);
    meet(suite, &peer, &binder);
    via_conform_connect(suite, &other, END_SENDS, binder.address, &how);
    for (uint64_t i = 0; i < 40; i++) {
        if (i == 10)
            via_conform_peer_kill(&peer);
        via_conform_send(suite, other.channel, i, 100);
        via_conform_expect(suite, binder.channel, i, 100);
    }
    via_conform_end_close(&other);
    via_conform_end_close(&binder);
}

/* ---- a victim that owns a name ------------------------------------------------------------------------------ */

static void own_until_killed(via_conform *suite, int control, void *argument)
{
    via_conform_end end;

    (void)argument;
    via_conform_bind(suite, &end, via_conform_binder(suite, NULL), NULL, NULL);
    via_conform_tell(control, end.address, sizeof(end.address));
    for (;;)
        (void)pause();
}

static void test_names__reclaimed(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    via_conform_peer owners[3];
    via_conform_end ends[2];
    char address[CONFORM_ADDRESS];

    for (int i = 0; i < 3; i++)
        via_conform_peer_start(suite, &owners[i], own_until_killed, NULL);
    for (int i = 0; i < 3; i++) {
        via_conform_hear(owners[i].control, address, sizeof(address));
        via_conform_peer_kill(&owners[i]);
        via_conform_bind(suite, &ends[binder], binder, address, NULL);
        via_conform_connect(suite, &ends[1 - binder], 1 - binder, ends[binder].address, NULL);
        via_conform_accept(&ends[binder]);
        via_conform_send(suite, ends[END_SENDS].channel, 0, 40);
        via_conform_expect(suite, ends[END_RECEIVES].channel, 0, 40);
        via_conform_end_close(&ends[1 - binder]);
        via_conform_end_close(&ends[binder]);
    }
}

/* The owner is in another process; then in this one. Both times it keeps its name and its guests. */
static void test_names__never_stolen(via_conform *suite)
{
    int binder = via_conform_binder(suite, NULL);
    via_conform_peer owner;
    via_conform_end thief, end, guest;
    via_error error;
    char address[CONFORM_ADDRESS];

    via_conform_peer_start(suite, &owner, own_until_killed, NULL);
    via_conform_hear(owner.control, address, sizeof(address));
    via_status status = via_conform_try_bind(suite, &thief, binder, address, NULL, &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_EBUSY, "binding a name with a live owner", &error);
    CHECK(error.mend[0], "VIA_EBUSY comes without a way out (\"%s\")", error.what);
    via_conform_connect(suite, &guest, 1 - binder, address, NULL);
    via_conform_end_close(&guest);
    via_conform_peer_kill(&owner);
    via_conform_bind(suite, &end, binder, address, NULL); /* so that nothing of it is left in the system */
    via_conform_end_close(&end);
    via_conform_bind(suite, &end, binder, NULL, NULL);
    status = via_conform_try_bind(suite, &thief, binder, end.address, NULL, &error);
    via_conform_check_error(__FILE__, __LINE__, status, VIA_EBUSY, "binding one's own name twice", &error);
    via_conform_connect(suite, &guest, 1 - binder, end.address, NULL);
    via_conform_end_close(&guest);
    via_conform_end_close(&end);
}

static const via_conform_test tests[] = {
    {"death.seen", "Ending: a SIGKILL of the other end is seen, as VIA_EPEER where death is claimed", VIA_PATTERN_PAIR,
     NEEDS_ATTACH | NEEDS_TWO_ENDS, test_death__seen},
    {"death.at_random_points", "Ending: a SIGKILL at any point never blocks or corrupts the survivor", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_death__at_random_points},
    {"death.others_go_on", "Ending: a queue and a topic go on with those who live",
     VIA_PATTERN_QUEUE | VIA_PATTERN_TOPIC, NEEDS_WHOLE | NEEDS_TWO_ENDS, test_death__others_go_on},
    {"names.reclaimed", "Ending: what a killed owner leaves is reclaimed by the next opener", CONFORM_ALL,
     NEEDS_WHOLE | NEEDS_TWO_ENDS, test_names__reclaimed},
    {"names.never_stolen", "Ending: a live owner's name is never stolen", CONFORM_ALL, NEEDS_TWO_ENDS | NEEDS_OWNERS,
     test_names__never_stolen},
};

const via_conform_group via_conform_death_tests = {tests, sizeof(tests) / sizeof(tests[0])};
