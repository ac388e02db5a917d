/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying settings.
 *
 * Owns: the host's own options (bind, threads, max_message, layers). Must never hand a plugin a value that does not fit its
 * manifest.
 */
#include "load/settings.h"

#include "kit/error.h"
#include "kit/json/nearest.h"
#include "load/layers.h"
#include "manifest/value.h"

#include <stdio.h>
#include <string.h>

static const char *const host_names[] = {"bind", "threads", "max_message", "layers"};

enum { HOST_COUNT = sizeof(host_names) / sizeof(host_names[0]) };

static bool is_host_name(const char *name)
{
    for (size_t i = 0; i < HOST_COUNT; i++) {
        if (strcmp(host_names[i], name) == 0)
            return true;
    }
    return false;
}

bool via_settings_is_left_out(const via_request *request, const via_scheme_manifest *scheme, const via_setting *setting)
{
    size_t index;
    bool is_elsewhere = request->has_choice ? setting->origin != VIA_ORIGIN_ENDPOINT_ADDRESS
                                            : request->override && setting->origin == VIA_ORIGIN_ENDPOINT;

    return is_elsewhere && !is_host_name(setting->name) && !via_layers_owns(setting) &&
           !via_option_list_find(&scheme->options, setting->name, &index);
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

via_status via_settings_fail_unknown(const via_option_list *options, const char *what, const char *name,
                                     const char *option, via_error *error)
{
    via_nearest nearest;
    bool of_layer = *what;

    via_nearest_begin(&nearest, option);
    for (size_t i = 0; i < options->count; i++)
        via_nearest_offer(&nearest, options->specs[i].name);
    for (size_t i = 0; i < HOST_COUNT && !of_layer; i++)
        via_nearest_offer(&nearest, host_names[i]);
    via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, NULL, "%s%s: has no option \"%.80s\"%s%s%s",
                                      what, name, option, nearest.best ? "; did you mean \"" : "",
                                      nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
    if (nearest.best)
        via_error_mend(error, "write \"%s\"", nearest.best);
    else if (of_layer)
        via_error_mend(error, "take it out; via explain ADDRESS lists the options of its layers");
    else
        via_error_mend(error, "take it out; via explain %s: lists the options", name);
    return status;
}

static via_status fail_unknown(const via_request *request, const via_scheme_manifest *scheme,
                               const via_setting *setting, via_error *error)
{
    via_status status = via_settings_fail_unknown(&scheme->options, "", scheme->name, setting->name, error);

    via_request_blame(request, setting, error);
    return status;
}

/* No candidate has it. */
static via_status fail_unshared(const via_request *request, const via_scheme_manifest *const *schemes, size_t count,
                                const via_setting *setting, via_error *error)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, setting->name);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < schemes[i]->options.count; k++)
            via_nearest_offer(&nearest, schemes[i]->options.specs[k].name);
    }
    for (size_t i = 0; i < HOST_COUNT; i++)
        via_nearest_offer(&nearest, host_names[i]);
    via_status status = via_error_set(
        error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take it out, or name a candidate that has it",
        "no candidate of \"%s\" has an option \"%.80s\"%s%s%s", request->given.rest, setting->name,
        nearest.best ? "; did you mean \"" : "", nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
    if (nearest.best)
        via_error_mend(error, "write \"%s\"", nearest.best);
    via_request_blame(request, setting, error);
    return status;
}

static via_status fail_reserved(const via_request *request, const via_setting *setting, via_error *error)
{
    via_status status =
        via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS,
                      "write \"pattern\" in the endpoint manifest, bind=true or bind=false in an address",
                      "\"%s\" is no option of an address", setting->name);

    via_request_blame(request, setting, error);
    return status;
}

static via_status fail_value(const via_request *request, const via_setting *setting, via_status status,
                             const char *what, via_error *error)
{
    (void)via_error_set(error, status, VIA_STAGE_OPTIONS, "give it such a value, or leave the option out", "option %s",
                        what);
    via_request_blame(request, setting, error);
    return status;
}

/* In the words of via_option_fit(), which serves the options of schemes. */
static via_status fail_host_value(const via_request *request, const via_setting *setting, via_status status,
                                  const char *expected, via_error *error)
{
    char what[512];

    (void)snprintf(what, sizeof(what), "%s is \"%.80s\"; expected %s", setting->name, setting->value, expected);
    return fail_value(request, setting, status, what, error);
}

/* ---- the host's own ------------------------------------------------------------------------------------------- */

static via_status apply_bind(const via_request *request, const via_setting *setting, via_host_settings *host,
                             via_error *error)
{
    int64_t value = 0;

    if (!via_value_read(VIA_OPTION_BOOL, setting->value, &value))
        return fail_host_value(request, setting, VIA_ETYPE, "true or false", error);
    host->bind = setting;
    host->binds = value != 0;
    return VIA_OK;
}

static via_status apply_threads(const via_request *request, const via_setting *setting, via_host_settings *host,
                                via_error *error)
{
    host->many = strcmp(setting->value, "many") == 0;
    if (!host->many && strcmp(setting->value, "two") != 0)
        return fail_host_value(request, setting, VIA_EINVAL, "two or many", error);
    host->threads = setting;
    return VIA_OK;
}

/* host->limit is what the scheme has left over. */
static via_status apply_max_message(const via_request *request, const via_scheme_manifest *scheme,
                                    const via_setting *setting, via_host_settings *host, via_error *error)
{
    int64_t bytes = 0;

    if (!via_value_read(VIA_OPTION_SIZE, setting->value, &bytes))
        return fail_host_value(request, setting, VIA_ETYPE, via_value_expected(VIA_OPTION_SIZE), error);
    if (bytes < 1 || (uint64_t)bytes > host->limit) {
        char limit[32];
        via_value_write_size(host->limit, limit, sizeof(limit));
        via_status status = via_error_set(
            error, VIA_EINVAL, VIA_STAGE_OPTIONS, "write a size up to that, or choose another scheme",
            "option max_message is %s; %s: carries messages of 1 byte to %s", setting->value, scheme->name, limit);
        via_request_blame(request, setting, error);
        return status;
    }
    host->max_message = setting;
    host->limit = (uint64_t)bytes;
    return VIA_OK;
}

static via_status apply_host(const via_request *request, const via_scheme_manifest *scheme, const via_setting *setting,
                             via_host_settings *host, via_error *error)
{
    if (strcmp(setting->name, "bind") == 0)
        return apply_bind(request, setting, host, error);
    if (strcmp(setting->name, "threads") == 0)
        return apply_threads(request, setting, host, error);
    if (strcmp(setting->name, "layers") == 0) {
        host->layers = setting; /* load/layers.c has read it */
        return VIA_OK;
    }
    return apply_max_message(request, scheme, setting, host, error);
}

/* ---- the scheme's --------------------------------------------------------------------------------------------- */

via_status via_settings_fit(const via_request *request, const via_option_spec *spec, const via_setting *setting,
                            uint32_t pattern, via_effective *effective, via_error *error)
{
    char what[512], offered[64], asked[64];
    via_status reason;

    if (pattern && spec->patterns && !(spec->patterns & pattern)) {
        via_status status =
            via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take it out", "option %s is for %s; this is a %s",
                          spec->name, via_pattern_list(spec->patterns, offered, sizeof(offered)),
                          via_pattern_list(pattern, asked, sizeof(asked)));
        via_request_blame(request, setting, error);
        return status;
    }
    effective->origin = setting;
    const char *value = spec->type == VIA_OPTION_PATH ? via_request_path(request, setting) : setting->value;
    if (!value)
        return via_error_set(error, VIA_ENOMEM, VIA_STAGE_OPTIONS, "free some memory", "out of memory");
    if (via_option_fit(spec, value, &effective->option, &reason, what, sizeof(what)))
        return VIA_OK;
    return fail_value(request, setting, reason, what, error);
}

static via_status apply(const via_request *request, const via_scheme_manifest *scheme, const via_setting *setting,
                        uint32_t pattern, via_effective *effective, via_host_settings *host, via_error *error)
{
    size_t index = 0;
    const via_option_spec *spec = via_option_list_find(&scheme->options, setting->name, &index);

    if (spec)
        return via_settings_fit(request, spec, setting, pattern, &effective[index], error);
    if (is_host_name(setting->name))
        return apply_host(request, scheme, setting, host, error);
    if (via_option_is_reserved(setting->name))
        return fail_reserved(request, setting, error);
    if (via_layers_owns(setting) || via_settings_is_left_out(request, scheme, setting))
        return VIA_OK;
    return fail_unknown(request, scheme, setting, error);
}

static via_status set_limit(const via_scheme_manifest *scheme, uint64_t overhead, via_host_settings *host,
                            via_error *error)
{
    *host = (via_host_settings){.limit = scheme->max_message};
    if (overhead >= scheme->max_message)
        return via_error_set(error, VIA_ENOTSUP, VIA_STAGE_OPTIONS, "take a layer out, or choose another scheme",
                             "the layers add %llu bytes to a message; %s: carries %llu at most",
                             (unsigned long long)overhead, scheme->name, (unsigned long long)scheme->max_message);
    host->limit -= overhead;
    return VIA_OK;
}

via_status via_settings_apply(const via_request *request, const via_scheme_manifest *scheme, uint32_t pattern,
                              uint64_t overhead, via_effective *effective, via_host_settings *host, via_error *error)
{
    via_status status = set_limit(scheme, overhead, host, error);

    for (size_t i = 0; i < scheme->options.count; i++) {
        via_option_default(&scheme->options.specs[i], &effective[i].option);
        effective[i].origin = NULL;
    }
    for (size_t i = 0; i < request->setting_count && status == VIA_OK; i++)
        status = apply(request, scheme, &request->settings[i], pattern, effective, host, error);
    return status;
}

static bool is_had(const via_scheme_manifest *const *schemes, size_t count, const char *name)
{
    size_t index;

    for (size_t i = 0; i < count; i++) {
        if (via_option_list_find(&schemes[i]->options, name, &index))
            return true;
    }
    return false;
}

via_status via_settings_check_shared(const via_request *request, const via_scheme_manifest *const *schemes,
                                     size_t count, via_error *error)
{
    for (size_t i = 0; i < request->setting_count; i++) {
        const via_setting *setting = &request->settings[i];
        if (setting->origin == VIA_ORIGIN_ENDPOINT_ADDRESS || via_layers_owns(setting) || is_host_name(setting->name))
            continue;
        if (via_option_is_reserved(setting->name))
            return fail_reserved(request, setting, error);
        if (!is_had(schemes, count, setting->name))
            return fail_unshared(request, schemes, count, setting, error);
    }
    return VIA_OK;
}

void via_settings_limit(via_host_settings *host, uint64_t most)
{
    if (!host->max_message && most && most < host->limit)
        host->limit = most;
}
