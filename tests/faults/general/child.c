/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receiver in a process of its own. Owns: the child's life.
 */
#include "child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NUMBER_SIZE = 4096 }; /* of a message: a few hundred of them fill any buffer */

/* False at the end. */
static bool count_message(const via_msg *message, via_tally *tally)
{
    uint64_t number = 0;

    if (message->size == 3)
        return false;
    if (message->size == NUMBER_SIZE)
        memcpy(&number, message->data, sizeof number);
    if (message->size != NUMBER_SIZE || number != atomic_load(&tally->received))
        atomic_store(&tally->out_of_order, true);
    atomic_fetch_add(&tally->received, 1);
    return true;
}

static int receive_all(const via_way *way, via_ends *ends, via_tally *tally, int news)
{
    bool goes_on = true;
    via_error error;

    if (via_way_open_receiver(way, ends, &error) != VIA_OK) {
        fprintf(stderr, "child: %s\n", error.what);
        return 2;
    }
    while (goes_on) {
        via_msg message;
        via_status status = via_recv(ends->receiver, via_after_ms(VIA_WAY_PATIENCE_MS), &message);
        if (status != VIA_OK) {
            fprintf(stderr, "child: %s\n", via_status_text(status));
            return 3;
        }
        goes_on = count_message(&message, tally);
        via_release(ends->receiver, &message);
        if (atomic_load(&tally->received) == 1 && write(news, "!", 1) != 1)
            return 4;
    }
    via_way_close(ends);
    return 0;
}

static void start_process(const via_way *way, via_ends *ends, via_child *child)
{
    pid_t parent = getpid();
    int ends_of_pipe[2];

    assert_int_equal(pipe(ends_of_pipe), 0);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        via_ends mine = {0};
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(1);
        memcpy(mine.address, ends->address, sizeof mine.address);
        _exit(receive_all(way, &mine, child->tally, ends_of_pipe[1]));
    }
    (void)close(ends_of_pipe[1]);
    child->news = ends_of_pipe[0];
}

void via_child_start(const via_way *way, via_ends *ends, via_child *child)
{
    via_error error;
    char byte;

    *ends = (via_ends){0};
    via_way_address(way, ends->address, sizeof ends->address);
    child->tally = mmap(NULL, sizeof *child->tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(child->tally, MAP_FAILED);
    if (way->sender_binds)
        assert_int_equal(via_way_open_sender(way, ends, &error), VIA_OK);
    start_process(way, ends, child);
    if (!way->sender_binds)
        assert_int_equal(via_way_open_sender(way, ends, &error), VIA_OK);
    else { /* a publisher sends to those who are there: wait for the child */
        via_counters counters = {.size = sizeof counters};
        do {
            assert_int_not_equal(via_arm(ends->sender, VIA_WORK), VIA_EIO);
            assert_int_equal(via_stats(ends->sender, &counters), VIA_OK);
        } while (counters.peers == 0 && waitpid(child->pid, NULL, WNOHANG) == 0);
    }
    assert_int_equal(via_child_send(ends, 0, via_after_ms(VIA_WAY_PATIENCE_MS)), VIA_OK);
    assert_int_equal(read(child->news, &byte, 1), 1);
}

via_status via_child_send(via_ends *ends, uint64_t number, via_deadline deadline)
{
    char body[NUMBER_SIZE] = {0};

    memcpy(body, &number, sizeof number);
    return via_send(ends->sender, body, sizeof body, NULL, deadline);
}

static void forget(via_child *child)
{
    (void)close(child->news);
    (void)munmap(child->tally, sizeof *child->tally);
}

void via_child_finish(via_ends *ends, via_child *child, uint64_t count)
{
    assert_int_equal(via_send(ends->sender, "end", 3, NULL, via_after_ms(VIA_WAY_PATIENCE_MS)), VIA_OK);
    assert_int_equal(via_flush(ends->sender, via_after_ms(VIA_WAY_PATIENCE_MS)), VIA_OK);
    via_way_reap(child->pid);
    assert_false(atomic_load(&child->tally->out_of_order));
    assert_int_equal(atomic_load(&child->tally->received), count);
    forget(child);
}

void via_child_kill(via_child *child)
{
    int status = 0;

    assert_int_equal(kill(child->pid, SIGKILL), 0);
    while (waitpid(child->pid, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    assert_true(WIFSIGNALED(status));
    forget(child);
}
