/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked for instead of an address, held against what a scheme's manifest says.
 *
 * Owns: the notation of a need in a call ("scope=machine,feature=priority"), and when a scheme lacks something. Must never
 * look at plugins, nor run any.
 */
#ifndef VIADUCT_HOST_NEED_H
#define VIADUCT_HOST_NEED_H

#include "manifest/endpoint_manifest.h"
#include "manifest/plugin_manifest.h"

/*
 * Reads "key=value,..." with the keys pattern (if `has_pattern`), scope, feature (again for each), max_message and message.
 * VIA_OK, VIA_EINVAL, VIA_ENOMEM; must be finished on failure too. Nothing is borrowed from `text`.
 */
via_status via_need_read(const char *text, bool has_pattern, via_endpoint_need *need, via_error *error);
/* Of one that via_need_read() has filled; those of manifests borrow from them. */
void via_need_fini(via_endpoint_need *need);

/*
 * True if the scheme lacks something: `reason` says what, in words that go after its name. A pattern of 0 is any. A wider
 * reach serves a narrower need.
 */
bool via_need_is_lacking(const via_endpoint_need *need, const via_scheme_manifest *scheme, char *reason,
                         size_t capacity);
/* The size of the messages that mechanisms are compared for: what the need says is typical, else its largest, else 1 KiB. */
uint64_t via_need_size(const via_endpoint_need *need);

#endif
