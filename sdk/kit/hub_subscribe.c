/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a subscriber wants.
 *
 * Owns: the filter (beginnings of messages, as SP's subscriptions) and the splitting of key and body.
 */
#include "kit/hub_internal.h"

#include <string.h>

enum { KEY_MAX = 255 };

static bool is_wanted(const char *filter, const via_msg *message)
{
    while (*filter) {
        size_t size = strcspn(filter, ",");
        if (size <= message->size && memcmp(message->data, filter, size) == 0)
            return true;
        filter += size;
        if (*filter == ',')
            filter++;
    }
    return false;
}

/* The first byte of the delimiter becomes the NUL that ends the key, so nothing is copied. */
static void split_key(const via_hub *hub, via_msg *message)
{
    char *key = message->data;
    char *end = memmem(key, message->size, hub->key_delimiter, hub->delimiter_size);

    if (!end || end - key > KEY_MAX || memchr(key, '\0', (size_t)(end - key)))
        return;
    *end = '\0';
    message->meta.key = key;
    message->data = end + hub->delimiter_size;
    message->size -= (size_t)(end - key) + hub->delimiter_size;
}

bool via_hub_subscribe_accepts(const via_hub *hub, via_msg *message)
{
    if (hub->filter[0] && !is_wanted(hub->filter, message))
        return false;
    if (hub->delimiter_size > 0 && message->size > 0)
        split_key(hub, message);
    return true;
}
