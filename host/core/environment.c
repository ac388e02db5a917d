/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one way to read an environment variable.
 *
 * Owns: the rule that a program with raised rights reads none. Must never be bypassed by getenv() elsewhere in host/.
 */
#include "core/environment.h"

#include "platform/os.h"
#include <stdlib.h>

bool via_environment_is_secure(void)
{
    return via_os_is_secure();
}

const char *via_environment_get(const char *name, bool ignore)
{
    if (ignore || via_environment_is_secure())
        return NULL;
    const char *value = getenv(name); /* NOLINT(concurrency-mt-unsafe): read only, as every library does */
    return value != NULL && value[0] != '\0' ? value : NULL;
}
