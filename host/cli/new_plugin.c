/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `via new-plugin`: copies out a template, renamed.
 *
 * Owns: the folder that it makes, from nothing: whatever is there already is left alone, and what it made is taken away
 * again if it cannot be finished. In the templates' names and texts my_KIND becomes the name, my-KIND the scheme,
 * @NAME@ the name and @VIADUCT@ the place of this Viaduct.
 */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beside.h"
#include "commands.h"

enum { PATH_SIZE = 4096, NAME_MOST = 31, TEMPLATE_MOST = 1 << 20 };

/* In the order of the choices of --kind. */
static const char *const kinds[] = {"fd", "callback", "engine", "layer"};

struct work {
    const via_cli_args *args;
    const char *name, *kind, *folder;
    char scheme[NAME_MOST + 1]; /* the name as a scheme may have it: '-' for '_' */
    char prefix[PATH_SIZE];
    char token[24], scheme_token[24]; /* "my_fd", "my-fd" */
};

/* ---- the name ----------------------------------------------------------------------------------------------- */

/*
 * Narrower than the manifest's rule for names: it is also part of C names, so no '-', and of a scheme, so two letters at
 * least and at most 31.
 */
static bool is_name(const char *name)
{
    size_t length = strlen(name);
    return length >= 2 && length <= NAME_MOST && name[0] >= 'a' && name[0] <= 'z' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == length;
}

static int check_name(struct work *work)
{
    if (!is_name(work->name))
        return via_cli_usage(work->args->command, NULL,
                             "'%s' is no name for a plugin: a lower-case letter, then lower-case letters, digits and "
                             "'_'; 2 to %d",
                             work->name, NAME_MOST);
    for (size_t i = 0; i <= strlen(work->name); i++)
        work->scheme[i] = work->name[i] == '_' ? '-' : work->name[i];
    return VIA_EXIT_OK;
}

/* ---- texts -------------------------------------------------------------------------------------------------- */

/* The token that `text` begins with, and what comes in its place; NULL = none. */
static const char *token_at(const struct work *work, const char *text, const char **instead)
{
    const struct {
        const char *token, *instead;
    } tokens[] = {{work->token, work->name},
                  {work->scheme_token, work->scheme},
                  {"@NAME@", work->name},
                  {"@VIADUCT@", work->prefix}};
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        if (strncmp(text, tokens[i].token, strlen(tokens[i].token)) == 0) {
            *instead = tokens[i].instead;
            return tokens[i].token;
        }
    }
    return NULL;
}

static void put_renamed(const struct work *work, const char *text, FILE *out)
{
    while (*text) {
        const char *instead, *token = token_at(work, text, &instead);
        if (token)
            (void)fputs(instead, out);
        else
            (void)fputc(*text, out);
        text += token ? strlen(token) : 1;
    }
}

/* A malloc'ed text; NULL with errno. */
static char *read_text(const char *path)
{
    FILE *file = fopen(path, "re");
    char *text = file ? calloc(1, TEMPLATE_MOST + 1) : NULL;
    if (text && fread(text, 1, TEMPLATE_MOST, file) == 0 && ferror(file)) {
        free(text);
        text = NULL;
    }
    int code = errno;
    if (file)
        (void)fclose(file);
    errno = code;
    return text;
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static int join(char *path, const char *folder, const char *name)
{
    int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
    return length > 0 && length < PATH_SIZE ? VIA_EXIT_OK
                                            : via_cli_os_error(folder, ENAMETOOLONG, "choose a shorter one");
}

static char *renamed(const struct work *work, const char *name)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    put_renamed(work, name, out);
    return fclose(out) == 0 ? text : NULL;
}

static int write_file(const struct work *work, const char *path, const char *text)
{
    FILE *out = fopen(path, "wxe");
    if (!out)
        return via_cli_os_error(path, errno, "see that the folder can be written");
    put_renamed(work, text, out);
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed)
        return via_cli_os_error(path, errno ? errno : EIO, "see that there is room");
    return VIA_EXIT_OK;
}

static int copy_file(const struct work *work, const char *from, const char *name)
{
    char source[PATH_SIZE], target[PATH_SIZE];
    char *own = renamed(work, name);
    int result = own ? join(source, from, name) : via_cli_out_of_memory();
    if (result == VIA_EXIT_OK)
        result = join(target, work->folder, own);
    free(own);
    if (result != VIA_EXIT_OK || access(target, F_OK) == 0) /* the kind's own comes before what all have */
        return result;
    char *text = read_text(source);
    result = text ? write_file(work, target, text)
                  : via_cli_os_error(source, errno, "install Viaduct again; its templates are incomplete");
    free(text);
    return result;
}

/* Every file of a template's folder. */
static int copy_folder(const struct work *work, const char *part)
{
    char from[PATH_SIZE], relative[64];
    (void)snprintf(relative, sizeof relative, "share/viaduct/templates/%s", part);
    DIR *folder = via_cli_beside(relative, from, sizeof from) ? opendir(from) : NULL;
    if (!folder)
        return via_cli_complain(VIA_EXIT_FAILED, "install Viaduct with its development files, or build it",
                                "the templates of plugins are not at %s/share/viaduct/templates", work->prefix);
    int result = VIA_EXIT_OK;
    struct dirent *entry;
    while (result == VIA_EXIT_OK && (entry = readdir(folder)) != NULL) /* NOLINT(concurrency-mt-unsafe): one thread */
        if (entry->d_name[0] != '.')
            result = copy_file(work, from, entry->d_name);
    (void)closedir(folder);
    return result;
}

static void take_away(const struct work *work)
{
    char path[PATH_SIZE];
    DIR *folder = opendir(work->folder);
    struct dirent *entry;
    while (folder && (entry = readdir(folder)) != NULL) /* NOLINT(concurrency-mt-unsafe): one thread */
        if (entry->d_name[0] != '.' && join(path, work->folder, entry->d_name) == VIA_EXIT_OK)
            (void)unlink(path);
    if (folder)
        (void)closedir(folder);
    (void)rmdir(work->folder);
}

/* ---- the command -------------------------------------------------------------------------------------------- */

static int make_folder(const struct work *work)
{
    if (mkdir(work->folder, 0755) == 0)
        return VIA_EXIT_OK;
    if (errno == EEXIST)
        return via_cli_complain(VIA_EXIT_FAILED, "say another one behind the name: via new-plugin NAME DIR",
                                "%s is there already, and nothing in it is overwritten", work->folder);
    return via_cli_os_error(work->folder, errno, "see that the folder above it is there and can be written");
}

/* Whoever installs it takes the scheme away from the other plugin, for this user. */
static void warn_of_scheme(const struct work *work)
{
    via_host *host = NULL;
    size_t cursor = 0;
    via_plugin_info info = {.size = sizeof info};
    char text[512];
    if (via_host_open(NULL, &host, NULL) != VIA_OK)
        return;
    for (; via_plugin_next(host, &cursor, &info) == VIA_OK; info.size = sizeof info) {
        char *rest = NULL;
        for (char *scheme = strtok_r(info.schemes, " ", &rest); scheme; scheme = strtok_r(NULL, " ", &rest))
            if (strcmp(scheme, work->scheme) == 0) {
                (void)snprintf(text, sizeof text,
                               "the plugin %s serves %s: already, and is hidden by this one once it is installed; "
                               "another name keeps both",
                               info.name, scheme);
                via_cli_warn("", text);
            }
    }
    via_host_close(host);
}

static void tell(const struct work *work)
{
    (void)printf("%s: a plugin of the kind %s, in %s/\n\n", work->name, work->kind, work->folder);
    (void)printf("  make -C %s install    build it, and put it where your programs find it\n", work->folder);
    (void)printf("  make -C %s test       the conformance suite\n\n", work->folder);
    (void)printf("%s/README.md says what to change.\n", work->folder);
}

int via_cli_run_new_plugin(const via_cli_args *args)
{
    struct work work = {.args = args, .name = args->operands.items[0], .kind = kinds[args->kind]};
    work.folder = args->operands.count > 1 ? args->operands.items[1] : work.name;
    (void)snprintf(work.token, sizeof work.token, "my_%s", work.kind);
    (void)snprintf(work.scheme_token, sizeof work.scheme_token, "my-%s", work.kind);
    int result = check_name(&work);
    if (result == VIA_EXIT_OK && !via_cli_prefix(work.prefix, sizeof work.prefix))
        result =
            via_cli_complain(VIA_EXIT_FAILED, "see that /proc is mounted", "the folder of this command is unknown");
    if (result == VIA_EXIT_OK)
        result = make_folder(&work);
    if (result != VIA_EXIT_OK)
        return result;
    result = copy_folder(&work, work.kind);
    if (result == VIA_EXIT_OK)
        result = copy_folder(&work, "common");
    if (result != VIA_EXIT_OK) {
        take_away(&work);
        return result;
    }
    warn_of_scheme(&work);
    tell(&work);
    return result;
}
