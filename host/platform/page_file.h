/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files behind counter pages (stats/page.h).
 *
 * Owns: their names, that others see them complete, and that writing to one can never end the process: there is room in
 * the file before there is a pointer. Keeps no descriptor.
 */
#ifndef VIADUCT_HOST_PLATFORM_PAGE_FILE_H
#define VIADUCT_HOST_PLATFORM_PAGE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct via_page_file {
    void *base;  /* NULL = there is none */
    size_t most; /* bytes of address space */
    uint64_t device, node;
    char path[512];
    char draft[512]; /* its name until it is published */
} via_page_file;

/* A file of `bytes` zeroes in `folder`, mapped with room for `most`. False: there can be none; nothing is left of it. */
bool via_page_file_create(via_page_file *file, const char *folder, size_t bytes, size_t most);
/* Gives it the name under which others find it. */
void via_page_file_publish(via_page_file *file);
/* At least so many bytes. False: there is no room, or somebody has removed the file. */
bool via_page_file_grow(via_page_file *file, size_t bytes);
/* Removes and unmaps it. Nothing if there is none. */
void via_page_file_remove(via_page_file *file);

/* A whole page, at most `most` bytes, for free(). False: it is no file of ours, or cannot be read. */
bool via_page_file_read(const char *folder, const char *name, size_t most, unsigned char **bytes, size_t *size);
/* Removes a page, or what is left of one that was never published, if it is still that file. */
void via_page_file_discard(const char *folder, const char *name);

int64_t via_page_file_pid(void);
uint64_t via_page_file_time_s(void);
void via_page_file_program(char *name, size_t capacity);

#endif
