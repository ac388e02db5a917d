/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via seal`: writes into a plugin manifest what its library states.
 *
 * Owns: which library that is when the command line does not say: the one the manifest names for this platform.
 */
#include <ctype.h>
#include <jansson.h>
#include <string.h>
#include <sys/utsname.h>

#include "commands.h"

enum { PATH_SIZE = 4096 };

/* "linux-x86_64": the key of this platform in a manifest's "library". */
static void platform_name(char *buffer, size_t capacity)
{
    struct utsname system;
    if (uname(&system) != 0)
        return;
    (void)snprintf(buffer, capacity, "%s-%s", system.sysname, system.machine);
    for (char *letter = buffer; *letter && *letter != '-'; letter++)
        *letter = (char)tolower((unsigned char)*letter);
}

/* A relative library lies beside its manifest. */
static bool join_path(const char *manifest, const char *library, char *path, size_t capacity)
{
    const char *slash = strrchr(manifest, '/');
    int folder = library[0] != '/' && slash ? (int)(slash - manifest) + 1 : 0;
    int length = snprintf(path, capacity, "%.*s%s", folder, manifest, library);
    return length > 0 && (size_t)length < capacity;
}

static int name_missing(const via_cli_args *args, const char *manifest, const char *platform)
{
    char mend[256];
    (void)snprintf(mend, sizeof mend, "write \"%s\": \"via_NAME.so\" in its \"library\"", platform);
    return via_cli_usage(args->command, mend, "%s names no library for %s in \"library\"", manifest, platform);
}

static int find_library(const via_cli_args *args, const char *manifest, char *path, size_t capacity)
{
    char platform[160] = "";
    json_error_t wrong;
    json_t *root = json_load_file(manifest, JSON_REJECT_DUPLICATES, &wrong);
    platform_name(platform, sizeof platform);
    const char *library = json_string_value(json_object_get(json_object_get(root, "library"), platform));
    int result = VIA_EXIT_OK;
    if (!root && wrong.line < 1)
        result = via_cli_complain(VIA_EXIT_FAILED, "check the path", "%s", wrong.text);
    else if (!root)
        result = via_cli_complain(VIA_EXIT_FAILED, "'via validate' says more", "%s:%d:%d: %s", manifest, wrong.line,
                                  wrong.column, wrong.text);
    else if (!library || !join_path(manifest, library, path, capacity))
        result = name_missing(args, manifest, platform);
    json_decref(root);
    return result;
}

int via_cli_run_seal(const via_cli_args *args)
{
    char found[PATH_SIZE];
    const char *const *operand = args->operands.items;
    const char *library = args->operands.count > 1 ? operand[1] : found;
    const char *output = args->operands.count > 2 ? operand[2] : operand[0];
    int result = args->operands.count > 1 ? VIA_EXIT_OK : find_library(args, operand[0], found, sizeof found);
    via_error error;
    if (result != VIA_EXIT_OK)
        return result;
    via_error_init(&error);
    return via_seal(operand[0], library, output, &error) == VIA_OK ? VIA_EXIT_OK : via_cli_error(operand[0], &error);
}
