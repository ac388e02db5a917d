/* SPDX-License-Identifier: Apache-2.0 */
/* Methods as people read them; see rpc_text.h. */
#include "rpc_text.h"

#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

const char *via_cli_rpc_type(const json_t *param)
{
    return json_is_string(param) ? json_string_value(param) : text_of(param, "type");
}

/* ---- finding ------------------------------------------------------------------------------------------------ */

const json_t *via_cli_rpc_method(const json_t *interface, const char *name)
{
    return json_object_get(json_object_get(interface, "methods"), name);
}

const char *via_cli_rpc_nearest(const json_t *interface, const char *name)
{
    const char *key;
    json_t *method;
    json_object_foreach(json_object_get(interface, "methods"), key, method)
    {
        if (via_cli_nearly(name, key))
            return key;
    }
    return NULL;
}

bool via_cli_rpc_is_callback(const json_t *interface, const json_t *param)
{
    return json_object_get(json_object_get(interface, "callbacks"), via_cli_rpc_type(param)) != NULL;
}

/* ---- what travels ------------------------------------------------------------------------------------------- */

static bool goes(const json_t *param, const char *direction)
{
    const char *dir = text_of(param, "dir");
    return strcmp(dir, "inout") == 0 || strcmp(dir[0] ? dir : "in", direction) == 0;
}

/* A text, bytes or a list: what another parameter can hold the length of. */
static bool is_counted(const char *type)
{
    size_t size = strlen(type);
    return strcmp(type, "string") == 0 || strcmp(type, "bytes") == 0 ||
           (size > 2 && strcmp(type + size - 2, "[]") == 0);
}

/* The name of the parameter with the length of what goes in this direction. A text's room is not its length. */
static const char *counter_of(const json_t *param, const char *direction)
{
    const char *length = text_of(param, "length_is"), *type = via_cli_rpc_type(param);
    if (!is_counted(type) || !goes(param, direction))
        return "";
    return length[0] || strcmp(direction, "out") == 0 || strcmp(type, "string") == 0 ? length
                                                                                     : text_of(param, "size_is");
}

static bool travels(const json_t *params, const json_t *param, const char *direction)
{
    size_t index;
    const json_t *other;
    const char *type = via_cli_rpc_type(param), *name = text_of(param, "name");
    if (!goes(param, direction) || strcmp(type, "context") == 0 || strcmp(type, "user") == 0)
        return false;
    json_array_foreach(params, index, other)
    {
        if (strcmp(counter_of(other, direction), name) == 0)
            return false;
    }
    return true;
}

const json_t *via_cli_rpc_param(const json_t *method, size_t place)
{
    const json_t *params = json_object_get(method, "params"), *param;
    size_t index;
    json_array_foreach(params, index, param)
    {
        if (travels(params, param, "in") && place-- == 0)
            return param;
    }
    return NULL;
}

/* ---- writing ------------------------------------------------------------------------------------------------ */

static bool put_params(FILE *out, const json_t *method, const char *direction, bool is_first)
{
    const json_t *params = json_object_get(method, "params"), *param;
    size_t index;
    json_array_foreach(params, index, param)
    {
        if (!travels(params, param, direction))
            continue;
        (void)fprintf(out, "%s%s: %s%s", is_first ? "" : ", ", text_of(param, "name"), via_cli_rpc_type(param),
                      json_is_true(json_object_get(param, "nullable")) ? "?" : "");
        is_first = false;
    }
    return is_first;
}

void via_cli_rpc_put_given(FILE *out, const json_t *method)
{
    (void)put_params(out, method, "in", true);
}

void via_cli_rpc_put_returned(FILE *out, const json_t *method)
{
    const json_t *result = json_object_get(method, "returns");
    const char *type = via_cli_rpc_type(result);
    bool is_value = type[0] && strcmp(type, "void") != 0 && strcmp(type, "status") != 0;
    if (is_value)
        (void)fprintf(out, "%s%s", type, json_is_true(json_object_get(result, "nullable")) ? "?" : "");
    (void)put_params(out, method, "out", !is_value);
}

char *via_cli_rpc_signature(const char *name, const json_t *method)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    (void)fprintf(out, "%s(", name);
    via_cli_rpc_put_given(out, method);
    (void)fputs(") -> ", out);
    long before = ftell(out);
    via_cli_rpc_put_returned(out, method);
    if (ftell(out) == before)
        (void)fputs("nothing", out);
    return fclose(out) == 0 ? text : NULL;
}
