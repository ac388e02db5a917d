/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses with the layer rpc; see rpc_open.h. Owns: where that layer goes among others. */
#include "rpc_open.h"

#include <stdlib.h>
#include <string.h>

#include "session.h"

static const char layer_name[] = "rpc";

/* ---- what the address says ---------------------------------------------------------------------------------- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* The element of a list that has this name; borrowed. */
static const json_t *named(const json_t *list, const char *name)
{
    size_t index;
    const json_t *element;
    json_array_foreach(list, index, element)
    {
        if (strcmp(text_of(element, "name"), name) == 0)
            return element;
    }
    return NULL;
}

/* The caller's reference; NULL = it does not resolve, and opening it will say why. */
static json_t *explain(via_host *host, const char *address, const via_open_options *options)
{
    via_error error;
    char *text = NULL;
    via_error_init(&error);
    via_status status = via_explain(host, address, options, &text, &error);
    json_t *root = status == VIA_OK && text ? json_loads(text, 0, NULL) : NULL;
    via_free(text);
    return root;
}

/* "rpc", and below it what the address has already. */
static char *put_on_top(const json_t *layers)
{
    size_t index, size = sizeof layer_name;
    const json_t *layer;
    json_array_foreach(layers, index, layer)
    {
        size += strlen(text_of(layer, "name")) + 1;
    }
    char *made = calloc(1, size);
    if (!made)
        return NULL;
    int used = snprintf(made, size, "%s", layer_name);
    json_array_foreach(layers, index, layer)
    {
        used += snprintf(made + used, size - (size_t)used, ",%s", text_of(layer, "name"));
    }
    return made;
}

/* False: out of memory. */
static bool choose_layers(via_cli_rpc *rpc)
{
    json_t *root = explain(rpc->host, rpc->address, NULL);
    const json_t *layers = json_object_get(root, "layers");
    bool has_layer = !root || named(layers, layer_name) != NULL; /* opening will say what is wrong with it */
    if (!has_layer)
        rpc->layers = put_on_top(layers);
    json_decref(root);
    return has_layer || rpc->layers;
}

/* What is in effect, whoever has said it. False: out of memory. */
static bool look(via_cli_rpc *rpc)
{
    via_open_options options;
    via_cli_rpc_options(rpc, &options);
    json_t *root = explain(rpc->host, rpc->address, &options);
    const json_t *list = json_object_get(named(json_object_get(root, "layers"), layer_name), "options");
    const char *interface = text_of(named(list, "interface"), "value");
    if (rpc->args->interface)
        interface = rpc->args->interface; /* also where the address does not resolve, which is told by opening it */
    bool made = true;
    rpc->is_json = strcmp(text_of(named(list, "codec"), "value"), "json") == 0;
    if (interface[0])
        made = (rpc->interface = strdup(interface)) != NULL;
    json_decref(root);
    return made;
}

/* ---- options ------------------------------------------------------------------------------------------------ */

static bool add(via_cli_rpc *rpc, char **own, const char *name, const char *value)
{
    if (!value)
        return true;
    size_t size = sizeof layer_name + strlen(name) + strlen(value) + 2;
    *own = malloc(size);
    if (!*own)
        return false;
    (void)snprintf(*own, size, "%s.%s=%s", layer_name, name, value);
    rpc->options[rpc->option_count++] = *own;
    return true;
}

static bool gather(via_cli_rpc *rpc)
{
    const via_cli_args *args = rpc->args;
    rpc->options = calloc(args->options.count + 2, sizeof *rpc->options);
    if (!rpc->options)
        return false;
    for (size_t i = 0; i < args->options.count; i++)
        rpc->options[rpc->option_count++] = args->options.items[i];
    return add(rpc, &rpc->own[0], "interface", args->interface) && add(rpc, &rpc->own[1], "codec", args->codec);
}

void via_cli_rpc_options(const via_cli_rpc *rpc, via_open_options *options)
{
    via_open_options_init(options);
    options->options = rpc->options;
    options->option_count = rpc->option_count;
    options->layers = rpc->layers;
}

int via_cli_rpc_init(via_cli_rpc *rpc, const via_cli_args *args, via_host *host)
{
    *rpc = (via_cli_rpc){.args = args, .host = host, .address = args->operands.items[0]};
    if (via_cli_pattern(args, host, rpc->address) != VIA_PATTERN_PAIR)
        return via_cli_complain(VIA_EXIT_FAILED, "name a pair", "%s: calls travel in pairs only", rpc->address);
    return gather(rpc) && choose_layers(rpc) && look(rpc) ? VIA_EXIT_OK : via_cli_out_of_memory();
}

void via_cli_rpc_fini(via_cli_rpc *rpc)
{
    free(rpc->own[0]);
    free(rpc->own[1]);
    free(rpc->options);
    free(rpc->layers);
    free(rpc->interface);
}

json_t *via_cli_rpc_read(const via_cli_rpc *rpc)
{
    return rpc->interface ? json_load_file(rpc->interface, 0, NULL) : NULL;
}
