/* SPDX-License-Identifier: Apache-2.0 */
/* `via validate`: checks manifests of any kind. Owns: how verdicts look. */
#include <jansson.h>

#include "commands.h"
#include "json.h"

static const char *kind_name(uint32_t kind)
{
    switch (kind) {
    case VIA_MANIFEST_PLUGIN:
        return "plugin";
    case VIA_MANIFEST_ENDPOINTS:
        return "endpoints";
    default:
        return "unknown";
    }
}

static int validate_one(const char *file, json_t *verdicts)
{
    via_error error;
    uint32_t kind = 0;
    via_error_init(&error);
    via_status status = via_validate(file, &kind, &error);
    if (verdicts) {
        json_t *verdict = json_pack("{ss ss sb}", "file", file, "kind", kind_name(kind), "valid", status == VIA_OK);
        if (status != VIA_OK)
            (void)json_object_set_new(verdict, "error", via_cli_json_error(&error));
        (void)json_array_append_new(verdicts, verdict);
        return via_cli_exit_of(status);
    }
    if (status != VIA_OK)
        return via_cli_error(file, &error);
    via_cli_put_text(stdout, file);
    (void)printf(": ok, a manifest of kind %s\n", kind_name(kind));
    return VIA_EXIT_OK;
}

int via_cli_run_validate(const via_cli_args *args)
{
    json_t *verdicts = args->json ? json_array() : NULL;
    int result = VIA_EXIT_OK;
    for (size_t i = 0; i < args->operands.count; i++)
        if (validate_one(args->operands.items[i], verdicts) != VIA_EXIT_OK)
            result = VIA_EXIT_FAILED;
    if (args->json && !via_cli_json_print(verdicts))
        result = via_cli_out_of_memory();
    return result;
}
