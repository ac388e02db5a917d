/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who lives: the members of one cell of shared memory.
 *
 * Owns: the file PATH.members, which begins with a token that no other has (a number of an inode comes again), a record of 256
 * bytes for each member, and the lock of one byte (open file description lock) by
 * which the kernel tells that a member is gone. A child that a member forked keeps the lock: so the record also says which
 * process it was (kit/identity.h), and a lock that outlives its process is as good as none. A record that is used again
 * gets the next serial number, so an owner named by place and number is never mistaken for its successor.
 *
 * Whoever makes or removes the file has the name's lock (kit/lock.h): so no roster and no lock means no cell.
 * Whoever enters, leaves, or removes it has CHANGING of the file that bears the name: so nobody enters what is being
 * removed, and nobody removes what another has entered.
 */
#ifndef SHM_ROSTER_H
#define SHM_ROSTER_H

#include <stdbool.h>
#include <sys/types.h>
#include <viaduct/plugin.h>

enum { SHM_ROSTER_PLACES = 4096, SHM_ROSTER_TOKEN = 33 };

typedef struct shm_roster {
    int file;     /* -1 = none */
    int changing; /* while CHANGING is ours: the descriptor that has it */
    bool entered;
    uint32_t place;
    uint32_t serial;
    dev_t device;
    ino_t inode;
    char token[SHM_ROSTER_TOKEN]; /* hexadecimal */
    char path[128];
} shm_roster;

/* What newcomers connect to, and which file that is. */
typedef struct shm_socket {
    char path[108];
    dev_t device;
    ino_t inode;
    struct timespec made; /* when the file was changed last: a new one may get the number of an old one */
} shm_socket;

/* Who somebody is: never 0. */
static inline uint64_t shm_roster_name(uint32_t place, uint32_t serial)
{
    return ((uint64_t)(place + 1) << 32) | serial;
}

void shm_roster_init(shm_roster *roster, const char *socket_path);
/* Makes a new file in the place of whatever is there: the caller has the name's lock, and knows that nobody lives. VIA_OK, or a status with errno. */
via_status shm_roster_create(shm_roster *roster, uint32_t mode);
/* Opens the file. VIA_OK; VIA_ENOENT: there is none; or a status with errno. */
via_status shm_roster_open(shm_roster *roster);
/*
 * Enters; from now on the others see this member until it leaves or dies. VIA_OK; VIA_ENOPEER: the file is no longer the
 * one with that name; VIA_ELIMIT: it is full; VIA_EBUSY: another keeps it locked; VIA_EIO with errno.
 */
via_status shm_roster_enter(shm_roster *roster);
/* How many others live. */
uint32_t shm_roster_count(const shm_roster *roster);
/* Does another live who has not said that it wants to leave? For a member. */
bool shm_roster_has_others_staying(const shm_roster *roster);
/* False, with errno: the others will not hear of it. */
bool shm_roster_want_to_leave(const shm_roster *roster, bool wants);
/* Is whoever has that name proven to be gone? Nonsense is nobody's name. */
bool shm_roster_is_gone(const shm_roster *roster, uint64_t name);
/* Leaves, and closes the file. The last one removes it and the socket, if that is still the file which it was, under the name's lock. */
void shm_roster_leave(shm_roster *roster, const via_host_api *host, const shm_socket *socket);
/* In a forked child, or of a file that was never entered: closes the descriptor only. */
void shm_roster_forget(shm_roster *roster);
/*
 * Removes the socket `also` and the roster if nobody on it lives any more: then whoever answers there is a child of the dead.
 * The caller has the name's lock, as has whoever makes or removes the two: so `also` is no newcomer's by now. VIA_OK: they are
 * gone, or there is no roster, and the socket, if any, is not a cell's; VIA_EBUSY: somebody lives.
 */
via_status shm_roster_clear(shm_roster *roster, const char *also);

#endif
