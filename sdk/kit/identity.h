/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which process somebody was, so that it can be told dead although its pid is used again.
 *
 * Owns: one line of text, "PID START WHERE": when the process began, and the boot and the namespaces in which those two
 * numbers mean something. A death is proven or it is none: who cannot be looked at lives.
 */
#ifndef VIADUCT_KIT_IDENTITY_H
#define VIADUCT_KIT_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#define VIA_IDENTITY_SIZE 192

/* This process, without a line's end. Only the pid where /proc does not tell the rest. */
void via_identity_of_self(char text[VIA_IDENTITY_SIZE]);
/*
 * Is the process of that text proven to be gone? Then no thread of it can do anything any more; a zombie is gone, too.
 * False for every other text, and for processes of another machine, PID namespace or time namespace.
 */
bool via_identity_is_gone(const char *text);

/*
 * What the process that has this number now does: 'R' = it lives, 'T' = it is stopped, 'X' = it has ended, or there is none, '?' = that
 * cannot be told. Any thread; does not block.
 */
char via_process_state(int64_t pid);

#endif
