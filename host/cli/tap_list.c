/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via tap --list`, and finding what it lists; see tap.h.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "json.h"
#include "kit/runtime.h"
#include "table.h"
#include "tap.h"

static bool has_suffix(const char *name)
{
    const size_t length = strlen(name), suffix = strlen(VIA_TAP_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, VIA_TAP_SUFFIX) == 0;
}

int via_cli_tap_each(via_cli_tap_visit_fn visit, void *argument)
{
    char folder[3072], path[4096];
    const struct dirent *entry;
    if (via_runtime_place("viaduct", folder, sizeof folder) != VIA_OK)
        return via_cli_complain(VIA_EXIT_FAILED, "set XDG_RUNTIME_DIR to a shorter path",
                                "XDG_RUNTIME_DIR is longer than a path may be");
    DIR *listing = opendir(folder);
    if (!listing)
        return errno == ENOENT ? VIA_EXIT_OK : via_cli_os_error(folder, errno, "see that the folder is yours");
    bool goes_on = true;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): the stream is this function's own */
    while (goes_on && (entry = readdir(listing)) != NULL) {
        if (!has_suffix(entry->d_name))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        goes_on = visit(argument, path);
    }
    (void)closedir(listing);
    return VIA_EXIT_OK;
}

const char *via_cli_tap_role(uint32_t role)
{
    static const char *const names[] = {"pair", "push", "pull", "pub", "sub"};
    return role < sizeof names / sizeof names[0] ? names[role] : "?";
}

/* ---- the list ----------------------------------------------------------------------------------------------- */

struct list {
    via_table table;
    json_t *array; /* NULL = the table is wanted */
};

static void add_row(struct list *list, const via_tap_head *head, const char *address)
{
    char pid[32];
    (void)snprintf(pid, sizeof pid, "%lld", (long long)head->pid);
    const char *row[] = {address, pid, via_cli_tap_role(head->role),
                         atomic_load(&((via_tap_head *)head)->wanted) ? "recorded" : "off"};
    via_table_add(&list->table, row);
}

static void add_object(const struct list *list, const via_tap_head *head, const char *address)
{
    (void)json_array_append_new(list->array,
                                json_pack("{so sI ss sb}", "address", via_cli_json_text(address), "pid",
                                          (json_int_t)head->pid, "role", via_cli_tap_role(head->role), "recorded",
                                          (int)(atomic_load(&((via_tap_head *)head)->wanted) != 0)));
}

static bool add(void *argument, const char *path)
{
    struct list *list = argument;
    via_tap_area area;
    char address[VIA_TAP_ADDRESS];
    if (via_tap_area_take(&area, path, true) != VIA_OK)
        return true;
    memcpy(address, area.head->address, sizeof address);
    address[sizeof address - 1] = '\0';
    if (!via_tap_area_lives(&area))
        (void)0; /* it is being closed just now */
    else if (list->array)
        add_object(list, area.head, address);
    else
        add_row(list, area.head, address);
    via_tap_area_close(&area);
    return true;
}

static int print(struct list *list)
{
    if (list->array) {
        const bool made = via_cli_json_print(json_incref(list->array));
        return made ? VIA_EXIT_OK : via_cli_out_of_memory();
    }
    if (list->table.rows > 1)
        return via_table_print(&list->table, stdout) ? VIA_EXIT_OK : via_cli_out_of_memory();
    (void)puts("no channel of your programs allows it; the layer tap with allow=true does");
    return VIA_EXIT_OK;
}

int via_cli_tap_list(const via_cli_args *args)
{
    static const char *const head[] = {"ADDRESS", ">PID", "ROLE", "TAP"};
    struct list list = {.array = args->json ? json_array() : NULL};
    via_table_init(&list.table, head, 4);
    int result = via_cli_tap_each(add, &list);
    if (result == VIA_EXIT_OK)
        result = print(&list);
    via_table_fini(&list.table);
    json_decref(list.array);
    return result;
}
