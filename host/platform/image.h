/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library's bytes, and their way into this process.
 *
 * Owns: the sealed copy that is checked and then loaded, so that both are the same. Must never load a name that another
 * process could point elsewhere in between.
 */
#ifndef VIADUCT_HOST_PLATFORM_IMAGE_H
#define VIADUCT_HOST_PLATFORM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <viaduct/types.h>

typedef struct via_image {
    const unsigned char *bytes; /* until via_image_load() */
    size_t size;
    char digest[65]; /* SHA-256 in hexadecimal */
    char name[512];  /* what is loaded */
    int fd;          /* open for as long as the library is mapped: its number is part of the name */
    bool is_copy;
    bool stays;   /* it rests, but the system keeps it mapped under its name, as it does with some libraries of C++ */
    void *handle; /* NULL = not loaded */
} via_image;

/*
 * Takes a copy of `path` that nobody can change; `direct` = use the file itself, for debuggers and where copies cannot
 * be run. The stage is VIA_STAGE_PREFLIGHT. VIA_EIO, VIA_EPERM, VIA_ENOENT, VIA_ELIMIT, VIA_ENOMEM, VIA_EREFUSED.
 */
via_status via_image_open(via_image *image, const char *path, bool direct, via_error *error);
/* Runs the library's constructors. The stage is VIA_STAGE_LOAD. VIA_EREFUSED, VIA_ELIMIT. */
via_status via_image_load(via_image *image, via_error *error);
/* A symbol that this very library defines, or NULL. */
const void *via_image_symbol(const via_image *image, const char *name);
/* Unloads, and keeps the copy to be loaded again. False: there is no copy to keep; then nothing is done. */
bool via_image_rest(via_image *image);
/* Unloads and frees. */
void via_image_close(via_image *image);

#endif
