/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registry's record, for the files of load/ that look things up in it.
 *
 * Owns: the lock order: registry, then plugin entry.
 */
#ifndef VIADUCT_HOST_REGISTRY_STATE_H
#define VIADUCT_HOST_REGISTRY_STATE_H

#include "load/changes.h"
#include "load/endpoints.h"
#include "load/entry.h"
#include "load/registry.h"
#include "platform/event.h"
#include "platform/poller.h"
#include "platform/watch.h"

struct via_registry {
    via_search search; /* fixed from open on */
    const via_log *log;
    via_mutex lock; /* guards all that follows */
    via_plugin_entry **plugins;
    size_t plugin_count;
    via_endpoint_files endpoints;
    bool has_looked;    /* the first look is done: from now on there are changes */
    bool again;         /* something passing was in the way, or may have been missed: look again at the next occasion */
    bool is_private;    /* it serves one opening call, just after its first look */
    via_watch *watch;   /* NULL = not yet, or there is none to be had: the marks are compared */
    uint32_t occasions; /* at which the marks were compared, as far as they count */
    uint64_t marks;     /* without a watch: of all that was looked at; 0 = not settled */
    int64_t look_began_ns; /* in the clock of files */
    via_changes changes;
    via_event told;  /* raised: changes wait that a look of our own has found. VIA_EVENT_NONE = nobody asks */
    via_poller both; /* of this and the watch; what a program sleeps on */
};

/*
 * load/refresh.c: the cheap question at each occasion where a search's result is used: looks again if something has changed. Never fails: what
 * was found before serves on. Call it with the lock held.
 */
void via_registry_refresh(via_registry *registry);
/* load/refresh.c: the watch, or without one the marks to compare. Around each look. */
void via_registry_observe(via_registry *registry);
void via_registry_observe_end(via_registry *registry);
void via_registry_unobserve(via_registry *registry);
/* A program looks itself: it needs no other word of what we have found. Call it with the lock held. */
void via_registry_hush(via_registry *registry);
/* The body of via_registry_scan(). Call it with the lock held. */
via_status via_registry_look(via_registry *registry, via_error *error);

#endif
