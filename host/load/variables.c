/* SPDX-License-Identifier: Apache-2.0 */
/*
 * VIADUCT_* variables that mean nothing.
 *
 * Owns: the list of those that do. A typing error in a variable is otherwise found by nobody.
 */
#include "load/search.h"

#include "core/environment.h"
#include "kit/json/nearest.h"

#include <stdio.h>
#include <string.h>

extern char **environ;

/* VIADUCT_LIBRARY is for modules of other languages, which load this library by it. */
static const char *const known_variables[] = {
    "VIADUCT_PLUGIN_PATH", "VIADUCT_ADD_PLUGIN_PATH", "VIADUCT_ENDPOINTS", "VIADUCT_TRUST", "VIADUCT_LOAD",
    "VIADUCT_LOG",         "VIADUCT_STATS",           "VIADUCT_LIBRARY",
};

enum {
    KNOWN_COUNT = sizeof(known_variables) / sizeof(known_variables[0]),
    ADDRESS_SIZE = sizeof("VIADUCT_ADDRESS_") - 1
};

static bool is_known(const char *name)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++) {
        if (strcmp(known_variables[i], name) == 0)
            return true;
    }
    return false;
}

static void warn(const via_log *log, const char *name, const char *nearest, const char *what)
{
    via_log_line(log, VIA_LOG_WARNING, NULL, "the variable %s %s%s%s%s", name, what, nearest ? "; did you mean " : "",
                 nearest ? nearest : "", nearest ? "?" : "");
}

static void check_setting(const via_log *log, const char *name)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, name);
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        via_nearest_offer(&nearest, known_variables[i]);
    warn(log, name, nearest.best, "means nothing to Viaduct");
}

/* It still defines an endpoint of that name, which is rarely what was meant while another of nearly that name exists. */
static void check_address(const via_log *log, const char *name, const char *const *endpoints, size_t count)
{
    char variable[VIA_VARIABLE_BYTES];
    size_t best = count, distance = 0;

    for (size_t i = 0; i < count; i++) {
        via_nearest nearest;
        via_search_variable(endpoints[i], variable);
        if (strcmp(variable, name) == 0)
            return;
        via_nearest_begin(&nearest, name);
        via_nearest_offer(&nearest, variable);
        if (!nearest.best || (best < count && nearest.distance >= distance))
            continue;
        best = i;
        distance = nearest.distance;
    }
    if (best == count)
        return;
    via_search_variable(endpoints[best], variable);
    warn(log, name, variable, "names no endpoint of any manifest");
}

void via_variables_check(const via_log *log, const char *const *endpoints, size_t endpoint_count)
{
    char name[128];

    if (via_environment_is_secure())
        return;
    for (char **variable = environ; variable && *variable; variable++) {
        size_t size = strcspn(*variable, "=");
        if (strncmp(*variable, "VIADUCT_", 8) != 0 || size >= sizeof(name))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)size, *variable);
        if (strncmp(name, "VIADUCT_ADDRESS_", ADDRESS_SIZE) == 0)
            check_address(log, name, endpoints, endpoint_count);
        else if (!is_known(name))
            check_setting(log, name);
    }
}
