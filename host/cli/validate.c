/* SPDX-License-Identifier: Apache-2.0 */
/* `via validate`: checks manifests, and files of layers. Owns: how verdicts look. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "choose.h"
#include "commands.h"
#include "json.h"
#include "session.h"

/* Only a file of a layer needs a host: manifests are checked without a look at what is installed. */
typedef struct validation {
    const via_cli_args *args;
    via_host *host;
    json_t *verdicts; /* NULL = in words */
} validation;

/* VIA_EXIT_OK, or what opening a host has said already. */
static int judge(validation *v, const char *file, via_file_info *info, via_status *status, via_error *error)
{
    static const char *const words[] = {"", "plugin", "endpoints", ""};
    uint32_t kind = 0;
    *status = via_validate(file, &kind, error);
    *info = (via_file_info){.size = sizeof(*info), .kind = kind};
    (void)snprintf(info->word, sizeof(info->word), "%s", words[kind]);
    if (kind != VIA_MANIFEST_OF_LAYER)
        return VIA_EXIT_OK;
    const int result = v->host ? VIA_EXIT_OK : via_cli_host_open(v->args, &v->host);
    if (result == VIA_EXIT_OK)
        *status = via_validate_with(v->host, file, info, error);
    return result;
}

/* Practices are about endpoint manifests; of the others there is nothing to find. */
static int lint_one(validation *v, const char *file, const via_file_info *info, json_t *verdict)
{
    json_t *findings = verdict ? json_array() : NULL;
    if (verdict)
        (void)json_object_set_new(verdict, "findings", findings);
    if (!v->args->lint || info->kind != VIA_MANIFEST_ENDPOINTS)
        return VIA_EXIT_OK;
    const int opened = v->host ? VIA_EXIT_OK : via_cli_host_open(v->args, &v->host);
    return opened == VIA_EXIT_OK ? via_cli_lint(v->host, file, findings) : opened;
}

static int validate_one(validation *v, const char *file)
{
    via_error error;
    via_file_info info;
    via_status status = VIA_OK;
    via_error_init(&error);
    const int result = judge(v, file, &info, &status, &error);
    if (result != VIA_EXIT_OK)
        return result;
    if (v->verdicts) {
        const char *kind = info.word[0] ? info.word : "unknown";
        json_t *verdict = json_pack("{ss ss sb}", "file", file, "kind", kind, "valid", status == VIA_OK);
        if (status != VIA_OK)
            (void)json_object_set_new(verdict, "error", via_cli_json_error(&error));
        (void)json_array_append_new(v->verdicts, verdict);
        const int linted = status == VIA_OK && v->args->lint ? lint_one(v, file, &info, verdict) : VIA_EXIT_OK;
        return status == VIA_OK ? linted : via_cli_exit_of(status);
    }
    if (status != VIA_OK)
        return via_cli_error(file, &error);
    via_cli_put_text(stdout, file);
    (void)printf(info.kind == VIA_MANIFEST_OF_LAYER ? ": ok, a file of kind %s\n" : ": ok, a manifest of kind %s\n",
                 info.word);
    return lint_one(v, file, &info, NULL);
}

int via_cli_run_validate(const via_cli_args *args)
{
    validation v = {.args = args, .verdicts = args->json ? json_array() : NULL};
    int result = VIA_EXIT_OK;
    for (size_t i = 0; i < args->operands.count; i++)
        if (validate_one(&v, args->operands.items[i]) != VIA_EXIT_OK)
            result = VIA_EXIT_FAILED;
    via_host_close(v.host);
    if (args->json && !via_cli_json_print(v.verdicts))
        result = via_cli_out_of_memory();
    return result;
}
