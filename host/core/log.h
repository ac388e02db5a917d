/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: a callback, or VIADUCT_LOG=level[,file], or nothing.
 *
 * Owns: the choice of sink and the level. Must never write to stdout or stderr unless VIADUCT_LOG asks for it.
 */
#ifndef VIADUCT_HOST_LOG_H
#define VIADUCT_HOST_LOG_H

#include <viaduct/viaduct.h>

typedef struct via_log {
    via_log_fn write; /* NULL = silent */
    void *user;
    uint32_t level;
    int file; /* owned descriptor of VIADUCT_LOG's file, or -1 */
} via_log;

/*
 * `write` NULL = VIADUCT_LOG decides, unless `ignore_environment`. `level` 0 = VIA_LOG_WARNING. A file that cannot be
 * opened makes the log silent.
 */
void via_log_init(via_log *log, via_log_fn write, void *user, uint32_t level, bool ignore_environment);
void via_log_fini(via_log *log);
/* True if a line of this level would be seen: worth the work of making one. */
static inline bool via_log_wants(const via_log *log, uint32_t level)
{
    return level <= log->level && (log->write != NULL || log->file >= 0);
}
/* Writes one line. `plugin` NULL or "" = the host itself. Any thread. */
void via_log_line(const via_log *log, uint32_t level, const char *plugin, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
