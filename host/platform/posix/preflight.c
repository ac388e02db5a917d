/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preflight of ELF shared objects (gABI; System V ABI, "Object Files" and "Program Loading").
 *
 * Owns: no state. Reads program headers only: section headers may have been stripped, and the loader ignores them too.
 */
#include "platform/preflight.h"

#include "kit/error.h"
#include "platform/posix/elf.h"

#include <viaduct/plugin.h>

#include <string.h>

/* A library has about ten; more would only make every look-up slow. */
enum { MOST_SEGMENTS = 256 };

typedef struct machine {
    uint16_t number;
    const char *name;
} machine;

static const machine machines[] = {
    {EM_X86_64, "x86_64"}, {EM_AARCH64, "aarch64"}, {EM_386, "i386"},  {EM_ARM, "arm"},
    {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},     {EM_S390, "s390"}, {EM_LOONGARCH, "loongarch"},
};

#if defined(__x86_64__)
enum { HERE = EM_X86_64 };
#elif defined(__aarch64__)
enum { HERE = EM_AARCH64 };
#elif defined(__i386__)
enum { HERE = EM_386 };
#elif defined(__arm__)
enum { HERE = EM_ARM };
#elif defined(__riscv)
enum { HERE = EM_RISCV };
#else
#error "preflight does not know this machine"
#endif

static const char *machine_name(uint16_t number)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        if (machines[i].number == number)
            return machines[i].name;
    }
    return "another machine";
}

bool via_elf_is_within(const via_elf *elf, uint64_t offset, uint64_t size)
{
    return offset <= elf->size && size <= elf->size - offset;
}

static via_status refuse(via_error *error, const char *mend, const char *what)
{
    return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT, mend, "%s", what);
}

/* ---- header ------------------------------------------------------------------------------------------------- */

static via_status check_kind(const via_elf *elf, via_error *error)
{
    const via_elf_header *header = &elf->header;

    if (header->e_machine != HERE || header->e_ident[EI_CLASS] != (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32))
        return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT, "install the library built for this machine",
                             "the library is built for %s (%s bit); expected %s (%d bit)",
                             machine_name(header->e_machine), header->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32",
                             machine_name(HERE), (int)sizeof(void *) * 8);
    if (header->e_type != ET_DYN)
        return refuse(error, "link it as a shared library (-shared -fPIC)", "the file is not a shared library");
    if (header->e_phentsize != sizeof(via_elf_segment) || header->e_phnum > MOST_SEGMENTS ||
        !via_elf_is_within(elf, header->e_phoff, (uint64_t)header->e_phnum * sizeof(via_elf_segment)))
        return refuse(error, "build or copy it again",
                      "the library is cut short or damaged: its program headers are "
                      "outside the file");
    return VIA_OK;
}

static via_status read_header(via_elf *elf, via_error *error)
{
    const unsigned char order = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;

    if (elf->size < EI_NIDENT || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0)
        return refuse(error, "point \"library\" at the shared library of the plugin", "the file is not an ELF library");
    if (elf->size < sizeof(elf->header))
        return refuse(error, "build or copy it again", "the library is cut short or damaged: its header is incomplete");
    memcpy(&elf->header, elf->bytes, sizeof(elf->header));
    if (elf->header.e_ident[EI_DATA] != order)
        return refuse(error, "install the library built for this machine",
                      "the library is built for a machine of the other byte order");
    return check_kind(elf, error);
}

via_elf_segment via_elf_segment_at(const via_elf *elf, size_t index)
{
    via_elf_segment segment;

    memcpy(&segment, elf->bytes + elf->header.e_phoff + index * sizeof(segment), sizeof(segment));
    return segment;
}

/* ---- dynamic section -------------------------------------------------------------------------------------------- */

static bool has_static_tls(const via_elf *elf, const via_elf_segment *segment)
{
    via_elf_dynamic entry;

    for (uint64_t at = 0; at + sizeof(entry) <= segment->p_filesz; at += sizeof(entry)) {
        memcpy(&entry, elf->bytes + segment->p_offset + at, sizeof(entry));
        if (entry.d_tag == DT_NULL)
            return false;
        if (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_STATIC_TLS))
            return true;
    }
    return false;
}

/* ---- notes -------------------------------------------------------------------------------------------------- */

static uint64_t aligned(uint64_t size, uint64_t alignment)
{
    return (size + alignment - 1) & ~(alignment - 1);
}

static bool is_ours(const via_abi_note *note)
{
    return note->name_size == 8 && note->desc_size == 16 && note->type == 1 && memcmp(note->name, "Viaduct", 8) == 0;
}

static bool find_note(const via_elf *elf, const via_elf_segment *segment, via_abi *abi)
{
    const unsigned char *notes = elf->bytes + segment->p_offset;
    uint64_t alignment = segment->p_align == 8 ? 8 : 4;
    uint32_t sizes[3];

    for (uint64_t at = 0; at + sizeof(sizes) <= segment->p_filesz;) {
        via_abi_note note;
        memcpy(sizes, notes + at, sizeof(sizes));
        if (at + sizeof(note) <= segment->p_filesz) {
            memcpy(&note, notes + at, sizeof(note));
            if (is_ours(&note)) {
                *abi = (via_abi){note.major, note.minor, (uint64_t)note.hash_high << 32 | note.hash_low};
                return true;
            }
        }
        at += aligned(aligned(sizeof(sizes) + (uint64_t)sizes[0], alignment) + sizes[1], alignment);
    }
    return false;
}

static via_status check_abi(const via_abi *abi, via_error *error)
{
    if (abi->major != VIA_ABI_MAJOR)
        return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT,
                             abi->major < VIA_ABI_MAJOR ? "build the plugin again with this version's headers"
                                                        : "install the Viaduct that the plugin was built for",
                             "the plugin speaks version %u of the plugin ABI; expected version %u", abi->major,
                             VIA_ABI_MAJOR);
    if (abi->hash != VIA_ABI_HASH)
        return via_error_set(error, VIA_EREFUSED, VIA_STAGE_PREFLIGHT,
                             "build the plugin again with the headers and the compiler settings of this version",
                             "the plugin was built with other tables: its ABI hash is %016llx; expected %016llx",
                             (unsigned long long)abi->hash, (unsigned long long)VIA_ABI_HASH);
    return VIA_OK;
}

/* ---- the whole ---------------------------------------------------------------------------------------------- */

static via_status check_segments(const via_elf *elf, via_abi *abi, via_elf_answer *defines, via_error *error)
{
    bool has_note = false;

    for (size_t i = 0; i < elf->header.e_phnum; i++) {
        via_elf_segment segment = via_elf_segment_at(elf, i);
        if (!via_elf_is_within(elf, segment.p_offset, segment.p_filesz))
            return refuse(error, "build or copy it again",
                          "the library is cut short or damaged: a segment is outside the file");
        if (segment.p_type == PT_DYNAMIC && has_static_tls(elf, &segment))
            return refuse(
                error, "build it without -ftls-model=initial-exec or local-exec",
                "the library needs static thread-local storage, which a running program may have none left of");
        if (segment.p_type == PT_DYNAMIC)
            *defines = via_elf_defines(elf, &segment, "via_plugin_v1");
        if (segment.p_type == PT_NOTE && !has_note)
            has_note = find_note(elf, &segment, abi);
    }
    if (!has_note)
        return refuse(error, "define the plugin with VIA_PLUGIN(), and link without discarding " VIA_ABI_NOTE_SECTION,
                      "the library carries no Viaduct ABI note, so it is not a plugin");
    return VIA_OK;
}

via_status via_preflight_check(const unsigned char *bytes, size_t size, via_abi *abi, via_error *error)
{
    via_elf elf = {.bytes = bytes, .size = size};
    via_elf_answer defines = VIA_ELF_UNKNOWN;
    via_status status = read_header(&elf, error);

    *abi = (via_abi){0, 0, 0};
    if (status == VIA_OK)
        status = check_segments(&elf, abi, &defines, error);
    if (status == VIA_OK)
        status = check_abi(abi, error);
    if (status == VIA_OK && defines == VIA_ELF_NO)
        return refuse(error, "define the plugin with VIA_PLUGIN(), and export it",
                      "the library does not define the symbol via_plugin_v1");
    return status;
}
