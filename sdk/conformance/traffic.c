/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sending and receiving checked messages.
 *
 * Owns: what a right message looks like, and the threads that send and receive streams of them.
 */
#include "conform.h"

#include <stdlib.h>
#include <string.h>

via_status via_conform_try_send(via_conform *suite, via_channel *channel, uint64_t index, size_t size, uint32_t flags,
                                via_deadline deadline)
{
    via_meta meta = {0, flags, 0, NULL, NULL};
    unsigned char small[4096];
    unsigned char *data = size > sizeof(small) ? malloc(size) : small;

    CHECK(data, "no memory for a message of %zu bytes", size);
    via_conform_fill(suite->seed, index, data, size);
    via_status status = via_send(channel, data, size, flags ? &meta : NULL, deadline);
    if (data != small)
        free(data);
    return status;
}

void via_conform_send(via_conform *suite, via_channel *channel, uint64_t index, size_t size)
{
    via_conform_step("sending message %llu of %zu bytes", (unsigned long long)index, size);
    CHECK_OK(via_conform_try_send(suite, channel, index, size, 0, via_conform_soon()));
}

void via_conform_expect(via_conform *suite, via_channel *channel, uint64_t index, size_t size)
{
    via_msg message;

    via_conform_step("receiving message %llu of %zu bytes", (unsigned long long)index, size);
    via_status status = via_recv(channel, via_conform_soon(), &message);
    if (status != VIA_OK)
        via_conform_fail(__FILE__, __LINE__, "a message that was accepted arrives", "message %llu: via_recv answers %s",
                         (unsigned long long)index, via_status_name(status));
    via_conform_check_bytes(suite->seed, index, message.data, message.size, size);
    via_release(channel, &message);
}

/* A tail in the sender moves only inside calls on the sender. */
void via_conform_expect_moving(via_conform *suite, const via_conform_link *link, uint64_t index, size_t size)
{
    via_deadline limit = via_conform_soon();
    via_status status;
    via_msg message;

    via_conform_step("receiving message %llu of %zu bytes", (unsigned long long)index, size);
    do {
        status = via_flush(link->tx, VIA_NOW);
        CHECK(status == VIA_OK || status == VIA_ETIMEDOUT, "via_flush answers %s", via_status_name(status));
        status = via_recv(link->rx, status == VIA_OK ? limit : via_after_ms(2), &message);
    } while (status == VIA_ETIMEDOUT && via_now_ns() < limit);
    if (status != VIA_OK)
        via_conform_fail(__FILE__, __LINE__, "a message that was accepted arrives", "message %llu: via_recv answers %s",
                         (unsigned long long)index, via_status_name(status));
    via_conform_check_bytes(suite->seed, index, message.data, message.size, size);
    via_release(link->rx, &message);
}

void via_conform_expect_nothing(via_channel *channel)
{
    via_msg message;
    via_status status = via_recv(channel, via_after_ms(100), &message);
    CHECK(status != VIA_OK, "a message of %zu bytes came that was never sent", message.size);
    CHECK(status == VIA_ETIMEDOUT, "via_recv answers %s", via_status_name(status));
}

void via_conform_expect_end(via_channel *channel, bool or_peer)
{
    via_msg message;

    via_conform_step("waiting for the end of the channel");
    for (int i = 0; i < 3; i++) { /* it stays ended */
        via_status status = via_recv(channel, via_conform_soon(), &message);
        CHECK(status == VIA_ECLOSED || (or_peer && status == VIA_EPEER), "via_recv answers %s instead of VIA_ECLOSED%s",
              via_status_name(status), or_peer ? " or VIA_EPEER" : "");
    }
}

uint64_t via_conform_fill_up(via_conform *suite, via_channel *channel, uint64_t index, size_t size)
{
    const uint64_t limit = index + ((uint64_t)256 << 20) / (size ? size : 1);
    via_status status = VIA_OK;

    via_conform_step("filling the channel with messages of %zu bytes", size);
    while ((status = via_conform_try_send(suite, channel, index, size, 0, VIA_NOW)) == VIA_OK) {
        CHECK(++index < limit, "256 MiB were accepted while nobody received");
    }
    CHECK(status == VIA_ETIMEDOUT, "a send with VIA_NOW on a full channel answers %s", via_status_name(status));
    return index;
}

void via_conform_arm(via_channel *channel, uint32_t event)
{
    via_status status = via_arm(channel, event);
    CHECK(status == VIA_OK || status == VIA_EREADY, "via_arm answers %s", via_status_name(status));
}

size_t via_conform_fit(const via_conform *suite, size_t size)
{
    return suite->claims->max_message && size > suite->claims->max_message ? (size_t)suite->claims->max_message : size;
}

uint64_t via_conform_room(const via_conform *suite, uint64_t count)
{
    return count < suite->claims->room ? count : suite->claims->room;
}

/* ---- streams ------------------------------------------------------------------------------------------------ */

/* Mostly tiny, now and then some thousand bytes. */
size_t via_conform_small_size(const via_conform *suite, uint64_t index)
{
    uint64_t chance = via_conform_mix(suite->seed + index);
    return via_conform_fit(suite, (size_t)(chance % 16 ? (chance >> 8) % 200 : (chance >> 8) % 9000));
}

size_t via_conform_page_size(const via_conform *suite, uint64_t index)
{
    (void)index;
    return via_conform_fit(suite, 3000);
}

void *via_conform_run_sender(void *argument)
{
    const via_conform_stream *stream = argument;

    for (uint64_t i = stream->first; i < stream->first + stream->count; i++) {
        bool more = stream->more_until && (i - stream->first + 1) % stream->more_until != 0;
        size_t size = stream->size(stream->suite, i);
        CHECK_OK(
            via_conform_try_send(stream->suite, stream->channel, i, size, more ? VIA_MORE : 0, via_conform_soon()));
    }
    CHECK_OK(via_flush(stream->channel, via_conform_soon()));
    return NULL;
}

void *via_conform_run_receiver(void *argument)
{
    const via_conform_stream *stream = argument;

    for (uint64_t i = stream->first; i < stream->first + stream->count; i++)
        via_conform_expect(stream->suite, stream->channel, i, stream->size(stream->suite, i));
    return NULL;
}
