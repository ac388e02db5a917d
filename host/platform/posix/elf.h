/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library's bytes with their header, for the files that read ELF.
 *
 * Owns: the one way to follow an offset.
 */
#ifndef VIADUCT_HOST_PLATFORM_POSIX_ELF_H
#define VIADUCT_HOST_PLATFORM_POSIX_ELF_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef ElfW(Ehdr) via_elf_header;
typedef ElfW(Phdr) via_elf_segment;
typedef ElfW(Dyn) via_elf_dynamic;
typedef ElfW(Sym) via_elf_symbol;

typedef struct via_elf {
    const unsigned char *bytes;
    size_t size;
    via_elf_header header; /* checked: its program headers are inside */
} via_elf;

bool via_elf_is_within(const via_elf *elf, uint64_t offset, uint64_t size);
via_elf_segment via_elf_segment_at(const via_elf *elf, size_t index);

typedef enum via_elf_answer { VIA_ELF_NO, VIA_ELF_YES, VIA_ELF_UNKNOWN } via_elf_answer;

/* elf_symbols.c: true if the library defines the symbol for others. UNKNOWN: it has no GNU hash table to ask. */
via_elf_answer via_elf_defines(const via_elf *elf, const via_elf_segment *dynamic, const char *name);

#endif
