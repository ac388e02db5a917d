/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filling error records.
 *
 * Owns: how texts are cut. Must never allocate: it is what tells that memory has run out.
 */
#include "kit/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Marks a text that did not fit, without leaving half of a UTF-8 character before the mark. */
static void mark_cut(char *text, size_t capacity)
{
    size_t end = capacity - 4;
    while (end > 0 && ((unsigned char)text[end] & 0xC0u) == 0x80u)
        end--;
    memcpy(text + end, "...", 4);
}

static void put_formatted(char *text, size_t capacity, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void put_formatted(char *text, size_t capacity, const char *format, va_list arguments)
{
    const int length = vsnprintf(text, capacity, format, arguments);
    if (length >= 0 && (size_t)length >= capacity)
        mark_cut(text, capacity);
}

static void put_text(char *text, size_t capacity, const char *source)
{
    const size_t length = strlen(source);
    if (length < capacity) {
        memcpy(text, source, length + 1);
        return;
    }
    memcpy(text, source, capacity - 1);
    mark_cut(text, capacity);
}

via_status via_error_set(via_error *error, via_status status, uint32_t stage, const char *mend, const char *format, ...)
{
    if (error == NULL)
        return status;
    via_error_init(error);
    error->status = status;
    error->stage = stage;
    if (mend != NULL)
        put_text(error->mend, sizeof(error->mend), mend);
    va_list arguments;
    va_start(arguments, format);
    put_formatted(error->what, sizeof(error->what), format, arguments);
    va_end(arguments);
    return status;
}

void via_error_at(via_error *error, const char *file, const char *pointer, uint32_t line, uint32_t column)
{
    if (error == NULL)
        return;
    if (file != NULL)
        put_text(error->file, sizeof(error->file), file);
    if (pointer != NULL)
        put_text(error->pointer, sizeof(error->pointer), pointer);
    error->line = line;
    error->column = column;
}

void via_error_text(int32_t os_code, char *text, size_t capacity)
{
    char storage[128];
    const char *words = strerror_r(os_code, storage, sizeof(storage)); /* GNU's: it may not use the storage */
    (void)snprintf(text, capacity, "%s", words);
}

void via_error_os(via_error *error, int32_t os_code)
{
    if (error == NULL)
        return;
    error->os_code = os_code;
    error->os_text[0] = '\0';
    if (os_code != 0)
        via_error_text(os_code, error->os_text, sizeof(error->os_text));
}

void via_error_mend(via_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    va_list arguments;
    va_start(arguments, format);
    put_formatted(error->mend, sizeof(error->mend), format, arguments);
    va_end(arguments);
}

void via_error_more(via_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    const size_t used = strlen(error->more);
    const size_t separator = used > 0 ? 1 : 0;
    if (used + separator + 4 >= sizeof(error->more)) {
        mark_cut(error->more, sizeof(error->more));
        return;
    }
    if (separator != 0)
        error->more[used] = '\n';
    va_list arguments;
    va_start(arguments, format);
    put_formatted(error->more + used + separator, sizeof(error->more) - used - separator, format, arguments);
    va_end(arguments);
}
