/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a plugin manifest and as an endpoint manifest.
 *
 * A refusal must name a place inside the text, what is wrong and the way out. What is accepted must be accepted again
 * when it is written out anew, and every default must fit its own option. Both hold whether it is read at once or in two steps.
 */
#include "manifest/endpoint_manifest.h"
#include "manifest/plugin_manifest.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

static void check_refusal(const via_error *error, const char *text, size_t size)
{
    size_t lines = 1;

    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    demand(error->what[0] && error->mend[0]);
    demand(error->line >= 1 && error->line <= lines && error->column >= 1);
    demand(strcmp(error->file, "fuzz.json") == 0);
    demand(error->stage == VIA_STAGE_PARSE || error->stage == VIA_STAGE_SCHEMA);
}

static void check_options(const via_option_list *options)
{
    for (size_t i = 0; i < options->count; i++) {
        const via_option_spec *spec = &options->specs[i];
        via_option option;
        via_status status;
        char what[256];
        demand(via_option_fit(spec, spec->default_text, &option, &status, what, sizeof(what)));
    }
}

static size_t count_options(const via_plugin_manifest *manifest)
{
    size_t count = 0;

    for (size_t i = 0; i < manifest->scheme_count; i++)
        count += manifest->schemes[i].options.count;
    for (size_t i = 0; i < manifest->layer_count; i++)
        count += manifest->layers[i].options.count;
    return count;
}

/* Read in two steps it is the same manifest, or refused in the same words. */
static void check_steps(const via_plugin_manifest *whole, via_status expected, const via_error *refusal,
                        const char *text, size_t size)
{
    via_plugin_manifest manifest;
    via_error error;

    via_error_init(&error);
    via_status status = via_plugin_manifest_outline(&manifest, "fuzz.json", text, size, &error);
    if (status == VIA_OK)
        status = via_plugin_manifest_complete(&manifest, "fuzz.json", text, size, &error);
    demand(status == expected);
    if (status == VIA_OK)
        demand(count_options(&manifest) == count_options(whole));
    else
        demand(strcmp(error.what, refusal->what) == 0 && error.line == refusal->line &&
               error.column == refusal->column);
    via_plugin_manifest_fini(&manifest);
}

static void check_plugin(const char *text, size_t size, bool again)
{
    via_plugin_manifest manifest;
    via_error error;

    via_error_init(&error);
    via_status status = via_plugin_manifest_read(&manifest, "fuzz.json", text, size, &error);
    demand(again ? status == VIA_OK : true);
    if (status != VIA_OK)
        check_refusal(&error, text, size);
    check_steps(&manifest, status, &error, text, size);
    for (size_t i = 0; status == VIA_OK && i < manifest.scheme_count; i++) {
        check_options(&manifest.schemes[i].options);
        demand(via_plugin_manifest_scheme(&manifest, manifest.schemes[i].name) != NULL);
    }
    for (size_t i = 0; status == VIA_OK && i < manifest.layer_count; i++) {
        check_options(&manifest.layers[i].options);
        demand(via_plugin_manifest_layer(&manifest, manifest.layers[i].name) != NULL);
    }
    demand(status != VIA_OK || (manifest.scheme_count == 0) != (manifest.layer_count == 0));
    char *copy = status == VIA_OK && !again ? json_dumps(manifest.root, JSON_COMPACT) : NULL;
    via_plugin_manifest_fini(&manifest);
    if (copy)
        check_plugin(copy, strlen(copy), true);
    free(copy);
}

static void check_endpoints(const char *text, size_t size)
{
    via_endpoints endpoints;
    via_error error;

    via_error_init(&error);
    if (via_endpoints_read(&endpoints, "fuzz.json", text, size, &error) != VIA_OK)
        check_refusal(&error, text, size);
    via_endpoints_fini(&endpoints);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_plugin((const char *)data, size, false);
    check_endpoints((const char *)data, size);
    return 0;
}
