/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts out of addresses.
 *
 * Owns: percent-decoding (RFC 3986) and the splitting of words as a shell does it, without any expansion.
 */
#ifndef VIADUCT_KIT_TEXT_H
#define VIADUCT_KIT_TEXT_H

#include <viaduct/plugin.h>

/* Decodes %XX. The result is malloc'ed. VIA_EINVAL: a bad escape, or a control character or NUL decoded. VIA_ENOMEM. */
via_status via_text_decode(const char *text, char **decoded);
/*
 * Splits at blanks; '...' and "..." keep them, a backslash keeps the next character; then each word is decoded.
 * The result is a NULL-terminated vector in one malloc'ed block. VIA_EINVAL: an open quote, a bad escape. VIA_ENOMEM.
 */
via_status via_text_words(const char *text, char ***words, size_t *count);
/* The option of that name; never NULL for a name the manifest has. Aborts nothing: an unknown name gives an empty one. */
const via_option *via_option_find(const via_open *open, const char *name);

#endif
