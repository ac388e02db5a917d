/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A way to carry messages between two processes: the one thing that every contestant of the bench has to be.
 *
 * Owns: the contract between a way and the clockwork. One file a peer, `way_<peer>.c` or `.cpp`; a way measures nothing
 * and prints nothing.
 *
 * The work is the same for all: the sender has the message in a buffer of its own and hands it over; the receiver has it
 * in memory as a whole, looks at its first and last byte, and gives it back.
 */
#ifndef BENCH_PEERS_WAY_H
#define BENCH_PEERS_WAY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How a receiver waits. The numbers are those of `via bench --wake`. */
enum { WAKE_BLOCK = 0, WAKE_SPIN = 1, WAKE_HYBRID = 2, WAKE_COUNT = 3 };
enum { BLOCK = 1 << WAKE_BLOCK, SPIN = 1 << WAKE_SPIN, HYBRID = 1 << WAKE_HYBRID };

/* Where two ends meet. */
struct place {
    const char *folder;  /* private, empty at first */
    const char *name;    /* letters, digits and '-': unique to this run on this machine */
    const char *address; /* of a way that takes one */
    unsigned wake;
    size_t size;  /* bytes in the largest message; never below 2 */
    void *shared; /* what prepare() made */
};

/* A call that fails ends its process through way_failed(): there is nothing to measure then. */
struct way {
    const char *name;
    unsigned wakes;      /* BLOCK | SPIN | HYBRID: the waits it has */
    bool is_limit;       /* carries nothing: latency alone, at the smallest size */
    size_t most;         /* bytes in a message; 0 = any number */
    const char *missing; /* not NULL: it is not in this program, and why */

    bool (*start)(char *why, size_t capacity);   /* once, before its first run: a daemon. NULL = nothing to start */
    void (*stop)(void);                          /* once, after its last */
    void *(*prepare)(const struct place *place); /* before the two processes part: what both inherit */
    void (*clean)(const struct place *place);    /* after each run, however it ended: names that outlive processes */

    /* The server's end is open before the client opens; a server may wait for its client in its first receive(). */
    void *(*open)(const struct place *place, bool is_server);
    void (*send)(void *self, const void *data, size_t size, bool more); /* more: another send follows at once */
    size_t (*receive)(void *self);                                      /* one message: way_look(), its size */
    void (*close)(void *self);
};

/* Tells why and ends the process. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void way_failed(const char *what, const char *why);

/* Keeps a compiler from dropping the look at a message. */
void way_look(const void *data, size_t size);

/* Zeroed memory that both processes inherit and share, until they end. */
void *way_share(size_t size);

/* Tries before a hybrid wait sleeps: some tens of microseconds of spinning. */
enum { WAY_HYBRID_TRIES = 2000 };

/* Spares the other thread of the processor, and the pipeline, while spinning. */
static inline void way_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#ifdef __cplusplus
}
#endif

#endif
