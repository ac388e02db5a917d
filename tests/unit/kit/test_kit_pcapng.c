/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recordings of others, and damaged ones: what is read of them, and what is said where nothing can be.
 */
#include "kit/pcapng.h"

#include "kit_fixture.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct draft {
    uint8_t bytes[4096];
    size_t size;
} draft;

static void add_packet(draft *file, const via_pcapng_message *message, const char *text)
{
    const via_slice slice = {text, strlen(text)};
    const size_t size = via_pcapng_message_size(message);
    assert_true(file->size + size <= sizeof(file->bytes));
    via_pcapng_put_message(file->bytes + file->size, size, message, &slice, 1);
    file->size += size;
}

static void begin(draft *file)
{
    file->size = via_pcapng_put_section(file->bytes, sizeof(file->bytes), "a test");
    file->size +=
        via_pcapng_put_interface(file->bytes + file->size, sizeof(file->bytes) - file->size, "unix:x", NULL, 0);
}

/* Reads it to its end. */
static via_status read_all(const draft *file, via_pcapng_message *last, size_t *count, via_error *error)
{
    static via_pcapng_reader reader;
    static char path[64];
    const uint8_t *data;
    const int descriptor = memfd_create("recording", MFD_CLOEXEC);
    assert_int_equal(write(descriptor, file->bytes, file->size), (ssize_t)file->size);
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", descriptor);
    via_error_init(error);
    *count = 0;
    via_status status = via_pcapng_open(&reader, path, error);
    while (status == VIA_OK) {
        status = via_pcapng_next(&reader, last, &data, error);
        *count += status == VIA_OK;
    }
    via_pcapng_close(&reader);
    (void)close(descriptor);
    return status;
}

/* Of every size that there is, before, between and behind messages: nothing of it is seen. */
static void test_pcapng__padding_says_nothing(void **state)
{
    const via_pcapng_message message = {.captured = 5, .size = 5};
    (void)state;

    for (size_t size = VIA_PCAPNG_PADDING_LEAST; size <= 600; size += 4) {
        draft file;
        via_pcapng_message found;
        size_t count;
        via_error error;
        begin(&file);
        for (int i = 0; i < 3; i++) {
            via_pcapng_put_padding(file.bytes + file.size, size);
            file.size += size;
            if (i < 2)
                add_packet(&file, &message, "hello");
        }
        assert_int_equal(read_all(&file, &found, &count, &error), VIA_ECLOSED);
        assert_int_equal(count, 2);
    }
}

static void test_pcapng__brings_a_message_back(void **state)
{
    const via_pcapng_message message = {.direction = VIA_PCAPNG_RECEIVED,
                                        .time_ns = UINT64_C(1700000000123456789),
                                        .captured = 5,
                                        .size = 9,
                                        .dropped = 12,
                                        .meta = {.key = "a b%=\tc", .priority = INT32_MIN, .sequence = UINT64_MAX}};
    draft file;
    via_pcapng_message found;
    size_t count;
    via_error error;
    (void)state;

    begin(&file);
    add_packet(&file, &message, "hello, world");
    assert_int_equal(read_all(&file, &found, &count, &error), VIA_ECLOSED);
    assert_int_equal(count, 1);
    assert_int_equal(found.direction, message.direction);
    assert_int_equal(found.time_ns, message.time_ns);
    assert_int_equal(found.captured, 5);
    assert_int_equal(found.size, 9);
    assert_int_equal(found.dropped, 12);
    assert_string_equal(found.meta.key, message.meta.key);
    assert_null(found.meta.content_type);
    assert_int_equal(found.meta.priority, INT32_MIN);
    assert_true(found.meta.sequence == UINT64_MAX);
}

/* A comment that describes no message describes nothing. */
static void test_pcapng__leaves_foreign_comments_alone(void **state)
{
    static const char *const comments[] = {"",
                                           "see above",
                                           "key=%zz",
                                           "key=%00",
                                           "key=a  type=b",
                                           "colour=2",
                                           "priority=+1",
                                           "priority=99999999999",
                                           "sequence=-1",
                                           "sequence=",
                                           "key=a=b=c see"};
    char key[256], type[256];
    via_meta meta;
    (void)state;

    for (size_t i = 0; i < sizeof(comments) / sizeof(comments[0]); i++) {
        via_pcapng_read_comment(comments[i], strlen(comments[i]), &meta, key, type);
        assert_null(meta.key);
        assert_null(meta.content_type);
        assert_int_equal(meta.priority, 0);
        assert_int_equal(meta.sequence, 0);
    }
}

static void expect(const draft *file, via_status status, size_t messages, const char *what)
{
    via_pcapng_message last;
    size_t count;
    via_error error;

    assert_int_equal(read_all(file, &last, &count, &error), status);
    assert_int_equal(count, messages);
    if (strstr(error.what, what) == NULL || error.mend[0] == '\0')
        fail_msg("expected '%s' and a way out, found '%s' and '%s'", what, error.what, error.mend);
}

static void test_pcapng__says_what_is_wrong_and_where(void **state)
{
    const via_pcapng_message message = {.captured = 5, .size = 5};
    draft file;
    (void)state;

    begin(&file);
    const size_t first = file.size;
    add_packet(&file, &message, "hello");
    const size_t second = file.size;
    add_packet(&file, &message, "world");
    char where[160];
    (void)snprintf(where, sizeof(where), "offset %zu: the file ends inside a block, as when its writer was killed",
                   second);

    draft bad = file;
    bad.size -= 7;
    expect(&bad, VIA_EPEER, 1, where);
    bad = file;
    bad.bytes[bad.size - 1] = 1;
    expect(&bad, VIA_EPROTO, 1, "a block has another size at its end than at its beginning");
    bad = file;
    bad.bytes[first + 4] = 61;
    expect(&bad, VIA_EPROTO, 0, "a block's size is no multiple of 4, or out of bounds");
    bad = file;
    bad.bytes[first + 21] = 1;
    expect(&bad, VIA_EPROTO, 0, "a packet claims more bytes than its block has");
    bad = file;
    bad.bytes[first + 8] = 1;
    expect(&bad, VIA_EPROTO, 0, "a packet of an interface that is not described before it");
    bad = file;
    bad.size = 0;
    expect(&bad, VIA_EPROTO, 0, "offset 0: the file is empty; expected a pcapng file");
    bad = file;
    bad.bytes[8] = 0;
    expect(&bad, VIA_EPROTO, 0, "offset 0: a section without its byte order; expected 1A2B3C4D");
    bad = file;
    memcpy(bad.bytes, "{\"manifest\": 1}", 15);
    expect(&bad, VIA_EPROTO, 0, "offset 0: no pcapng file: it does not begin with 0A0D0D0A");
}

static void test_pcapng__refuses_packets_of_a_network(void **state)
{
    const via_pcapng_message message = {.captured = 5, .size = 5};
    draft file;
    (void)state;

    begin(&file);
    const size_t interface = via_pcapng_put_section(file.bytes, sizeof(file.bytes), "a test");
    file.bytes[interface + 8] = 1; /* Ethernet */
    add_packet(&file, &message, "hello");
    expect(&file, VIA_EPROTO, 0, "a packet of a network; expected messages (link type USER0, 147)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcapng__brings_a_message_back),
        cmocka_unit_test(test_pcapng__padding_says_nothing),
        cmocka_unit_test(test_pcapng__leaves_foreign_comments_alone),
        cmocka_unit_test(test_pcapng__says_what_is_wrong_and_where),
        cmocka_unit_test(test_pcapng__refuses_packets_of_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
