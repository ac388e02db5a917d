/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files and folders, as the search for plugins needs them.
 *
 * Owns: reading a whole file within a limit, listing a folder in byte order, and telling whether a file has changed.
 */
#ifndef VIADUCT_HOST_PLATFORM_FOLDER_H
#define VIADUCT_HOST_PLATFORM_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <viaduct/types.h>

/* What changes when a file does. All zero = there is no such file. */
typedef struct via_file_mark {
    uint64_t device;
    uint64_t node;
    uint64_t size;
    int64_t modified_ns;
    int64_t changed_ns;
    int64_t looked_ns; /* when the file was looked at, in the same clock; no part of a comparison */
} via_file_mark;

/*
 * Reads a regular file of at most `limit` bytes; *text is the caller's and ends with a NUL that *size does not count.
 * `mark` may be NULL. Never blocks on a pipe or device. VIA_EIO, VIA_EPERM, VIA_ENOENT, VIA_EINVAL, VIA_ENOMEM.
 */
via_status via_file_read(const char *path, size_t limit, char **text, size_t *size, via_file_mark *mark,
                         via_error *error);
/*
 * Replaces the regular file `path`, or what a symlink there leads to, by these bytes at once: whoever reads it sees the
 * old or the new content whole. VIA_EINVAL: there is something that is no regular file; it stays as it is.
 */
via_status via_file_replace(const char *path, const char *text, size_t size, via_error *error);
void via_file_mark_read(const char *path, via_file_mark *mark);
/* The time now, in the clock of looked_ns. */
int64_t via_file_mark_now(void);
bool via_file_mark_equals(const via_file_mark *a, const via_file_mark *b);
/*
 * False: the file changed so shortly before it was looked at that it can have changed once more without a trace, since times
 * of files advance in ticks.
 */
bool via_file_mark_is_settled(const via_file_mark *mark);
/* Tells texts apart that nobody has made alike on purpose. */
uint64_t via_text_hash(const char *text, size_t size);
/* True if the path names a folder. */
bool via_folder_exists(const char *path);
/* The path without ".", ".." and symlinks; the caller's. NULL = it does not exist. */
char *via_path_resolve(const char *path);
/* The path from the root, whether it exists or not; the caller's. NULL = out of memory, or nobody knows where we are. */
char *via_path_absolute(const char *path);

/* The folder that holds the library (or program) this code is in; the caller's. NULL = it cannot be told. */
char *via_path_of_this_library(void);

/*
 * The names in a folder that end in `suffix` and do not begin with a dot, in byte order. VIA_ENOENT = no such folder.
 * Free it with via_folder_free().
 */
via_status via_folder_list(const char *path, const char *suffix, char ***names, size_t *count, via_error *error);
void via_folder_free(char **names, size_t count);

#endif
