/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fault tests of pipe: share: names, both ends, children, and a look at the runtime folder.
 */
#ifndef PIPE_FIXTURE_H
#define PIPE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>
#include <viaduct/viaduct.h>

enum { ADDRESS_SIZE = 128 };

/* A deadline that only a hanging test reaches. */
via_deadline soon_enough(void);
/* "pipe:NAME" that nobody has used. */
void new_address(char address[ADDRESS_SIZE]);
/* Where the listener's FIFO of such an address is. */
void fifo_path(const char *address, char *path, size_t capacity);
/* How many files are in the runtime folder. */
unsigned count_files(void);

via_listener *listen_at(const char *address);
via_channel *accept_from(via_listener *listener);
via_channel *dial_to(const char *address);

void send_number(via_channel *channel, uint64_t number, size_t size);
/* Receives that message. */
void expect_number(via_channel *channel, uint64_t number, size_t size);
/* Receives: the channel has ended in this way. */
void expect_end(via_channel *channel, via_status status);

/* A child that runs `work` and exits; it talks to us through `news`, a byte at a time. */
typedef struct child {
    pid_t pid;
    int news;
} child;
child start_child(void (*work)(const char *address, int news), const char *address);
/* In the child: tells the parent. */
void tell(int news);
/* Waits for that. */
void await_news(const child *of);
/* SIGKILL, and waits until it is gone. */
void kill_child(child *of);
/* Waits for its end. */
void join_child(child *of);

#endif
