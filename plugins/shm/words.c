/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two ends say to each other over their socket; see words.h.
 *
 * Must never wait, nor keep a descriptor that did not belong there.
 */
#include "words.h"

#include "kit/packet.h"

#include <string.h>

_Static_assert((int)SHM_WORD_DESCRIPTORS <= (int)VIA_PACKET_DESCRIPTORS, "a packet carries what a word needs");

static const char magic[4] = {'V', 'S', 'H', 'M'};

void shm_word_close(int descriptors[SHM_WORD_DESCRIPTORS])
{
    via_packet_close(descriptors, SHM_WORD_DESCRIPTORS);
}

via_status shm_word_send(int socket, shm_word *word, const int *descriptors, size_t count)
{
    memcpy(word->magic, magic, sizeof(magic));
    word->version = SHM_VERSION;
    return via_packet_send(socket, word, sizeof(*word), descriptors, count);
}

static bool is_sound(const shm_word *word)
{
    return memcmp(word->magic, magic, sizeof(magic)) == 0 && word->version == SHM_VERSION &&
           memchr(word->text, '\0', sizeof(word->text)) != NULL;
}

via_status shm_word_receive(int socket, shm_word *word, int descriptors[SHM_WORD_DESCRIPTORS])
{
    via_status status = via_packet_receive(socket, word, sizeof(*word), descriptors, SHM_WORD_DESCRIPTORS);

    if (status != VIA_OK || is_sound(word))
        return status;
    shm_word_close(descriptors);
    return VIA_EPROTO;
}
