/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all channels of the plugin share.
 *
 * Owns: the interfaces that have been read, so that a server reads its file once and not for each connection; and the word that
 * tells a forked child from its parent.
 */
#ifndef RPC_PLUGIN_H
#define RPC_PLUGIN_H

#include "interface.h"

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

typedef struct rpc_read_file rpc_read_file;

typedef struct rpc_plugin {
    const via_host_api *host;
    pthread_mutex_t lock;
    rpc_read_file *files;
    volatile uint64_t *word; /* alone on a page that a child finds zeroed; NULL = the kernel cannot */
} rpc_plugin;

via_status rpc_plugin_create(const via_host_api *host, rpc_plugin **out);
void rpc_plugin_destroy(rpc_plugin *plugin);
/* The interface in a file, read again only if the file has changed. Counted once for the caller. */
via_status rpc_plugin_interface(rpc_plugin *plugin, const char *file, rpc_interface **out, via_error *error);
/* Another number in every process. One load. */
uint64_t rpc_plugin_generation(const rpc_plugin *plugin);

#endif
