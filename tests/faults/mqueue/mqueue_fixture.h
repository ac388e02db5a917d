/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of message queues share: opening, children, and what is left in the folder and in the kernel.
 *
 * Owns: the host of the process. A child opens one of its own.
 */
#ifndef VIADUCT_FAULTS_MQUEUE_FIXTURE_H
#define VIADUCT_FAULTS_MQUEUE_FIXTURE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <setjmp.h>

#include <cmocka.h>
#include <stdbool.h>
#include <sys/types.h>
#include <viaduct/viaduct.h>

enum { PATIENCE_MS = 20000 };

/* Joins `address` as `role`; "bind" decides the side. Fails the test, or ends the child, if it cannot. */
via_channel *mq_join(const char *address, uint32_t role, uint32_t side);
via_status mq_try_join(const char *address, uint32_t role, uint32_t side, via_deadline deadline, via_channel **channel,
                       via_error *error);
void mq_send_text(via_channel *channel, const char *text, int32_t priority);
void mq_expect_text(via_channel *channel, const char *text, int32_t priority);
/* Nothing comes any more. */
void mq_expect_nothing(via_channel *channel);

/* The kernel's name of `mq:NAME`, as plugins/mqueue/README.md has it. */
void mq_kernel_name(const char *name, char *out, size_t capacity);
/* Does the kernel have a queue of that name? */
bool mq_kernel_has(const char *kernel_name);
/* Files in the runtime folder whose name ends in `suffix`. */
unsigned mq_files(const char *suffix);
/* The path of a file in the runtime folder. */
void mq_path(const char *file, char *out, size_t capacity);

/* Runs `run` in a child that ends with what it returns; in there, nothing of cmocka. */
pid_t mq_fork(int (*run)(void *argument), void *argument);
void mq_kill(pid_t child);
/* Waits for it; it must end with 0. */
void mq_reap(pid_t child);

#endif
