/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a lane do. Owns: sending, receiving and which statuses are faults.
 */
#include "roles.h"

#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 30000, GLANCE_MS = 50 };

/* ---- senders ------------------------------------------------------------------------------------------------ */

/* The other end may be killed or leave; nothing else may happen to a sender. */
static bool is_parting(via_status status)
{
    return status == VIA_ECLOSED || status == VIA_EPEER;
}

/* False: this run is over. */
static bool drain(via_lane *lane, via_channel *channel, uint64_t run, uint64_t sent)
{
    via_status status = via_drain(channel, via_after_ms(PATIENCE_MS), NULL);

    if (status == VIA_OK)
        atomic_store(&lane->ledger->run[run].drained, sent);
    else if (!is_parting(status) && !atomic_load(&lane->ledger->run[run].excused))
        via_ledger_fault(lane->ledger, "run %llu: via_drain answers %s", (unsigned long long)run,
                         via_status_name(status));
    return status == VIA_OK;
}

/* False: this run is over. */
static bool send_letter(via_lane *lane, via_channel *channel, uint64_t run, uint64_t number)
{
    static uint8_t buffer[VIA_LETTER_MAX];
    size_t size = via_letter_write(buffer, run, number);
    via_meta meta = {0, via_letter_random(&lane->seed) % 3 == 0 ? VIA_MORE : 0, 0, NULL, NULL};
    via_status status = via_send(channel, buffer, size, &meta, via_after_ms(PATIENCE_MS));

    if (status != VIA_OK && !is_parting(status) && !atomic_load(&lane->ledger->run[run].excused))
        via_ledger_fault(lane->ledger, "run %llu: via_send answers %s", (unsigned long long)run,
                         via_status_name(status));
    return status == VIA_OK;
}

static void send_run(via_lane *lane, via_channel *channel, uint64_t run)
{
    uint64_t length = 1 + via_letter_random(&lane->seed) % 1500;

    for (uint64_t number = 0; number < length; number++) {
        if (lane->ledger->loses && number == 3)
            continue;
        if (!send_letter(lane, channel, run, number))
            return;
        if (via_letter_random(&lane->seed) % 64 == 0 && !drain(lane, channel, run, number + 1))
            return;
    }
    (void)drain(lane, channel, run, length);
}

static via_status open_sender(via_lane *lane, uint32_t role, via_channel **channel, via_error *error)
{
    via_deadline deadline = via_after_ms(1000);

    if (role == VIA_PAIR)
        return via_dial(NULL, lane->address, NULL, deadline, channel, error);
    return via_join(NULL, lane->address, role, NULL, deadline, channel, error);
}

static void send_runs(via_lane *lane, uint32_t role)
{
    while (!atomic_load(&lane->ledger->stop)) {
        uint64_t run = via_ledger_begin(lane->ledger);
        via_channel *channel = NULL;
        via_error error;
        via_status status = open_sender(lane, role, &channel, &error);

        if (status == VIA_OK)
            send_run(lane, channel, run);
        else if (status != VIA_ENOPEER && !is_parting(status))
            via_ledger_fault(lane->ledger, "a sender cannot open: %s: %.180s", via_status_name(status), error.what);
        via_close(channel);
    }
}

void via_role_post(via_lane *lane)
{
    send_runs(lane, VIA_PAIR);
}

void via_role_push(via_lane *lane)
{
    send_runs(lane, VIA_PUSH);
}

void via_role_publish(via_lane *lane)
{
    send_runs(lane, VIA_PUBLISH);
}

void via_role_set(via_lane *lane)
{
    send_runs(lane, VIA_VALUE);
}

/* ---- receivers ---------------------------------------------------------------------------------------------- */

/* Receives from one dialer until it ends, or sometimes leaves before. */
static void take_run(via_lane *lane, via_channel *channel)
{
    bool leaves = via_letter_random(&lane->seed) % 16 == 0;
    via_run *run = NULL;
    via_status status;
    via_msg message;

    while ((status = via_recv(channel, via_after_ms(PATIENCE_MS), &message)) == VIA_OK) {
        run = via_ledger_receive(lane->ledger, message.data, message.size);
        via_release(channel, &message);
        if (run && leaves && via_letter_random(&lane->seed) % 64 == 0) {
            atomic_store(&run->excused, true);
            return;
        }
    }
    if (!is_parting(status))
        via_ledger_fault(lane->ledger, "a taker's via_recv answers %s", via_status_name(status));
    else if (run)
        via_ledger_settle(lane->ledger, run);
}

void via_role_take(via_lane *lane)
{
    via_listener *listener = NULL;
    via_error error;
    via_status status = via_listen(NULL, lane->address, NULL, &listener, &error);

    while (status == VIA_OK || status == VIA_ETIMEDOUT) {
        via_channel *channel = NULL;
        if (status == VIA_ETIMEDOUT && atomic_load(&lane->ledger->finish))
            break;
        status = via_accept(listener, via_after_ms(GLANCE_MS), &channel, &error);
        if (status == VIA_OK)
            take_run(lane, channel);
        via_close(channel);
    }
    if (status != VIA_OK && status != VIA_ETIMEDOUT)
        via_ledger_fault(lane->ledger, "a taker cannot serve: %s: %.180s", via_status_name(status), error.what);
    via_listener_close(listener);
    (void)via_ledger_complete(lane->ledger, true);
}

/* Everything has been sent; is everything here? After PATIENCE_MS what is not is lost. */
static bool may_leave(via_ledger *ledger, via_deadline *limit)
{
    if (!atomic_load(&ledger->finish))
        return false;
    if (*limit == VIA_FOREVER)
        *limit = via_after_ms(PATIENCE_MS);
    return via_ledger_complete(ledger, via_now_ns() > *limit) || via_now_ns() > *limit;
}

static void receive_all(via_lane *lane, uint32_t role, bool judges)
{
    via_deadline limit = VIA_FOREVER;
    via_channel *channel = NULL;
    via_error error;
    via_status status;

    do
        status = via_join(NULL, lane->address, role, NULL, via_after_ms(1000), &channel, &error);
    while (status == VIA_ENOPEER && !atomic_load(&lane->ledger->finish));

    while (status == VIA_OK || status == VIA_ETIMEDOUT) {
        via_msg message;
        if (status == VIA_ETIMEDOUT && may_leave(lane->ledger, &limit))
            break;
        status = via_recv(channel, via_after_ms(GLANCE_MS), &message);
        if (status != VIA_OK)
            continue;
        if (judges)
            (void)via_ledger_receive(lane->ledger, message.data, message.size);
        via_release(channel, &message);
    }
    if (status != VIA_OK && status != VIA_ETIMEDOUT && status != VIA_ENOPEER)
        via_ledger_fault(lane->ledger, "a receiver ends with %s", via_status_name(status));
    via_close(channel);
}

void via_role_pull(via_lane *lane)
{
    receive_all(lane, VIA_PULL, true);
}

void via_role_subscribe(via_lane *lane)
{
    receive_all(lane, VIA_SUBSCRIBE, true);
}

void via_role_read(via_lane *lane)
{
    receive_all(lane, VIA_VALUE, true);
}

void via_role_keep(via_lane *lane)
{
    receive_all(lane, VIA_VALUE, false);
}

void via_role_watch(via_lane *lane)
{
    receive_all(lane, VIA_SUBSCRIBE, false);
}
