/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the two stand-ins, engine.c and broker.c, say to each other over a Unix-domain socket of the type SOCK_SEQPACKET: the
 * kernel keeps packets whole, so there is nothing to frame. A letter, then what belongs to it.
 */
#ifndef WIRE_H
#define WIRE_H

#include "engine.h"

enum {
    WIRE_SUBSCRIBE = 'S', /* client: the topic, with its NUL; answered by WIRE_DONE */
    WIRE_PUBLISH = 'P',   /* client: the topic, with its NUL, and the message */
    WIRE_DONE = 'D',      /* broker: all that is published from here on comes */
    WIRE_MESSAGE = 'M'    /* broker: the message */
};

enum { WIRE_PACKET_MOST = 1 + ENGINE_TOPIC_MOST + 1 + ENGINE_MESSAGE_MOST };

#endif
