/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of one opening, read once; see settings.h.
 */
#include "settings.h"

#include "kit/spin.h"
#include "kit/text.h"

#include <string.h>

enum { BARE_SIZE = 8192 }; /* what mq_open(3) makes by default */

static int64_t number_of(const via_open *open, const char *name)
{
    return via_option_find(open, name)->number;
}

static bool is_word(const via_open *open, const char *name, const char *word)
{
    const char *text = via_option_find(open, name)->text;

    return text && strcmp(text, word) == 0;
}

void mqueue_settings_read(const via_host_api *host, const via_open *open, mqueue_settings *settings)
{
    int64_t handshake_ns = number_of(open, "handshake_timeout");

    bool has_size = via_option_find(open, "message_size")->is_set != 0;
    bool is_bare = is_word(open, "framing", "none");

    *settings = (mqueue_settings){
        .host = host,
        .context = open->context,
        .counters = open->counters,
        .max_message = open->max_message,
        .role = open->role,
        .side = open->side,
        .is_bare = is_bare,
        .messages = (uint64_t)number_of(open, "messages"),
        .has_messages = via_option_find(open, "messages")->is_set != 0,
        .message_size = is_bare && !has_size ? BARE_SIZE : (uint64_t)number_of(open, "message_size"),
        .has_message_size = has_size,
        .mode = (uint32_t)number_of(open, "mode"),
        .any_user = is_word(open, "users", "any"),
        .spin_ns = via_spin_most_of(via_option_find(open, "wake")->text),
        .reconnect_ns = (uint64_t)number_of(open, "reconnect"),
        .peers = (uint32_t)number_of(open, "peers"),
        .backlog = (int)number_of(open, "backlog"),
        .handshake_ns = handshake_ns < 0 ? UINT64_MAX : (uint64_t)handshake_ns,
        .handshake_limit = (uint32_t)number_of(open, "handshake_limit"),
    };
}
