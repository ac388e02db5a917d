/* SPDX-License-Identifier: Apache-2.0 */
/* Tracing; see stepper.h. */
#include "stepper.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BREAKPOINT = 0xcc };

/* ---- the process's words ------------------------------------------------------------------------------------ */

static uint64_t next_instruction(const via_stepper *stepper)
{
    struct user_regs_struct registers;

    assert_int_equal(ptrace(PTRACE_GETREGS, stepper->pid, NULL, &registers), 0);
    return registers.rip;
}

static void go_back_to(const via_stepper *stepper, uint64_t address)
{
    struct user_regs_struct registers;

    assert_int_equal(ptrace(PTRACE_GETREGS, stepper->pid, NULL, &registers), 0);
    registers.rip = address;
    assert_int_equal(ptrace(PTRACE_SETREGS, stepper->pid, NULL, &registers), 0);
}

static uint8_t byte_at(const via_stepper *stepper, uint64_t address)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, stepper->pid, (void *)(uintptr_t)address, NULL);
    assert_int_equal(errno, 0);
    return (uint8_t)word;
}

static void put_byte(const via_stepper *stepper, uint64_t address, uint8_t byte)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, stepper->pid, (void *)(uintptr_t)address, NULL);
    assert_int_equal(errno, 0);
    word = (word & ~0xffL) | byte;
    assert_int_equal(ptrace(PTRACE_POKETEXT, stepper->pid, (void *)(uintptr_t)address, (void *)(intptr_t)word), 0);
}

/* ---- running ------------------------------------------------------------------------------------------------ */

/* Goes on with `request` until the process stops again, which it must do by a trap. */
static void go(const via_stepper *stepper, int request)
{
    int status;

    assert_int_equal(ptrace((enum __ptrace_request)request, stepper->pid, NULL, NULL), 0);
    assert_int_equal(waitpid(stepper->pid, &status, 0), stepper->pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("the process has not stopped by a trap: wait status %#x", (unsigned)status);
}

/* Has it just come past a mark? A step over one looks the same as any step. */
static bool is_past_mark(const via_stepper *stepper)
{
    return byte_at(stepper, next_instruction(stepper) - 1) == BREAKPOINT;
}

void via_stepper_start(via_stepper *stepper, void (*work)(void *), void *argument)
{
    stepper->pid = fork();
    assert_true(stepper->pid >= 0);
    if (stepper->pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
            work(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(stepper->pid, &status, 0), stepper->pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("the process has not come to its first mark: wait status %#x", (unsigned)status);
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, stepper->pid, NULL, (void *)PTRACE_O_EXITKILL), 0);
}

void via_stepper_to_mark(const via_stepper *stepper)
{
    go(stepper, PTRACE_CONT);
    assert_true(is_past_mark(stepper));
}

void via_stepper_kill(const via_stepper *stepper)
{
    int status;

    assert_int_equal(kill(stepper->pid, SIGKILL), 0);
    do
        assert_int_equal(waitpid(stepper->pid, &status, 0), stepper->pid);
    while (WIFSTOPPED(status));
}

/* ---- writing down ------------------------------------------------------------------------------------------- */

typedef struct trace {
    via_step *list;
    size_t count;
    size_t capacity;
} trace;

static void note(trace *all, uint64_t address)
{
    if (all->count == all->capacity) {
        all->capacity = all->capacity ? 2 * all->capacity : 4096;
        all->list = realloc(all->list, all->capacity * sizeof(*all->list));
        assert_non_null(all->list);
    }
    all->list[all->count] = (via_step){address, 0, (uint32_t)all->count};
    all->count++;
}

static int by_address(const void *left, const void *right)
{
    const via_step *a = left, *b = right;

    if (a->address != b->address)
        return a->address < b->address ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static int by_time(const void *left, const void *right)
{
    const via_step *a = left, *b = right;

    return a->at < b->at ? -1 : 1;
}

/* Keeps the first and the last few of equal addresses, and numbers them. */
static void thin_out(trace *all, size_t rounds)
{
    size_t kept = 0;

    qsort(all->list, all->count, sizeof(*all->list), by_address);
    for (size_t first = 0, next; first < all->count; first = next) {
        for (next = first; next < all->count && all->list[next].address == all->list[first].address;)
            next++;
        size_t times = next - first;
        for (size_t i = 1; i <= times; i++)
            if (i <= rounds || i + rounds > times) {
                via_step step = all->list[first + i - 1];
                step.occurrence = (uint32_t)i;
                all->list[kept++] = step;
            }
    }
    all->count = kept;
    qsort(all->list, all->count, sizeof(*all->list), by_time);
}

void via_stepper_record(const via_stepper *stepper, size_t rounds, via_steps *steps)
{
    trace all = {0};

    for (;;) {
        uint64_t address = next_instruction(stepper);
        if (byte_at(stepper, address) == BREAKPOINT)
            break;
        note(&all, address);
        go(stepper, PTRACE_SINGLESTEP);
    }
    steps->executed = all.count;
    thin_out(&all, rounds);
    steps->list = all.list;
    steps->count = all.count;
}

/* ---- going to one of them ----------------------------------------------------------------------------------- */

/* The trap is one byte behind its instruction. Every breakpoint that is not the wanted one is a mark. */
bool via_stepper_to(const via_stepper *stepper, const via_step *step)
{
    uint8_t original = byte_at(stepper, step->address);
    uint32_t times = next_instruction(stepper) == step->address;

    while (times < step->occurrence) {
        if (next_instruction(stepper) == step->address)
            go(stepper, PTRACE_SINGLESTEP);
        put_byte(stepper, step->address, BREAKPOINT);
        go(stepper, PTRACE_CONT);
        put_byte(stepper, step->address, original);
        if (next_instruction(stepper) - 1 != step->address)
            return false;
        go_back_to(stepper, step->address);
        times++;
    }
    return true;
}
