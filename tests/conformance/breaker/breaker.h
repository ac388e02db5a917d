/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport over AF_UNIX SOCK_SEQPACKET that keeps every rule, or breaks exactly the one that `break=` names.
 *
 * Owns: its own small implementation of all patterns, so that the suite is proved against something that shares no data
 * path with the real plugins. One record of the socket is one message (unix(7)). Fast it is not: everything is
 * copied, under one lock, which nobody holds while asleep.
 */
#ifndef VIADUCT_TESTS_BREAKER_H
#define VIADUCT_TESTS_BREAKER_H

#include "kit/lock.h"
#include "kit/wake.h"

#include <pthread.h>

/* In the order of the manifest's values: of the option break, then of chaos. */
enum {
    BREAK_NONE,
    BREAK_GARBLE,         /* now and then a byte is wrong */
    BREAK_TRUNCATE,       /* long messages lose their last byte */
    BREAK_SWAP,           /* two messages change places */
    BREAK_DUPLICATE,      /* now and then a message comes twice */
    BREAK_FIRST_SLICE,    /* only the first slice is sent */
    BREAK_LIMIT_EARLY,    /* a message of exactly max_message is refused */
    BREAK_SPOOL,          /* what is accepted stays here, and flush and drain say it is gone */
    BREAK_CLOSE_FORGETS,  /* the same, until a flush; finish and close throw it away */
    BREAK_DRAIN_BLOCKS,   /* drain has no deadline */
    BREAK_ONE_BUFFER,     /* all received messages lie in the same memory */
    BREAK_PAD,            /* a received message is one byte longer */
    BREAK_LOAN_SIZE,      /* a lowered size is ignored */
    BREAK_LOAN_LARGER,    /* a raised size is taken */
    BREAK_LOAN_DISCARD,   /* a discarded loan is sent */
    BREAK_LOAN_LATE,      /* a committed loan waits for the next flush */
    BREAK_MORE_STAYS,     /* a send without VIA_MORE leaves the others waiting */
    BREAK_FLUSH_NOTHING,  /* flush does nothing */
    BREAK_MORE_BOUNDED,   /* a full gather buffer waits for a flush */
    BREAK_UNBOUNDED,      /* a full channel takes everything */
    BREAK_EARLY,          /* deadlines are halved */
    BREAK_FAIL_LEAVES,    /* a send that fails is sent later all the same */
    BREAK_LOSE_TAIL,      /* what does not fit is accepted and dropped */
    BREAK_LATE_ATTACH,    /* what came before the accept is thrown away */
    BREAK_LATE_MORE,      /* who comes in the middle of a series gets nothing of it */
    BREAK_DEAF_DIALER,    /* what comes before the dialer's first receive is thrown away */
    BREAK_REFUSE,         /* nobody there is VIA_EREFUSED */
    BREAK_NO_REDIAL,      /* a lost connection stays lost */
    BREAK_END_FIRST,      /* the end is told before the last messages */
    BREAK_FINISH_NOTHING, /* finish tells nobody */
    BREAK_FINISH_BOTH,    /* finish ends both directions */
    BREAK_SEND_BLIND,     /* sends to somebody who has left succeed */
    BREAK_SIGPIPE,        /* SIGPIPE is raised */
    BREAK_DEATH_TEARS,    /* a death leaves half a message */
    BREAK_DEATH_POISONS,  /* the death of a member ends everything */
    BREAK_NO_RECLAIM,     /* a dead owner's file is in the way */
    BREAK_STEAL,          /* a live owner's name is taken */
    BREAK_NO_WAIT,        /* a queue without a receiver accepts and drops */
    BREAK_FIRST_ONLY,     /* one receiver or subscriber gets everything */
    BREAK_TWO_WAY,        /* roles mean nothing */
    BREAK_UNCOUNTED,      /* nothing is counted */
    BREAK_COUNT_TWICE,    /* drops are counted that never were */
    BREAK_NO_FILTER,      /* filters are ignored */
    BREAK_WRONG_END,      /* drop-oldest drops the newest, drop-newest the oldest */
    BREAK_SILENT_FAIL,    /* overflow=fail does not say so */
    BREAK_SLOW_BLOCKS,    /* a slow subscriber blocks the others, whatever the policy */
    BREAK_ONE_LOCK,       /* the lock is held while asleep */
    BREAK_DEAF,           /* interrupts are ignored */
    BREAK_INTERRUPT_ONCE, /* an interrupt holds for one call */
    BREAK_EINTR,          /* a signal ends a wait */
    BREAK_FORK_SHUTS,     /* closing in a forked child says goodbye for the parent */
    BREAK_FORK_UNLINKS,   /* closing in a forked child removes the name */
    BREAK_INHERIT,        /* descriptors survive exec */
    BREAK_LEAK,           /* a descriptor is left open */
    BREAK_HANDLE_VARIES,  /* each pollable gives another handle */
    BREAK_MUTE_READ,      /* the handle for reading never shows */
    BREAK_MUTE_WRITE,     /* the handle for writing never shows */
    BREAK_MUTE_LISTENER,  /* a listener's handle never shows */
    BREAK_ARM_READY,      /* arm always says that there is something */
    BREAK_NO_WORK,        /* arm(VIA_WORK) denies that anything is outstanding */
    BREAK_NOW_BLOCKS,     /* VIA_NOW waits */
    BREAK_INFO_LIES,      /* info drops flags */
    BREAK_NO_META,        /* metadata is not carried */
    BREAK_DEFAULTS,       /* an option spelled out is refused */
    BREAK_IMPATIENT,      /* a peer that takes nothing for a while is given up */
    BREAK_UNTIDY,         /* who finds no descriptor leaves those open that it has */
    BREAK_UNCHECKED,      /* nobody asks whether there was memory */
    BREAK_WHOLE_CALLS     /* a stream whose reads and writes are taken for whole */
};

typedef struct via_packet {
    struct via_packet *next;
    size_t size;
    unsigned char bytes[]; /* the record: header, key, type, body */
} via_packet;

typedef struct via_packets {
    via_packet *first;
    via_packet *last;
    size_t bytes;
    unsigned count;
} via_packets;

/* One connection. */
typedef struct via_member {
    struct via_member *next;
    int fd;
    bool heard;        /* something was received from it */
    uint64_t seen;     /* the sequence received last; 0 = none */
    via_packets queue; /* of a topic's slow subscriber */
} via_member;

typedef struct via_breaker {
    const via_host_api *host;
    via_context *context;
    via_counters *counters;
    uint32_t pattern, role, broken, overflow;
    uint64_t max_message, queue_limit, linger_ns, reconnect_ns;
    bool binds, finished, accepted;
    bool due; /* what is held waits for room: a pair's one kept tail */
    char path[108];
    char filter[128];
    via_lock name;
    int listener, timer, mute;
    int read_set, write_set; /* epoll: what a sleeper waits for */
    pthread_mutex_t lock;
    via_wake wake;
    via_member *members;
    via_packets held;   /* by VIA_MORE */
    via_packet *ready;  /* taken in by arm */
    via_packet *shared; /* BREAK_ONE_BUFFER */
    uint64_t sequence, turn;
    via_status end; /* of a pair, for receiving */
} via_breaker;

static inline bool via_breaker_is(const via_breaker *breaker, uint32_t broken)
{
    return breaker->broken == broken;
}

/* ---- packet.c: records -------------------------------------------------------------------------------------- */

enum { PACKET_DATA = 1, PACKET_FIN = 2 };

via_packet *via_packet_make(int kind, const via_slice *slices, size_t count, const via_meta *meta, uint64_t sequence);
int via_packet_kind(const via_packet *packet);
uint64_t via_packet_sequence(const via_packet *packet);
size_t via_packet_body(const via_packet *packet, const unsigned char **body);
const char *via_packet_key(const via_packet *packet);
/* The message lent from it; the packet is its token. */
void via_packet_lend(via_packet *packet, via_msg *message);
void via_packets_push(via_packets *packets, via_packet *packet);
via_packet *via_packets_pop(via_packets *packets);
void via_packets_clear(via_packets *packets);

/* ---- member.c: connections ---------------------------------------------------------------------------------- */

/* Writes one record without waiting. VIA_OK, VIA_ETIMEDOUT, VIA_EPEER. */
via_status via_member_send(const via_breaker *breaker, via_member *member, const via_packet *packet);
/* Reads one. VIA_OK, VIA_ETIMEDOUT, VIA_ECLOSED (end of file), VIA_EPEER. */
via_status via_member_recv(const via_breaker *breaker, via_member *member, via_packet **packet);
int via_breaker_socket_type(const via_breaker *breaker);
via_status via_breaker_add(via_breaker *breaker, int fd);
void via_breaker_drop(via_breaker *breaker, via_member *member);
/* A connection is no more. */
void via_breaker_count_end(via_breaker *breaker);
/* Accepts and redials, without waiting. */
void via_breaker_progress(via_breaker *breaker);
void via_breaker_watch_room(via_breaker *breaker, via_member *member);
via_status via_breaker_connect(via_breaker *breaker);

/* ---- send.c, recv.c: the slots ------------------------------------------------------------------------------ */

bool via_breaker_sends(const via_breaker *breaker);
bool via_breaker_receives(const via_breaker *breaker);
/* Sleeps on one of the sets. */
via_status via_breaker_sleep(via_breaker *breaker, int set, via_deadline deadline);
/* What waits in this process, as far as there is room. VIA_OK, VIA_ETIMEDOUT, or how the channel ended. */
via_status via_breaker_push_out(via_breaker *breaker);
bool via_breaker_has_room(via_breaker *breaker);
/* Takes a packet into `ready`. */
via_status via_breaker_take_in(via_breaker *breaker);

via_status via_breaker_send(void *channel, const via_slice *slices, size_t count, const via_meta *meta,
                            via_deadline deadline);
via_status via_breaker_loan(void *channel, size_t size, via_deadline deadline, via_msg *out);
via_status via_breaker_commit(void *channel, via_msg *message, via_deadline deadline);
void via_breaker_discard(void *channel, via_msg *message);
via_status via_breaker_flush(void *channel, via_deadline deadline);
via_status via_breaker_finish(void *channel, via_deadline deadline);
via_status via_breaker_drain(void *channel, via_deadline deadline, uint64_t *undelivered);
via_status via_breaker_recv(void *channel, via_deadline deadline, via_msg *out);
void via_breaker_release(void *channel, via_msg *message);

/* ---- open.c ------------------------------------------------------------------------------------------------- */

void via_breaker_close(void *channel, uint32_t how);

extern const via_channel_ops via_breaker_channel_ops;

#endif
