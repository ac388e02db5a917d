/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lies beside the `via` that runs: in an installation and in a build tree alike.
 */
#ifndef VIADUCT_CLI_BESIDE_H
#define VIADUCT_CLI_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/* The folder that has bin/via: PREFIX of an installation, or the build folder. False: /proc cannot tell, or it is too long. */
bool via_cli_prefix(char *path, size_t capacity);
/* PREFIX/`relative`. False: the same. Whether it is there is the caller's question. */
bool via_cli_beside(const char *relative, char *path, size_t capacity);

#endif
