/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that another look is due.
 *
 * Owns: the watch, what stands in for it until it pays, and the handle that a program sleeps on. Must never be on the way of a
 * message: only opening calls and explanations ask.
 */
#include "kit/error.h"
#include "load/registry_state.h"
#include "platform/folder.h"
#include "platform/os.h"

#include <string.h>

/*
 * A watch takes more time to make and, above all, to close (the kernel waits for milliseconds) than these looks at the times of
 * files do: programs that open a few channels and end do without.
 */
enum { WATCH_FROM = 16 };

static const char mend_limit[] = "raise the limit: sysctl fs.inotify.max_user_instances (and max_user_watches)";

/* ---- without a watch ---------------------------------------------------------------------------------------- */

/* One number for the marks of everything that was looked at. */
typedef struct tally {
    uint64_t sum;
    int64_t look_began_ns;
    bool is_settled;
} tally;

static void count_mark(tally *all, const char *path)
{
    via_file_mark mark;

    via_file_mark_read(path, &mark);
    mark.looked_ns = all->look_began_ns; /* what has changed since may have been seen as it was before */
    all->is_settled = all->is_settled && via_file_mark_is_settled(&mark);
    mark.looked_ns = 0;
    all->sum = all->sum * 31 + via_text_hash((const char *)&mark, sizeof(mark));
}

static void count_paths(tally *all, const via_path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        count_mark(all, list->given[i]);
}

/* 0: something has changed since shortly before the look, so that its mark says nothing. */
static uint64_t count_all(const via_registry *registry)
{
    tally all = {0, registry->look_began_ns, true};

    count_paths(&all, &registry->search.plugins);
    count_paths(&all, &registry->search.endpoints);
    for (size_t i = 0; i < registry->plugin_count; i++) {
        count_mark(&all, registry->plugins[i]->path);
        if (registry->plugins[i]->library)
            count_mark(&all, registry->plugins[i]->library);
    }
    for (size_t i = 0; i < registry->endpoints.count; i++)
        count_mark(&all, registry->endpoints.files[i].path);
    return all.is_settled ? all.sum : 0;
}

static void do_without(via_registry *registry, int32_t code)
{
    char reason[128];

    via_error_text(code, reason, sizeof(reason));
    via_log_line(
        registry->log, VIA_LOG_WARNING, NULL,
        "cannot watch the folders of plugins and endpoints: %s; each opening call compares the times of their files "
        "instead; %s",
        reason, mend_limit);
    if (registry->watch && registry->both >= 0)
        via_poller_remove(registry->both, via_watch_handle(registry->watch));
    via_watch_close(registry->watch);
    registry->watch = NULL;
    if (registry->told >= 0)
        via_event_raise(registry->told); /* who sleeps there would not be woken any more */
}

/* ---- with a watch ------------------------------------------------------------------------------------------- */

/* False with *code: the system has none left. Who sleeps on the handle of before is woken by this one, too. */
static bool open_watch(via_registry *registry, int32_t *code)
{
    registry->watch = via_watch_open(code);
    if (registry->watch && registry->both >= 0)
        (void)via_poller_add(registry->both, via_watch_handle(registry->watch), VIA_WAIT_READABLE, 1);
    return registry->watch != NULL;
}

/* True: from now on; and what happened before has to be looked for. */
static bool begin_watch(via_registry *registry)
{
    int32_t code = 0;

    if (open_watch(registry, &code))
        return true;
    do_without(registry, code);
    return false;
}

static bool add_all(via_watch *watch, const via_path_list *list)
{
    bool grew = false;

    for (size_t i = 0; i < list->count; i++)
        grew = via_watch_add(watch, list->given[i], ".json") || grew;
    return grew;
}

void via_registry_observe(via_registry *registry)
{
    registry->look_began_ns = via_file_mark_now();
    if (!registry->watch)
        return;
    (void)via_watch_changed(registry->watch); /* the look that follows sees it */
    via_watch_begin(registry->watch);
    (void)add_all(registry->watch, &registry->search.plugins);
    (void)add_all(registry->watch, &registry->search.endpoints);
}

/* Libraries may stand elsewhere, and files may be links; what happened there before they were watched has to be looked for. */
static bool add_files(via_registry *registry)
{
    bool grew = false;

    for (size_t i = 0; i < registry->plugin_count; i++) {
        const via_plugin_entry *entry = registry->plugins[i];
        grew = via_watch_add(registry->watch, entry->path, NULL) || grew;
        if (entry->library)
            grew = via_watch_add(registry->watch, entry->library, NULL) || grew;
    }
    for (size_t i = 0; i < registry->endpoints.count; i++)
        grew = via_watch_add(registry->watch, registry->endpoints.files[i].path, NULL) || grew;
    return grew;
}

void via_registry_observe_end(via_registry *registry)
{
    int32_t code = 0;

    if (registry->watch) {
        registry->again = add_files(registry) || registry->again;
        if (via_watch_end(registry->watch, &code) != VIA_OK)
            do_without(registry, code);
    }
    if (!registry->watch && !registry->is_private)
        registry->marks = count_all(registry);
}

static bool has_changed(via_registry *registry)
{
    if (registry->again)
        return true;
    if (registry->watch)
        return via_watch_changed(registry->watch);
    if (registry->occasions < WATCH_FROM && ++registry->occasions == WATCH_FROM && begin_watch(registry))
        return true;
    return registry->marks == 0 || count_all(registry) != registry->marks;
}

void via_registry_refresh(via_registry *registry)
{
    via_error error;

    if (registry->is_private || !has_changed(registry))
        return;
    size_t before = registry->changes.count;
    via_error_init(&error);
    via_status status = via_registry_look(registry, &error);
    if (status != VIA_OK)
        via_log_line(registry->log, VIA_LOG_WARNING, error.plugin, "%s", error.what);
    if (registry->told >= 0 && (registry->changes.count != before || registry->changes.lost))
        via_event_raise(registry->told);
}

void via_registry_hush(via_registry *registry)
{
    if (registry->told >= 0)
        via_event_clear(registry->told);
}

void via_registry_unobserve(via_registry *registry)
{
    via_watch_close(registry->watch);
    via_event_close(registry->told);
    via_poller_close(registry->both);
    registry->watch = NULL;
    registry->told = VIA_EVENT_NONE;
    registry->both = VIA_POLLER_NONE;
}

/* ---- the handle of a program -------------------------------------------------------------------------------- */

static void close_handle(via_registry *registry)
{
    via_event_close(registry->told);
    via_poller_close(registry->both);
    registry->told = VIA_EVENT_NONE;
    registry->both = VIA_POLLER_NONE;
}

static via_status open_handle(via_registry *registry, int32_t *code)
{
    via_status status = via_changes_keep(&registry->changes);

    if (status == VIA_OK)
        status = via_event_open(&registry->told, code);
    if (status == VIA_OK)
        status = via_poller_open(&registry->both, code);
    if (status == VIA_OK)
        status = via_poller_add(registry->both, registry->told, VIA_WAIT_READABLE, 0);
    if (status == VIA_OK)
        status = via_poller_add(registry->both, via_watch_handle(registry->watch), VIA_WAIT_READABLE, 1);
    if (status != VIA_OK)
        close_handle(registry);
    return status;
}

/* A limit may have been raised since. What happened while nothing was watched is looked for at the next occasion. */
static via_status watch_locked(via_registry *registry, int32_t *code)
{
    via_error ignored;

    if (!registry->watch) {
        if (!open_watch(registry, code))
            return VIA_ELIMIT;
        via_error_init(&ignored);
        (void)via_registry_look(registry, &ignored);
    }
    if (!registry->watch)
        return VIA_ELIMIT;
    return registry->both >= 0 ? VIA_OK : open_handle(registry, code);
}

static via_status fail_watch(via_status status, int32_t code, via_error *error)
{
    (void)via_error_set(error, status, VIA_STAGE_DISCOVER, mend_limit,
                        "cannot watch folders; opening calls compare the times of files instead");
    if (code)
        via_error_os(error, code);
    return status;
}

via_status via_registry_watch(via_registry *registry, via_poll_handle *handle, via_error *error)
{
    int32_t code = 0;

    if (handle->size < sizeof(*handle))
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_DISCOVER, "set handle->size to sizeof(via_poll_handle)",
                             "the poll handle's size is %u; expected %zu", handle->size, sizeof(*handle));
    via_mutex_take(&registry->lock);
    via_status status = watch_locked(registry, &code);
    intptr_t both = registry->both;
    via_mutex_give(&registry->lock);
    if (status != VIA_OK)
        return fail_watch(status, code, error);
    handle->kind = VIA_POLL_DESCRIPTOR;
    handle->handle = both;
    handle->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

via_status via_registry_change_next(via_registry *registry, via_change *change)
{
    via_change full;
    uint32_t size = change->size;

    if (size < sizeof(uint32_t))
        return VIA_EINVAL;
    via_mutex_take(&registry->lock);
    bool found = via_changes_take(&registry->changes, &full);
    via_mutex_give(&registry->lock);
    if (!found)
        return VIA_ENOENT;
    memcpy(change, &full, size < sizeof(full) ? size : sizeof(full));
    change->size = size;
    return VIA_OK;
}
