/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking part in a topic; see topic.h.
 *
 * Must never move a message.
 */
#include "topic.h"

#include "layout.h"
#include "listener.h"
#include "meeting.h"
#include "topic_publisher.h"
#include "topic_subscriber.h"

static bool is_of_topic(const shm_word *word, int memory, bool publishes, const char **why)
{
    if (word->kind != SHM_HELLO)
        *why = "it does not begin with a hello";
    else if (word->index != VIA_PATTERN_TOPIC)
        *why = "it speaks another pattern; this is a topic";
    else if (((word->flags & TOPIC_PUBLISHES) != 0) != publishes)
        *why = publishes ? "it subscribes, as we do" : "it publishes, as we do";
    else if (memory < 0)
        *why = "its hello comes without memory";
    else
        return true;
    return false;
}

bool topic_is_subscriber(const shm_word *word, int memory, const char **why)
{
    return is_of_topic(word, memory, false, why);
}

bool topic_is_publisher(const shm_word *word, int memory, const char **why)
{
    if (!is_of_topic(word, memory, true, why))
        return false;
    if (word->slots > 0 && word->slots <= SHM_SLOTS_MAX && (word->slots & (word->slots - 1)) == 0 &&
        word->size >= SHM_PAGE && word->size <= (UINT64_C(1) << 31))
        return true;
    *why = "its hello describes no memory that can be";
    return false;
}

via_status topic_join(const via_host_api *host, shm_porter *porter, const via_open *open, void **channel,
                      via_error *error)
{
    shm_settings settings;
    char path[108];
    via_status status = shm_meeting_path(host, open, path, error);

    shm_settings_read(host, open, &settings);
    if (status != VIA_OK)
        return status;
    return open->role == VIA_PUBLISH ? topic_publisher_create(&settings, path, porter, open, channel, error)
                                     : topic_subscriber_create(&settings, path, open, channel, error);
}
