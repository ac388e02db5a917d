/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What plugin manifests and endpoint manifests have in common.
 */
#include "manifest/manifest.h"

#include "manifest/value.h"

#include <viaduct/plugin.h>

via_status via_manifest_size(via_check *check, json_t *value, uint64_t *out)
{
    const char *text = "";
    char name[96];
    int64_t bytes = 0;

    if (json_is_integer(value))
        return via_check_integer(check, value, 1, INT64_MAX, (int64_t *)out);
    if (!json_is_string(value))
        return via_check_fail_type(check, value, via_value_expected(VIA_OPTION_SIZE));
    via_status status = via_check_text(check, value, 1, 32, &text);
    if (status != VIA_OK)
        return status;
    if (!via_value_read(VIA_OPTION_SIZE, text, &bytes) || bytes < 1)
        return via_check_fail(check, NULL, "%s is \"%s\"; expected %s above 0",
                              via_check_name(check, name, sizeof(name)), text, via_value_expected(VIA_OPTION_SIZE));
    *out = (uint64_t)bytes;
    return VIA_OK;
}

static const via_check_form form = {
    .subject = "the manifest",
    .reference = "manifests/README.md describes every field",
    .split = "split it: one manifest a plugin, several endpoint files",
    .bytes = VIA_MANIFEST_BYTES,
    .depth = VIA_MANIFEST_DEPTH,
};

via_status via_manifest_parse(via_check *check, const char *file, const char *text, size_t size, json_t **root,
                              via_error *error)
{
    return via_check_parse(check, &form, file, text, size, root, error);
}
