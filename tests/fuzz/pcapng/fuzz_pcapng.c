/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a recording: whatever is in it, its messages lie within the file, their texts within their bounds, and every refusal
 * says where. What a message says about itself comes back when it is written and read again.
 */
#include "kit/pcapng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text)
{
    if (text != NULL && strnlen(text, 256) > 255)
        abort();
}

static bool is_same_text(const char *one, const char *other)
{
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

/* The packet block of the message, read again. */
static void check_again(const via_pcapng_message *message, const uint8_t *data)
{
    static uint8_t block[1 << 20];
    via_pcapng_reader scratch;
    via_pcapng_message again, copy = *message;
    const via_slice slice = {data, message->captured};
    const uint8_t *bytes;
    via_error error;
    copy.channel = 0;
    const size_t size = via_pcapng_message_size(&copy);
    if (size > sizeof(block))
        return;
    via_pcapng_put_message(block, size, &copy, &slice, 1);
    if (via_pcapng_read_own(&scratch, block, size, &again, &bytes, &error) != VIA_OK)
        abort();
    if (again.captured != copy.captured || again.size != copy.size || again.time_ns != copy.time_ns ||
        again.direction != copy.direction || again.dropped != copy.dropped)
        abort();
    if (!is_same_text(again.meta.key, copy.meta.key) ||
        !is_same_text(again.meta.content_type, copy.meta.content_type) || again.meta.priority != copy.meta.priority ||
        again.meta.sequence != copy.meta.sequence)
        abort();
    if (copy.captured > 0 && memcmp(bytes, data, copy.captured) != 0)
        abort();
}

static void read_all(via_pcapng_reader *reader, size_t size)
{
    via_pcapng_message message;
    const uint8_t *data;
    via_error error;
    via_status status;
    via_error_init(&error);
    while ((status = via_pcapng_next(reader, &message, &data, &error)) == VIA_OK) {
        if (data < reader->block || message.captured > size)
            abort();
        check_text(message.meta.key);
        check_text(message.meta.content_type);
        check_again(&message, data);
    }
    if (status != VIA_ECLOSED && strstr(error.what, ": offset ") == NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static via_pcapng_reader reader;
    char path[64];
    via_error error;
    const int file = memfd_create("recording", MFD_CLOEXEC);
    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
    via_error_init(&error);
    if (via_pcapng_open(&reader, path, &error) == VIA_OK) {
        read_all(&reader, size);
        via_pcapng_close(&reader);
    } else if (strstr(error.what, ": offset 0: ") == NULL) {
        abort();
    }
    (void)close(file);
    return 0;
}
