/* SPDX-License-Identifier: Apache-2.0 */
/* The contestants that only this comparison has. */
#ifndef BENCH_MQUEUE_CONTEST_H
#define BENCH_MQUEUE_CONTEST_H

#include "ways.h"

extern const struct way way_mq;       /* hand-written: mq_send and a mq_receive that blocks */
extern const struct way way_mq_poll;  /* hand-written: non-blocking queues, poll where they are empty or full */
extern const struct way way_mq_queue; /* ours, two queues of the pattern queue */

#endif
