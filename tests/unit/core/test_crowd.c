/* SPDX-License-Identifier: Apache-2.0 */
/* Leader and followers over a channel that makes its handle when it is asked for it, as many do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <viaduct/viaduct.h>

#include "core/crowd.h"

enum { PATIENCE_MS = 20000 };

typedef struct source {
    int descriptor; /* -1 = not made yet */
    bool has_come;
} source;

/* What happens raises the handle, if there is one by then. */
static void happen(source *self)
{
    self->has_come = true;
    if (self->descriptor >= 0)
        assert_int_equal(eventfd_write(self->descriptor, 1), 0);
}

static via_status pollable(void *object, uint32_t event, via_poll_handle *handle)
{
    source *self = object;

    (void)event;
    if (self->descriptor < 0)
        self->descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    assert_true(self->descriptor >= 0);
    handle->kind = VIA_POLL_DESCRIPTOR;
    handle->handle = self->descriptor;
    handle->wait = VIA_WAIT_READABLE;
    return VIA_OK;
}

/* Nothing is there yet: it comes just after, as it may from another thread. */
static via_status arm(void *object, uint32_t event)
{
    (void)event;
    happen(object);
    return VIA_OK;
}

static via_status attempt(void *argument)
{
    const source *self = argument;

    return self->has_come ? VIA_OK : VIA_ETIMEDOUT;
}

static void test_crowd__what_comes_after_the_first_arming_wakes_the_leader(void **state)
{
    static const atomic_bool is_interrupted;
    source self = {.descriptor = -1};
    via_crowd crowd;

    (void)state;
    assert_int_equal(via_crowd_init(&crowd), VIA_OK);
    crowd.poll_event = VIA_READ;
    crowd.object = &self;
    crowd.pollable = pollable;
    crowd.arm = arm;
    crowd.is_interrupted = &is_interrupted;
    const uint64_t began = via_now_ns();
    assert_int_equal(via_crowd_run(&crowd, attempt, &self, via_after_ms(PATIENCE_MS)), VIA_OK);
    assert_true(via_now_ns() - began <
                UINT64_C(1000000) * PATIENCE_MS); /* it was woken, and has not slept it all out */
    via_crowd_fini(&crowd, false);
    (void)close(self.descriptor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crowd__what_comes_after_the_first_arming_wakes_the_leader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
