/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What all channels of the plugin share; see plugin.h.
 */
#include "plugin.h"

#include "closure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WORD_PAGE = 4096 };

struct rpc_read_file {
    rpc_read_file *next;
    struct stat state;
    rpc_interface *interface;
    char path[];
};

/* ---- the word ----------------------------------------------------------------------------------------------- */

static volatile uint64_t *make_word(void)
{
    void *page = mmap(NULL, WORD_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, WORD_PAGE, MADV_WIPEONFORK) != 0) {
        (void)munmap(page, WORD_PAGE);
        return NULL;
    }
    *(volatile uint64_t *)page = (uint64_t)getpid();
    return page;
}

uint64_t rpc_plugin_generation(const rpc_plugin *plugin)
{
    return plugin->word ? *plugin->word : (uint64_t)getpid();
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static bool is_unchanged(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino && one->st_size == other->st_size &&
           one->st_mtim.tv_sec == other->st_mtim.tv_sec && one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

static rpc_read_file *find(rpc_plugin *plugin, const char *file)
{
    rpc_read_file *read = plugin->files;

    while (read && strcmp(read->path, file) != 0)
        read = read->next;
    return read;
}

static via_status read_again(rpc_plugin *plugin, rpc_read_file *read, const char *file, const struct stat *state,
                             via_error *error)
{
    rpc_interface *fresh;
    via_status status = rpc_interface_read(file, &fresh, error);
    size_t size = strlen(file) + 1;

    if (status != VIA_OK)
        return status;
    if (!read) {
        if (!(read = calloc(1, sizeof(*read) + size))) {
            rpc_interface_drop(fresh);
            return VIA_ENOMEM;
        }
        memcpy(read->path, file, size);
        read->next = plugin->files;
        plugin->files = read;
    }
    rpc_interface_drop(read->interface);
    read->interface = fresh;
    read->state = *state;
    return VIA_OK;
}

via_status rpc_plugin_interface(rpc_plugin *plugin, const char *file, rpc_interface **out, via_error *error)
{
    struct stat state;
    via_status status = VIA_OK;

    *out = NULL;
    if (stat(file, &state) != 0)
        return rpc_interface_read(file, out, error); /* which says why not */
    (void)pthread_mutex_lock(&plugin->lock);
    rpc_read_file *read = find(plugin, file);
    if (!read || !is_unchanged(&read->state, &state))
        status = read_again(plugin, read, file, &state, error);
    if (status == VIA_OK)
        *out = rpc_interface_hold(find(plugin, file)->interface);
    (void)pthread_mutex_unlock(&plugin->lock);
    return status;
}

/* ---- life --------------------------------------------------------------------------------------------------- */

/*
 * libffi makes its lock with the first closure, without one. Two hosts of a process have this plugin twice, and libffi once: so that
 * is done when the plugin is loaded, not when threads call.
 */
static void make_first_closure(void)
{
    void *code;
    ffi_closure *first = rpc_closure_alloc(&code);

    if (first)
        rpc_closure_free(first);
}

via_status rpc_plugin_create(const via_host_api *host, rpc_plugin **out)
{
    rpc_plugin *plugin = calloc(1, sizeof(*plugin));

    if (!plugin)
        return VIA_ENOMEM;
    plugin->host = host;
    plugin->word = make_word();
    make_first_closure();
    (void)pthread_mutex_init(&plugin->lock, NULL);
    *out = plugin;
    return VIA_OK;
}

void rpc_plugin_destroy(rpc_plugin *plugin)
{
    while (plugin->files) {
        rpc_read_file *next = plugin->files->next;
        rpc_interface_drop(plugin->files->interface);
        free(plugin->files);
        plugin->files = next;
    }
    if (plugin->word)
        (void)munmap((void *)plugin->word, WORD_PAGE);
    (void)pthread_mutex_destroy(&plugin->lock);
    free(plugin);
}
