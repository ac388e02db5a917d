/* SPDX-License-Identifier: Apache-2.0 */
/* Tells what becomes of plugins and endpoint files while it runs. Usage: folders */
#include <poll.h>
#include <stdio.h>
#include <viaduct/viaduct.h>

static void print_changes(via_host *host)
{
    static const char *const kinds[] = {"", "came", "went", "was replaced", "is refused", "lost"};
    via_change change = {.size = sizeof change};

    for (; via_change_next(host, &change) == VIA_OK; change.size = sizeof change)
        printf("%s %s %s\n", change.file, kinds[change.kind], change.error.what);
    (void)fflush(stdout);
}

static via_status follow(via_host *host, via_error *error)
{
    via_poll_handle handle = {.size = sizeof handle};
    via_status status = via_host_watch(host, &handle, error);

    while (status == VIA_OK) {
        struct pollfd wait = {.fd = (int)handle.handle, .events = POLLIN};
        (void)poll(&wait, 1, -1);
        status = via_host_scan(host, error);
        print_changes(host);
    }
    return status;
}

int main(void)
{
    via_host *host;
    via_error error;

    if (via_host_open(NULL, &host, &error) != VIA_OK || follow(host, &error) != VIA_OK)
        fprintf(stderr, "folders: %s; %s\n", error.what, error.mend);
    via_host_close(host);
    return 1;
}
