/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing the layers of a request.
 */
#include "load/layers.h"

#include "kit/error.h"
#include "kit/json/nearest.h"

#include <stdlib.h>
#include <string.h>
#include <viaduct/layer.h>

/* The refusal of a plugin has a place of its own. */
static via_status blame(const via_request *request, const via_setting *setting, via_status status, via_error *error)
{
    if (error && !error->file[0])
        via_request_blame(request, setting, error);
    return status;
}

/* ---- the names ---------------------------------------------------------------------------------------------- */

static bool is_taken(const via_layers *layers, const char *name)
{
    for (size_t i = 0; i < layers->count; i++) {
        if (strcmp(layers->names[i], name) == 0)
            return true;
    }
    return false;
}

static via_status add_name(via_layers *layers, const char *text, size_t size, via_error *error)
{
    char name[VIA_LAYER_NAME_BYTES + 1];

    if (layers->count == VIA_LAYERS)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take some out",
                             "more than %d layers on one channel", VIA_LAYERS);
    (void)snprintf(name, sizeof(name), "%.*s", (int)(size < sizeof(name) ? size : sizeof(name)), text);
    if (size >= sizeof(name) || !via_layer_is_name(name))
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS,
                             "write names with commas between them, as layers=ONE,TWO; via plugins lists the layers",
                             "\"%.*s\" is no layer's name", (int)(size < 40 ? size : 40), text);
    if (is_taken(layers, name))
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take one of the two out",
                             "the layer \"%s\" is there twice", name);
    memcpy(layers->names[layers->count++], name, sizeof(name));
    return VIA_OK;
}

/* "" = none. */
static via_status read_names(via_layers *layers, const char *text, via_error *error)
{
    via_status status = VIA_OK;

    for (const char *part = text; *text && part && status == VIA_OK;) {
        const char *comma = strchr(part, ',');
        status = add_name(layers, part, comma ? (size_t)(comma - part) : strlen(part), error);
        part = comma ? comma + 1 : NULL;
    }
    return status;
}

/* ---- what stands on what ------------------------------------------------------------------------------------ */

static via_status check_place(const via_layers *layers, size_t index, uint32_t pattern, via_error *error)
{
    const via_layer_manifest *layer = layers->list[index].choice.layer;
    char offered[64], asked[64];

    if (pattern && !(layer->patterns & pattern))
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPTIONS, "take it out, or use another layer",
                             "the layer \"%s\" is for %s; this is a %s", layer->name,
                             via_pattern_list(layer->patterns, offered, sizeof(offered)),
                             via_pattern_list(pattern, asked, sizeof(asked)));
    if (layer->is_terminal && index > 0)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "write it first",
                             "nothing can stand on the layer \"%s\", which carries no messages; \"%s\" does",
                             layer->name, layers->names[index - 1]);
    return VIA_OK;
}

static via_status choose_one(const via_registry *registry, via_layers *layers, size_t index, uint32_t pattern,
                             via_error *error)
{
    via_stacked *stacked = &layers->list[index];
    via_status status = via_choose_layer(registry, layers->names[index], &stacked->choice, error);

    if (status == VIA_OK)
        status = check_place(layers, index, pattern, error);
    if (status != VIA_OK)
        return status;
    const via_option_list *options = &stacked->choice.layer->options;
    stacked->effective = calloc(options->count + 1, sizeof(*stacked->effective));
    if (!stacked->effective)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPTIONS, NULL, "out of memory");
    for (size_t i = 0; i < options->count; i++)
        via_option_default(&options->specs[i], &stacked->effective[i].option);
    return VIA_OK;
}

/* ---- the options -------------------------------------------------------------------------------------------- */

bool via_layers_owns(const via_setting *setting)
{
    return strchr(setting->name, '.') != NULL;
}

/* The layer whose option this is, by its place; `count` = there is none. */
static size_t owner_of(const via_layers *layers, const via_setting *setting)
{
    size_t size = strcspn(setting->name, "."), index = 0;

    while (index < layers->count &&
           (strlen(layers->names[index]) != size || strncmp(layers->names[index], setting->name, size) != 0))
        index++;
    return index;
}

bool via_layers_is_left_out(const via_layers *layers, const via_setting *setting)
{
    return via_layers_owns(setting) && owner_of(layers, setting) == layers->count && layers->setting &&
           setting->origin < layers->setting->origin;
}

static via_status fail_ownerless(const via_layers *layers, const via_setting *setting, via_error *error)
{
    char name[64];
    via_nearest nearest;

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(setting->name, "."), setting->name);
    via_nearest_begin(&nearest, name);
    for (size_t i = 0; i < layers->count; i++)
        via_nearest_offer(&nearest, layers->names[i]);
    return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS,
                         "name the layer in \"layers\", from the program to the transport, or take the option out",
                         "option %.80s: no layer \"%.40s\" is on this channel%s%s%s", setting->name, name,
                         nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "",
                         nearest.best ? "\"?" : "");
}

/* Holds one setting against its layer. In a refusal the option is called as the setting calls it. */
static via_status apply(const via_request *request, const via_layers *layers, const via_setting *setting,
                        uint32_t pattern, via_error *error)
{
    size_t owner = owner_of(layers, setting), index = 0;
    const char *name = strchr(setting->name, '.') + 1;

    if (owner == layers->count)
        return blame(request, setting, fail_ownerless(layers, setting, error), error);
    const via_stacked *stacked = &layers->list[owner];
    const via_layer_manifest *layer = stacked->choice.layer;
    const via_option_spec *spec = via_option_list_find(&layer->options, name, &index);
    if (!spec)
        return blame(request, setting,
                     via_settings_fail_unknown(&layer->options, "the layer ", layer->name, name, error), error);
    via_option_spec full = *spec;
    full.name = setting->name;
    via_status status = via_settings_fit(request, &full, setting, pattern, &stacked->effective[index], error);
    stacked->effective[index].option.name = spec->name;
    return status;
}

static via_status apply_all(const via_request *request, const via_layers *layers, uint32_t pattern, via_error *error)
{
    via_status status = VIA_OK;

    for (size_t i = 0; i < request->setting_count && status == VIA_OK; i++) {
        const via_setting *setting = &request->settings[i];
        if (via_layers_owns(setting) && !via_layers_is_left_out(layers, setting))
            status = apply(request, layers, setting, pattern, error);
    }
    return status;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

/* FNV-1a, 32 bit, each name with its NUL. */
static uint32_t hash_name(uint32_t hash, const char *name)
{
    for (const char *c = name;; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT32_C(0x01000193);
        if (!*c)
            return hash;
    }
}

/* Only what becomes of the bytes has to be alike at both ends: a layer that leaves them alone is nobody else's business. */
static void sum_up(via_layers *layers)
{
    uint32_t hash = UINT32_C(0x811c9dc5);

    for (size_t i = 0; i < layers->count; i++) {
        const via_layer_manifest *layer = layers->list[i].choice.layer;
        layers->overhead += layer->overhead;
        layers->clears |= layer->clears;
        if (layer->max_message && (!layers->max_message || layer->max_message < layers->max_message))
            layers->max_message = layer->max_message;
        if (layer->bytes != VIA_BYTES_CHANGED)
            continue;
        hash = hash_name(hash, layer->name);
        layers->above_mark = i + 1;
    }
    if (!layers->above_mark)
        return;
    layers->stack_id = hash ? hash : 1;
    layers->overhead += VIA_MARK_SIZE;
    layers->clears |= VIA_INFO_LOAN_NATIVE;
}

via_status via_layers_choose(const via_registry *registry, const via_request *request, uint32_t pattern,
                             via_layers *layers, via_error *error)
{
    via_status status = VIA_OK;

    *layers = (via_layers){.setting = via_request_setting(request, "layers")};
    if (layers->setting)
        status = read_names(layers, layers->setting->value, error);
    for (size_t i = 0; i < layers->count && status == VIA_OK; i++)
        status = choose_one(registry, layers, i, pattern, error);
    if (status != VIA_OK)
        return blame(request, layers->setting, status, error);
    sum_up(layers);
    return apply_all(request, layers, pattern, error);
}

void via_layers_fini(via_layers *layers)
{
    for (size_t i = 0; i < layers->count; i++)
        free(layers->list[i].effective);
    *layers = (via_layers){0};
}
