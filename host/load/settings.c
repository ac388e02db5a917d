/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applying settings.
 *
 * Owns: the host's own options (bind, threads, max_message). Must never hand a plugin a value that does not fit its
 * manifest.
 */
#include "load/settings.h"

#include "core/error.h"
#include "manifest/nearest.h"
#include "manifest/value.h"

#include <stdio.h>
#include <string.h>

static const char *const host_names[] = {"bind", "threads", "max_message"};

enum { HOST_COUNT = sizeof(host_names) / sizeof(host_names[0]) };

static const via_option_spec *spec_named(const via_scheme_manifest *scheme, const char *name, size_t *index)
{
    for (size_t i = 0; i < scheme->option_count; i++) {
        if (strcmp(scheme->options[i].name, name) != 0)
            continue;
        *index = i;
        return &scheme->options[i];
    }
    return NULL;
}

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

    return request->override && setting->origin == VIA_ORIGIN_ENDPOINT && !is_host_name(setting->name) &&
           !spec_named(scheme, setting->name, &index);
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

static via_status fail_unknown(const via_request *request, const via_scheme_manifest *scheme,
                               const via_setting *setting, via_error *error)
{
    via_nearest nearest;

    via_nearest_begin(&nearest, setting->name);
    for (size_t i = 0; i < scheme->option_count; i++)
        via_nearest_offer(&nearest, scheme->options[i].name);
    for (size_t i = 0; i < HOST_COUNT; i++)
        via_nearest_offer(&nearest, host_names[i]);
    via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, NULL, "%s: has no option \"%.80s\"%s%s%s",
                                      scheme->name, setting->name, nearest.best ? "; did you mean \"" : "",
                                      nearest.best ? nearest.best : "", nearest.best ? "\"?" : "");
    if (nearest.best)
        via_error_mend(error, "write \"%s\"", nearest.best);
    else
        via_error_mend(error, "take it out; via explain %s: lists the options", scheme->name);
    via_request_blame(request, setting, error);
    return status;
}

static via_status fail_reserved(const via_request *request, const via_setting *setting, via_error *error)
{
    bool layers = strcmp(setting->name, "layers") == 0;
    via_status status = via_error_set(
        error, layers ? VIA_ENOTSUP : VIA_EINVAL, VIA_STAGE_OPTIONS,
        layers ? "take it out, or use a Viaduct that has them"
               : "write \"pattern\" in the endpoint manifest, bind=true or bind=false in an address",
        layers ? "this version of Viaduct has no layers" : "\"%s\" is no option of an address", setting->name);

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

static via_status apply_max_message(const via_request *request, const via_scheme_manifest *scheme,
                                    const via_setting *setting, via_host_settings *host, via_error *error)
{
    int64_t bytes = 0;

    if (!via_value_read(VIA_OPTION_SIZE, setting->value, &bytes))
        return fail_host_value(request, setting, VIA_ETYPE, via_value_expected(VIA_OPTION_SIZE), error);
    if (bytes < 1 || (uint64_t)bytes > scheme->max_message) {
        char limit[32];
        via_value_write_size(scheme->max_message, limit, sizeof(limit));
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
    return apply_max_message(request, scheme, setting, host, error);
}

/* ---- the scheme's --------------------------------------------------------------------------------------------- */

static via_status apply_spec(const via_request *request, const via_option_spec *spec, const via_setting *setting,
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
    if (via_option_fit(spec, setting->value, &effective->option, &reason, what, sizeof(what)))
        return VIA_OK;
    return fail_value(request, setting, reason, what, error);
}

via_status via_settings_apply(const via_request *request, const via_scheme_manifest *scheme, uint32_t pattern,
                              via_effective *effective, via_host_settings *host, via_error *error)
{
    via_status status = VIA_OK;

    *host = (via_host_settings){.limit = scheme->max_message};
    for (size_t i = 0; i < scheme->option_count; i++) {
        via_option_default(&scheme->options[i], &effective[i].option);
        effective[i].origin = NULL;
    }
    for (size_t i = 0; i < request->setting_count && status == VIA_OK; i++) {
        const via_setting *setting = &request->settings[i];
        size_t index = 0;
        const via_option_spec *spec = spec_named(scheme, setting->name, &index);
        if (spec)
            status = apply_spec(request, spec, setting, pattern, &effective[index], error);
        else if (is_host_name(setting->name))
            status = apply_host(request, scheme, setting, host, error);
        else if (via_option_is_reserved(setting->name))
            status = fail_reserved(request, setting, error);
        else if (!via_settings_is_left_out(request, scheme, setting))
            status = fail_unknown(request, scheme, setting, error);
    }
    return status;
}
