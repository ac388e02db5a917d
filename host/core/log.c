/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: a callback, or VIADUCT_LOG=level[,file], or nothing.
 *
 * Owns: the grammar of VIADUCT_LOG and the form of a line. Must never keep a line: each is written at once and whole.
 */
#include "core/log.h"

#include "core/environment.h"
#include "kit/error.h"
#include "platform/output.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { LINE_CAPACITY = 2048 };

static const char *const level_names[] = {"off", "error", "warning", "info", "debug"};

/* Reads "level" or "level,file"; the level may be a word or its number. False if it is neither. */
static bool parse_setting(const char *setting, uint32_t *level, const char **file)
{
    const char *comma = strchr(setting, ',');
    const size_t length = comma != NULL ? (size_t)(comma - setting) : strlen(setting);
    *file = comma != NULL && comma[1] != '\0' ? comma + 1 : NULL;
    for (uint32_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        const bool is_name = strlen(level_names[i]) == length && strncmp(setting, level_names[i], length) == 0;
        const bool is_number = length == 1 && setting[0] == (char)('0' + i);
        if (is_name || is_number) {
            *level = i;
            return true;
        }
    }
    return false;
}

static void open_as_environment_says(via_log *log)
{
    const char *setting = via_environment_get("VIADUCT_LOG", false);
    if (setting == NULL)
        return;
    const char *file = NULL;
    uint32_t level = VIA_LOG_WARNING;
    const bool is_valid = parse_setting(setting, &level, &file);
    if (level == 0)
        return;
    log->level = level;
    log->file = via_output_open(file);
    if (log->file < 0 && file != NULL) {
        char reason[128];
        via_error_text(errno, reason, sizeof(reason));
        log->file = via_output_open(NULL);
        via_log_line(log, VIA_LOG_WARNING, NULL,
                     "VIADUCT_LOG: cannot write to %.256s: %s; name a file that can be written; using stderr", file,
                     reason);
    }
    if (!is_valid)
        via_log_line(
            log, VIA_LOG_WARNING, NULL,
            "VIADUCT_LOG=%.64s: expected off, error, warning, info or debug, then perhaps \",FILE\"; using warning",
            setting);
}

void via_log_init(via_log *log, via_log_fn write, void *user, uint32_t level, bool ignore_environment)
{
    log->write = write;
    log->user = user;
    log->level = level != 0 ? level : VIA_LOG_WARNING;
    log->file = -1;
    if (write == NULL && !ignore_environment)
        open_as_environment_says(log);
}

void via_log_fini(via_log *log)
{
    via_output_close(log->file);
    log->file = -1;
    log->write = NULL;
}

static void append_to_file(const via_log *log, uint32_t level, const char *plugin, const char *text)
{
    char line[LINE_CAPACITY + 128];
    const char *name = level_names[level <= VIA_LOG_DEBUG ? level : VIA_LOG_DEBUG];
    const int length = plugin[0] != '\0' ? snprintf(line, sizeof(line), "viaduct: %s: %s: %s\n", name, plugin, text)
                                         : snprintf(line, sizeof(line), "viaduct: %s: %s\n", name, text);
    if (length > 0)
        via_output_append(log->file, line, (size_t)length < sizeof(line) ? (size_t)length : sizeof(line) - 1);
}

void via_log_line(const via_log *log, uint32_t level, const char *plugin, const char *format, ...)
{
    if (log == NULL || !via_log_wants(log, level))
        return;
    char text[LINE_CAPACITY];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    if (log->write != NULL)
        log->write(log->user, level, plugin != NULL ? plugin : "", text);
    else
        append_to_file(log, level, plugin != NULL ? plugin : "", text);
}
