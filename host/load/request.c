/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a request together.
 *
 * Owns: the list of settings; see request.h.
 */
#include "load/request.h"

#include "kit/error.h"
#include "manifest/layer_manifest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static via_status fail_memory(via_error *error)
{
    return via_error_set(error, VIA_ENOMEM, VIA_STAGE_RESOLVE, NULL, "out of memory");
}

/* Beside the request, so that it can be added to while the rest is only read. One for each setting at most. */
struct via_request_paths {
    size_t count;
    char *texts[2 * VIA_SETTINGS];
};

/* ---- settings ----------------------------------------------------------------------------------------------- */

/* Later ones replace earlier ones in place, so that the list keeps the order of the first mention. */
static void set(via_request *request, via_setting setting)
{
    for (size_t i = 0; i < request->setting_count; i++) {
        if (strcmp(request->settings[i].name, setting.name) != 0)
            continue;
        request->settings[i] = setting;
        return;
    }
    request->settings[request->setting_count++] = setting; /* VIA_SETTINGS is what all places can hold */
}

static void set_query(via_request *request, const via_address *address, via_origin origin)
{
    for (size_t i = 0; i < address->option_count; i++)
        set(request, (via_setting){address->options[i].name, address->options[i].value, origin, 0, 0});
}

static void set_endpoint(via_request *request)
{
    for (size_t i = 0; i < request->endpoint->option_count; i++) {
        const via_endpoint_option *option = &request->endpoint->options[i];
        set(request, (via_setting){option->name, option->value, VIA_ORIGIN_ENDPOINT, option->line, option->column});
    }
}

/* The texts of an endpoint's layers, in the notation of an address. */
static char *keep_text(via_request *request, char *text)
{
    if (text)
        request->layer_texts[request->layer_text_count++] = text;
    return text;
}

static char *join_layers(const via_endpoint_manifest *endpoint)
{
    char text[VIA_LAYERS * (VIA_LAYER_NAME_BYTES + 1) + 1] = "";
    size_t at = 0;

    for (size_t i = 0; i < endpoint->layer_count; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "", endpoint->layers[i].name);
    return strdup(text);
}

/* "tap.file" for each option, behind the names of the layers, in the order in which set_layers() takes them. */
static bool make_layer_texts(via_request *request)
{
    const via_endpoint_manifest *endpoint = request->endpoint;

    if (!endpoint || !endpoint->layers)
        return true;
    if (!keep_text(request, join_layers(endpoint)))
        return false;
    for (size_t i = 0; i < endpoint->layer_count; i++) {
        const via_endpoint_layer *layer = &endpoint->layers[i];
        for (size_t k = 0; k < layer->option_count; k++) {
            char *name = NULL;
            if (asprintf(&name, "%s.%s", layer->name, layer->options[k].name) < 0)
                return false;
            (void)keep_text(request, name);
        }
    }
    return true;
}

static void set_layers(via_request *request)
{
    const via_endpoint_manifest *endpoint = request->endpoint;
    size_t text = 1;

    if (!endpoint->layers)
        return;
    set(request, (via_setting){"layers", request->layer_texts[0], VIA_ORIGIN_ENDPOINT, endpoint->layers_line,
                               endpoint->layers_column});
    for (size_t i = 0; i < endpoint->layer_count; i++) {
        for (size_t k = 0; k < endpoint->layers[i].option_count; k++) {
            const via_endpoint_option *option = &endpoint->layers[i].options[k];
            set(request, (via_setting){request->layer_texts[text++], option->value, VIA_ORIGIN_ENDPOINT, option->line,
                                       option->column});
        }
    }
}

/* Everything that is set, from what counts least to what counts most. */
static void gather(via_request *request)
{
    request->setting_count = 0;
    if (request->endpoint) {
        set_endpoint(request);
        set_layers(request);
    }
    if (request->target == &request->place)
        set_query(request, &request->place, request->override ? VIA_ORIGIN_VARIABLE : VIA_ORIGIN_ENDPOINT_ADDRESS);
    set_query(request, &request->given, VIA_ORIGIN_ADDRESS);
    for (size_t i = 0; i < request->call_count; i++)
        set(request, (via_setting){request->call_names[i], request->call_values[i], VIA_ORIGIN_CALL, 0, 0});
}

/* ---- the call ----------------------------------------------------------------------------------------------- */

static via_status read_in_call(via_request *request, const char *text, size_t size, const char *value, via_error *error)
{
    char *name = strndup(text, size);

    if (!name)
        return fail_memory(error);
    for (size_t i = 0; i < request->call_count; i++) {
        if (strcmp(request->call_names[i], name) != 0)
            continue;
        via_status status = via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "take one of the two out",
                                          "the option \"%.80s\" is given twice in the call", name);
        free(name);
        return status;
    }
    request->call_values[request->call_count] = value;
    request->call_names[request->call_count++] = name;
    return VIA_OK;
}

static via_status read_call_option(via_request *request, const char *text, via_error *error)
{
    const char *equals = text ? strchr(text, '=') : NULL;

    if (!equals || equals == text)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "write name=value",
                             "the option \"%.80s\" of the call is not of the form name=value", text ? text : "");
    return read_in_call(request, text, (size_t)(equals - text), equals + 1, error);
}

static via_status read_call(via_request *request, const via_open_options *options, via_error *error)
{
    via_status status = VIA_OK;

    if (!options)
        return VIA_OK;
    if (options->option_count > VIA_ADDRESS_OPTIONS)
        return via_error_set(error, VIA_EINVAL, VIA_STAGE_OPTIONS, "set the rest in an endpoint manifest",
                             "%zu options in the call; expected at most %d", options->option_count,
                             VIA_ADDRESS_OPTIONS);
    for (size_t i = 0; i < options->option_count && status == VIA_OK; i++)
        status = read_call_option(request, options->options[i], error);
    if (status == VIA_OK && options->layers)
        status = read_in_call(request, "layers", strlen("layers"), options->layers, error);
    return status;
}

/* ---- endpoints ---------------------------------------------------------------------------------------------- */

static void tell_file(const via_endpoint_file *file, via_error *error)
{
    if (file->error.line)
        via_error_more(error, "the endpoint file %s:%u:%u is refused: %s", file->path, file->error.line,
                       file->error.column, file->error.what);
    else
        via_error_more(error, "the endpoint file %s is refused: %s", file->path, file->error.what);
}

void via_request_tell_stale(const via_request *request, via_error *error)
{
    if (request->file && request->file->error.status != VIA_OK && error) {
        tell_file(request->file, error);
        via_error_more(error, "\"%s\" is as the file said before", request->given.rest);
    }
}

/* A refused file may well be the one that has the name: then what mends it is the way out. */
static void tell_refused(const via_endpoint_file *file, bool has_nearest, via_error *error)
{
    tell_file(file, error);
    if (!has_nearest && file->error.mend[0])
        via_error_mend(error, "%s", file->error.mend);
}

static via_status fail_unknown(const via_registry *registry, const char *name, via_error *error)
{
    const char *nearest = via_endpoint_files_nearest(&registry->endpoints, name);
    char variable[VIA_VARIABLE_BYTES];
    via_status status =
        via_error_set(error, VIA_ENOENT, VIA_STAGE_RESOLVE, NULL, "no endpoint is called \"%s\"%s%s%s", name,
                      nearest ? "; did you mean \"" : "", nearest ? nearest : "", nearest ? "\"?" : "");

    via_search_variable(name, variable);
    if (nearest)
        via_error_mend(error, "write \"%s\"", nearest);
    else
        via_error_mend(error, "define it in an endpoint manifest or in %s, or write an address: scheme:rest", variable);
    for (size_t i = 0; i < registry->endpoints.count; i++) {
        const via_endpoint_file *file = &registry->endpoints.files[i];
        if (file->error.status != VIA_OK)
            tell_refused(file, nearest, error);
    }
    return status;
}

static via_status read_override(via_request *request, via_error *error)
{
    via_error reason;
    via_status status = via_address_parse(request->override, &request->place, &reason);

    if (status == VIA_OK && request->place.scheme) {
        request->target = &request->place;
        return VIA_OK;
    }
    if (status == VIA_ENOMEM)
        return fail_memory(error);
    return via_error_set(error, VIA_EINVAL, VIA_STAGE_RESOLVE,
                         status == VIA_OK ? "write scheme:rest; an endpoint's name does not do here" : reason.mend,
                         "the variable %s: %s", request->variable,
                         status == VIA_OK ? "the address has no scheme" : reason.what);
}

static via_status read_endpoint(via_request *request, const via_registry *registry, via_error *error)
{
    const char *name = request->given.rest;

    request->endpoint = via_endpoint_files_find(&registry->endpoints, name, &request->file);
    request->override = via_search_override(&registry->search, name, request->variable);
    if (!request->endpoint && !request->override && request->condition) {
        request->has_choice = true;
        request->need = request->condition; /* no text file says more */
        request->condition = NULL;
        return VIA_OK;
    }
    if (!request->endpoint && !request->override)
        return fail_unknown(registry, name, error);
    if (!make_layer_texts(request))
        return fail_memory(error);
    if (request->override)
        return read_override(request, error);
    request->has_choice = !request->endpoint->address;
    request->need = request->endpoint->need;
    if (request->has_choice)
        return VIA_OK;
    via_status status = via_address_parse(request->endpoint->address, &request->place, error);
    if (status != VIA_OK)
        return status; /* out of memory: the grammar was checked when the file was read */
    request->target = &request->place;
    return VIA_OK;
}

via_status via_request_point(via_request *request, const char *address, via_error *error)
{
    request->target = NULL;
    via_address_fini(&request->place);
    request->place = (via_address){0};
    via_status status = via_address_parse(address, &request->place, error);
    if (status == VIA_OK)
        request->target = &request->place;
    gather(request);
    return status;
}

static via_status read_requirement(via_request *request, const via_open_options *options, via_error *error)
{
    if (!options || !options->require || !*options->require)
        return VIA_OK;
    request->condition = &request->called_for;
    return via_need_read(options->require, false, &request->called_for, error);
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static via_status fill(via_request *request, const via_registry *registry, const char *address,
                       const via_open_options *options, via_error *error)
{
    via_status status = via_address_parse(address, &request->given, error);

    if (status == VIA_OK)
        status = read_requirement(request, options, error);
    if (status != VIA_OK)
        return status;
    if (request->given.scheme)
        request->target = &request->given;
    else
        status = read_endpoint(request, registry, error);
    if (status == VIA_OK)
        status = read_call(request, options, error);
    if (status == VIA_OK)
        gather(request);
    return status;
}

via_status via_request_create(const via_registry *registry, const char *address, const via_open_options *options,
                              via_request **out, via_error *error)
{
    via_request *request = calloc(1, sizeof(*request));

    *out = NULL;
    if (!request || !(request->paths = calloc(1, sizeof(*request->paths)))) {
        free(request);
        return fail_memory(error);
    }
    via_status status = fill(request, registry, address, options, error);
    if (status == VIA_OK)
        *out = request;
    else
        via_request_destroy(request);
    return status;
}

void via_request_destroy(via_request *request)
{
    if (!request)
        return;
    for (size_t i = 0; i < request->call_count; i++)
        free(request->call_names[i]);
    for (size_t i = 0; i < request->layer_text_count; i++)
        free(request->layer_texts[i]);
    for (size_t i = 0; request->paths && i < request->paths->count; i++)
        free(request->paths->texts[i]);
    free(request->paths);
    via_need_fini(&request->called_for);
    via_address_fini(&request->given);
    via_address_fini(&request->place);
    free(request);
}

/* ---- paths -------------------------------------------------------------------------------------------------- */

static const char *find_path(const struct via_request_paths *paths, const char *path)
{
    for (size_t i = 0; i < paths->count; i++) {
        if (strcmp(paths->texts[i], path) == 0)
            return paths->texts[i];
    }
    return NULL;
}

const char *via_request_path(const via_request *request, const via_setting *setting)
{
    const bool is_in_file = setting->origin == VIA_ORIGIN_ENDPOINT || setting->origin == VIA_ORIGIN_ENDPOINT_ADDRESS;
    const char *end = request->file ? strrchr(request->file->path, '/') : NULL;
    char *path = NULL;

    if (!is_in_file || !end || setting->value[0] == '/' || setting->value[0] == '\0')
        return setting->value;
    if (asprintf(&path, "%.*s/%s", (int)(end - request->file->path), request->file->path, setting->value) < 0)
        return NULL;
    const char *kept = find_path(request->paths, path);
    if (kept || request->paths->count == sizeof(request->paths->texts) / sizeof(request->paths->texts[0])) {
        free(path);
        return kept;
    }
    request->paths->texts[request->paths->count++] = path;
    return path;
}

const via_setting *via_request_setting(const via_request *request, const char *name)
{
    for (size_t i = 0; i < request->setting_count; i++) {
        if (strcmp(request->settings[i].name, name) == 0)
            return &request->settings[i];
    }
    return NULL;
}

void via_request_blame(const via_request *request, const via_setting *setting, via_error *error)
{
    switch (setting->origin) {
    case VIA_ORIGIN_ENDPOINT:
        via_error_at(error, request->file->path, NULL, setting->line, setting->column);
        break;
    case VIA_ORIGIN_ENDPOINT_ADDRESS:
        via_error_at(error, request->file->path, NULL, request->endpoint->line, request->endpoint->column);
        break;
    case VIA_ORIGIN_VARIABLE:
        via_error_more(error, "it was set by the variable %s", request->variable);
        break;
    case VIA_ORIGIN_CALL:
        via_error_more(error, "it was set in the call");
        break;
    default:
        break;
    }
}
