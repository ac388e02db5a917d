/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via validate --lint`: what the best practices say of an endpoint manifest.
 *
 * Owns: how a finding looks. What is found comes from via_lint() (sdk/docs/explain.md).
 */
#include <jansson.h>
#include <stdio.h>

#include "choose.h"
#include "json.h"

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* "shop.json:4:5: practice 7 (block), prices: reason", and how it is mended below. */
static void put_finding(const json_t *finding)
{
    via_cli_put_text(stdout, text_of(finding, "file"));
    (void)printf(":%lld:%lld: practice %lld (%s), ", (long long)json_integer_value(json_object_get(finding, "line")),
                 (long long)json_integer_value(json_object_get(finding, "column")),
                 (long long)json_integer_value(json_object_get(finding, "practice")), text_of(finding, "name"));
    via_cli_put_text(stdout, text_of(finding, "endpoint"));
    (void)fputs(": ", stdout);
    via_cli_put_text(stdout, text_of(finding, "reason"));
    (void)fputs("\n     mend: ", stdout);
    via_cli_put_text(stdout, text_of(finding, "mend"));
    (void)putchar('\n');
}

int via_cli_lint(via_host *host, const char *file, json_t *findings)
{
    char *text = NULL;
    via_error error;
    size_t index;
    json_t *found = NULL, *finding;
    if (via_lint(host, file, &text, &error) != VIA_OK)
        return via_cli_error(file, &error);
    found = json_loads(text, 0, NULL);
    via_free(text);
    if (!found)
        return via_cli_out_of_memory();
    json_array_foreach(found, index, finding)
    {
        if (!findings)
            put_finding(finding);
    }
    const int result = json_array_size(found) > 0 ? VIA_EXIT_FAILED : VIA_EXIT_OK;
    if (findings)
        (void)json_array_extend(findings, found);
    json_decref(found);
    return result;
}
