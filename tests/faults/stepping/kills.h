/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A death at every instruction of an act, and what any survivor may ask for afterwards.
 *
 * Owns: the loop of deaths, the stride of long acts, the count of what the survivor keeps, and messages whose bytes tell whether
 * they are whole. Must never know what a channel is for: that is a scene's.
 */
#ifndef VIADUCT_FAULTS_KILLS_H
#define VIADUCT_FAULTS_KILLS_H

#include <stdbool.h>
#include <stddef.h>
#include <viaduct/viaduct.h>

#include "stepper.h"

enum {
    PATIENCE_MS = 20000,
    SMALL = 64,
    MEDIUM = 3000,
    LARGE = 70000 /* more than the ring */
};

/* The first member of an act. */
typedef struct via_scene {
    const char *name;
    bool happens;   /* done to its end, it has come to pass */
    bool stays;     /* what has come to pass at one instruction has so at all that follow */
    size_t at_most; /* deaths, about, without VIADUCT_STEPPING_ALL */
    /* Starts a process and brings it, and the survivor, to the mark before the act; the next mark is at its end. */
    void (*raise)(const struct via_scene *act, via_stepper *stepper);
    /* It is dead. The survivor looks at everything and ends. Has the act come to pass? Now and then: looks `asleep`, in a call. */
    bool (*survive)(const struct via_scene *act, bool asleep);
} via_scene;

/* A cmocka test; *state is the act. */
void via_kills_test(void **state);

/*
 * Set-up and tear-down of a group whose acts open channels: keeps the plugin of `shm:` loaded here, and in every process that has
 * entered. Loading takes far longer than any act, and is not what is killed at.
 */
int via_kills_begin(void **state);
int via_kills_end(void **state);
/* The host to open the survivor's channels with, between those two. */
via_host *via_kills_host(void);

/* ---- for the process ---------------------------------------------------------------------------------------- */

/* What a killed process does is lost anyway; what it cannot do is a failure that the survivor would misread. */
void via_kills_require(via_status status);

/* A host of the process's own. */
via_host *via_kills_enter(void);

/* ---- messages ----------------------------------------------------------------------------------------------- */

/* Bytes that follow from the size. */
void via_kills_fill(void *data, size_t size);
void via_kills_expect_filled(const void *data, size_t size);
/* Also gives it back. */
void via_kills_expect_whole(via_channel *channel, via_msg *message, size_t size);
/* Waits awake, so that a test of thousands of deaths is not one of thousands of naps; or asleep, in one call. */
via_status via_kills_next(via_channel *channel, bool asleep, via_msg *message);
void via_kills_expect_next(via_channel *channel, bool asleep, size_t size);

#endif
