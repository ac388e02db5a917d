/* SPDX-License-Identifier: Apache-2.0 */
/*
 * via_loan(), via_commit(), via_discard().
 */
#include "core/loan.h"

#include "core/send.h"
#include "core/turn.h"
#include <stdlib.h>
#include <string.h>

enum { LEAST_CAPACITY = 256 };

/* The head of an emulated loan's buffer; the message's first byte follows. */
typedef struct via_loan_buffer {
    const via_channel *channel; /* who lent it: a commit elsewhere is refused */
    size_t capacity;
    size_t lent; /* bytes of the present loan; what lies behind them are earlier messages */
    alignas(max_align_t) unsigned char bytes[];
} via_loan_buffer;

/* ---- emulated ----------------------------------------------------------------------------------------------- */

void via_loan_forget(via_channel *channel)
{
    if (atomic_load_explicit(&channel->spare, memory_order_relaxed) != NULL)
        free(atomic_exchange(&channel->spare, NULL));
}

static size_t rounded(size_t size)
{
    size_t capacity = LEAST_CAPACITY;
    while (capacity < size && capacity <= SIZE_MAX / 4)
        capacity *= 2;
    return capacity < size ? size : capacity;
}

static via_loan_buffer *get_buffer(via_channel *channel, size_t size)
{
    via_loan_buffer *loan = atomic_exchange(&channel->spare, NULL);
    if (loan != NULL && loan->capacity >= size)
        return loan;
    free(loan);
    const size_t capacity = rounded(size);
    if (capacity > SIZE_MAX - sizeof(*loan))
        return NULL;
    loan = malloc(sizeof(*loan) + capacity);
    if (loan == NULL)
        return NULL;
    loan->channel = channel;
    loan->capacity = capacity;
    return loan;
}

static via_status lend(via_channel *channel, size_t size, via_msg *message)
{
    via_loan_buffer *loan = get_buffer(channel, size);
    if (loan == NULL)
        return VIA_ENOMEM;
    loan->lent = size;
    memset(message, 0, sizeof(*message));
    message->data = loan->bytes;
    message->size = size;
    message->token[0] = (uintptr_t)loan;
    return VIA_OK;
}

/* The buffer behind a message, if this channel has lent it. */
static via_loan_buffer *find_buffer(const via_channel *channel, const via_msg *message)
{
    via_loan_buffer *loan = (via_loan_buffer *)message->token[0]; // NOLINT(performance-no-int-to-ptr)
    if (loan == NULL || message->data != loan->bytes || loan->channel != channel)
        return NULL;
    return loan;
}

static void take_back(via_channel *channel, via_loan_buffer *loan, via_msg *message)
{
    free(atomic_exchange(&channel->spare, loan));
    memset(message, 0, sizeof(*message));
}

static via_status commit_buffer(via_channel *channel, via_msg *message, via_deadline deadline)
{
    via_loan_buffer *loan = find_buffer(channel, message);
    if (loan == NULL || message->size > loan->lent)
        return VIA_EINVAL;
    const via_slice slice = {message->data, message->size};
    const via_status status = via_send_slices(channel, &slice, 1, message->size, &message->meta, deadline);
    if (status == VIA_OK)
        take_back(channel, loan, message);
    return status;
}

/* ---- the transport's own ------------------------------------------------------------------------------------ */

typedef struct call {
    via_channel *channel;
    via_msg *message;
    size_t size;
    via_deadline deadline; /* of the slot: VIA_NOW in a crowd */
} call;

static via_status attempt_loan(void *argument)
{
    const call *now = argument;
    return now->channel->ops.loan(now->channel->self, now->size, now->deadline, now->message);
}

static via_status attempt_commit(void *argument)
{
    const call *now = argument;
    const size_t size = now->message->size;
    via_status status = via_send_check(now->channel, &now->message->meta);
    if (status != VIA_OK)
        return status;
    status = now->channel->ops.commit(now->channel->self, now->message, now->deadline);
    if (status == VIA_OK) {
        via_lane_count(&now->channel->sender, size);
        memset(now->message, 0, sizeof(*now->message));
    }
    return status;
}

static via_status discard(void *argument)
{
    const call *now = argument;
    now->channel->ops.discard(now->channel->self, now->message);
    return VIA_OK;
}

/* ---- calls -------------------------------------------------------------------------------------------------- */

static via_status commit_in_crowd(via_channel *channel, via_msg *message, via_deadline deadline)
{
    call now = {channel, message, message->size, VIA_NOW};
    via_turn turn = {.channel = channel, .send = attempt_commit, .argument = &now, .flags = message->meta.flags};
    return via_turn_take(&turn, deadline);
}

via_status via_loan(via_channel *channel, size_t size, via_deadline deadline, via_msg *message)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    if (size > channel->max_message)
        return VIA_ETOOBIG;
    if (!channel->lends)
        return lend(channel, size, message);
    call now = {channel, message, size, deadline};
    if (channel->sender.crowd == NULL)
        return via_channel_note(channel, attempt_loan(&now));
    now.deadline = VIA_NOW;
    return via_channel_note(channel, via_crowd_run(channel->sender.crowd, attempt_loan, &now, deadline));
}

via_status via_commit(via_channel *channel, via_msg *message, via_deadline deadline)
{
    if (via_context_is_foreign(&channel->context))
        return VIA_EFORK;
    if (!channel->lends)
        return commit_buffer(channel, message, deadline);
    if (channel->sender.crowd != NULL)
        return commit_in_crowd(channel, message, deadline);
    call now = {channel, message, message->size, deadline};
    via_lane_begin(&channel->sender);
    const via_status status = attempt_commit(&now);
    return status == VIA_OK ? VIA_OK : via_send_failed(channel, status);
}

void via_discard(via_channel *channel, via_msg *message)
{
    if (via_context_is_foreign(&channel->context))
        return;
    if (!channel->lends) {
        via_loan_buffer *loan = find_buffer(channel, message);
        if (loan != NULL)
            take_back(channel, loan, message);
        return;
    }
    call now = {.channel = channel, .message = message};
    (void)via_crowd_call(channel->sender.crowd, discard, &now);
    memset(message, 0, sizeof(*message));
}
