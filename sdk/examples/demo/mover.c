/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves files from one process to another, and checks at the far end that every byte is right.
 *
 *     mover receive NAME FOLDER           takes files and writes them below FOLDER
 *     mover send NAME < LIST-OF-FILES     sends each file that is listed, one path a line
 *
 * NAME is the name of an endpoint. Which mechanism carries it stands in an endpoint manifest; this program neither
 * knows nor can tell.
 *
 * Each message begins with a letter: F and the path begins a file, D and bytes goes on with it, E and the SHA-256 of
 * all its bytes ends it. After the last file the sender finishes; the receiver, when it has written and checked all,
 * answers with a line that says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

enum { CHUNK = 64 * 1024, WAIT_MS = 10000 };

struct tally {
    unsigned long long files, bytes;
};

/* ---- errors ------------------------------------------------------------------------------------------------- */

static int tell(const via_error *error)
{
    (void)fprintf(stderr, "mover: %s\n", error->what[0] ? error->what : via_status_text(error->status));
    if (error->mend[0])
        (void)fprintf(stderr, "       mend: %s\n", error->mend);
    return 1;
}

static int tell_status(via_channel *channel, via_status status)
{
    via_error error;
    via_error_init(&error);
    if (via_failure(channel, &error) != VIA_OK)
        error.status = status;
    return tell(&error);
}

static int tell_file(const char *path, const char *what)
{
    (void)fprintf(stderr, "mover: %s: %s\n", path, what);
    return 1;
}

/* What the OS has just refused. */
static int tell_os(const char *path)
{
    return tell_file(path, strerror(errno)); /* NOLINT(concurrency-mt-unsafe): there is one thread */
}

/* ---- sending ------------------------------------------------------------------------------------------------ */

/* VIA_MORE: another message follows, so this one may wait for it in the transport. */
static via_status send_part(via_channel *channel, char letter, const void *bytes, size_t size)
{
    via_meta meta = {.flags = VIA_MORE};
    via_slice parts[] = {{&letter, 1}, {bytes, size}};
    return via_sendv(channel, parts, 2, &meta, VIA_FOREVER);
}

static via_status send_content(via_channel *channel, int file, struct tally *tally)
{
    static char chunk[CHUNK];
    uint8_t digest[SHA256_DIGEST_SIZE];
    struct sha256_ctx hash;
    ssize_t taken;
    via_status status = VIA_OK;
    sha256_init(&hash);
    while (status == VIA_OK && (taken = read(file, chunk, sizeof chunk)) > 0) {
        sha256_update(&hash, (size_t)taken, (const uint8_t *)chunk);
        tally->bytes += (unsigned long long)taken;
        status = send_part(channel, 'D', chunk, (size_t)taken);
    }
    sha256_digest(&hash, sizeof digest, digest);
    return status == VIA_OK ? send_part(channel, 'E', digest, sizeof digest) : status;
}

static int send_file(via_channel *channel, const char *path, struct tally *tally)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return tell_os(path);
    via_status status = send_part(channel, 'F', path, strlen(path));
    if (status == VIA_OK)
        status = send_content(channel, file, tally);
    (void)close(file);
    tally->files++;
    return status == VIA_OK ? 0 : tell_status(channel, status);
}

/* Says that nothing follows, and waits for the receiver's word that everything is right. */
static int wait_for_answer(via_channel *channel)
{
    via_msg answer;
    via_status status = via_finish(channel, VIA_FOREVER);
    if (status == VIA_OK)
        status = via_recv(channel, VIA_FOREVER, &answer);
    if (status != VIA_OK)
        return tell_status(channel, status);
    (void)printf("%.*s\n", (int)answer.size, (const char *)answer.data);
    via_release(channel, &answer);
    return 0;
}

static int send_listed(via_channel *channel)
{
    struct tally tally = {0, 0};
    char *path = NULL;
    size_t capacity = 0;
    ssize_t length;
    int result = 0;
    while (result == 0 && (length = getline(&path, &capacity, stdin)) > 0) {
        if (path[length - 1] == '\n')
            path[length - 1] = '\0';
        result = send_file(channel, path, &tally);
    }
    free(path);
    return result == 0 ? wait_for_answer(channel) : result;
}

static int run_sender(const char *name)
{
    via_channel *channel;
    via_error error;
    if (via_dial(NULL, name, NULL, via_after_ms(WAIT_MS), &channel, &error) != VIA_OK)
        return tell(&error);
    int result = send_listed(channel);
    via_close(channel);
    return result;
}

/* ---- receiving ---------------------------------------------------------------------------------------------- */

struct receiver {
    const char *folder;
    FILE *file; /* NULL = between two files */
    char path[4096];
    struct sha256_ctx hash;
    struct tally tally;
};

/* A path of the other end must not lead out of the folder. */
static int is_safe(const char *path)
{
    return path[0] != '\0' && strcmp(path, "..") != 0 && strncmp(path, "../", 3) != 0 && !strstr(path, "/../") &&
           (strlen(path) < 3 || strcmp(path + strlen(path) - 3, "/..") != 0);
}

static void make_parents(char *path, size_t from)
{
    for (char *slash = strchr(path + from, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0700); /* fopen says it if this fails */
        *slash = '/';
    }
}

static int begin_file(struct receiver *receiver, const char *path, size_t size)
{
    int folder = snprintf(receiver->path, sizeof receiver->path, "%s/", receiver->folder);
    int length = snprintf(receiver->path, sizeof receiver->path, "%s/%.*s", receiver->folder, (int)size, path);
    if (receiver->file || length >= (int)sizeof receiver->path || !is_safe(receiver->path + folder))
        return tell_file("a message", "expected a path below the folder, after the end of the file before");
    make_parents(receiver->path, (size_t)folder + 1);
    receiver->file = fopen(receiver->path, "wxe");
    sha256_init(&receiver->hash);
    return receiver->file ? 0 : tell_os(receiver->path);
}

static int add_bytes(struct receiver *receiver, const char *bytes, size_t size)
{
    if (!receiver->file)
        return tell_file("a message", "expected the beginning of a file before its bytes");
    sha256_update(&receiver->hash, size, (const uint8_t *)bytes);
    receiver->tally.bytes += size;
    return fwrite(bytes, 1, size, receiver->file) == size ? 0 : tell_os(receiver->path);
}

static int end_file(struct receiver *receiver, const char *expected, size_t size)
{
    uint8_t digest[SHA256_DIGEST_SIZE];
    if (!receiver->file)
        return tell_file("a message", "expected the beginning of a file before its end");
    int failed = fclose(receiver->file);
    receiver->file = NULL;
    sha256_digest(&receiver->hash, sizeof digest, digest);
    receiver->tally.files++;
    if (failed)
        return tell_os(receiver->path);
    if (size != sizeof digest || memcmp(digest, expected, sizeof digest) != 0)
        return tell_file(receiver->path, "the checksum is not the sender's");
    return 0;
}

static int take_part(struct receiver *receiver, const char *part, size_t size)
{
    switch (size > 0 ? part[0] : '\0') {
    case 'F':
        return begin_file(receiver, part + 1, size - 1);
    case 'D':
        return add_bytes(receiver, part + 1, size - 1);
    case 'E':
        return end_file(receiver, part + 1, size - 1);
    default:
        return tell_file("a message", "expected it to begin with F, D or E");
    }
}

static int answer(via_channel *channel, const struct receiver *receiver)
{
    char line[160];
    int length = snprintf(line, sizeof line, "%llu files, %llu bytes, every checksum is right", receiver->tally.files,
                          receiver->tally.bytes);
    via_status status = via_send(channel, line, (size_t)length, NULL, VIA_FOREVER);
    if (status == VIA_OK)
        status = via_drain(channel, via_after_ms(WAIT_MS), NULL);
    return status == VIA_OK ? 0 : tell_status(channel, status);
}

static int receive_all(via_channel *channel, struct receiver *receiver)
{
    via_msg message;
    via_status status;
    int result = 0;
    while (result == 0 && (status = via_recv(channel, VIA_FOREVER, &message)) == VIA_OK) {
        result = take_part(receiver, message.data, message.size);
        via_release(channel, &message);
    }
    if (result == 0 && status != VIA_ECLOSED)
        return tell_status(channel, status);
    if (result == 0 && receiver->file)
        return tell_file(receiver->path, "the sender finished in the middle of it");
    return result == 0 ? answer(channel, receiver) : result;
}

static int run_receiver(const char *name, const char *folder)
{
    struct receiver receiver = {.folder = folder};
    via_listener *listener = NULL;
    via_channel *channel = NULL;
    via_error error;
    int result;
    if (via_listen(NULL, name, NULL, &listener, &error) != VIA_OK ||
        via_accept(listener, via_after_ms(WAIT_MS), &channel, &error) != VIA_OK)
        result = tell(&error);
    else
        result = receive_all(channel, &receiver);
    if (receiver.file)
        (void)fclose(receiver.file);
    via_close(channel);
    via_listener_close(listener);
    return result;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "send") == 0)
        return run_sender(argv[2]);
    if (argc == 4 && strcmp(argv[1], "receive") == 0)
        return run_receiver(argv[2], argv[3]);
    (void)fputs("usage: mover receive NAME FOLDER\n       mover send NAME < LIST-OF-FILES\n", stderr);
    return 2;
}
