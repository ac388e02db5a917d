/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many publishers' messages in one order.
 *
 * Owns: which publisher's message comes next. A message has the time of its publication for a ticket; whoever publishes after it
 * has seen another's message takes a higher one, and the lowest comes first. Must never wait, nor move a message.
 */
#ifndef SHM_TOPIC_MERGE_H
#define SHM_TOPIC_MERGE_H

#include "topic_subscriber.h"

/* The link whose message comes next, or NULL. Takes in publishers that have come since. */
topic_link *topic_merge_choose(topic_subscriber_end *end);
/* Its message is about to be passed. */
void topic_merge_took(topic_subscriber_end *end, topic_link *link);

#endif
