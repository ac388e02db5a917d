/* SPDX-License-Identifier: Apache-2.0 */
/* The roles of a bridge; see roles.h. Owns: their names on the command line. */
#include "roles.h"

#include <string.h>

#include "session.h"

struct role_name {
    const char *name;
    uint32_t role;
};

static const struct role_name role_names[] = {
    {"pair", VIA_PAIR}, {"push", VIA_PUSH}, {"pull", VIA_PULL}, {"pub", VIA_PUBLISH}, {"sub", VIA_SUBSCRIBE}};

static bool find_role(const char *name, size_t length, uint32_t *role)
{
    for (size_t i = 0; i < sizeof role_names / sizeof role_names[0]; i++) {
        if (strlen(role_names[i].name) == length && strncmp(role_names[i].name, name, length) == 0) {
            *role = role_names[i].role;
            return true;
        }
    }
    return false;
}

static bool parse_roles(const char *text, uint32_t *roles)
{
    const char *comma = strchr(text, ',');
    return comma && find_role(text, (size_t)(comma - text), &roles[0]) &&
           find_role(comma + 1, strlen(comma + 1), &roles[1]);
}

bool via_cli_role_receives(uint32_t role)
{
    return role == VIA_PAIR || role == VIA_PULL || role == VIA_SUBSCRIBE;
}

bool via_cli_role_sends(uint32_t role)
{
    return role == VIA_PAIR || role == VIA_PUSH || role == VIA_PUBLISH;
}

/* The side that binds by custom is A: it takes jobs in, or gives news out. */
static void usual_roles(uint32_t pattern_a, uint32_t pattern_b, uint32_t *roles)
{
    roles[0] = pattern_a == VIA_PATTERN_QUEUE ? VIA_PULL : pattern_a == VIA_PATTERN_TOPIC ? VIA_PUBLISH : VIA_PAIR;
    roles[1] = pattern_b == VIA_PATTERN_QUEUE ? VIA_PUSH : pattern_b == VIA_PATTERN_TOPIC ? VIA_SUBSCRIBE : VIA_PAIR;
}

int via_cli_roles_choose(const via_cli_args *args, via_host *host, uint32_t roles[2])
{
    uint32_t pattern_a = via_cli_pattern(args, host, args->operands.items[0]);
    uint32_t pattern_b = via_cli_pattern(args, host, args->operands.items[1]);
    if (args->as && !parse_roles(args->as, roles))
        return via_cli_usage(args->command, NULL,
                             "--as wants two of pair, push, pull, pub, sub: --as pull,push, not '%s'", args->as);
    if (pattern_a == VIA_PATTERN_VALUE)
        return via_cli_usage(args->command, "bridge pairs, queues or topics", "a value has no two ends to bridge");
    if (!args->as)
        usual_roles(pattern_a, pattern_b, roles);
    if ((via_cli_role_receives(roles[0]) && via_cli_role_sends(roles[1])) ||
        (via_cli_role_receives(roles[1]) && via_cli_role_sends(roles[0])))
        return VIA_EXIT_OK;
    return via_cli_usage(args->command, "choose roles of which one receives and the other sends: --as pull,push",
                         "nothing can flow between these roles");
}
