/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking up a symbol in a library that is not loaded.
 *
 * Owns: no state. Follows the GNU hash table (DT_GNU_HASH) as a loader would; every step is bounded by the file.
 */
#include "platform/posix/elf.h"

#include <string.h>

/* What the dynamic section says; addresses as the library would have at 0. */
typedef struct tables {
    uint64_t symbols;
    uint64_t strings;
    uint64_t strings_size;
    uint64_t hash;
} tables;

typedef struct hash_header {
    uint32_t bucket_count;
    uint32_t first_symbol;
    uint32_t bloom_words;
    uint32_t bloom_shift;
} hash_header;

/* Copies what will be at an address. False: nothing of the file will. */
static bool read_at(const via_elf *elf, uint64_t address, void *out, size_t size)
{
    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        via_elf_segment segment = via_elf_segment_at(elf, i);
        if (segment.p_type != PT_LOAD || address < segment.p_vaddr || address - segment.p_vaddr > segment.p_filesz)
            continue;
        uint64_t inside = address - segment.p_vaddr;
        if (size > segment.p_filesz - inside || !via_elf_is_within(elf, segment.p_offset, segment.p_filesz))
            continue;
        memcpy(out, elf->bytes + segment.p_offset + inside, size);
        return true;
    }
    return false;
}

static tables read_tables(const via_elf *elf, const via_elf_segment *dynamic)
{
    tables found = {0};
    via_elf_dynamic entry;

    for (uint64_t at = 0; at + sizeof(entry) <= dynamic->p_filesz; at += sizeof(entry)) {
        memcpy(&entry, elf->bytes + dynamic->p_offset + at, sizeof(entry));
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_SYMTAB)
            found.symbols = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_STRTAB)
            found.strings = entry.d_un.d_ptr;
        else if (entry.d_tag == DT_STRSZ)
            found.strings_size = entry.d_un.d_val;
        else if (entry.d_tag == DT_GNU_HASH)
            found.hash = entry.d_un.d_ptr;
    }
    return found;
}

/* The hash of DT_GNU_HASH: h * 33 + c, from 5381. */
static uint32_t hash_of(const char *name)
{
    uint32_t hash = 5381;

    for (; *name; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash;
}

static bool is_defined_as(const via_elf *elf, const tables *where, uint32_t index, const char *name)
{
    via_elf_symbol symbol;
    char text[64];
    size_t size = strlen(name) + 1;

    if (size > sizeof(text) || !read_at(elf, where->symbols + index * sizeof(symbol), &symbol, sizeof(symbol)))
        return false;
    if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= where->strings_size)
        return false;
    return read_at(elf, where->strings + symbol.st_name, text, size) && memcmp(text, name, size) == 0;
}

via_elf_answer via_elf_defines(const via_elf *elf, const via_elf_segment *dynamic, const char *name)
{
    tables where = read_tables(elf, dynamic);
    hash_header header;
    uint32_t index, chained, hash = hash_of(name);

    if (!where.hash || !where.symbols || !where.strings || !read_at(elf, where.hash, &header, sizeof(header)) ||
        header.bucket_count == 0)
        return VIA_ELF_UNKNOWN;
    uint64_t buckets = where.hash + sizeof(header) + header.bloom_words * sizeof(ElfW(Addr));
    uint64_t chains = buckets + header.bucket_count * sizeof(uint32_t);
    if (!read_at(elf, buckets + hash % header.bucket_count * sizeof(uint32_t), &index, sizeof(index)))
        return VIA_ELF_UNKNOWN;
    if (index < header.first_symbol) /* an empty bucket */
        return VIA_ELF_NO;
    for (;; index++) {
        if (!read_at(elf, chains + (uint64_t)(index - header.first_symbol) * sizeof(chained), &chained,
                     sizeof(chained)))
            return VIA_ELF_UNKNOWN;
        if ((chained | 1u) == (hash | 1u) && is_defined_as(elf, &where, index, name))
            return VIA_ELF_YES;
        if (chained & 1u) /* the last of its bucket */
            return VIA_ELF_NO;
    }
}
