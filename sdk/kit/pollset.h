/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handle for many descriptors.
 *
 * Owns: the epoll behind a listener or a hub and, for a hub that sends, a second one that differs from the first only in
 * which descriptors are watched for room to write. Every descriptor is in both, so a plugin never puts one epoll
 * behind another. Must never own the descriptors that are watched. The functions are safe from any thread.
 */
#ifndef VIADUCT_KIT_POLLSET_H
#define VIADUCT_KIT_POLLSET_H

#include <sys/epoll.h>
#include <viaduct/plugin.h>

typedef struct via_pollset {
    int main;  /* the epoll */
    int write; /* the second one, or -1 */
} via_pollset;

/* VIA_OK, VIA_ELIMIT, VIA_ENOMEM, VIA_EIO; on failure the set is empty and errno says why. */
via_status via_pollset_init(via_pollset *set, bool with_write);
void via_pollset_fini(via_pollset *set);

/*
 * Watches `descriptor` for `events` (EPOLLIN, EPOLLOUT) in the main epoll; in the second one, if there is one, for
 * `events | write_events`. `tag` comes back in epoll_event.data.ptr.
 */
via_status via_pollset_add(const via_pollset *set, int descriptor, uint32_t events, uint32_t write_events, void *tag);
via_status via_pollset_change(const via_pollset *set, int descriptor, uint32_t events, uint32_t write_events,
                              void *tag);
/* Before the descriptor is closed: a duplicate elsewhere would keep it in the epoll. */
void via_pollset_remove(const via_pollset *set, int descriptor);

#endif
