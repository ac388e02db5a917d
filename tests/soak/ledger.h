/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was promised and what arrived, in memory that outlives every process of the soak.
 *
 * Owns: one record for each run (see letter.h) and the judgement over it. Shared by all processes of one lane; whoever
 * is killed leaves its last word here.
 */
#ifndef VIADUCT_SOAK_LEDGER_H
#define VIADUCT_SOAK_LEDGER_H

#include "letter.h"

#include <stdatomic.h>

enum { VIA_LEDGER_RUNS = 1 << 18 };

/* What is known of one run. Numbers are counts of letters. */
typedef struct via_run {
    atomic_uint_fast64_t drained;  /* via_drain() said that so many no longer depend on the sender */
    atomic_uint_fast64_t received; /* arrived in order */
    atomic_bool excused;           /* its receiver was killed or left: what was under way may be lost */
    atomic_bool settled;           /* its end has been seen and judged */
} via_run;

typedef struct via_ledger {
    atomic_uint_fast64_t runs; /* begun so far */
    atomic_uint_fast64_t letters;
    atomic_uint_fast64_t bytes;
    atomic_uint_fast64_t kills;
    atomic_bool stop;   /* senders: end the run you are in and leave */
    atomic_bool finish; /* receivers: all senders have gone; leave when everything is here */
    atomic_bool wrong;
    bool joins_late;   /* a subscriber may miss the beginning of a run, or all of it */
    bool skips;        /* only the newest counts: those before it may never be seen, and it may be seen again */
    bool loses;        /* senders leave one number out, to see that it is noticed */
    char verdict[256]; /* the first thing that went wrong */
    via_run run[VIA_LEDGER_RUNS];
} via_ledger;

via_ledger *via_ledger_create(void);
void via_ledger_destroy(via_ledger *ledger);

/* The first fault stays. Any process. */
void via_ledger_fault(via_ledger *ledger, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Begins a run; returns its number. */
uint64_t via_ledger_begin(via_ledger *ledger);
/* All runs that have begun and are not settled may lose what was under way: their receiver is gone. */
void via_ledger_excuse(via_ledger *ledger);
/*
 * Judges one message and counts it: torn, duplicated, reordered, or a gap where none is allowed. Returns the run, or
 * NULL if the message is wrong.
 */
via_run *via_ledger_receive(via_ledger *ledger, const uint8_t *data, size_t size);
/* The end of a run was seen: everything that was drained must have arrived. */
void via_ledger_settle(via_ledger *ledger, via_run *run);
/* Has everything that was drained arrived, in every run? Reports the first that has not as a fault if `final`. */
bool via_ledger_complete(via_ledger *ledger, bool final);

#endif
