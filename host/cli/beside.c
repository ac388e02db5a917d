/* SPDX-License-Identifier: Apache-2.0 */
/* The surroundings of the running `via`; see beside.h. */
#include "beside.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 4096 };

static bool cut_last(char *path)
{
    char *slash = strrchr(path, '/');
    if (!slash)
        return false;
    slash[slash == path] = '\0';
    return true;
}

bool via_cli_prefix(char *path, size_t capacity)
{
    char self[PATH_SIZE];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0 || (size_t)length >= sizeof self - 1)
        return false;
    self[length] = '\0';
    if (!cut_last(self) || !cut_last(self))
        return false;
    int used = snprintf(path, capacity, "%s", self);
    return used > 0 && (size_t)used < capacity;
}

bool via_cli_beside(const char *relative, char *path, size_t capacity)
{
    char prefix[PATH_SIZE];
    if (!via_cli_prefix(prefix, sizeof prefix))
        return false;
    int used = snprintf(path, capacity, "%s/%s", prefix, relative);
    return used > 0 && (size_t)used < capacity;
}
