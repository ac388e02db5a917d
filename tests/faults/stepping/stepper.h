/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that is run instruction by instruction, and killed at a chosen one.
 *
 * Owns: tracing (ptrace(2), x86-64). A first run writes down which instructions lie between two marks; every later run, a
 * fresh process each, goes to one of them at full speed and dies there. Forked from the same parent, all runs have the same
 * addresses. Only the first thread is traced: another one that comes to the chosen instruction dies of it, and the process with it,
 * wherever the first is then. Knows nothing of what the process does.
 */
#ifndef VIADUCT_FAULTS_STEPPER_H
#define VIADUCT_FAULTS_STEPPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Called by the process itself: where the parent wants to stop it. */
#define VIA_STEPPER_MARK() __asm__ volatile("int3")

typedef struct via_stepper {
    pid_t pid;
    bool is_gone; /* by its own trap, before it came to where it was sent */
} via_stepper;

/* Where to die: just before the instruction at `address` is done for the `occurrence`th time after the mark, from 1 on. */
typedef struct via_step {
    uint64_t address;
    uint32_t occurrence;
    uint32_t at; /* how many instructions come before it */
} via_step;

typedef struct via_steps {
    via_step *list;
    size_t count;
    size_t executed; /* instructions in all */
} via_steps;

/* Forks a process that does `work` and exits with 0. It runs until its first mark. */
void via_stepper_start(via_stepper *stepper, void (*work)(void *), void *argument);
/* Runs until the next mark. */
void via_stepper_to_mark(via_stepper *stepper);
/*
 * Runs to the next mark and lists every instruction on the way, in their order; of those that are done again and again, the
 * first and the last `rounds` times. Free steps->list afterwards.
 */
void via_stepper_record(via_stepper *stepper, size_t rounds, via_steps *steps);
/* Runs to that instruction, or dies on the way. False: it came to the next mark first, this time. */
bool via_stepper_to(via_stepper *stepper, const via_step *step);
/* SIGKILL, and waits until nothing of it is left. */
void via_stepper_kill(via_stepper *stepper);

#endif
