/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the layer share: the file of a recording, and the thread that writes it.
 *
 * Owns: these types. The traffic sees none of them: it writes into a via_tap_area and goes on.
 */
#ifndef VIADUCT_TAP_H
#define VIADUCT_TAP_H

#include "kit/tap_area.h"
#include "pace.h"

#include <pthread.h>
#include <viaduct/layer.h>

/* All of the plugin in a process. */
typedef struct tap_state {
    const via_host_api *host;
    pthread_mutex_t lock; /* for choosing names */
    unsigned areas;       /* files in the runtime folder, made so far */
} tap_state;

/* ---- the file ----------------------------------------------------------------------------------------------- */

enum {
    TAP_PATH = 4096,
    TAP_STAGE = 256 * 1024,
    TAP_SECTOR = 512,             /* what places in a file and in memory have to agree in, to be written directly */
    TAP_DIRECT_LEAST = 128 * 1024 /* less is cheaper through the page cache */
};

typedef struct tap_file {
    int descriptor;
    bool keeps_last, has_ended;
    int os_code;             /* why it ended, if the OS said so */
    uint64_t limit;          /* bytes of one file */
    uint64_t size;           /* bytes that are in it, whole blocks */
    uint64_t cached_left;    /* bytes that go through the page cache before one tries without; UINT64_MAX: for ever */
    bool is_direct;          /* the last write was */
    size_t stage_at, staged; /* bytes that are to be written next */
    size_t head;             /* bytes of `header` */
    char path[TAP_PATH];
    uint8_t header[4096]; /* what each file begins with */
    uint8_t stage[TAP_STAGE + TAP_SECTOR];
} tap_file;

/*
 * Opens `path`, or path-2, path-3 where this process has recorded to it before, or another is recording. `header`, `head` and the
 * limits are set. VIA_OK; VIA_EINVAL, EPERM, ELIMIT, EIO, ENOMEM with `error` filled.
 */
via_status tap_file_open(tap_state *state, tap_file *file, const char *path, via_error *error);
/* Bytes that may come until the limit. */
uint64_t tap_file_room(const tap_file *file);
/*
 * Whole blocks, one behind the other; more than one only where there is room. They may wait for tap_file_flush(). Nothing happens
 * once has_ended is set.
 */
void tap_file_put(tap_file *file, const uint8_t *blocks, size_t size);
void tap_file_flush(tap_file *file);
void tap_file_close(tap_file *file);

/* Writes whole blocks at the end: all, or as many as there is room for. 0, or what the OS said. */
int tap_file_write(tap_file *file, const uint8_t *blocks, size_t size);
/* How many bytes behind `bytes` the place is that could be written directly. */
size_t tap_file_misfit(const tap_file *file, const uint8_t *bytes);

/* ---- the thread --------------------------------------------------------------------------------------------- */

typedef struct tap_recorder {
    const via_host_api *host;
    via_context *context;
    via_tap_area *area;
    via_tap_reader reader;
    tap_pace pace;
    int wake; /* an eventfd */
    atomic_bool stops, is_nudged;
    bool is_crossed; /* by our barriers, so the traffic needs no fence */
    pthread_t thread;
    tap_file file;
} tap_recorder;

/* Starts it. VIA_OK; VIA_ELIMIT, VIA_ENOMEM, VIA_EIO with errno. */
via_status tap_recorder_start(tap_recorder *recorder);
/* Records what is there, writes the statistics, and joins it. */
void tap_recorder_stop(tap_recorder *recorder);
/* Something was published: wakes the thread if it sleeps, or if much waits. For the traffic; one system call at most. */
void tap_recorder_nudge(tap_recorder *recorder, unsigned direction);

#endif
