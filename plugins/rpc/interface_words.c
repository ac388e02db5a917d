/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of types.
 *
 * Owns: which words there are, which of C's words are not among them, and what to write instead.
 */
#include "interface_internal.h"

#include "kit/json/nearest.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    rpc_kind kind;
} words[] = {
    {"void", RPC_KIND_VOID}, {"bool", RPC_KIND_BOOL},     {"i8", RPC_KIND_I8},       {"u8", RPC_KIND_U8},
    {"i16", RPC_KIND_I16},   {"u16", RPC_KIND_U16},       {"i32", RPC_KIND_I32},     {"u32", RPC_KIND_U32},
    {"i64", RPC_KIND_I64},   {"u64", RPC_KIND_U64},       {"size", RPC_KIND_SIZE},   {"f32", RPC_KIND_F32},
    {"f64", RPC_KIND_F64},   {"string", RPC_KIND_STRING}, {"bytes", RPC_KIND_BYTES}, {"context", RPC_KIND_CONTEXT},
    {"user", RPC_KIND_USER}, {"status", RPC_KIND_STATUS},
};

enum { WORDS = sizeof(words) / sizeof(words[0]) };

/* C's words: why each is none of ours, and the way out. */
static const struct {
    const char *name;
    const char *why;
    const char *mend;
} refused[] = {
    {"int", "C leaves its size to the compiler", "write \"i32\""},
    {"signed", "C leaves its size to the compiler", "write \"i32\""},
    {"signed int", "C leaves its size to the compiler", "write \"i32\""},
    {"unsigned", "C leaves its size to the compiler", "write \"u32\""},
    {"unsigned int", "C leaves its size to the compiler", "write \"u32\""},
    {"uint", "C leaves its size to the compiler", "write \"u32\""},
    {"short", "C leaves its size to the compiler", "write \"i16\""},
    {"unsigned short", "C leaves its size to the compiler", "write \"u16\""},
    {"long", "its size differs between systems", "write \"i64\", or \"size\" where it counts bytes or elements"},
    {"unsigned long", "its size differs between systems",
     "write \"u64\", or \"size\" where it counts bytes or elements"},
    {"long long", "C leaves its size to the compiler", "write \"i64\""},
    {"unsigned long long", "C leaves its size to the compiler", "write \"u64\""},
    {"char", "whether it has a sign differs between systems",
     "write \"i8\" or \"u8\" for a number, \"string\" for text"},
    {"signed char", "C's words are not used here", "write \"i8\""},
    {"unsigned char", "C's words are not used here", "write \"u8\""},
    {"float", "C leaves its format to the compiler", "write \"f32\""},
    {"double", "C leaves its format to the compiler", "write \"f64\""},
    {"long double", "its format differs between processors", "write \"f64\", and convert in a function of your own"},
    {"_Bool", "C's words are not used here", "write \"bool\""},
    {"size_t", "C's words are not used here", "write \"size\""},
    {"ssize_t", "its size differs between systems", "write \"i64\""},
    {"int8_t", "C's words are not used here", "write \"i8\""},
    {"int16_t", "C's words are not used here", "write \"i16\""},
    {"int32_t", "C's words are not used here", "write \"i32\""},
    {"int64_t", "C's words are not used here", "write \"i64\""},
    {"uint8_t", "C's words are not used here", "write \"u8\""},
    {"uint16_t", "C's words are not used here", "write \"u16\""},
    {"uint32_t", "C's words are not used here", "write \"u32\""},
    {"uint64_t", "C's words are not used here", "write \"u64\""},
    {"off_t", "its size differs between systems", "write \"i64\""},
    {"time_t", "its size differs between systems", "write \"i64\""},
    {"wchar_t", "its size differs between systems", "write \"u32\", or \"string\" (UTF-8) for text"},
    {"intptr_t", "an address means nothing in another process", "declare a handle for what it points to"},
    {"uintptr_t", "an address means nothing in another process", "declare a handle for what it points to"},
    {"ptrdiff_t", "its size differs between systems", "write \"i64\""},
    {"va_list", "the types of its arguments are in no declaration",
     "write a function with the parameters that you need"},
    {"...", "the types of its arguments are in no declaration",
     "write a function with the parameters that you need, one for each form of the call"},
    {"enum", "C leaves its size to the compiler", "write \"i32\""},
    {"union", "nothing says which of its members is in use",
     "use a struct with all members and a number that says which"},
    {"struct", "a struct has a name here, and stands under \"structs\"", "declare it there, and write its name"},
    {"char *", "a pointer says neither how much it points to nor whose it is", "write \"string\""},
    {"const char *", "a pointer says neither how much it points to nor whose it is", "write \"string\""},
    {"void *", "it does not say what it points to",
     "write \"bytes\" with \"length_is\" for memory, a handle for an object, \"user\" for what a callback is given "
     "back"},
    {"const void *", "it does not say what it points to", "write \"bytes\" with \"length_is\""},
};

enum { REFUSED = sizeof(refused) / sizeof(refused[0]) };

/* Keys that stand for something that C can say and this cannot carry. */
static const struct {
    const char *name;
    const char *why;
    const char *mend;
} refused_keys[] = {
    {"bits", "bit-fields cannot be carried: where the bits of one lie is the compiler's choice",
     "write a function that takes the numbers one by one"},
    {"packed", "packed structs cannot be carried: libffi lays structs out as the compiler does",
     "write a function that takes a plain struct, or carry the memory as \"bytes\""},
    {"pack", "packed structs cannot be carried: libffi lays structs out as the compiler does",
     "write a function that takes a plain struct, or carry the memory as \"bytes\""},
    {"align", "structs with an alignment of their own cannot be carried: libffi knows the usual one only",
     "write a function that takes a plain struct"},
    {"union", "unions cannot be carried: nothing says which member is in use",
     "use a struct with all members and a number that says which"},
    {"unions", "unions cannot be carried: nothing says which member is in use",
     "use a struct with all members and a number that says which"},
    {"variadic", "variadic functions cannot be carried: the types of their arguments are in no declaration",
     "write a function with the parameters that you need, one for each form of the call"},
};

/* ---- right words --------------------------------------------------------------------------------------------- */

bool rpc_word_find(const char *word, size_t size, rpc_kind *kind)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (strlen(words[i].name) == size && memcmp(words[i].name, word, size) == 0) {
            *kind = words[i].kind;
            return true;
        }
    }
    return false;
}

const char *rpc_word_at(size_t index)
{
    return index < WORDS ? words[index].name : NULL;
}

const char *rpc_kind_name(rpc_kind kind)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i].kind == kind)
            return words[i].name;
    }
    return "";
}

bool rpc_type_is_word(const char *name)
{
    rpc_kind kind;

    return rpc_word_find(name, strlen(name), &kind) || rpc_word_is_refused(name);
}

/* ---- wrong words --------------------------------------------------------------------------------------------- */

static size_t find_refused(const char *word)
{
    size_t i = 0;

    while (i < REFUSED && strcmp(refused[i].name, word) != 0)
        i++;
    return i;
}

bool rpc_word_is_refused(const char *word)
{
    return find_refused(word) < REFUSED;
}

/* "char*" and "char  *" are "char *". */
static void put_spaces(const char *word, char *text, size_t capacity)
{
    size_t at = 0;

    for (; *word && at + 3 < capacity; word++) {
        bool space = *word == ' ' || (*word == '*' && at && text[at - 1] != ' ' && text[at - 1] != '*');
        if (space && at && text[at - 1] != ' ')
            text[at++] = ' ';
        if (*word != ' ')
            text[at++] = *word;
    }
    text[at] = '\0';
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* Forms of which there is no end. NULL = it is none of them. */
static const char *refuse_form(const char *word, const char **mend)
{
    size_t size = strlen(word);

    if (strchr(word, '(')) {
        *mend = "describe it under \"callbacks\", and write its name";
        return "a pointer to a function has a name here";
    }
    if (size > 1 && strcmp(word + size - 2, "**") == 0) {
        *mend = "write \"string[]\" for a list of texts, a handle for an object, \"dir\": \"out\" for what comes back";
        return "pointers to pointers cannot be carried: nothing says how far they go";
    }
    if (size && word[size - 1] == '*') {
        *mend = "write the type without it and \"dir\": \"out\" or \"inout\", \"T[]\" for an array, or a handle";
        return "a pointer says neither how much it points to nor whose it is";
    }
    if (begins(word, "union ")) {
        *mend = "use a struct with all members and a number that says which";
        return "unions cannot be carried: nothing says which member is in use";
    }
    if (begins(word, "struct ")) {
        *mend = "declare it under \"structs\", and write its name alone";
        return "a struct goes by its name alone";
    }
    if (begins(word, "enum ")) {
        *mend = "write \"i32\"";
        return "C leaves the size of an enum to the compiler";
    }
    if (begins(word, "const ") || begins(word, "volatile ")) {
        *mend = "leave it out: what goes in is const, what comes out is not";
        return "a type has no qualifiers here";
    }
    return NULL;
}

static via_status fail_unknown(rpc_reader *reader, const char *word)
{
    via_nearest nearest;
    char mend[160] = "";
    const rpc_interface *interface = &reader->model->interface;

    via_nearest_begin(&nearest, word);
    for (size_t i = 0; i < WORDS; i++)
        via_nearest_offer(&nearest, words[i].name);
    for (size_t i = 0; i < interface->struct_count; i++)
        via_nearest_offer(&nearest, interface->structs[i].name);
    for (size_t i = 0; i < interface->handle_count; i++)
        via_nearest_offer(&nearest, interface->handles[i].name);
    for (size_t i = 0; i < interface->callback_count; i++)
        via_nearest_offer(&nearest, interface->callbacks[i].name);
    if (nearest.best)
        (void)snprintf(mend, sizeof(mend), "write \"%s\"", nearest.best);
    return via_check_fail(
        &reader->check, mend,
        "there is no type \"%.80s\"; expected bool, i8, u8, i16, u16, i32, u32, i64, u64, size, f32, f64, "
        "string, bytes, a struct, a handle or a callback of this file, T[] or T[n]",
        word);
}

via_status rpc_word_refuse(rpc_reader *reader, const char *word)
{
    char text[128];
    const char *mend = NULL;

    put_spaces(word, text, sizeof(text));
    size_t at = find_refused(text);
    if (at < REFUSED)
        return via_check_fail(&reader->check, refused[at].mend, "\"%.80s\" cannot be carried: %s", word,
                              refused[at].why);
    const char *why = refuse_form(text, &mend);
    if (why)
        return via_check_fail(&reader->check, mend, "\"%.80s\": %s", word, why);
    return fail_unknown(reader, word);
}

via_status rpc_keys_refuse(rpc_reader *reader, json_t *value)
{
    for (size_t i = 0; i < sizeof(refused_keys) / sizeof(refused_keys[0]); i++) {
        if (!json_object_get(value, refused_keys[i].name))
            continue;
        via_check_enter(&reader->check, refused_keys[i].name, 0);
        via_status status = via_check_fail_key(&reader->check, refused_keys[i].mend, "%s", refused_keys[i].why);
        via_check_leave(&reader->check);
        return status;
    }
    return VIA_OK;
}
