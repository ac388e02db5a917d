/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values in several processes: who attaches without help, and what a death leaves.
 *
 * Owns: the members in other processes. A peer that holds a value is in no Viaduct call while it waits for a word.
 */
#include "conform.h"

#include <string.h>

typedef struct via_conform_cell {
    char address[CONFORM_ADDRESS];
    uint64_t index;
    size_t size;
} via_conform_cell;

/* Sets a value, says so, and waits for a word outside of any call. */
static void hold(via_conform *suite, int control, void *argument)
{
    const via_conform_cell *cell = argument;
    via_conform_end end;
    char word = 'x';

    via_conform_bind(suite, &end, END_SENDS, cell->address, NULL);
    via_conform_send(suite, end.channel, cell->index, cell->size);
    via_conform_tell(control, &word, 1);
    via_conform_hear(control, &word, 1);
    via_conform_end_close(&end);
}

static void test_value__attach(via_conform *suite)
{
    via_conform_cell cell = {.index = 3, .size = via_conform_fit(suite, 20000)};
    via_conform_peer peer;
    via_conform_end end;
    char word;

    via_conform_new_address(suite, cell.address);
    via_conform_peer_start(suite, &peer, hold, &cell);
    via_conform_hear(peer.control, &word, 1);
    via_conform_connect(suite, &end, END_RECEIVES, cell.address, NULL);
    via_conform_expect(suite, end.channel, cell.index, cell.size);
    via_conform_tell(peer.control, &word, 1);
    via_conform_peer_join(&peer);
    via_conform_send(suite, end.channel, 4, 10);
    via_conform_expect(suite, end.channel, 4, 10);
    via_conform_end_close(&end);
}

/* The one who made it is killed; whoever comes then finds what the survivor has. */
static void test_value__maker_dies(via_conform *suite)
{
    via_conform_cell cell = {.index = 8, .size = via_conform_fit(suite, 5000)};
    via_conform_peer peer;
    via_conform_end survivor, late;
    char word;

    via_conform_new_address(suite, cell.address);
    via_conform_peer_start(suite, &peer, hold, &cell);
    via_conform_hear(peer.control, &word, 1);
    via_conform_connect(suite, &survivor, END_RECEIVES, cell.address, NULL);
    via_conform_peer_kill(&peer);
    via_conform_connect(suite, &late, END_RECEIVES, cell.address, NULL);
    via_conform_expect(suite, late.channel, cell.index, cell.size);
    via_conform_send(suite, late.channel, 9, 30);
    via_conform_expect(suite, survivor.channel, 9, 30);
    via_conform_end_close(&survivor);
    via_conform_end_close(&late);
}

/* All are killed: the next opener has a new cell, without the old content. */
static void test_value__all_die(via_conform *suite)
{
    via_conform_cell cell = {.index = 8, .size = 100};
    via_conform_peer peer;
    via_conform_end end;
    char word;

    via_conform_new_address(suite, cell.address);
    via_conform_peer_start(suite, &peer, hold, &cell);
    via_conform_hear(peer.control, &word, 1);
    via_conform_peer_kill(&peer);
    via_conform_connect(suite, &end, END_RECEIVES, cell.address, NULL);
    via_conform_expect_nothing(end.channel);
    via_conform_send(suite, end.channel, 1, 10);
    via_conform_expect(suite, end.channel, 1, 10);
    via_conform_end_close(&end);
}

/* ---- killed while writing ----------------------------------------------------------------------------------- */

static void write_for_ever(via_conform *suite, int control, void *argument)
{
    const via_conform_cell *cell = argument;
    via_conform_end end;
    char word = 'x';

    via_conform_bind(suite, &end, END_SENDS, cell->address, NULL);
    via_conform_tell(control, &word, 1);
    for (uint64_t i = 0;; i++)
        via_conform_send(suite, end.channel, cell->index + i % 2, cell->size);
}

/* One of the two values, from its beginning to its end. */
static void check_either(const via_conform *suite, const via_conform_cell *cell, const via_msg *message)
{
    unsigned char first[8];

    via_conform_fill(suite->seed, cell->index, first, sizeof(first));
    bool is_first = message->size >= sizeof(first) && memcmp(message->data, first, sizeof(first)) == 0;
    via_conform_check_bytes(suite->seed, cell->index + !is_first, message->data, message->size, cell->size);
}

static void survive(via_conform *suite, const via_conform_cell *cell, const via_conform_end *end,
                    via_conform_peer *peer)
{
    via_msg message;

    via_conform_linger((uint32_t)via_conform_random_below(suite, 3000));
    via_conform_peer_kill(peer);
    if (via_recv(end->channel, VIA_NOW, &message) == VIA_OK) {
        check_either(suite, cell, &message);
        via_release(end->channel, &message);
    }
    via_conform_send(suite, end->channel, 1, 12);
    via_conform_expect(suite, end->channel, 1, 12);
}

static void test_value__writer_dies(via_conform *suite)
{
    enum { DEATHS = 12 };
    via_conform_cell cell = {.index = 77, .size = via_conform_fit(suite, 60000)};
    via_conform_peer peers[DEATHS];
    via_conform_end end;
    via_msg message;
    char word;

    via_conform_new_address(suite, cell.address);
    for (int i = 0; i < DEATHS; i++)
        via_conform_peer_start(suite, &peers[i], write_for_ever, &cell);
    for (int i = 0; i < DEATHS; i++)
        via_conform_hear(peers[i].control, &word, 1);
    via_conform_bind(suite, &end, END_RECEIVES, cell.address, NULL);
    for (int i = 0; i + 1 < DEATHS; i++) {
        via_conform_linger((uint32_t)via_conform_random_below(suite, 3000));
        via_conform_peer_kill(&peers[i]);
        CHECK_OK(via_recv(end.channel, via_conform_soon(), &message));
        check_either(suite, &cell, &message);
        via_release(end.channel, &message);
    }
    survive(suite, &cell, &end, &peers[DEATHS - 1]);
    via_conform_end_close(&end);
}

static const via_conform_test tests[] = {
    {"value.attach", "Value: joining needs no member that is inside a call", VIA_PATTERN_VALUE,
     NEEDS_ATTACH | NEEDS_TWO_ENDS, test_value__attach},
    {"value.maker_dies", "Value: it survives the death of whoever made it", VIA_PATTERN_VALUE,
     NEEDS_DEATH | NEEDS_TWO_ENDS, test_value__maker_dies},
    {"value.all_die", "Value: what killed members leave is reclaimed by the next opener", VIA_PATTERN_VALUE,
     NEEDS_DEATH | NEEDS_TWO_ENDS, test_value__all_die},
    {"value.writer_dies", "Value: a SIGKILL while writing never blocks the others, nor leaves half a value",
     VIA_PATTERN_VALUE, NEEDS_DEATH | NEEDS_TWO_ENDS, test_value__writer_dies},
};

const via_conform_group via_conform_value_death_tests = {tests, sizeof(tests) / sizeof(tests[0])};
