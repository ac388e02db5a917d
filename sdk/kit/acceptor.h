/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that others make to us, from the kernel's backlog to the end of their greeting.
 *
 * Owns: the unfinished handshakes, each with a time limit of its own, and what happens when descriptors run out. A slow or
 * hostile stranger never delays another and never costs more than one descriptor of a bounded number. Must never know what
 * is said in a greeting: a via_greeter does. Never blocks. One call at a time.
 */
#ifndef VIADUCT_KIT_ACCEPTOR_H
#define VIADUCT_KIT_ACCEPTOR_H

#include "kit/pollset.h"

typedef struct via_acceptor via_acceptor;

/*
 * How a transport greets. The descriptor is a fresh one of accept(2): it blocks, so the functions read and write with
 * MSG_DONTWAIT. They never close it, and never call the acceptor.
 */
typedef struct via_greeter {
    size_t state_size; /* bytes kept for each connection whose greeting is under way; zeroed at the start */
    /*
     * A fresh connection. VIA_OK: it is ready, and `state` is handed out with it; VIA_ETIMEDOUT: wait until it is readable,
     * then go_on; others: it is turned away, *why says why (as it arrives: it left during the handshake).
     */
    via_status (*begin)(void *user, int descriptor, void *state, const char **why);
    /* Goes on with one; answers as begin does. It may be called when there is nothing to read. NULL if begin never waits. */
    via_status (*go_on)(void *user, int descriptor, void *state, const char **why);
    /*
     * What `state` holds is given up, the connection being turned away (by begin and go_on too) or the acceptor destroyed.
     * NULL: it holds nothing.
     */
    void (*forget)(void *user, void *state);
} via_greeter;

typedef struct via_acceptor_config {
    const via_host_api *host;
    via_context *context;     /* whose log it is */
    via_counters *counters;   /* `protocol_errors` counts who was turned away */
    int listening;            /* never blocks; stays the caller's, as long as the acceptor lives */
    const via_pollset *set;   /* lives as long as the acceptor */
    void *tag;                /* everything is watched under it */
    uint64_t handshake_ns;    /* how long a greeting may take; UINT64_MAX = for ever */
    uint32_t handshake_limit; /* greetings under way at once, at least 1; the oldest gives way */
    const via_greeter *greeter;
    void *user; /* the greeter's */
} via_acceptor_config;

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO. */
via_status via_acceptor_create(const via_acceptor_config *config, via_acceptor **acceptor, via_error *error);
/* Closes what has not been handed out, and leaves the listening descriptor to its owner. VIA_CLOSE_*. NULL is fine. */
void via_acceptor_destroy(via_acceptor *acceptor, uint32_t how);

/*
 * Hands out a connection that has been greeted, and copies its state (state_size bytes; NULL if there are none). The
 * descriptor blocks, and is the caller's. VIA_OK; VIA_ETIMEDOUT: none is ready; VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno:
 * none now, and a pause is made.
 */
via_status via_acceptor_next(via_acceptor *acceptor, int *descriptor, void *state);
/*
 * `held`: nobody is to be accepted for now, so nothing of this shows in the set: strangers wait in the backlog, and the
 * handshakes under way wait, too. via_acceptor_next() is not to be called meanwhile.
 */
void via_acceptor_hold(via_acceptor *acceptor, bool held);
/* Is one ready? What was found is kept for the next call of via_acceptor_next(). */
bool via_acceptor_ready(via_acceptor *acceptor);

#endif
