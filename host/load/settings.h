/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings of a request held against the options of a scheme.
 *
 * Owns: which option names exist for an address: the scheme's, and the host's own.
 */
#ifndef VIADUCT_HOST_SETTINGS_H
#define VIADUCT_HOST_SETTINGS_H

#include "load/request.h"

/* What the host's own options come to. */
typedef struct via_host_settings {
    const via_setting *bind; /* NULL = not set */
    const via_setting *threads;
    const via_setting *max_message;
    const via_setting *layers;
    bool binds;
    bool many;
    uint64_t limit; /* bytes; what the scheme has left over if max_message is not set */
} via_host_settings;

/* One option of the scheme, and who set it. */
typedef struct via_effective {
    via_option option;         /* texts are borrowed */
    const via_setting *origin; /* NULL = the default */
} via_effective;

/*
 * Fills `effective`, one entry for each option of the scheme; options of layers are left to load/layers.h, whose
 * `overhead` lowers the limit. `pattern` 0 = not known yet. VIA_OK, VIA_EINVAL, VIA_ETYPE, VIA_ENOTSUP; the stage is
 * VIA_STAGE_OPTIONS.
 */
via_status via_settings_apply(const via_request *request, const via_scheme_manifest *scheme, uint32_t pattern,
                              uint64_t overhead, via_effective *effective, via_host_settings *host, via_error *error);
/* Where nobody sets max_message: no more than `most`, which the layers have use for; 0 = any. */
void via_settings_limit(via_host_settings *host, uint64_t most);
/* Holds one setting against the option it sets, of a scheme or a layer. */
via_status via_settings_fit(const via_request *request, const via_option_spec *spec, const via_setting *setting,
                            uint32_t pattern, via_effective *effective, via_error *error);
/* "WHAT NAME: has no option OPTION", with the nearest right one. Answers VIA_EINVAL. */
via_status via_settings_fail_unknown(const via_option_list *options, const char *what, const char *name,
                                     const char *option, via_error *error);
/*
 * Of a request that has a choice: each setting that is not one candidate's own means something to one of these schemes,
 * those of all candidates. VIA_OK, VIA_EINVAL.
 */
via_status via_settings_check_shared(const via_request *request, const via_scheme_manifest *const *schemes,
                                     size_t count, via_error *error);
/*
 * True if the setting has no meaning for the scheme, and does not have to: an override moved the endpoint elsewhere, or
 * it is there for another candidate.
 */
bool via_settings_is_left_out(const via_request *request, const via_scheme_manifest *scheme,
                              const via_setting *setting);

#endif
