/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a subscriber makes itself heard; see topic_door.h.
 *
 * Must never take a segment for the board that does not begin with the token of the link.
 */
#include "topic_door.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/random.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <unistd.h>

static topic_board *attach(int segment)
{
    void *base = segment < 0 ? NULL : shmat(segment, NULL, 0);

    return base == (void *)-1 ? NULL : base; // NOLINT(performance-no-int-to-ptr): as shmat(2) has it
}

/* Between its making and its attaching a segment is nobody's: who is killed then leaves it for ever. Nobody else can have it. */
static bool is_orphan(const struct shmid_ds *state)
{
    return state->shm_segsz == TOPIC_DOOR_BYTES && state->shm_nattch == 0 && state->shm_perm.__key == IPC_PRIVATE &&
           state->shm_perm.cuid == geteuid() && state->shm_cpid > 0 && kill(state->shm_cpid, 0) < 0 && errno == ESRCH;
}

static void remove_orphans(void)
{
    struct shm_info info;
    struct shmid_ds state;
    int last = shmctl(0, SHM_INFO, (struct shmid_ds *)(void *)&info);

    for (int index = 0; index <= last; index++) {
        int segment = shmctl(index, SHM_STAT, &state);
        if (segment >= 0 && is_orphan(&state))
            (void)shmctl(segment, IPC_RMID, NULL);
    }
}

/* Without a link nobody finds it, which is as good as no board. */
static bool make_link(topic_door *door, const char *path, int segment)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "sysv:%d:%016" PRIx64 "%016" PRIx64, segment, door->board->token[0],
                   door->board->token[1]);
    (void)snprintf(door->path, sizeof(door->path), "%s.door", path);
    (void)unlink(door->path); /* a dead owner's */
    if (symlink(text, door->path) == 0)
        return true;
    door->path[0] = '\0';
    return false;
}

void topic_door_make(topic_door *door, const char *path, uint32_t mode)
{
    remove_orphans();
    int segment = shmget(IPC_PRIVATE, TOPIC_DOOR_BYTES, IPC_CREAT | IPC_EXCL | (int)(mode & 0666));

    *door = (topic_door){.board = attach(segment)};
    if (segment >= 0)
        (void)shmctl(segment, IPC_RMID, NULL); /* it lives as long as we do, and others may still attach (Linux) */
    if (!door->board)
        return;
    if (getrandom(door->board->token, sizeof(door->board->token), 0) != (ssize_t)sizeof(door->board->token) ||
        !make_link(door, path, segment))
        topic_door_close(door, VIA_CLOSE_FLUSH);
}

/* Whoever can write to the folder could have made the link. */
static bool is_publishers(int segment, int socket)
{
    struct shmid_ds state;
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return shmctl(segment, IPC_STAT, &state) == 0 && state.shm_segsz >= sizeof(topic_board) &&
           getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && state.shm_perm.cuid == peer.uid;
}

void topic_door_find(topic_door *door, const char *path, int socket)
{
    char link[128], text[96];
    uint64_t token[2];
    int segment = -1;

    *door = (topic_door){.board = NULL};
    (void)snprintf(link, sizeof(link), "%s.door", path);
    ssize_t size = readlink(link, text, sizeof(text) - 1);
    if (size < 0)
        return;
    text[size] = '\0';
    if (sscanf(text, "sysv:%d:%16" SCNx64 "%16" SCNx64, &segment, &token[0], &token[1]) != 3 ||
        !is_publishers(segment, socket))
        return;
    door->board = attach(segment);
    if (door->board && memcmp(door->board->token, token, sizeof(token)) != 0)
        topic_door_close(door, VIA_CLOSE_FLUSH);
}

void topic_door_close(topic_door *door, uint32_t how)
{
    if (door->path[0] && how != VIA_CLOSE_FORKED)
        (void)unlink(door->path);
    if (door->board)
        (void)shmdt(door->board);
    *door = (topic_door){.board = NULL};
}
