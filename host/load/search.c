/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search order.
 *
 * Owns: the lists of folders. Must never read a variable but through core/environment.h.
 */
#include "load/search.h"

#include "core/environment.h"
#include "kit/error.h"
#include "platform/folder.h"

#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists -------------------------------------------------------------------------------------------------- */

static bool holds(char *const *texts, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(texts[i], text) == 0)
            return true;
    }
    return false;
}

static bool grow(char ***texts, size_t count)
{
    char **grown = realloc(*texts, (count + 1) * sizeof(*grown));

    if (grown)
        *texts = grown;
    return grown != NULL;
}

/* Two names of one folder are both kept, since either may lead elsewhere later; it is searched where it came first. */
static via_status add(via_path_list *list, const char *path)
{
    char *given = via_path_absolute(path);
    bool is_known = given && holds(list->given, list->count, given);
    char *resolved = given && !is_known ? via_path_resolve(given) : NULL;
    char *now = resolved || is_known || !given ? resolved : strdup(given);

    if (now && grow(&list->paths, list->count) && grow(&list->given, list->count)) {
        list->paths[list->count] = now;
        list->given[list->count++] = given;
        return VIA_OK;
    }
    free(now);
    free(given);
    return is_known ? VIA_OK : VIA_ENOMEM;
}

bool via_path_list_is_repeated(const via_path_list *list, size_t index)
{
    return holds(list->paths, index, list->paths[index]);
}

static via_status resolve_again(via_path_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        char *resolved = via_path_resolve(list->given[i]);
        char *now = resolved ? resolved : strdup(list->given[i]);
        if (!now)
            return VIA_ENOMEM;
        free(list->paths[i]);
        list->paths[i] = now;
    }
    return VIA_OK;
}

via_status via_search_resolve(via_search *search)
{
    via_status status = resolve_again(&search->plugins);

    return status == VIA_OK ? resolve_again(&search->endpoints) : status;
}

static via_status add_formatted(via_path_list *list, const char *folder, const char *below)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s%s", folder, below) >= (int)sizeof(path))
        return VIA_OK;
    return add(list, path);
}

static void warn_if_missing(const via_log *log, const char *origin, const char *path)
{
    char *resolved = via_path_resolve(path);

    if (!resolved)
        via_log_line(log, VIA_LOG_WARNING, NULL, "%s names %s, which is not there", origin, path);
    free(resolved);
}

/* A list with ":" between its parts; empty parts mean nothing. */
static via_status add_each(const char *parts, const char *origin, const via_log *log,
                           via_status (*take)(void *, const char *), void *to)
{
    via_status status = VIA_OK;
    char *copy = strdup(parts), *state = NULL;

    if (!copy)
        return VIA_ENOMEM;
    for (char *part = strtok_r(copy, ":", &state); part && status == VIA_OK; part = strtok_r(NULL, ":", &state)) {
        warn_if_missing(log, origin, part);
        status = take(to, part);
    }
    free(copy);
    return status;
}

static via_status take_path(void *list, const char *path)
{
    return add(list, path);
}

static via_status take_trust(void *trust, const char *path)
{
    return via_trust_add(trust, path);
}

static via_status add_variable(via_path_list *list, const char *variable, bool ignore, const via_log *log, bool *found)
{
    const char *value = via_environment_get(variable, ignore);

    *found = value != NULL;
    return value ? add_each(value, variable, log, take_path, list) : VIA_OK;
}

static via_status add_options(via_path_list *list, const char *const *paths, size_t count, const char *origin,
                              const via_log *log)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < count && status == VIA_OK; i++) {
        warn_if_missing(log, origin, paths[i]);
        status = add(list, paths[i]);
    }
    return status;
}

/* The user's own folder (XDG Base Directory Specification: relative values are to be ignored). */
static via_status add_user_folder(via_path_list *list, const char *variable, const char *below_home, const char *below,
                                  bool ignore)
{
    const char *base = via_environment_get(variable, ignore);
    const char *home = via_environment_get("HOME", ignore);
    char path[PATH_MAX];

    if (base && base[0] == '/')
        return add_formatted(list, base, below);
    if (!home || home[0] != '/' || snprintf(path, sizeof(path), "%s%s", home, below_home) >= (int)sizeof(path))
        return VIA_OK;
    return add_formatted(list, path, below);
}

/* ---- the order ---------------------------------------------------------------------------------------------- */

static via_status add_beside_library(via_path_list *list)
{
    char *folder = via_path_of_this_library();

    if (!folder)
        return VIA_OK;
    via_status status = add_formatted(list, folder, "/../lib/viaduct/plugins");
    if (status == VIA_OK) /* where libraries are in a folder for each architecture */
        status = add_formatted(list, folder, "/viaduct/plugins");
    free(folder);
    return status;
}

static via_status add_default_plugins(via_search *search, const via_log *log)
{
    via_path_list *list = &search->plugins;
    bool ignore = search->ignore_environment, found;
    via_status status = add_variable(list, "VIADUCT_PLUGIN_PATH", ignore, log, &found);

    if (found || status != VIA_OK)
        return status;
    status = add_variable(list, "VIADUCT_ADD_PLUGIN_PATH", ignore, log, &found);
    if (status == VIA_OK)
        status = add_user_folder(list, "XDG_DATA_HOME", "/.local/share", "/viaduct/plugins", ignore);
    if (status == VIA_OK)
        status = add(list, "/etc/viaduct/plugins");
    if (status == VIA_OK)
        status = add_beside_library(list);
    if (status == VIA_OK)
        status = add(list, "/usr/local/lib/viaduct/plugins");
    return status == VIA_OK ? add(list, "/usr/lib/viaduct/plugins") : status;
}

static via_status add_default_endpoints(via_search *search, const via_log *log)
{
    via_path_list *list = &search->endpoints;
    bool ignore = search->ignore_environment, found;
    via_status status = add_variable(list, "VIADUCT_ENDPOINTS", ignore, log, &found);

    if (status == VIA_OK)
        status = add_user_folder(list, "XDG_CONFIG_HOME", "/.config", "/viaduct/endpoints", ignore);
    return status == VIA_OK ? add(list, "/etc/viaduct/endpoints") : status;
}

static via_status add_trust(via_search *search, const via_host_options *options, const via_log *log)
{
    const char *value = via_environment_get("VIADUCT_TRUST", search->ignore_environment);
    via_status status = VIA_OK;

    search->trust.fixed = search->ignore_environment;
    for (size_t i = 0; i < options->trusted_path_count && status == VIA_OK; i++)
        status = via_trust_add(&search->trust, options->trusted_paths[i]);
    if (status != VIA_OK || !value)
        return status;
    return add_each(value, "VIADUCT_TRUST", log, take_trust, &search->trust);
}

static void read_load_mode(via_search *search, const via_log *log)
{
    const char *value = via_environment_get("VIADUCT_LOAD", search->ignore_environment);

    if (!value)
        return;
    search->load_direct = strcmp(value, "direct") == 0;
    if (!search->load_direct && strcmp(value, "sealed") != 0)
        via_log_line(log, VIA_LOG_WARNING, NULL, "VIADUCT_LOAD is \"%s\"; expected \"direct\" or \"sealed\"", value);
}

static via_status fill(via_search *search, const via_host_options *options, const via_log *log)
{
    bool defaults = !(options->flags & VIA_HOST_NO_DEFAULT_PATHS);
    via_status status = add_options(&search->plugins, options->plugin_paths, options->plugin_path_count,
                                    "via_host_options.plugin_paths", log);

    search->ignore_environment = (options->flags & VIA_HOST_NO_ENVIRONMENT) || via_environment_is_secure();
    if (via_environment_is_secure())
        via_log_line(log, VIA_LOG_INFO, NULL, "raised rights: every variable and every folder of a user is ignored");
    if (status == VIA_OK)
        status = add_options(&search->endpoints, options->endpoint_paths, options->endpoint_path_count,
                             "via_host_options.endpoint_paths", log);
    if (status == VIA_OK)
        status = add_trust(search, options, log);
    if (status == VIA_OK && defaults)
        status = add_default_plugins(search, log);
    if (status == VIA_OK && defaults)
        status = add_default_endpoints(search, log);
    read_load_mode(search, log);
    return status;
}

via_status via_search_init(via_search *search, const via_host_options *options, const via_log *log, via_error *error)
{
    via_host_options known;

    /* An older program knows a shorter record. */
    via_host_options_init(&known);
    if (options)
        memcpy(&known, options, options->size < sizeof(known) ? options->size : sizeof(known));
    *search = (via_search){0};
    if (fill(search, &known, log) == VIA_OK)
        return VIA_OK;
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_DISCOVER, NULL, "out of memory");
}

static void free_list(via_path_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]), free(list->given[i]);
    free(list->paths);
    free(list->given);
}

void via_search_fini(via_search *search)
{
    free_list(&search->plugins);
    free_list(&search->endpoints);
    via_trust_fini(&search->trust);
    *search = (via_search){0};
}

void via_search_variable(const char *endpoint, char variable[VIA_VARIABLE_BYTES])
{
    size_t at = (size_t)snprintf(variable, VIA_VARIABLE_BYTES, "VIADUCT_ADDRESS_");

    for (const char *c = endpoint; *c && at + 1 < VIA_VARIABLE_BYTES; c++)
        variable[at++] = isalnum((unsigned char)*c) ? (char)toupper((unsigned char)*c) : '_';
    variable[at] = '\0';
}

const char *via_search_override(const via_search *search, const char *endpoint, char variable[VIA_VARIABLE_BYTES])
{
    via_search_variable(endpoint, variable);
    return via_environment_get(variable, search->ignore_environment);
}
