/* SPDX-License-Identifier: Apache-2.0 */
/* Programs at the other end; see program.h. Owns: how long their end is waited for. */
#include "program.h"

#include <viaduct/ext/process.h>

enum { LAST_WAIT_MS = 1000, TURN_MS = 50 };

bool via_cli_is_program(via_channel *channel)
{
    void *self;
    return via_extension(channel, VIA_PROCESS_ID, &self) != NULL;
}

bool via_cli_program_hush(via_channel *channel)
{
    via_msg message;
    via_status status;
    while ((status = via_recv(channel, VIA_NOW, &message)) == VIA_OK)
        via_release(channel, &message);
    return status == VIA_ETIMEDOUT;
}

int via_cli_program_end(via_channel *channel, const char *address)
{
    via_process_exit end = {.size = sizeof end};
    via_status status = VIA_ETIMEDOUT;
    for (via_deadline limit = via_after_ms(LAST_WAIT_MS); status == VIA_ETIMEDOUT && via_now_ns() < limit;) {
        (void)via_cli_program_hush(channel);
        status = via_process_wait(channel, via_after_ms(TURN_MS), &end);
    }
    if (status != VIA_OK || end.code == 0)
        return VIA_EXIT_OK;
    if (end.signal)
        return via_cli_complain(VIA_EXIT_REMOTE, "see what it wrote, or run it by itself", "%s: ended by signal %d",
                                address, end.signal);
    return via_cli_complain(VIA_EXIT_REMOTE, "see what it wrote, or run it by itself", "%s: ended with exit status %d",
                            address, end.code);
}

int via_cli_program_lost(via_channel *channel, const char *address, via_status status)
{
    const bool is_gone = status == VIA_EPEER || status == VIA_ECLOSED;
    return is_gone && via_cli_is_program(channel) ? via_cli_program_end(channel, address) : VIA_EXIT_OK;
}
