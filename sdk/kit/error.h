/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling error records.
 *
 * Owns: how a record is put together. Every function accepts error == NULL and cuts long texts with "...".
 */
#ifndef VIADUCT_KIT_ERROR_H
#define VIADUCT_KIT_ERROR_H

#include <stddef.h>
#include <viaduct/types.h>

/* Empties the record, then fills it. Returns `status`, so that a refusal is one statement. `mend` may be NULL. */
via_status via_error_set(via_error *error, via_status status, uint32_t stage, const char *mend, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* Adds where: any text may be NULL, line and column 0. */
void via_error_at(via_error *error, const char *file, const char *pointer, uint32_t line, uint32_t column);
/* The OS's own words for one of its error codes. Any thread. */
void via_error_text(int32_t os_code, char *text, size_t capacity);
/* Adds what the OS said. */
void via_error_os(via_error *error, int32_t os_code);
/* Replaces the mend by a formatted one. */
void via_error_mend(via_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends a line to `more`. */
void via_error_more(via_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
