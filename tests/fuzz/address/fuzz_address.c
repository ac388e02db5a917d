/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as an address: parsed, resolved in every role, and explained.
 *
 * What is parsed must parse the same when it is written again; a refusal must say what and the way out; what is
 * explained must be JSON; a secret must not be in it.
 */
#include "load/address.h"
#include "load/registry.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char manifest[] =
    "{\"manifest\": 1, \"kind\": \"transport\", \"name\": \"bus\", \"version\": \"1.0.0\", \"summary\": \"a bus\",\n"
    " \"library\": {\"linux-x86_64\": \"via_bus.so\", \"linux-aarch64\": \"via_bus.so\"}, \"schemes\": {\n"
    "  \"bus\": {\"patterns\": [\"pair\", \"queue\", \"topic\", \"value\", \"region\"], \"scope\": \"machine\",\n"
    "   \"guarantees\": {\"attach\": true, \"lossless\": true, \"ordered\": true, \"death\": false},\n"
    "   \"max_message\": \"1MiB\", \"aliases\": [\"coach\"], \"options\": {\n"
    "    \"mode\": {\"type\": \"mode\", \"default\": \"0600\", \"summary\": \"s\"},\n"
    "    \"size\": {\"type\": \"size\", \"default\": \"64KiB\", \"min\": \"4KiB\", \"max\": \"1MiB\", \"summary\": "
    "\"s\"},\n"
    "    \"wait\": {\"type\": \"duration\", \"default\": \"1s\", \"max\": \"1min\", \"summary\": \"s\"},\n"
    "    \"rate\": {\"type\": \"int\", \"default\": 0, \"min\": -9, \"summary\": \"s\"},\n"
    "    \"on\": {\"type\": \"bool\", \"default\": false, \"summary\": \"s\"},\n"
    "    \"over\": {\"type\": \"enum\", \"values\": [\"block\", \"fail\"], \"default\": \"block\", \"summary\": "
    "\"s\"},\n"
    "    \"token\": {\"type\": \"string\", \"secret\": true, \"summary\": \"s\"},\n"
    "    \"text\": {\"type\": \"string\", \"patterns\": [\"topic\"], \"summary\": \"s\"}}}}}";
static const char endpoints[] =
    "{\"manifest\": 1, \"endpoints\": {\"a\": {\"address\": \"bus:a?rate=1\", \"options\": {\"mode\": \"0660\"}},\n"
    " \"b\": {\"any_of\": [\"bus:a\", \"x:b\"]}, \"c\": {\"require\": {\"pattern\": \"pair\"}}, \"d\": {\"address\": "
    "\"no:d\"}}}";

static via_log silent;
static via_registry *resolving, *explaining; /* explaining looks for the library, and refuses the plugin for good */

static void demand(bool holds)
{
    if (!holds)
        abort();
}

/* ---- one registry, read from two files that are gone at once ------------------------------------------------------ */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    demand(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void open_registries(void)
{
    char folder[] = "/tmp/via-fuzz.XXXXXX", plugin[64], endpoint[64];
    const char *plugins = plugin, *files = endpoint;
    via_host_options options;

    demand(mkdtemp(folder) != NULL);
    (void)snprintf(plugin, sizeof(plugin), "%s/bus.json", folder);
    (void)snprintf(endpoint, sizeof(endpoint), "%s/e.json", folder);
    write_file(plugin, manifest);
    write_file(endpoint, endpoints);
    via_log_init(&silent, NULL, NULL, 0, true);
    via_host_options_init(&options);
    options.flags = VIA_HOST_NO_ENVIRONMENT | VIA_HOST_NO_DEFAULT_PATHS;
    options.plugin_paths = &plugins;
    options.plugin_path_count = 1;
    options.endpoint_paths = &files;
    options.endpoint_path_count = 1;
    demand(via_registry_open(&options, &silent, &resolving, NULL) == VIA_OK);
    demand(via_registry_open(&options, &silent, &explaining, NULL) == VIA_OK);
    (void)unlink(plugin);
    (void)unlink(endpoint);
    (void)rmdir(folder);
}

/* ---- what must hold ------------------------------------------------------------------------------------------- */

static void append_encoded(char *out, size_t capacity, const char *separator, const char *text)
{
    size_t at = strlen(out);

    at += (size_t)snprintf(out + at, capacity - at, "%s", separator);
    for (; *text && at + 4 < capacity; text++)
        at += (size_t)snprintf(out + at, capacity - at, "%%%02X", (unsigned)(unsigned char)*text);
}

static void check_same(const via_address *a, const via_address *b)
{
    demand((a->scheme == NULL) == (b->scheme == NULL) && strcmp(a->rest, b->rest) == 0);
    demand(!a->scheme || strcmp(a->scheme, b->scheme) == 0);
    demand(a->option_count == b->option_count);
    for (size_t i = 0; i < a->option_count; i++)
        demand(strcmp(a->options[i].name, b->options[i].name) == 0 &&
               strcmp(a->options[i].value, b->options[i].value) == 0);
}

/* Written with every character of its options encoded, an address means the same (unless that makes it too long). */
static void check_written_again(const via_address *address)
{
    static char text[4 * VIA_ADDRESS_BYTES];
    via_address again;

    (void)snprintf(text, sizeof(text), "%s%s%s", address->scheme ? address->scheme : "", address->scheme ? ":" : "",
                   address->rest);
    for (size_t i = 0; i < address->option_count; i++) {
        append_encoded(text, sizeof(text), i ? "&" : "?", address->options[i].name);
        append_encoded(text, sizeof(text), "=", address->options[i].value);
    }
    if (strlen(text) > VIA_ADDRESS_BYTES)
        return;
    demand(via_address_parse(text, &again, NULL) == VIA_OK);
    check_same(address, &again);
    via_address_fini(&again);
}

static void check_resolve(const char *text, uint32_t role)
{
    via_resolved resolved;
    via_error error;

    via_error_init(&error);
    if (via_resolve(resolving, text, role, true, NULL, &resolved, &error) == VIA_OK) {
        demand(resolved.side == VIA_SIDE_BIND || resolved.side == VIA_SIDE_CONNECT);
        demand(resolved.max_message >= 1 && resolved.max_message <= 1048576);
        demand(resolved.option_count == 8);
        via_resolved_fini(&resolved);
        return;
    }
    demand(error.status != VIA_OK && error.what[0] && error.mend[0]);
}

static void check_explain(const char *text)
{
    char *json = NULL;
    via_error error;

    (void)via_registry_explain(explaining, text, NULL, &json, &error);
    json_t *parsed = json ? json_loads(json, JSON_REJECT_DUPLICATES, NULL) : NULL;
    demand(parsed != NULL);
    size_t index;
    json_t *option;
    json_array_foreach(json_object_get(parsed, "options"), index, option)
    {
        demand(!json_object_get(option, "secret") || json_is_null(json_object_get(option, "value")));
    }
    json_decref(parsed);
    free(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    via_address address;

    if (!resolving)
        open_registries();
    char *text = malloc(size + 1);
    demand(text != NULL);
    if (size)
        memcpy(text, data, size);
    text[size] = '\0';
    if (via_address_parse(text, &address, NULL) == VIA_OK) {
        check_written_again(&address);
        via_address_fini(&address);
    }
    for (uint32_t role = VIA_PAIR; role <= VIA_REGION; role++)
        check_resolve(text, role);
    check_explain(text);
    free(text);
    return 0;
}
