/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exec: address asks for: program, arguments, environment, folder.
 *
 * Owns: the reading of the address and of the options env, clear_env and dir. There is no shell: words are split and
 * unquoted as a shell does, and nothing is expanded.
 */
#ifndef PIPE_EXEC_PLAN_H
#define PIPE_EXEC_PLAN_H

#include <viaduct/plugin.h>

typedef struct pipe_exec_plan {
    char **arguments;   /* NULL-terminated */
    char **assignments; /* the words of the option env: NAME=VALUE */
    char **environment; /* NULL-terminated, borrows from the program's own and from `assignments` */
    const char *folder; /* borrowed from the options */
} pipe_exec_plan;

/* VIA_OK, VIA_EINVAL, VIA_ENOMEM. */
via_status pipe_exec_plan_read(const via_host_api *host, const via_open *open, pipe_exec_plan *plan, via_error *error);
void pipe_exec_plan_fini(pipe_exec_plan *plan);

#endif
