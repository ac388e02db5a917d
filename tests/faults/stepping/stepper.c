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
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BREAKPOINT = 0xcc };

/* ---- the process's words ------------------------------------------------------------------------------------ */

/* A thread that nobody traces may have come to a breakpoint of ours: that ends the whole process, even between two words. */
static bool is_done(via_stepper *stepper, long result)
{
    if (result < 0 && errno == ESRCH)
        stepper->is_gone = true;
    else if (result < 0)
        fail_msg("ptrace: errno %d", errno);
    return !stepper->is_gone;
}

static uint64_t next_instruction(via_stepper *stepper)
{
    struct user_regs_struct registers = {0};

    return is_done(stepper, ptrace(PTRACE_GETREGS, stepper->pid, NULL, &registers)) ? registers.rip : 0;
}

static void go_back_to(via_stepper *stepper, uint64_t address)
{
    struct user_regs_struct registers;

    if (!is_done(stepper, ptrace(PTRACE_GETREGS, stepper->pid, NULL, &registers)))
        return;
    registers.rip = address;
    (void)is_done(stepper, ptrace(PTRACE_SETREGS, stepper->pid, NULL, &registers));
}

static long word_at(via_stepper *stepper, uint64_t address)
{
    errno = 0;
    long word = ptrace(PTRACE_PEEKTEXT, stepper->pid, (void *)(uintptr_t)address, NULL);
    return is_done(stepper, errno ? -1 : 0) ? word : 0;
}

static uint8_t byte_at(via_stepper *stepper, uint64_t address)
{
    return (uint8_t)word_at(stepper, address);
}

static void put_byte(via_stepper *stepper, uint64_t address, uint8_t byte)
{
    long word = (word_at(stepper, address) & ~0xffL) | byte;

    if (!stepper->is_gone)
        (void)is_done(stepper,
                      ptrace(PTRACE_POKETEXT, stepper->pid, (void *)(uintptr_t)address, (void *)(intptr_t)word));
}

/* ---- running ------------------------------------------------------------------------------------------------ */

/* Goes on with `request` until the process stops again, which it must do by a trap; or another thread of it dies by one. */
static void go(via_stepper *stepper, int request)
{
    int status;

    if (stepper->is_gone || !is_done(stepper, ptrace((enum __ptrace_request)request, stepper->pid, NULL, NULL)))
        return;
    assert_int_equal(waitpid(stepper->pid, &status, 0), stepper->pid);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGTRAP)
        *stepper = (via_stepper){.pid = 0, .is_gone = true};
    else if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("the process has not stopped by a trap: wait status %#x", (unsigned)status);
}

/* Has it just come past a mark? A step over one looks the same as any step. */
static bool is_past_mark(via_stepper *stepper)
{
    return byte_at(stepper, next_instruction(stepper) - 1) == BREAKPOINT;
}

void via_stepper_start(via_stepper *stepper, void (*work)(void *), void *argument)
{
    *stepper = (via_stepper){.pid = fork()};
    assert_true(stepper->pid >= 0);
    if (stepper->pid == 0) {
        const struct rlimit no_core = {0, 0};
        if (setrlimit(RLIMIT_CORE, &no_core) == 0 && ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
            work(argument);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(stepper->pid, &status, 0), stepper->pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("the process has not come to its first mark: wait status %#x", (unsigned)status);
    assert_int_equal(ptrace(PTRACE_SETOPTIONS, stepper->pid, NULL, (void *)PTRACE_O_EXITKILL), 0);
}

void via_stepper_to_mark(via_stepper *stepper)
{
    go(stepper, PTRACE_CONT);
    assert_false(stepper->is_gone);
    assert_true(is_past_mark(stepper));
}

void via_stepper_kill(via_stepper *stepper)
{
    int status;

    if (stepper->pid == 0)
        return;
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

    if (all->count == 0)
        return;
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

void via_stepper_record(via_stepper *stepper, size_t rounds, via_steps *steps)
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
bool via_stepper_to(via_stepper *stepper, const via_step *step)
{
    uint8_t original = byte_at(stepper, step->address);
    uint32_t times = next_instruction(stepper) == step->address;

    while (times < step->occurrence) {
        if (next_instruction(stepper) == step->address)
            go(stepper, PTRACE_SINGLESTEP);
        if (!stepper->is_gone)
            put_byte(stepper, step->address, BREAKPOINT);
        go(stepper, PTRACE_CONT);
        if (!stepper->is_gone)
            put_byte(stepper, step->address, original);
        uint64_t next = stepper->is_gone ? 0 : next_instruction(stepper);
        if (stepper->is_gone)
            return true;
        if (next - 1 != step->address)
            return false;
        go_back_to(stepper, step->address);
        times++;
    }
    return true;
}
