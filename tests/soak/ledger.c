/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was promised and what arrived. Owns: the judgement. Must never touch a channel.
 */
#include "ledger.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

via_ledger *via_ledger_create(void)
{
    void *memory = mmap(NULL, sizeof(via_ledger), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) {
        perror("soak: mmap");
        exit(1);
    }
    return memory;
}

void via_ledger_destroy(via_ledger *ledger)
{
    (void)munmap(ledger, sizeof *ledger);
}

void via_ledger_fault(via_ledger *ledger, const char *format, ...)
{
    va_list arguments;

    if (atomic_exchange(&ledger->wrong, true))
        return;
    va_start(arguments, format);
    (void)vsnprintf(ledger->verdict, sizeof ledger->verdict, format, arguments);
    va_end(arguments);
}

uint64_t via_ledger_begin(via_ledger *ledger)
{
    uint64_t run = atomic_fetch_add(&ledger->runs, 1);

    if (run >= VIA_LEDGER_RUNS) {
        via_ledger_fault(ledger, "more than %d runs: the ledger is full", VIA_LEDGER_RUNS);
        exit(1);
    }
    return run;
}

void via_ledger_excuse(via_ledger *ledger)
{
    uint64_t count = atomic_load(&ledger->runs);

    for (uint64_t i = 0; i < count; i++)
        if (!atomic_load(&ledger->run[i].settled))
            atomic_store(&ledger->run[i].excused, true);
}

/* May what comes next be another one than the next? */
static bool may_miss(const via_ledger *ledger, via_run *run)
{
    return ledger->skips || atomic_load(&run->excused) || (ledger->joins_late && atomic_load(&run->received) == 0);
}

via_run *via_ledger_receive(via_ledger *ledger, const uint8_t *data, size_t size)
{
    via_letter letter = {0};
    via_run *run;
    uint64_t expected;

    if (!via_letter_check(data, size, &letter) || letter.run >= atomic_load(&ledger->runs)) {
        via_ledger_fault(ledger, "torn: a message of %zu bytes is no letter (run %llu, number %llu)", size,
                         (unsigned long long)letter.run, (unsigned long long)letter.number);
        return NULL;
    }
    run = &ledger->run[letter.run];
    expected = atomic_load(&run->received);
    if (letter.number + ledger->skips < expected) {
        via_ledger_fault(ledger, "duplicated or reordered: run %llu, number %llu after %llu",
                         (unsigned long long)letter.run, (unsigned long long)letter.number,
                         (unsigned long long)expected - 1);
        return NULL;
    }
    if (letter.number > expected && !may_miss(ledger, run)) {
        via_ledger_fault(ledger, "lost: run %llu, number %llu came where %llu was due", (unsigned long long)letter.run,
                         (unsigned long long)letter.number, (unsigned long long)expected);
        return NULL;
    }
    atomic_store(&run->received, letter.number + 1);
    atomic_fetch_add(&ledger->letters, 1);
    atomic_fetch_add(&ledger->bytes, size);
    return run;
}

static bool is_short(const via_ledger *ledger, via_run *run)
{
    uint64_t received = atomic_load(&run->received);

    if (atomic_load(&run->excused) || (ledger->joins_late && received == 0))
        return false;
    if (ledger->skips && run != &ledger->run[atomic_load(&ledger->runs) - 1])
        return false; /* a later run has replaced it */
    return received < atomic_load(&run->drained);
}

static void fault_of_short(via_ledger *ledger, via_run *run)
{
    via_ledger_fault(ledger, "lost: run %lld drained %llu and only %llu arrived", (long long)(run - ledger->run),
                     (unsigned long long)atomic_load(&run->drained), (unsigned long long)atomic_load(&run->received));
}

void via_ledger_settle(via_ledger *ledger, via_run *run)
{
    if (is_short(ledger, run))
        fault_of_short(ledger, run);
    atomic_store(&run->settled, true);
}

bool via_ledger_complete(via_ledger *ledger, bool final)
{
    uint64_t count = atomic_load(&ledger->runs);

    for (uint64_t i = 0; i < count; i++) {
        if (!is_short(ledger, &ledger->run[i]))
            continue;
        if (final)
            fault_of_short(ledger, &ledger->run[i]);
        return false;
    }
    return true;
}
