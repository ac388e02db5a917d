/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via choose`: which mechanism serves a need.
 *
 * Owns: the looks, and the lines to paste. What is shown comes from via_advise() (sdk/docs/explain.md).
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "choose.h"
#include "commands.h"
#include "json.h"
#include "session.h"
#include "table.h"

/* ---- the need ----------------------------------------------------------------------------------------------- */

static bool add(char **need, const char *key, const char *value)
{
    char *longer = NULL;
    if (!value)
        return true;
    const int size = asprintf(&longer, "%s%s%s=%s", *need ? *need : "", *need ? "," : "", key, value);
    free(*need);
    *need = size < 0 ? NULL : longer;
    return *need != NULL;
}

/* "pattern=queue,scope=machine,feature=priority"; the caller's. NULL: out of memory. */
static char *write_need(const via_cli_args *args)
{
    char *need = NULL;
    bool done = add(&need, "pattern", via_cli_need_pattern(args)) && add(&need, "scope", args->scope) &&
                add(&need, "max_message", args->max_message) && add(&need, "message", args->message);
    for (size_t i = 0; i < args->features.count && done; i++)
        done = add(&need, "feature", args->features.items[i]);
    return done ? need : NULL;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

void via_cli_format_latency(const json_t *candidate, char *text, size_t capacity)
{
    const double ns = json_number_value(json_object_get(candidate, "latency_ns"));
    if (ns <= 0)
        text[0] = '\0';
    else if (ns < 999.5)
        (void)snprintf(text, capacity, "%.0f ns", ns);
    else if (ns < 999500)
        (void)snprintf(text, capacity, "%.1f us", ns / 1e3);
    else
        (void)snprintf(text, capacity, "%.1f ms", ns / 1e6);
}

static void add_candidate(via_table *table, size_t number, const json_t *candidate)
{
    char index[24], latency[32], mend[400];
    const char *verdict = text_of(candidate, "verdict");
    (void)snprintf(index, sizeof index, "  %zu", number);
    via_cli_format_latency(candidate, latency, sizeof latency);
    via_table_add(table, (const char *[]){index, text_of(candidate, "scheme"),
                                          strcmp(verdict, "chosen") == 0 ? "CHOSEN" : verdict, latency,
                                          text_of(candidate, "estimate"), text_of(candidate, "reason")});
    if (!text_of(candidate, "mend")[0])
        return;
    (void)snprintf(mend, sizeof mend, "mend: %s", text_of(candidate, "mend"));
    via_table_add(table, (const char *[]){"", "", "", "", "", mend});
}

static bool put_candidates(const json_t *candidates)
{
    static const char *const head[] = {"  #", "SCHEME", "VERDICT", ">ONE WAY", "FROM", "REASON"};
    via_table table;
    size_t index;
    const json_t *candidate;
    via_table_init(&table, head, 6);
    json_array_foreach(candidates, index, candidate) add_candidate(&table, index + 1, candidate);
    const bool printed = via_table_print(&table, stdout);
    via_table_fini(&table);
    return printed;
}

/* ---- the lines to paste ------------------------------------------------------------------------------------- */

static bool put_manifest(const json_t *endpoint)
{
    char *text = json_dumps(endpoint, JSON_PRESERVE_ORDER);
    if (!text)
        return false;
    (void)printf("\nin an endpoint manifest, under a name of your own:\n{\n  \"manifest\": 1,\n  \"endpoints\": {\n"
                 "    \"NAME\": %s\n  }\n}\n",
                 text);
    free(text);
    return true;
}

static int show(const json_t *root, bool as_json)
{
    char size[32];
    const json_t *endpoint = json_object_get(root, "endpoint");
    if (as_json) {
        char *text = json_dumps(root, JSON_INDENT(2));
        if (!text)
            return via_cli_out_of_memory();
        (void)puts(text);
        free(text);
        return json_is_null(endpoint) ? VIA_EXIT_FAILED : VIA_EXIT_OK;
    }
    via_cli_format_size((uint64_t)json_integer_value(json_object_get(root, "size")), size, sizeof size);
    (void)printf("%s, messages of %s\n", text_of(json_object_get(root, "need"), "pattern"), size);
    if (!put_candidates(json_object_get(root, "candidates")))
        return via_cli_out_of_memory();
    if (!json_is_null(endpoint))
        return put_manifest(endpoint) ? VIA_EXIT_OK : via_cli_out_of_memory();
    (void)fflush(stdout);
    (void)fputs("via: no installed mechanism serves that\n     mend: ask for less, or install a plugin that has it\n",
                stderr);
    return VIA_EXIT_FAILED;
}

int via_cli_run_choose(const via_cli_args *args)
{
    via_host *host;
    via_error error;
    char *need = write_need(args), *text = NULL;
    json_t *root = NULL;
    if (!need)
        return via_cli_out_of_memory();
    int result = via_cli_host_open(args, &host);
    if (result != VIA_EXIT_OK) {
        free(need);
        return result;
    }
    if (via_advise(host, need, &text, &error) != VIA_OK)
        result = via_cli_error("choose", &error);
    else
        result = (root = json_loads(text, 0, NULL)) ? show(root, args->json) : via_cli_out_of_memory();
    json_decref(root);
    via_free(text);
    free(need);
    via_host_close(host);
    return result;
}
