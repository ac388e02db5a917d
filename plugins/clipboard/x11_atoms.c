/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What atoms are called.
 *
 * Owns: the names that were asked for once, so that a content in the usual formats is known without asking again. Bounded: others
 * can make as many atoms as they like, and the oldest make room.
 */
#include "x11_state.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 255 /* of a type, as everywhere in Viaduct */ };

/* NULL = it is no name that a type could have. */
static char *copy_name(const xcb_get_atom_name_reply_t *answer)
{
    const char *name = (const char *)(answer + 1);

    if (answer->name_len == 0 || answer->name_len > NAME_BYTES)
        return NULL;
    for (size_t i = 0; i < answer->name_len; i++)
        if (name[i] < ' ' || name[i] > '~')
            return NULL;
    char *copy = malloc((size_t)answer->name_len + 1);
    if (!copy)
        return NULL;
    memcpy(copy, name, answer->name_len);
    copy[answer->name_len] = '\0';
    return copy;
}

bool x11_atoms_find(const x11_atoms *atoms, xcb_atom_t atom, const char **name)
{
    for (size_t i = 0; i < atoms->count; i++) {
        if (atoms->known[i].atom == atom) {
            *name = atoms->known[i].name;
            return true;
        }
    }
    return false;
}

void x11_atoms_learn(x11_atoms *atoms, xcb_atom_t atom, const xcb_get_atom_name_reply_t *answer)
{
    const size_t at = atoms->next;

    free(atoms->known[at].name);
    atoms->known[at].atom = atom;
    atoms->known[at].name = answer ? copy_name(answer) : NULL;
    atoms->next = (at + 1) % X11_KNOWN_ATOMS;
    if (atoms->count < X11_KNOWN_ATOMS)
        atoms->count++;
}

void x11_atoms_fini(x11_atoms *atoms)
{
    for (size_t i = 0; i < atoms->count; i++)
        free(atoms->known[i].name);
}
