/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compositor with nothing but seats and data-control; see compositor.h.
 */
#include "compositor.h"

#include "kit/deadline.h"
#include "wayland_protocol.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <wayland-server-protocol.h>

/* What a client's source has said that it offers, until it is set. */
typedef struct source {
    compositor *owner;
    char types[COMPOSITOR_TYPES][64];
    size_t type_count;
} source;

static const wayland_protocol *protocol_of(const compositor *self)
{
    return &wayland_protocols[self->manners.is_wlr ? 1 : 0];
}

/* ---- telling --------------------------------------------------------------------------------------------------------- */

static int offer_request(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                         union wl_argument *arguments)
{
    compositor *self = (compositor *)data;
    const int which = (int)(intptr_t)wl_resource_get_user_data(target);
    compositor_selection *selection = &self->selections[which];

    (void)message;
    if (opcode == OFFER_DESTROY) {
        wl_resource_destroy(target);
        return 0;
    }
    self->receives++;
    if (selection->owner) {
        selection->owner(selection->owner_data, arguments[0].s, arguments[1].h);
        return 0;
    }
    if (selection->source)
        wl_resource_post_event(selection->source, SOURCE_SEND, arguments[0].s, arguments[1].h);
    close(arguments[1].h);
    return 0;
}

static struct wl_resource *announce(compositor *self, struct wl_resource *device, int which)
{
    const compositor_selection *selection = &self->selections[which];
    struct wl_resource *offer = wl_resource_create(wl_resource_get_client(device), protocol_of(self)->offer,
                                                   wl_resource_get_version(device), 0);

    assert_non_null(offer);
    wl_resource_set_dispatcher(offer, offer_request, self, (void *)(intptr_t)which, NULL);
    wl_resource_post_event(device, DEVICE_DATA_OFFER, offer);
    for (size_t i = 0; i < selection->type_count; i++)
        wl_resource_post_event(offer, OFFER_OFFER, selection->types[i]);
    return offer;
}

static void tell_one(compositor *self, struct wl_resource *device, int which)
{
    const compositor_selection *selection = &self->selections[which];
    const bool is_empty = !selection->owner && !selection->source;

    if (which == COMPOSITOR_PRIMARY && wl_resource_get_version(device) < (int)protocol_of(self)->primary_since)
        return;
    wl_resource_post_event(device, which == COMPOSITOR_PRIMARY ? DEVICE_PRIMARY : DEVICE_SELECTION,
                           is_empty ? NULL : announce(self, device, which));
}

static void tell_all(compositor *self, int which)
{
    struct wl_client *owner = NULL;
    struct wl_resource *device;

    if (self->manners.never_echoes && self->selections[which].source)
        owner = wl_resource_get_client(self->selections[which].source);
    wl_resource_for_each(device, &self->devices) if (wl_resource_get_client(device) != owner)
        tell_one(self, device, which);
}

static void tell_clipboard(void *self)
{
    tell_all(self, COMPOSITOR_CLIPBOARD);
}

static void tell_primary(void *self)
{
    tell_all(self, COMPOSITOR_PRIMARY);
}

static void changed(compositor *self, int which)
{
    if (self->manners.echoes_late)
        wl_event_loop_add_idle(self->loop, which == COMPOSITOR_PRIMARY ? tell_primary : tell_clipboard, self);
    else
        tell_all(self, which);
}

/* ---- changing -------------------------------------------------------------------------------------------------------- */

static void leave(compositor *self, int which)
{
    compositor_selection *selection = &self->selections[which];

    if (selection->source)
        wl_resource_post_event(selection->source, SOURCE_CANCELLED);
    *selection = (compositor_selection){0};
}

void compositor_own(compositor *self, int which, const char *const *types, size_t count, compositor_owner *owner,
                    void *data)
{
    compositor_selection *selection = &self->selections[which];

    leave(self, which);
    for (size_t i = 0; i < count; i++)
        snprintf(selection->types[i], sizeof(selection->types[i]), "%s", types[i]);
    selection->type_count = count;
    selection->owner = owner;
    selection->owner_data = data;
    changed(self, which);
}

void compositor_clear(compositor *self, int which)
{
    leave(self, which);
    changed(self, which);
}

static void close_it(void *data, const char *type, int descriptor)
{
    (void)data;
    (void)type;
    close(descriptor);
}

static void set_selection(compositor *self, int which, struct wl_resource *resource)
{
    static const char *const rival[] = {"application/x-rival"};

    if (!resource) {
        if (self->selections[which].source || self->selections[which].owner)
            compositor_clear(self, which);
        return;
    }
    const source *from = wl_resource_get_user_data(resource);
    compositor_selection *selection = &self->selections[which];
    leave(self, which);
    selection->source = resource;
    memcpy(selection->types, from->types, sizeof(selection->types));
    selection->type_count = from->type_count;
    changed(self, which);
    if (self->manners.is_contested)
        compositor_own(self, which, rival, 1, close_it, NULL);
}

/* ---- what clients ask ------------------------------------------------------------------------------------------------ */

static void source_gone(struct wl_resource *resource)
{
    source *self = wl_resource_get_user_data(resource);

    for (int which = 0; which < 2; which++) {
        if (self->owner->selections[which].source == resource) {
            self->owner->selections[which] = (compositor_selection){0};
            changed(self->owner, which);
        }
    }
    free(self);
}

static int source_request(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                          union wl_argument *arguments)
{
    source *self = wl_resource_get_user_data(target);

    (void)data;
    (void)message;
    if (opcode == SOURCE_DESTROY)
        wl_resource_destroy(target);
    else if (self->type_count < COMPOSITOR_TYPES)
        snprintf(self->types[self->type_count++], sizeof(self->types[0]), "%s", arguments[0].s);
    return 0;
}

static int device_request(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                          union wl_argument *arguments)
{
    (void)message;
    if (opcode == DEVICE_DESTROY)
        wl_resource_destroy(target);
    else if (!wl_list_empty(wl_resource_get_link(target)))
        set_selection((compositor *)data, opcode == DEVICE_SET_PRIMARY ? COMPOSITOR_PRIMARY : COMPOSITOR_CLIPBOARD,
                      (struct wl_resource *)arguments[0].o);
    return 0;
}

static void device_gone(struct wl_resource *resource)
{
    wl_list_remove(wl_resource_get_link(resource));
}

static void make_device(compositor *self, struct wl_resource *manager, uint32_t id)
{
    struct wl_resource *device = wl_resource_create(wl_resource_get_client(manager), protocol_of(self)->device,
                                                    wl_resource_get_version(manager), id);

    assert_non_null(device);
    wl_resource_set_dispatcher(device, device_request, self, NULL, device_gone);
    wl_list_insert(&self->devices, wl_resource_get_link(device));
    if (self->manners.is_silent)
        return;
    tell_one(self, device, COMPOSITOR_CLIPBOARD);
    tell_one(self, device, COMPOSITOR_PRIMARY);
}

static int manager_request(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                           union wl_argument *arguments)
{
    compositor *self = (compositor *)data;

    (void)message;
    if (opcode == MANAGER_GET_DEVICE) {
        make_device(self, target, arguments[0].n);
    } else if (opcode == MANAGER_CREATE_SOURCE) {
        source *made = calloc(1, sizeof(*made));
        struct wl_resource *resource =
            wl_resource_create(wl_resource_get_client(target), protocol_of(self)->source, 1, arguments[0].n);

        assert_non_null(made);
        assert_non_null(resource);
        made->owner = self;
        wl_resource_set_dispatcher(resource, source_request, self, made, source_gone);
    } else {
        wl_resource_destroy(target);
    }
    return 0;
}

static void bind_manager(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    compositor *self = data;
    struct wl_resource *resource = wl_resource_create(client, protocol_of(self)->manager, (int)version, id);

    assert_non_null(resource);
    wl_resource_set_dispatcher(resource, manager_request, self, NULL, NULL);
}

static int seat_request(const void *data, void *target, uint32_t opcode, const struct wl_message *message,
                        union wl_argument *arguments)
{
    (void)data;
    (void)target;
    (void)message;
    (void)arguments;
    fail_msg("a request to a seat: %u", opcode);
    return 0;
}

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
    struct wl_resource *resource = wl_resource_create(client, &wl_seat_interface, (int)version, id);

    assert_non_null(resource);
    wl_resource_set_dispatcher(resource, seat_request, data, NULL, NULL);
    wl_resource_post_event(resource, WL_SEAT_CAPABILITIES, 0);
}

/* ---- what tests ask -------------------------------------------------------------------------------------------------- */

void compositor_send_to(compositor *self, int which, const char *type, int descriptor)
{
    struct wl_resource *resource = self->selections[which].source;

    assert_non_null(resource);
    wl_resource_post_event(resource, SOURCE_SEND, type, descriptor);
}

int compositor_receive(compositor *self, int which, const char *type)
{
    int ends[2];

    if (!self->selections[which].source)
        return -1;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    compositor_send_to(self, which, type, ends[1]);
    close(ends[1]);
    return ends[0];
}

void compositor_babble(compositor *self, size_t count)
{
    struct wl_resource *device;

    wl_resource_for_each(device, &self->devices) for (size_t i = 0; i < count; i++)(void)
        announce(self, device, COMPOSITOR_CLIPBOARD);
}

void compositor_add_seat(compositor *self, unsigned index)
{
    self->seats[index] = wl_global_create(self->display, &wl_seat_interface, 1, self, bind_seat);
    assert_non_null(self->seats[index]);
}

/* Clients have one device each, so it is this seat's. */
void compositor_remove_seat(compositor *self, unsigned index)
{
    struct wl_resource *device;
    struct wl_resource *next;

    leave(self, COMPOSITOR_CLIPBOARD);
    leave(self, COMPOSITOR_PRIMARY);
    wl_resource_for_each_safe(device, next, &self->devices)
    {
        wl_resource_post_event(device, DEVICE_FINISHED);
        wl_list_remove(wl_resource_get_link(device)); /* nothing is told to it any more, nor taken from it */
        wl_list_init(wl_resource_get_link(device));
    }
    wl_global_destroy(self->seats[index]);
    self->seats[index] = NULL;
}

void compositor_post_error(compositor *self)
{
    struct wl_resource *device;

    wl_resource_for_each(device, &self->devices) wl_resource_post_error(device, 77, "of the test");
}

void compositor_hang_up(compositor *self)
{
    wl_display_destroy_clients(self->display);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

static int loop_descriptor(void *data)
{
    compositor *self = data;

    return wl_event_loop_get_fd(self->loop);
}

static void loop_work(void *data)
{
    compositor *self = data;

    wl_event_loop_dispatch(self->loop, 0);
    wl_display_flush_clients(self->display);
}

static int make_socket(compositor *self)
{
    static unsigned number;
    const char *folder = getenv("XDG_RUNTIME_DIR"); /* NOLINT(concurrency-mt-unsafe): one thread */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_non_null(folder);
    assert_true(descriptor >= 0);
    snprintf(self->path, sizeof(self->path), "%s/wayland-%d-%u", folder, (int)getpid(), number++);
    memcpy(address.sun_path, self->path, sizeof(self->path));
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(descriptor, 8), 0);
    return descriptor;
}

void compositor_init(compositor *self, compositor_manners manners)
{
    *self = (compositor){.manners = manners};
    wl_list_init(&self->devices);
    self->display = wl_display_create();
    assert_non_null(self->display);
    self->loop = wl_display_get_event_loop(self->display);
    assert_int_equal(wl_display_add_socket_fd(self->display, make_socket(self)), 0);
    const struct wl_interface *interface = protocol_of(self)->manager;
    const int version = manners.version ? (int)manners.version : interface->version;
    if (!manners.has_no_manager)
        self->manager = wl_global_create(self->display, interface, version, self, bind_manager);
    for (unsigned i = 0; i < manners.seats; i++)
        compositor_add_seat(self, i);
    driver_turn_with(&(driver_also){loop_descriptor, loop_work, self});
}

void compositor_fini(compositor *self)
{
    driver_turn_with(NULL);
    wl_display_destroy_clients(self->display);
    wl_event_loop_dispatch_idle(self->loop); /* what was to be told late */
    wl_display_destroy(self->display);
    unlink(self->path);
}

/* ---- opening --------------------------------------------------------------------------------------------------------- */

typedef struct opening {
    compositor *self;
    driver *client;
    const char *name;
    via_error *error;
    via_status status;
    int done; /* written to when it is */
} opening;

static void *open_it(void *data)
{
    opening *it = data;

    it->status =
        driver_try_open(it->client, it->name, it->self->path, via_deadline_after(INT64_C(20000000000)), it->error);
    close(it->done);
    return NULL;
}

/* Opening waits for the compositor, so it has a thread of its own. */
via_status compositor_try_open(compositor *self, driver *client, const clip_backend *backend, const char *name,
                               via_error *error)
{
    opening it = {.self = self, .client = client, .name = name, .error = error};
    struct pollfd set[2] = {{.fd = loop_descriptor(self), .events = POLLIN}, {.events = POLLIN}};
    pthread_t thread;
    int ends[2];

    if (!client->events)
        driver_init(client, backend);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    it.done = ends[1];
    set[1].fd = ends[0];
    assert_int_equal(pthread_create(&thread, NULL, open_it, &it), 0);
    while (set[1].revents == 0) {
        assert_true(poll(set, 2, 20000) > 0);
        loop_work(self);
    }
    pthread_join(thread, NULL);
    close(ends[0]);
    return it.status;
}

const driver_event *compositor_open(compositor *self, driver *client, const clip_backend *backend, const char *name)
{
    via_error error;
    via_status status = compositor_try_open(self, client, backend, name, &error);

    if (status != VIA_OK)
        fail_msg("%d: %s", status, error.what);
    assert_int_equal(client->event_count, 0);
    return driver_await(client, DRIVER_CHANGED, 0);
}
