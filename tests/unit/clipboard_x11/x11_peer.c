/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Peers: clients of the X server, and programs; see x11_unit.h.
 */
#include "x11_unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

peer *peer_open(void)
{
    const uint32_t mask = XCB_EVENT_MASK_PROPERTY_CHANGE | XCB_EVENT_MASK_STRUCTURE_NOTIFY;
    peer *one = calloc(1, sizeof(*one));

    assert_non_null(one);
    one->connection = xcb_connect(NULL, NULL);
    assert_int_equal(xcb_connection_has_error(one->connection), 0);
    const xcb_screen_t *screen = xcb_setup_roots_iterator(xcb_get_setup(one->connection)).data;
    one->window = xcb_generate_id(one->connection);
    (void)xcb_create_window(one->connection, 0, one->window, screen->root, 0, 0, 1, 1, 0, XCB_WINDOW_CLASS_INPUT_ONLY,
                            XCB_COPY_FROM_PARENT, XCB_CW_EVENT_MASK, &mask);
    return one;
}

void peer_close(peer *one)
{
    for (size_t i = 0; i < one->count; i++)
        free(one->events[i]);
    (void)xcb_flush(one->connection);
    xcb_disconnect(one->connection);
    free(one);
}

xcb_atom_t peer_atom(peer *one, const char *name)
{
    xcb_intern_atom_reply_t *reply =
        xcb_intern_atom_reply(one->connection, xcb_intern_atom(one->connection, 0, (uint16_t)strlen(name), name), NULL);

    assert_non_null(reply);
    const xcb_atom_t atom = reply->atom;
    free(reply);
    return atom;
}

void *peer_poll(peer *one, uint8_t kind)
{
    xcb_generic_event_t *event;

    (void)xcb_flush(one->connection);
    while ((event = xcb_poll_for_event(one->connection))) {
        assert_true(one->count < UNIT_MANY);
        one->events[one->count++] = event;
    }
    for (size_t i = 0; i < one->count; i++) {
        event = one->events[i];
        if ((event->response_type & 0x7f) != kind)
            continue;
        one->count--;
        memmove(&one->events[i], &one->events[i + 1], (one->count - i) * sizeof(one->events[0]));
        return event;
    }
    return NULL;
}

void *peer_take(peer *one, uint8_t kind)
{
    void *event = NULL;

    AWAIT((event = peer_poll(one, kind)));
    return event;
}

xcb_timestamp_t peer_time(peer *one)
{
    const xcb_atom_t atom = peer_atom(one, "PEER_TIME");
    xcb_timestamp_t time = XCB_CURRENT_TIME;

    (void)xcb_change_property(one->connection, XCB_PROP_MODE_APPEND, one->window, atom, XCB_ATOM_STRING, 8, 0, NULL);
    while (time == XCB_CURRENT_TIME) {
        xcb_property_notify_event_t *event = peer_take(one, XCB_PROPERTY_NOTIFY);
        time = event->atom == atom ? event->time : XCB_CURRENT_TIME;
        free(event);
    }
    return time;
}

xcb_timestamp_t peer_own(peer *one, const char *selection)
{
    const xcb_timestamp_t time = peer_time(one);

    (void)xcb_set_selection_owner(one->connection, one->window, peer_atom(one, selection), time);
    (void)xcb_flush(one->connection);
    return time;
}

void peer_notify(peer *one, const xcb_selection_request_event_t *request, xcb_atom_t property)
{
    union {
        xcb_selection_notify_event_t event;
        char wire[32];
    } notice = {.wire = {0}};

    notice.event = (xcb_selection_notify_event_t){.response_type = XCB_SELECTION_NOTIFY,
                                                  .time = request->time,
                                                  .requestor = request->requestor,
                                                  .selection = request->selection,
                                                  .target = request->target,
                                                  .property = property};
    (void)xcb_send_event(one->connection, 0, request->requestor, XCB_EVENT_MASK_NO_EVENT, notice.wire);
    (void)xcb_flush(one->connection);
}

void peer_write(peer *one, const xcb_selection_request_event_t *request, xcb_atom_t type, uint8_t format, size_t count,
                const void *data)
{
    (void)xcb_change_property(one->connection, XCB_PROP_MODE_REPLACE, request->requestor, request->property, type,
                              format, (uint32_t)count, data);
    (void)xcb_flush(one->connection);
}

void peer_offer(peer *one, const char *const *names, size_t count)
{
    const xcb_atom_t targets = peer_atom(one, "TARGETS");
    xcb_atom_t atoms[UNIT_MANY] = {targets};

    for (size_t i = 0; i < count; i++)
        atoms[i + 1] = peer_atom(one, names[i]);
    xcb_selection_request_event_t *request = peer_take(one, XCB_SELECTION_REQUEST);
    assert_int_equal(request->target, targets);
    peer_write(one, request, XCB_ATOM_ATOM, 32, count + 1, atoms);
    peer_notify(one, request, request->property);
    free(request);
}

void peer_await_deleted(peer *one, const xcb_selection_request_event_t *request)
{
    bool is_deleted = false;

    while (!is_deleted) {
        xcb_property_notify_event_t *event = peer_take(one, XCB_PROPERTY_NOTIFY);
        is_deleted = event->window == request->requestor && event->atom == request->property &&
                     event->state == XCB_PROPERTY_DELETE;
        free(event);
    }
}

xcb_atom_t peer_convert(peer *one, const char *target, const char *property, xcb_timestamp_t time)
{
    (void)xcb_convert_selection(one->connection, one->window, peer_atom(one, "CLIPBOARD"), peer_atom(one, target),
                                property ? peer_atom(one, property) : XCB_ATOM_NONE, time);
    xcb_selection_notify_event_t *event = peer_take(one, XCB_SELECTION_NOTIFY);
    assert_int_equal(event->target, peer_atom(one, target));
    const xcb_atom_t answer = event->property;
    free(event);
    return answer;
}

xcb_get_property_reply_t *peer_property(peer *one, const char *property, bool is_deleted)
{
    xcb_get_property_reply_t *reply = xcb_get_property_reply(
        one->connection,
        xcb_get_property(one->connection, is_deleted, one->window, peer_atom(one, property), XCB_ATOM_ANY, 0, 1 << 24),
        NULL);

    assert_non_null(reply);
    return reply;
}

/* ---- programs ----------------------------------------------------------------------------------------------- */

static int memory_file(const void *data, size_t size)
{
    const int descriptor = memfd_create("test", MFD_CLOEXEC);

    assert_true(descriptor >= 0);
    assert_int_equal(size > 0 ? write(descriptor, data, size) : 0, size);
    assert_int_equal(lseek(descriptor, 0, SEEK_SET), 0);
    return descriptor;
}

program program_start(const char *const *argv, const void *input, size_t size)
{
    program one = {.output = memory_file(NULL, 0)};
    const int in = memory_file(input, size);

    one.pid = fork();
    assert_true(one.pid >= 0);
    if (one.pid == 0) {
        (void)dup2(in, STDIN_FILENO);
        (void)dup2(one.output, STDOUT_FILENO);
        execvp(argv[0], (char *const *)argv);
        _exit(127);
    }
    (void)close(in);
    one.pidfd = (int)syscall(SYS_pidfd_open, one.pid, 0);
    assert_true(one.pidfd >= 0);
    return one;
}

static bool has_ended(const program *one, int *status)
{
    return waitpid(one->pid, status, WNOHANG) == one->pid;
}

int program_wait(program *one)
{
    int status = 0;

    unit_watch(one->pidfd);
    AWAIT(has_ended(one, &status));
    unit_watch(-1);
    one->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void program_end(program *one)
{
    if (one->pid > 0) {
        (void)kill(one->pid, SIGKILL);
        (void)waitpid(one->pid, NULL, 0);
    }
    (void)close(one->pidfd);
    (void)close(one->output);
}

uint8_t *program_output(const program *one, size_t *size)
{
    struct stat status;

    assert_int_equal(fstat(one->output, &status), 0);
    *size = (size_t)status.st_size;
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(pread(one->output, bytes, *size, 0), *size);
    return bytes;
}
