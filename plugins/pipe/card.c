/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a listener serves; see card.h. The line ends in a full stop, so that half of one is none.
 */
#include "card.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CARD_MAX = 64, FILE_MAX = 511 };

via_status pipe_card_leave(const via_lock *lock, const pipe_card *card)
{
    char line[CARD_MAX];
    int size = snprintf(line, sizeof(line), "serves %" PRIu32 " %" PRIx32 " .\n", card->role, card->framing);
    struct stat status;
    ssize_t written;

    if (fstat(lock->descriptor, &status) != 0)
        return VIA_EIO;
    errno = EIO;
    written = pwrite(lock->descriptor, line, (size_t)size, status.st_size);
    return written == size ? VIA_OK : VIA_EIO;
}

static ssize_t read_lock(const pipe_place *place, char *text, size_t capacity)
{
    char path[PIPE_PRIVATE_MAX];
    int descriptor;
    ssize_t size;

    snprintf(path, sizeof(path), "%s.lock", place->path);
    descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return -1;
    size = read(descriptor, text, capacity);
    close(descriptor);
    return size;
}

via_status pipe_card_read(const pipe_place *place, pipe_card *card)
{
    char text[FILE_MAX + 1] = "";
    const char *line;
    char stop;

    if (read_lock(place, text, FILE_MAX) < 0)
        return errno == EMFILE || errno == ENFILE ? VIA_ELIMIT : VIA_ENOPEER;
    line = strstr(text, "\nserves ");
    if (!line || sscanf(line, " serves %" SCNu32 " %" SCNx32 " %c", &card->role, &card->framing, &stop) != 3)
        return VIA_ENOPEER;
    return stop == '.' ? VIA_OK : VIA_ENOPEER;
}
