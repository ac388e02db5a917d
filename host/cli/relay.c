/* SPDX-License-Identifier: Apache-2.0 */
/* The relay of relay.h. Owns: the state of each direction, and that nothing is left behind without a word. */
#include "relay.h"

#include "refusal.h"
#include "session.h"
#include "stop.h"
#include "wait.h"

enum { TURN = 64 };

typedef enum direction_state {
    EMPTY,     /* wants to receive */
    HOLDING,   /* has one message to send on */
    FINISHING, /* the source has finished; that is to be passed on */
    ENDED
} direction_state;

struct direction {
    via_channel *from, *to;
    const char *from_name, *to_name;
    const via_cli_relay *relay;
    via_msg held;
    uint64_t number; /* of the message held, from 1 */
    direction_state state;
};

static bool is_blocked(via_status status)
{
    return status == VIA_ETIMEDOUT;
}

static via_status receive(struct direction *direction)
{
    via_status status = via_recv(direction->from, VIA_NOW, &direction->held);
    if (status == VIA_OK) {
        direction->state = HOLDING;
        direction->number++;
    }
    if (status != VIA_ECLOSED)
        return status;
    direction->state = FINISHING;
    return VIA_OK;
}

static void let_go(struct direction *direction)
{
    via_release(direction->from, &direction->held);
    direction->state = EMPTY;
}

static int tell_refusal(const struct direction *direction, via_status status)
{
    const via_cli_relay *relay = direction->relay;
    via_cli_letter letter = {.args = relay->args, .host = relay->host, .address = direction->to_name};
    letter.channel = direction->to;
    letter.body = (via_slice){direction->held.data, direction->held.size};
    letter.number = direction->number;
    return via_cli_refused(&letter, status);
}

/* What cannot be sent stays held where it ends the relay, which then tells it. */
static via_status send_on(struct direction *direction)
{
    via_meta meta = direction->held.meta;
    meta.flags = 0;
    via_status status = via_send(direction->to, direction->held.data, direction->held.size, &meta, VIA_NOW);
    if (status == VIA_EDROPPED) {
        status = VIA_OK; /* as the policy has it, which counts them */
    } else if (via_cli_is_refusal(status) && direction->relay->skips) {
        (void)tell_refusal(direction, status);
        status = VIA_OK;
    }
    if (status == VIA_OK)
        let_go(direction);
    return status;
}

/* Where a transport cannot say "finished", the end of the whole relay says it. */
static via_status finish(struct direction *direction)
{
    via_status status = via_finish(direction->to, VIA_NOW);
    if (is_blocked(status))
        return status;
    direction->state = ENDED;
    return status == VIA_ENOTSUP ? VIA_ECLOSED : status;
}

static via_status step(struct direction *direction)
{
    switch (direction->state) {
    case EMPTY:
        return receive(direction);
    case HOLDING:
        return send_on(direction);
    case FINISHING:
        return finish(direction);
    case ENDED:
        break;
    }
    return VIA_ETIMEDOUT;
}

/* Goes on until it would block, or has had its turn. */
static via_status run_turn(struct direction *direction)
{
    via_status status = VIA_OK;
    for (int i = 0; i < TURN && status == VIA_OK && direction->state != ENDED; i++)
        status = step(direction);
    return is_blocked(status) ? VIA_OK : status;
}

/* Index 0 is channel 0. */
static void want(const struct direction *direction, via_cli_sleep *sleep, int from)
{
    if (direction->state == EMPTY)
        sleep->on[from].events |= VIA_READ;
    else if (direction->state != ENDED)
        sleep->on[1 - from].events |= VIA_WRITE;
}

static via_status sleep_until_ready(const struct direction *directions)
{
    via_cli_sleep sleep;
    via_cli_sleep_init(&sleep, VIA_FOREVER);
    for (int i = 0; i < 2; i++) {
        sleep.on[i].channel = directions[i].from;
        sleep.on[i].events = VIA_WORK;
    }
    want(&directions[0], &sleep, 0);
    want(&directions[1], &sleep, 1);
    return via_cli_sleep_wait(&sleep);
}

/* ---- the end ------------------------------------------------------------------------------------------------ */

static int tell_loss(const struct direction *direction)
{
    return via_cli_complain(VIA_EXIT_PEER, "see why it stopped taking them, then send them again",
                            "%s: message %llu (%zu bytes) and all after it have not reached %s", direction->from_name,
                            (unsigned long long)direction->number, direction->held.size, direction->to_name);
}

/* What has come and goes nowhere. A topic is for those who are there: it has no such thing. */
static int tell_rest(struct direction *direction)
{
    via_channel_info info = {.size = sizeof info};
    int result = VIA_EXIT_OK;
    if (via_info(direction->from, &info) == VIA_OK && info.pattern == VIA_PATTERN_TOPIC)
        return result;
    if (direction->state == EMPTY)
        (void)receive(direction);
    if (direction->state == HOLDING)
        result = tell_loss(direction);
    return result;
}

int via_cli_relay_tell_rest(via_channel *from, const char *from_name, const char *to_name)
{
    struct direction direction = {.from = from, .from_name = from_name, .to_name = to_name, .state = EMPTY};
    int result = tell_rest(&direction);
    if (direction.state == HOLDING)
        let_go(&direction);
    return result;
}

/* Who has finished takes no more, but may have said something before, which the other direction still brings. */
static int end_direction(struct direction *direction)
{
    int result = tell_loss(direction);
    let_go(direction);
    direction->state = ENDED;
    return result;
}

static int tell(struct direction *direction, via_status status)
{
    via_error error;
    via_error_init(&error);
    if (status == VIA_ECLOSED)
        return VIA_EXIT_OK;
    if (direction->state == HOLDING && via_cli_is_refusal(status)) {
        int result = tell_refusal(direction, status);
        let_go(direction);
        return result;
    }
    bool is_source = via_failure(direction->from, &error) == VIA_OK && error.status == status;
    return via_cli_status(is_source ? direction->from_name : direction->to_name,
                          is_source ? direction->from : direction->to, status);
}

static int run(struct direction *directions)
{
    int result = VIA_EXIT_OK;
    while (directions[0].state != ENDED || directions[1].state != ENDED) {
        for (int i = 0; i < 2; i++) {
            via_status status = run_turn(&directions[i]);
            if (status == VIA_ECLOSED && directions[i].state == HOLDING)
                result = end_direction(&directions[i]);
            else if (status != VIA_OK)
                return tell(&directions[i], status);
        }
        if (directions[0].state == ENDED && directions[1].state == ENDED)
            break;
        if (sleep_until_ready(directions) == VIA_ECANCELED)
            return via_cli_stop_result(VIA_EXIT_FAILED);
    }
    return result;
}

/* Tells what one direction leaves behind, here or at the channel that had accepted it. */
static int end(struct direction *direction)
{
    int result = tell_rest(direction);
    if (direction->state == HOLDING)
        let_go(direction);
    via_cli_drain_briefly(direction->to);
    return result;
}

int via_cli_relay_run(const via_cli_relay *relay)
{
    struct direction directions[2];
    for (int i = 0; i < 2; i++) {
        directions[i] = (struct direction){.from = relay->channels[i], .to = relay->channels[1 - i]};
        directions[i].relay = relay;
        directions[i].from_name = relay->names[i];
        directions[i].to_name = relay->names[1 - i];
        directions[i].state = relay->flows[i] ? EMPTY : ENDED;
    }
    int result = run(directions);
    for (int i = 0; i < 2; i++) {
        int ended = relay->flows[i] ? end(&directions[i]) : VIA_EXIT_OK;
        result = result == VIA_EXIT_OK ? ended : result;
    }
    return result;
}
