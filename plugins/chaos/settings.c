/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layer's options.
 *
 * Owns: how a chance is written, and which options make no sense together.
 */
#include "chaos.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>

static const double whole = 4294967296.0;

/* Digits, perhaps with a point: strtod() would take signs, blanks, exponents, "nan", and the locale's comma. */
static bool read_number(const char **text, double *out)
{
    const char *at = *text;
    double value = 0, unit = 1;
    bool has_digit = false, has_point = false;

    for (; (*at >= '0' && *at <= '9') || (*at == '.' && !has_point); at++) {
        if (*at == '.') {
            has_point = true;
            continue;
        }
        has_digit = true;
        unit = has_point ? unit / 10 : unit;
        value = has_point ? value + unit * (*at - '0') : value * 10 + (*at - '0');
    }
    *text = at;
    *out = value;
    return has_digit;
}

bool chaos_chance_read(const char *text, chaos_chance *out)
{
    double value, parts = 1;

    if (!read_number(&text, &value))
        return false;
    if (*text == '/') {
        text++;
        if (!read_number(&text, &parts) || parts < 1)
            return false;
    } else if (*text == '%') {
        text++;
        parts = 100;
    } else if (value > 0) {
        return false; /* 5 of what? */
    }
    if (*text != '\0' || value > parts)
        return false;
    *out = (chaos_chance)(value / parts * whole);
    return true;
}

static via_status read_chance(const via_host_api *host, const via_open *open, const char *name, chaos_chance *out,
                              via_error *error)
{
    const char *text = via_option_find(open, name)->text;

    if (chaos_chance_read(text, out))
        return VIA_OK;
    return via_fail(host, error, VIA_EINVAL, 0, "write it like 5%, 0.1% or 1/200",
                    "chaos.%s: \"%.64s\" is no chance; expected a percentage or a fraction, at most 100%%", name, text);
}

/* Where nothing is received there is nothing to be late. */
static via_status check(const via_host_api *host, const chaos_settings *settings, via_error *error)
{
    const bool is_late = settings->delay_ns > 0 || settings->jitter_ns > 0 || settings->reorder > 0;

    if (settings->receives || !is_late)
        return VIA_OK;
    return via_fail(host, error, VIA_EINVAL, 0,
                    "put the layer on the other end, or set chaos.direction to receive or both",
                    "chaos: delay, jitter and reorder act on received messages, and chaos.direction is \"send\"");
}

static bool is_direction(const via_open *open, const char *one)
{
    const char *text = via_option_find(open, "direction")->text;
    return strcmp(text, one) == 0 || strcmp(text, "both") == 0;
}

via_status chaos_settings_read(const via_host_api *host, const via_open *open, chaos_settings *out, via_error *error)
{
    *out = (chaos_settings){
        .seed = (uint64_t)via_option_find(open, "seed")->number,
        .receives = is_direction(open, "receive"),
        .sends = is_direction(open, "send"),
        .reorder_by = (uint32_t)via_option_find(open, "reorder_by")->number,
        .reorder_wait_ns = via_option_find(open, "reorder_wait")->number,
        .delay_ns = via_option_find(open, "delay")->number,
        .jitter_ns = via_option_find(open, "jitter")->number,
        .cut = (uint64_t)via_option_find(open, "cut")->number,
        .cut_after_ns = via_option_find(open, "cut_after")->number,
        .hold = (uint32_t)via_option_find(open, "hold")->number,
    };
    via_status status = read_chance(host, open, "drop", &out->drop, error);
    if (status == VIA_OK)
        status = read_chance(host, open, "duplicate", &out->duplicate, error);
    if (status == VIA_OK)
        status = read_chance(host, open, "reorder", &out->reorder, error);
    return status == VIA_OK ? check(host, out, error) : status;
}
