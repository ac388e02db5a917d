/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via certify`: what is proved of a plugin, and what comes out.
 *
 * Owns: the words that its files share. The proving is done by via-conformance, which lies beside `via`, a process for
 * each scheme and pattern; the measuring by the code of `via bench`.
 */
#ifndef VIADUCT_CLI_CERTIFY_H
#define VIADUCT_CLI_CERTIFY_H

#include <jansson.h>

#include "cli.h"

enum { VIA_CERTIFY_PATH = 4096, VIA_CERTIFY_WORD = 64 };

/* One scheme and pattern of a transport, or a layer on one of them. */
typedef struct via_certify_subject {
    char scheme[VIA_CERTIFY_WORD], pattern[VIA_CERTIFY_WORD];
    char layer[VIA_CERTIFY_WORD];    /* "" = the transport itself */
    char manifest[VIA_CERTIFY_PATH]; /* of the transport */
    const json_t *claims;            /* the entry of the scheme or the layer in the plugin's manifest; borrowed */
    const json_t *transport;         /* the entry of the scheme; borrowed */
    json_t *stands_on;               /* of a layer: the manifest that `transport` is in; else NULL */
    json_t *tests;                   /* what the suite said, an object a test */
    json_t *measured;                /* the rows of a bench; NULL = `why_not` */
    const char *why_not;
    unsigned proved, broken, unclaimed;
    bool is_complete; /* the suite ran to its end */
} via_certify_subject;

/* One plugin. */
typedef struct via_certify_plugin {
    const via_cli_args *args;
    const char *file; /* the manifest as it was given */
    char folder[VIA_CERTIFY_PATH];
    json_t *manifest;
    uint64_t seed;
    via_certify_subject *subjects;
    size_t count;
} via_certify_plugin;

/* Adds one with the pattern of each item in `patterns`. NULL: out of memory. */
via_certify_subject *via_certify_add(via_certify_plugin *plugin, const char *scheme, const char *pattern);
/* The subjects of a layer plugin: its filters on each scheme that they name. An exit status; errors are told. */
int via_certify_add_layers(via_certify_plugin *plugin);

/* Runs the suite, and tells each result as it comes unless --json. An exit status; VIA_EXIT_FAILED: a rule is broken. */
int via_certify_prove(const via_certify_plugin *plugin, via_certify_subject *subject);
/* Fills `measured`, or `why_not`. What goes wrong is told, and is no verdict. */
void via_certify_measure(const via_certify_plugin *plugin, via_certify_subject *subject);

void via_certify_show_plugin(const via_certify_plugin *plugin);
void via_certify_show_subject(const via_certify_plugin *plugin, const via_certify_subject *subject);
void via_certify_show_test(const json_t *test);
void via_certify_show_sum(const via_certify_subject *subject);
/* The certificate; a new reference. */
json_t *via_certify_as_json(const via_certify_plugin *plugin);

#endif
