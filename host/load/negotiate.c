/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Negotiating: name, schemes, patterns and slots.
 *
 * Owns: the copies. A table may be shorter (an older minor version) or longer (a newer one) than this host's; what is
 * read ends at the smaller of the two.
 */
#include "load/negotiate.h"

#include "kit/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* What every table of this major version has at least. */
    LEAST_PLUGIN = offsetof(via_plugin, transport_size) + sizeof(size_t),
    LEAST_TRANSPORT = offsetof(via_transport, channel_ops) + sizeof(void *),
    LEAST_CHANNEL = offsetof(via_channel_ops, extension) + sizeof(void *),
    LEAST_LISTENER = offsetof(via_listener_ops, close) + sizeof(void *),
    MOST_OFFERS = 64
};

via_status via_negotiate_refuse(via_error *error, const char *mend, const char *format, ...)
{
    char what[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);
    return via_error_set(error, VIA_EREFUSED, VIA_STAGE_NEGOTIATE, mend, "%s", what);
}

via_status via_negotiate_copy(void *out, size_t out_size, const void *table, size_t least, via_table_owner owner,
                              const char *noun, via_error *error)
{
    uint32_t size;

    if (!table)
        return via_negotiate_refuse(error, "fill the pointer in the plugin's table", "%s \"%s\" has no %s table",
                                    owner.kind, owner.name, noun);
    memcpy(&size, table, sizeof(size));
    if (size < least)
        return via_negotiate_refuse(error, VIA_BUILD_AGAIN,
                                    "%s \"%s\": the %s table has %u bytes; expected at least %zu", owner.kind,
                                    owner.name, noun, size, least);
    memset(out, 0, out_size);
    memcpy(out, table, size < out_size ? size : out_size);
    return VIA_OK;
}

/* ---- slots -------------------------------------------------------------------------------------------------- */

via_status via_negotiate_slots(const via_slot *slots, size_t count, via_table_owner owner, const char *noun,
                               via_error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (!slots[i].is_filled)
            return via_negotiate_refuse(error, VIA_WRITE_SLOT,
                                        "%s \"%s\": the mandatory slot \"%s\" of the %s table is empty", owner.kind,
                                        owner.name, slots[i].name, noun);
    }
    return VIA_OK;
}

via_status via_negotiate_loans(const via_channel_ops *ops, via_table_owner owner, via_error *error)
{
    bool any = ops->loan || ops->commit || ops->discard;

    if (!any || (ops->loan && ops->commit && ops->discard))
        return VIA_OK;
    return via_negotiate_refuse(error, "fill all three or none",
                                "%s \"%s\": of \"loan\", \"commit\" and \"discard\" only some are filled", owner.kind,
                                owner.name);
}

via_status via_negotiate_channel(via_channel_ops *out, const via_channel_ops *table, via_table_owner owner,
                                 via_error *error)
{
    return via_negotiate_copy(out, sizeof(*out), table, LEAST_CHANNEL, owner, "channel", error);
}

static via_table_owner of_scheme(const char *name)
{
    return (via_table_owner){"scheme", name};
}

static via_status check_channel(const via_channel_ops *ops, const via_scheme_manifest *scheme, via_error *error)
{
    bool moves_messages = scheme->patterns & ~(uint32_t)VIA_PATTERN_REGION;
    const via_slot slots[] = {
        {"send", ops->send || !moves_messages},
        {"recv", ops->recv || !moves_messages},
        {"release", ops->release || !ops->recv},
        {"pollable", ops->pollable != NULL},
        {"arm", ops->arm != NULL},
        {"interrupt", ops->interrupt != NULL},
        {"close", ops->close != NULL},
    };
    via_status status =
        via_negotiate_slots(slots, sizeof(slots) / sizeof(slots[0]), of_scheme(scheme->name), "channel", error);

    return status == VIA_OK ? via_negotiate_loans(ops, of_scheme(scheme->name), error) : status;
}

static via_status check_listener(const via_listener_ops *ops, const via_scheme_manifest *scheme, via_error *error)
{
    const via_slot slots[] = {
        {"accept", ops->accept != NULL}, {"address", ops->address != NULL},     {"pollable", ops->pollable != NULL},
        {"arm", ops->arm != NULL},       {"interrupt", ops->interrupt != NULL}, {"close", ops->close != NULL},
    };

    return via_negotiate_slots(slots, sizeof(slots) / sizeof(slots[0]), of_scheme(scheme->name), "listener", error);
}

static bool has_listener(const via_scheme_manifest *scheme)
{
    return (scheme->patterns & VIA_PATTERN_PAIR) && scheme->listens;
}

static via_status check_transport(const via_transport *transport, const via_scheme_manifest *scheme, via_error *error)
{
    bool is_pair = scheme->patterns & VIA_PATTERN_PAIR;
    bool joins = scheme->patterns & ~(uint32_t)VIA_PATTERN_PAIR;
    const via_slot slots[] = {
        {"listen", transport->listen || !has_listener(scheme)},
        {"dial", transport->dial || !is_pair},
        {"join", transport->join || !joins},
    };
    char claimed[64], offered[64];

    if (transport->patterns != scheme->patterns)
        return via_negotiate_refuse(error, "make manifest and transport table say the same",
                                    "scheme \"%s\": the manifest claims the patterns %s, the library offers %s",
                                    scheme->name, via_pattern_list(scheme->patterns, claimed, sizeof(claimed)),
                                    via_pattern_list(transport->patterns, offered, sizeof(offered)));
    return via_negotiate_slots(slots, sizeof(slots) / sizeof(slots[0]), of_scheme(scheme->name), "transport", error);
}

/* ---- copying ------------------------------------------------------------------------------------------------ */

/* The scheme by its own name: an alias is the host's business. */
static const via_scheme_manifest *scheme_named(const via_plugin_manifest *manifest, const char *name)
{
    for (size_t i = 0; i < manifest->scheme_count; i++) {
        if (strcmp(manifest->schemes[i].name, name) == 0)
            return &manifest->schemes[i];
    }
    return NULL;
}

static bool is_taken(const via_tables *tables, const char *scheme)
{
    for (size_t i = 0; i < tables->count; i++) {
        if (strcmp(tables->transports[i].scheme, scheme) == 0)
            return true;
    }
    return false;
}

static via_status check_scheme(const via_tables *tables, const via_transport *transport,
                               const via_plugin_manifest *manifest, via_error *error)
{
    if (!transport->scheme)
        return via_negotiate_refuse(error, "give every transport its scheme",
                                    "a transport of the library has no scheme");
    if (!scheme_named(manifest, transport->scheme))
        return via_negotiate_refuse(error, "add it to \"schemes\" in the manifest",
                                    "the library offers the scheme \"%.31s\", which the manifest does not",
                                    transport->scheme);
    if (is_taken(tables, transport->scheme))
        return via_negotiate_refuse(error, "take one of the two out", "the library offers the scheme \"%s\" twice",
                                    transport->scheme);
    return VIA_OK;
}

static via_status copy_transport(via_tables *tables, const void *table, const via_plugin_manifest *manifest,
                                 via_error *error)
{
    via_transport *transport = &tables->transports[tables->count];
    via_channel_ops *channel = &tables->channels[tables->count];
    via_listener_ops *listener = &tables->listeners[tables->count];
    via_status status = via_negotiate_copy(transport, sizeof(*transport), table, LEAST_TRANSPORT, of_scheme("(unread)"),
                                           "transport", error);

    if (status == VIA_OK)
        status = check_scheme(tables, transport, manifest, error);
    if (status != VIA_OK)
        return status;
    const via_scheme_manifest *scheme = scheme_named(manifest, transport->scheme);
    status = check_transport(transport, scheme, error);
    if (status == VIA_OK)
        status = via_negotiate_channel(channel, transport->channel_ops, of_scheme(scheme->name), error);
    if (status == VIA_OK)
        status = check_channel(channel, scheme, error);
    if (status != VIA_OK)
        return status;
    via_stubs_fill(channel);
    transport->scheme = scheme->name;
    transport->channel_ops = channel;
    tables->count++;
    if (!has_listener(scheme))
        return VIA_OK;
    status = via_negotiate_copy(listener, sizeof(*listener), transport->listener_ops, LEAST_LISTENER,
                                of_scheme(scheme->name), "listener", error);
    transport->listener_ops = listener;
    return status == VIA_OK ? check_listener(listener, scheme, error) : status;
}

static via_status copy_all(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                           via_error *error)
{
    const unsigned char *table = (const unsigned char *)plugin->transports;

    for (size_t i = 0; i < plugin->transport_count; i++) {
        uint32_t size;
        memcpy(&size, table + i * plugin->transport_size, sizeof(size));
        if (size > plugin->transport_size)
            return via_negotiate_refuse(error, VIA_BUILD_AGAIN, "transport %zu has %u bytes in a stride of %zu", i + 1,
                                        size, plugin->transport_size);
        via_status status = copy_transport(tables, table + i * plugin->transport_size, manifest, error);
        if (status != VIA_OK)
            return status;
    }
    for (size_t i = 0; i < manifest->scheme_count; i++) {
        if (!is_taken(tables, manifest->schemes[i].name))
            return via_negotiate_refuse(error, "take it out of the manifest, or build it in",
                                        "the manifest claims the scheme \"%s\", which the library does not offer",
                                        manifest->schemes[i].name);
    }
    return VIA_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static via_status check_counts(const via_plugin *plugin, bool has_layers, via_error *error)
{
    size_t count = has_layers ? plugin->layer_count : plugin->transport_count;
    size_t others = has_layers ? plugin->transport_count : plugin->layer_count;
    const void *table = has_layers ? (const void *)plugin->layers : (const void *)plugin->transports;
    const char *noun = has_layers ? "layers" : "transports";

    if (!table || count == 0 || count > MOST_OFFERS)
        return via_negotiate_refuse(error, has_layers ? "offer 1 to 64 layers" : "offer 1 to 64 transports",
                                    "the library offers %zu %s", count, noun);
    if (others)
        return via_negotiate_refuse(error, "make two plugins of it",
                                    "the manifest's kind is \"%s\", and the library offers %zu %s too",
                                    has_layers ? "layer" : "transport", others, has_layers ? "transports" : "layers");
    if (!has_layers && plugin->transport_size < LEAST_TRANSPORT)
        return via_negotiate_refuse(error, VIA_BUILD_AGAIN,
                                    "a transport of the library has %zu bytes; expected at least %d",
                                    plugin->transport_size, LEAST_TRANSPORT);
    return VIA_OK;
}

static via_status check_plugin(const via_plugin *plugin, const via_plugin_manifest *manifest, via_error *error)
{
    if (plugin->size < LEAST_PLUGIN)
        return via_negotiate_refuse(error, VIA_BUILD_AGAIN, "the plugin's record has %u bytes; expected at least %d",
                                    plugin->size, LEAST_PLUGIN);
    if (plugin->abi_major != VIA_ABI_MAJOR || plugin->abi_hash != VIA_ABI_HASH)
        return via_negotiate_refuse(error, VIA_BUILD_AGAIN,
                                    "the plugin's record and its ABI note disagree: the record says version %u, "
                                    "hash %016llx",
                                    plugin->abi_major, (unsigned long long)plugin->abi_hash);
    if (!plugin->name || strcmp(plugin->name, manifest->name) != 0)
        return via_negotiate_refuse(error, "make manifest and library say the same name",
                                    "the library calls itself \"%.63s\"; the manifest says \"%s\"",
                                    plugin->name ? plugin->name : "", manifest->name);
    if (!plugin->init || !plugin->fini)
        return via_negotiate_refuse(error, VIA_WRITE_SLOT, "the mandatory slot \"%s\" of the plugin's record is empty",
                                    plugin->init ? "fini" : "init");
    return VIA_OK;
}

static bool make_room(via_tables *tables, size_t count, bool has_layers)
{
    tables->channels = calloc(count, sizeof(*tables->channels));
    if (has_layers)
        tables->layers = calloc(count, sizeof(*tables->layers));
    else
        tables->transports = calloc(count, sizeof(*tables->transports));
    tables->listeners = has_layers ? NULL : calloc(count, sizeof(*tables->listeners));
    return tables->channels && (has_layers ? tables->layers != NULL : tables->transports && tables->listeners);
}

/* The record as far as the plugin knows it. */
static via_status read_plugin(via_plugin *full, const via_plugin *plugin, const via_plugin_manifest *manifest,
                              via_error *error)
{
    via_status status = check_plugin(plugin, manifest, error);

    *full = (via_plugin){0};
    if (status != VIA_OK)
        return status;
    memcpy(full, plugin, plugin->size < sizeof(*full) ? plugin->size : sizeof(*full));
    return check_counts(full, manifest->layer_count > 0, error);
}

via_status via_tables_negotiate(via_tables *tables, const via_plugin *plugin, const via_plugin_manifest *manifest,
                                via_error *error)
{
    via_plugin full;
    bool has_layers = manifest->layer_count > 0;
    via_status status = read_plugin(&full, plugin, manifest, error);

    *tables = (via_tables){0};
    if (status != VIA_OK)
        return status;
    if (!make_room(tables, has_layers ? full.layer_count : full.transport_count, has_layers))
        status = via_error_set(error, VIA_ENOMEM, VIA_STAGE_NEGOTIATE, NULL, "out of memory");
    else if (has_layers)
        status = via_negotiate_layers(tables, &full, manifest, error);
    else
        status = copy_all(tables, &full, manifest, error);
    if (status != VIA_OK)
        via_tables_fini(tables);
    return status;
}

void via_tables_fini(via_tables *tables)
{
    free(tables->transports);
    free(tables->layers);
    free(tables->channels);
    free(tables->listeners);
    *tables = (via_tables){0};
}
