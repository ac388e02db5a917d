/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an explanation that more than one file makes.
 *
 * Owns: the list of candidates with verdict and reason, the list of layers, and options with their origins.
 */
#ifndef VIADUCT_HOST_EXPLAIN_H
#define VIADUCT_HOST_EXPLAIN_H

#include "load/choose.h"
#include "load/layers.h"
#include "load/rank.h"
#include "load/request.h"

json_t *via_explain_text(const char *text);
json_t *via_explain_words(const via_word *words, uint32_t mask);

/* load/explain_options.c: one option with its value and who set it. */
json_t *via_explain_option(const via_request *request, const via_option_spec *spec, const via_effective *effective);
/* The options that the host itself understands. */
json_t *via_explain_host(const via_request *request, const via_host_settings *host);
/* The settings that mean nothing here, and do not have to. */
json_t *via_explain_left_out(const via_request *request, const via_scheme_manifest *scheme, const via_layers *layers);
/* The layers as far as they could be chosen, the one that the program sees first. */
json_t *via_explain_layers(const via_request *request, const via_layers *layers);

/* Every plugin that has the scheme, held against the pattern; 0 = any. */
json_t *via_candidates_of_scheme(const via_registry *registry, const char *scheme, const via_choice *choice,
                                 uint32_t pattern);
/* Every address of any_of, or every scheme held against require. */
json_t *via_candidates_of_endpoint(const via_registry *registry, const via_request *request);
/* Every scheme in the order of a ranking; `name` is what it is to be opened by, NULL = that does not matter. */
json_t *via_candidates_of_ranking(const via_ranking *ranking, const char *name);

#endif
