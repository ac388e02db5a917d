/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds a kept corpus to a fuzz target, for builds without libFuzzer.
 *
 * Owns: walking the files. Must never change them or judge what the target does: it either returns or crashes.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Exactly as large as its content, so that a sanitizer sees the first byte read beyond it. */
static int replay_file(const char *path)
{
    uint8_t *data = NULL;
    long size = -1;
    int result = -1;
    FILE *file = fopen(path, "rb");

    if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 || fseek(file, 0, SEEK_SET) != 0)
        goto cleanup;
    data = malloc((size_t)size ? (size_t)size : 1);
    if (!data || fread(data, 1, (size_t)size, file) != (size_t)size)
        goto cleanup;
    (void)LLVMFuzzerTestOneInput(data, (size_t)size);
    result = 0;
cleanup:
    if (result != 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    free(data);
    if (file)
        (void)fclose(file);
    return result;
}

static int replay_folder(const char *path, size_t *count)
{
    struct dirent *entry;
    int result = 0;
    DIR *folder = opendir(path);

    if (!folder) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return -1;
    }
    while (result == 0 && (entry = readdir(folder)) != NULL) {
        char file[4096];
        if (entry->d_name[0] == '.')
            continue;
        if (snprintf(file, sizeof file, "%s/%s", path, entry->d_name) >= (int)sizeof file) {
            fprintf(stderr, "%s/%s: the path is too long\n", path, entry->d_name);
            result = -1;
            break;
        }
        result = replay_file(file);
        ++*count;
    }
    (void)closedir(folder);
    return result;
}

int main(int argc, char **argv)
{
    size_t count = 0;

    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i], &count) != 0)
            return 1;
    if (count == 0) {
        fprintf(stderr, "usage: %s CORPUS... (each a folder with at least one file)\n", argv[0]);
        return 2;
    }
    printf("%zu inputs replayed\n", count);
    return 0;
}
