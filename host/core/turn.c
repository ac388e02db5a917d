/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One message's turn in a sender's crowd.
 *
 * Whose a tail is: a pair and a topic that blocks take nothing while something is left, so what is left after a send is
 * that send's. A queue gives the next message to another receiver meanwhile; there a send waits only if nothing was
 * left before it. A topic that drops keeps things for slow subscribers as long as it likes, and nobody waits.
 */
#include "core/turn.h"

#include <string.h>

static bool blocks_when_full(const via_resolved *resolved)
{
    for (size_t i = 0; i < resolved->option_count; i++) {
        const via_option *option = &resolved->options[i];
        if (strcmp(option->name, "overflow") == 0)
            return option->text != NULL && strcmp(option->text, "block") == 0;
    }
    return false;
}

void via_turn_init(via_channel *channel)
{
    const via_resolved *resolved = &channel->context.route->resolved;
    channel->tail.is_awaited = resolved->pattern == VIA_PATTERN_PAIR || resolved->pattern == VIA_PATTERN_QUEUE ||
                               (resolved->pattern == VIA_PATTERN_TOPIC && blocks_when_full(resolved));
}

static void note_clear(via_tail *tail)
{
    tail->is_out = false;
    tail->cleared++;
}

static via_status look(via_channel *channel)
{
    const via_status status = channel->ops.flush(channel->self, VIA_NOW);
    if (status == VIA_OK)
        note_clear(&channel->tail);
    return status;
}

static bool takes_more_with_a_tail(const via_channel *channel)
{
    return channel->context.route->resolved.pattern == VIA_PATTERN_QUEUE;
}

/* Is what will be left after a send that succeeds now that send's own? */
static bool would_own_tail(via_channel *channel)
{
    return !takes_more_with_a_tail(channel) || !channel->tail.is_out || look(channel) == VIA_OK;
}

static void note_tail(via_turn *turn, bool is_own)
{
    via_tail *tail = &turn->channel->tail;
    if (!takes_more_with_a_tail(turn->channel))
        note_clear(tail); /* of what was left before */
    tail->is_out = look(turn->channel) == VIA_ETIMEDOUT;
    turn->leaves_tail = tail->is_out && is_own;
    turn->cleared = tail->cleared;
}

/*
 * A receiver asleep may have armed for work while this call had the transport's attention: it looks again if anything
 * is left to be done.
 */
static void hand_on(via_channel *channel, via_status status)
{
    if (status == VIA_ETIMEDOUT || channel->tail.is_out)
        via_crowd_stir(channel->receiver.crowd);
}

static via_status attempt(void *argument)
{
    via_turn *turn = argument;
    via_channel *channel = turn->channel;
    const bool looks = channel->tail.is_awaited && (turn->flags & VIA_MORE) == 0;
    const bool is_own = looks && would_own_tail(channel);
    const via_status status = turn->send(turn->argument);
    if (looks && status == VIA_OK)
        note_tail(turn, is_own);
    hand_on(channel, status);
    return status;
}

/* VIA_OK: the tail has gone, by whoever's doing. */
static via_status attempt_rest(void *argument)
{
    const via_turn *turn = argument;
    if (turn->channel->tail.cleared != turn->cleared)
        return VIA_OK;
    const via_status status = look(turn->channel);
    hand_on(turn->channel, status);
    return status;
}

via_status via_turn_take(via_turn *turn, via_deadline deadline)
{
    via_channel *channel = turn->channel;
    turn->leaves_tail = false;
    via_lane_begin_one_of_many(&channel->sender);
    const via_status status = via_crowd_run(channel->sender.crowd, attempt, turn, deadline);
    if (status != VIA_OK)
        via_lane_fail_one_of_many(&channel->sender, status);
    if (status == VIA_OK && turn->leaves_tail && deadline != VIA_NOW)
        (void)via_channel_work_until(channel, attempt_rest, turn, deadline);
    return via_channel_note(channel, status);
}
