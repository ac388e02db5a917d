/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of an explanation that more than one file makes.
 *
 * Owns: the list of candidates with verdict and reason.
 */
#ifndef VIADUCT_HOST_EXPLAIN_H
#define VIADUCT_HOST_EXPLAIN_H

#include "load/choose.h"
#include "load/request.h"

json_t *via_explain_text(const char *text);
json_t *via_explain_words(const via_word *words, uint32_t mask);

/* Every plugin that has the scheme, held against the pattern; 0 = any. */
json_t *via_candidates_of_scheme(const via_registry *registry, const char *scheme, const via_choice *choice,
                                 uint32_t pattern);
/* Every address of any_of, or every scheme held against require. */
json_t *via_candidates_of_endpoint(const via_registry *registry, const via_request *request);

#endif
