/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer is proved on: the schemes in its manifest under "x-conformance", "on", of plugins that are installed.
 */
#include <string.h>

#include "certify.h"
#include "session.h"

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = words; (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
            return true;
    return false;
}

/* The manifest of the ready plugin that has the scheme. */
static bool find_transport(via_host *host, const char *scheme, char manifest[VIA_CERTIFY_PATH])
{
    via_plugin_info info = {.size = sizeof info};
    size_t cursor = 0;
    while (via_plugin_next(host, &cursor, &info) == VIA_OK) {
        if (strcmp(info.kind, "transport") == 0 && info.status <= VIA_PLUGIN_LOADED && has_word(info.schemes, scheme)) {
            (void)snprintf(manifest, VIA_CERTIFY_PATH, "%s", info.manifest);
            return true;
        }
    }
    return false;
}

static int add_on(via_certify_plugin *plugin, via_host *host, const char *layer, const json_t *entry,
                  const char *scheme)
{
    char manifest[VIA_CERTIFY_PATH];
    size_t i;
    json_t *pattern;
    if (!find_transport(host, scheme, manifest))
        return via_cli_complain(VIA_EXIT_FAILED, "'via plugins' lists them; --plugins DIR adds a folder",
                                "%s: layer %s is to be proved on %s:, and no plugin that is ready has it", plugin->file,
                                layer, scheme);
    json_array_foreach(json_object_get(entry, "patterns"), i, pattern)
    {
        via_certify_subject *subject = via_certify_add(plugin, scheme, json_string_value(pattern));
        if (!subject)
            return via_cli_out_of_memory();
        subject->claims = entry;
        (void)snprintf(subject->layer, sizeof subject->layer, "%s", layer);
        (void)snprintf(subject->manifest, sizeof subject->manifest, "%s", manifest);
        subject->stands_on = json_load_file(manifest, JSON_REJECT_DUPLICATES, NULL);
        subject->transport = json_object_get(json_object_get(subject->stands_on, "schemes"), scheme);
    }
    return VIA_EXIT_OK;
}

static int add_layer(via_certify_plugin *plugin, via_host *host, const char *layer, const json_t *entry)
{
    const json_t *on = json_object_get(json_object_get(entry, "x-conformance"), "on");
    int result = VIA_EXIT_OK;
    size_t i;
    json_t *scheme;
    if (json_is_true(json_object_get(entry, "terminal")))
        return via_cli_complain(VIA_EXIT_FAILED, "test it by its extension",
                                "%s: layer %s carries no messages, so the suite can ask it nothing", plugin->file,
                                layer);
    if (json_array_size(on) == 0)
        return via_cli_complain(VIA_EXIT_FAILED,
                                "write \"x-conformance\": {\"on\": [\"SCHEME\"]} into the layer's entry",
                                "%s: layer %s does not say on which scheme it is to be proved", plugin->file, layer);
    json_array_foreach(on, i, scheme)
    {
        if (result == VIA_EXIT_OK && json_is_string(scheme))
            result = add_on(plugin, host, layer, entry, json_string_value(scheme));
    }
    return result;
}

int via_certify_add_layers(via_certify_plugin *plugin)
{
    via_host *host = NULL;
    const char *layer;
    json_t *entry;
    int result = via_cli_host_open(plugin->args, &host);
    json_object_foreach(json_object_get(plugin->manifest, "layers"), layer, entry)
    {
        if (result == VIA_EXIT_OK)
            result = add_layer(plugin, host, layer, entry);
    }
    via_host_close(host);
    return result;
}
