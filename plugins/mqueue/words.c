/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends say to each other over their socket; see words.h.
 */
#include "words.h"

#include "kit/packet.h"

#include <string.h>

enum { VERSION = 1 };

static const char magic[4] = {'V', 'M', 'Q', 'W'};

via_status mqueue_word_send(int socket, mqueue_word word, const int *descriptors, size_t count)
{
    memcpy(word.magic, magic, sizeof(magic));
    word.version = VERSION;
    return via_packet_send(socket, &word, sizeof(word), descriptors, count);
}

via_status mqueue_word_receive(int socket, mqueue_word *word, int descriptors[MQUEUE_WORD_DESCRIPTORS])
{
    via_status status = via_packet_receive(socket, word, sizeof(*word), descriptors, MQUEUE_WORD_DESCRIPTORS);

    if (status != VIA_OK || (memcmp(word->magic, magic, sizeof(magic)) == 0 && word->version == VERSION))
        return status;
    via_packet_close(descriptors, MQUEUE_WORD_DESCRIPTORS);
    return VIA_EPROTO;
}
