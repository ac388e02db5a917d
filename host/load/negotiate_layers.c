/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Negotiating the layers of a plugin.
 *
 * Owns: which slots a layer must have. The others stay empty: there the call goes to the channel below.
 */
#include "load/negotiate.h"

#include "kit/error.h"

#include <string.h>

enum { LEAST_LAYER = offsetof(via_layer, channel_ops) + sizeof(void *) };

static via_table_owner of_layer(const char *name)
{
    return (via_table_owner){"layer", name};
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

/* Loans of the transport would pass by a layer that sees messages on their way. */
static via_status check_loans(const via_channel_ops *ops, const via_layer_manifest *layer, via_error *error)
{
    bool has_none = layer->is_terminal || layer->bytes == VIA_BYTES_CHANGED || (layer->clears & VIA_INFO_LOAN_NATIVE);

    if (has_none || ops->loan || !ops->send)
        return VIA_OK;
    return via_negotiate_refuse(error, "write the three functions, or add \"loan\" to \"clears\" in the manifest",
                                "layer \"%s\" sees what is sent, and loans would pass it by: it has no \"loan\"",
                                layer->name);
}

/* What changes bytes has to see all of them, and takes back what it has lent. */
static via_status check_slots(const via_channel_ops *ops, const via_layer_manifest *layer, via_error *error)
{
    bool changes = layer->bytes == VIA_BYTES_CHANGED;
    const via_slot slots[] = {
        {"send", ops->send || !changes},       {"recv", ops->recv || !changes},
        {"release", ops->release || !changes}, {"extension", ops->extension || !layer->is_terminal},
        {"close", ops->close != NULL},
    };
    via_status status =
        via_negotiate_slots(slots, sizeof(slots) / sizeof(slots[0]), of_layer(layer->name), "channel", error);

    if (status == VIA_OK)
        status = via_negotiate_loans(ops, of_layer(layer->name), error);
    return status == VIA_OK ? check_loans(ops, layer, error) : status;
}

/* ---- claims ------------------------------------------------------------------------------------------------- */

static const char *claim(uint32_t flags)
{
    if (flags & VIA_LAYER_TERMINAL)
        return "terminal";
    return flags & VIA_LAYER_CHANGES ? "a filter that changes bytes" : "a filter that leaves bytes as they are";
}

static via_status check_claims(const via_layer *table, const via_layer_manifest *layer, via_error *error)
{
    uint32_t flags =
        (layer->is_terminal ? VIA_LAYER_TERMINAL : 0u) | (layer->bytes == VIA_BYTES_CHANGED ? VIA_LAYER_CHANGES : 0u);
    char claimed[64], offered[64];

    if (table->patterns != layer->patterns)
        return via_negotiate_refuse(error, "make manifest and layer table say the same",
                                    "layer \"%s\": the manifest claims the patterns %s, the library offers %s",
                                    layer->name, via_pattern_list(layer->patterns, claimed, sizeof(claimed)),
                                    via_pattern_list(table->patterns, offered, sizeof(offered)));
    if (table->flags != flags)
        return via_negotiate_refuse(error, "make manifest and layer table say the same",
                                    "layer \"%s\": the manifest says that it is %s; the library, %s", layer->name,
                                    claim(flags), claim(table->flags));
    if (!table->wrap)
        return via_negotiate_refuse(error, "write the missing function; <viaduct/layer.h> says what it has to do",
                                    "layer \"%s\": the mandatory slot \"wrap\" is empty", layer->name);
    if (layer->checks && !table->check)
        return via_negotiate_refuse(error, "write the missing function, or take \"checks\" out of the manifest",
                                    "layer \"%s\": the manifest says that it checks files with \"%s\", but the slot "
                                    "\"check\" is empty",
                                    layer->name, layer->checks);
    return VIA_OK;
}

/* ---- copying ------------------------------------------------------------------------------------------------ */

static const via_layer_manifest *find_claim(const via_tables *tables, const via_layer *table,
                                            const via_plugin_manifest *manifest, via_error *error)
{
    const via_layer_manifest *layer = table->name ? via_plugin_manifest_layer(manifest, table->name) : NULL;

    if (!layer) {
        (void)via_negotiate_refuse(error, "add it to \"layers\" in the manifest",
                                   "the library offers the layer \"%.31s\", which the manifest does not",
                                   table->name ? table->name : "");
        return NULL;
    }
    for (size_t i = 0; i < tables->layer_count; i++) {
        if (strcmp(tables->layers[i].name, table->name) != 0)
            continue;
        (void)via_negotiate_refuse(error, "take one of the two out", "the library offers the layer \"%s\" twice",
                                   table->name);
        return NULL;
    }
    return layer;
}

static via_status copy_layer(via_tables *tables, const void *table, const via_plugin_manifest *manifest,
                             via_error *error)
{
    via_layer *layer = &tables->layers[tables->layer_count];
    via_channel_ops *channel = &tables->channels[tables->layer_count];
    via_status status =
        via_negotiate_copy(layer, sizeof(*layer), table, LEAST_LAYER, of_layer("(unread)"), "layer", error);

    if (status != VIA_OK)
        return status;
    const via_layer_manifest *claimed = find_claim(tables, layer, manifest, error);
    if (!claimed)
        return VIA_EREFUSED;
    status = check_claims(layer, claimed, error);
    if (status == VIA_OK)
        status = via_negotiate_channel(channel, layer->channel_ops, of_layer(claimed->name), error);
    if (status == VIA_OK)
        status = check_slots(channel, claimed, error);
    layer->name = claimed->name;
    layer->channel_ops = channel;
    tables->layer_count++;
    return status;
}

/* Each one that the library offers is in the manifest, once: so if the counts agree, so do the lists. */
via_status via_negotiate_layers(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                                via_error *error)
{
    const unsigned char *table = (const unsigned char *)plugin->layers;

    for (size_t i = 0; i < plugin->layer_count; i++) {
        uint32_t size;
        memcpy(&size, table + i * plugin->layer_size, sizeof(size));
        if (size > plugin->layer_size)
            return via_negotiate_refuse(error, VIA_BUILD_AGAIN, "layer %zu has %u bytes in a stride of %zu", i + 1,
                                        size, plugin->layer_size);
        via_status status = copy_layer(tables, table + i * plugin->layer_size, manifest, error);
        if (status != VIA_OK)
            return status;
    }
    if (tables->layer_count < manifest->layer_count)
        return via_negotiate_refuse(error, "take the others out of the manifest, or build them in",
                                    "the manifest claims %zu layers, and the library offers %zu of them",
                                    manifest->layer_count, tables->layer_count);
    return VIA_OK;
}
