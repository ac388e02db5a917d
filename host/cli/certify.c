/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via certify`: which parts of a plugin are proved, in what order, and the exit status.
 *
 * Owns: the reading of the manifest. Must never load the plugin itself: what it does to its process is the suite's risk.
 */
#include "certify.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "json.h"

/* ---- subjects ----------------------------------------------------------------------------------------------- */

via_certify_subject *via_certify_add(via_certify_plugin *plugin, const char *scheme, const char *pattern)
{
    via_certify_subject *grown = realloc(plugin->subjects, (plugin->count + 1) * sizeof *grown);
    if (!grown)
        return NULL;
    plugin->subjects = grown;
    via_certify_subject *subject = &grown[plugin->count++];
    *subject = (via_certify_subject){.tests = json_array()};
    (void)snprintf(subject->scheme, sizeof subject->scheme, "%s", scheme);
    (void)snprintf(subject->pattern, sizeof subject->pattern, "%s", pattern);
    (void)snprintf(subject->manifest, sizeof subject->manifest, "%s", plugin->file);
    return subject;
}

static int add_schemes(via_certify_plugin *plugin)
{
    const char *scheme;
    json_t *entry, *pattern;
    size_t i;
    json_object_foreach(json_object_get(plugin->manifest, "schemes"), scheme, entry)
    {
        json_array_foreach(json_object_get(entry, "patterns"), i, pattern)
        {
            via_certify_subject *subject = via_certify_add(plugin, scheme, json_string_value(pattern));
            if (!subject)
                return via_cli_out_of_memory();
            subject->claims = subject->transport = entry;
        }
    }
    return VIA_EXIT_OK;
}

/* ---- the manifest ------------------------------------------------------------------------------------------- */

static bool find_folder(const char *file, char folder[VIA_CERTIFY_PATH])
{
    char *path = realpath(file, NULL);
    char *slash = path ? strrchr(path, '/') : NULL;
    int length = slash ? snprintf(folder, VIA_CERTIFY_PATH, "%.*s", (int)(slash - path), path) : -1;
    free(path);
    return length >= 0 && length < VIA_CERTIFY_PATH;
}

static int check_sealed(const via_certify_plugin *plugin)
{
    if (json_object_get(plugin->manifest, "sha256"))
        return VIA_EXIT_OK;
    return via_cli_complain(VIA_EXIT_FAILED, "give the one that 'via seal' wrote beside the library",
                            "%s is not sealed, so no host would load its library", plugin->file);
}

static int read_manifest(via_certify_plugin *plugin)
{
    via_error error;
    uint32_t kind = 0;
    via_error_init(&error);
    if (via_validate(plugin->file, &kind, &error) != VIA_OK)
        return via_cli_error(plugin->file, &error);
    if (kind != VIA_MANIFEST_PLUGIN)
        return via_cli_complain(VIA_EXIT_FAILED, "give the manifest of a plugin", "%s is none", plugin->file);
    plugin->manifest = json_load_file(plugin->file, JSON_REJECT_DUPLICATES, NULL);
    if (!plugin->manifest || !find_folder(plugin->file, plugin->folder))
        return via_cli_out_of_memory();
    int result = check_sealed(plugin);
    if (result != VIA_EXIT_OK)
        return result;
    return json_object_get(plugin->manifest, "layers") ? via_certify_add_layers(plugin) : add_schemes(plugin);
}

/* ---- the command -------------------------------------------------------------------------------------------- */

static int check_test(const via_certify_plugin *plugin)
{
    size_t count = 0;
    for (size_t i = 0; i < plugin->count; i++)
        count += json_array_size(plugin->subjects[i].tests);
    if (count > 0)
        return VIA_EXIT_OK;
    return via_cli_usage(plugin->args->command, "via certify without --test names them",
                         "the suite has no test '%s' for what %s offers", plugin->args->test, plugin->file);
}

static int prove_all(via_certify_plugin *plugin)
{
    int result = VIA_EXIT_OK;
    if (!plugin->args->json)
        via_certify_show_plugin(plugin);
    for (size_t i = 0; i < plugin->count; i++) {
        via_certify_subject *subject = &plugin->subjects[i];
        if (!plugin->args->json)
            via_certify_show_subject(plugin, subject);
        if (via_certify_prove(plugin, subject) != VIA_EXIT_OK)
            result = VIA_EXIT_FAILED;
        via_certify_measure(plugin, subject);
        if (!plugin->args->json)
            via_certify_show_sum(subject);
    }
    return result == VIA_EXIT_OK && plugin->args->test ? check_test(plugin) : result;
}

static int certify_one(const via_cli_args *args, const char *file, json_t *certificates)
{
    via_certify_plugin plugin = {.args = args, .file = file};
    plugin.seed = via_cli_given(args, VIA_CLI_SEED) ? args->seed : via_now_ns() % 1000000;
    int result = read_manifest(&plugin);
    if (result == VIA_EXIT_OK)
        result = prove_all(&plugin);
    if (plugin.count > 0 && certificates)
        (void)json_array_append_new(certificates, via_certify_as_json(&plugin));
    for (size_t i = 0; i < plugin.count; i++) {
        json_decref(plugin.subjects[i].tests);
        json_decref(plugin.subjects[i].measured);
        json_decref(plugin.subjects[i].stands_on);
    }
    free(plugin.subjects);
    json_decref(plugin.manifest);
    return result;
}

int via_cli_run_certify(const via_cli_args *args)
{
    json_t *certificates = args->json ? json_array() : NULL;
    int result = VIA_EXIT_OK;
    /* NOLINTNEXTLINE(concurrency-mt-unsafe): there is one thread yet */
    (void)setenv("VIADUCT_LOG", "off", 0); /* tests that provoke a plugin make it complain */
    for (size_t i = 0; i < args->operands.count; i++) {
        int one = certify_one(args, args->operands.items[i], certificates);
        result = one == VIA_EXIT_OK ? result : one;
    }
    if (args->json && !via_cli_json_print(certificates))
        result = via_cli_out_of_memory();
    return result;
}
