/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MessagePack against an implementation by others (msgpack-c): what one writes the other reads, and both refuse the same bytes.
 *
 * A value is held as msgpack-c holds it. The random numbers begin at a fixed seed, so that what fails once fails again.
 */
#include "rpc_fixture.h"

#include <msgpack/object.h>
#include <msgpack/pack.h>
#include <msgpack/sbuffer.h>
#include <msgpack/unpack.h>

enum { ROUNDS = 5000, DEEPEST = 6, PREFIX_BYTES = 5 };

static const rpc_codec *const codec = &rpc_msgpack;

/* [2, "m", [VALUE]]: what stands before a value, so that it is a message. */
static const char prefix[PREFIX_BYTES + 1] = "\x93\x02\xa1m\x91";

/* ---- random values, written by the peer --------------------------------------------------------------------- */

static uint64_t random_integer(uint64_t *seed)
{
    uint64_t bits = rpc_random(seed);

    return bits >> (rpc_random(seed) % 64);
}

static size_t random_size(uint64_t *seed)
{
    static const size_t sizes[] = {0, 1, 15, 16, 31, 32, 33, 255, 256, 257, 65535, 65536};
    uint64_t choice = rpc_random(seed) % 400;

    if (choice < 10)
        return sizes[choice];
    return choice == 11 ? sizes[10 + rpc_random(seed) % 2] : choice % 20;
}

static void pack_text(msgpack_packer *packer, uint64_t *seed, int kind)
{
    size_t size = random_size(seed);
    char *text = malloc(size + 1);

    assert_non_null(text);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(rpc_random(seed) % (kind == 0 ? 128 : 256));
    if (kind == 0)
        msgpack_pack_str_with_body(packer, text, size);
    else if (kind == 1)
        msgpack_pack_bin_with_body(packer, text, size);
    else
        msgpack_pack_ext_with_body(packer, text, size, (int8_t)rpc_random(seed));
    free(text);
}

static void pack_scalar(msgpack_packer *packer, uint64_t *seed)
{
    uint64_t bits = random_integer(seed);
    double number;
    float single;

    memcpy(&number, &bits, sizeof(number));
    memcpy(&single, &bits, sizeof(single));
    switch (rpc_random(seed) % 9) {
    case 0:
        msgpack_pack_nil(packer);
        break;
    case 1:
        bits & 1 ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case 2:
        msgpack_pack_uint64(packer, bits);
        break;
    case 3:
        msgpack_pack_int64(packer, (int64_t)(0 - bits));
        break;
    case 4:
        msgpack_pack_double(packer, number);
        break;
    case 5:
        msgpack_pack_float(packer, single);
        break;
    default:
        pack_text(packer, seed, (int)(rpc_random(seed) % 3));
    }
}

static void pack_random(msgpack_packer *packer, uint64_t *seed, int depth)
{
    uint64_t kind = depth < DEEPEST ? rpc_random(seed) % 6 : 5;
    size_t count = kind < 2 ? rpc_random(seed) % (depth < 2 ? 20 : 4) : 0;

    if (kind == 0)
        msgpack_pack_array(packer, count);
    else if (kind == 1)
        msgpack_pack_map(packer, count);
    else
        pack_scalar(packer, seed);
    for (size_t i = 0; i < count; i++) {
        if (kind == 1)
            pack_text(packer, seed, 0);
        pack_random(packer, seed, depth + 1);
    }
}

/* ---- comparing ---------------------------------------------------------------------------------------------- */

static void expect_same(rpc_reader *reader, const msgpack_object *object);

static void expect_same_list(rpc_reader *reader, const msgpack_object_array *list)
{
    size_t count;

    assert_true(codec->enter_list(reader, &count));
    assert_int_equal(count, list->size);
    for (size_t i = 0; i < count; i++)
        expect_same(reader, &list->ptr[i]);
    codec->leave_list(reader);
}

static void expect_same_map(rpc_reader *reader, const msgpack_object_map *map)
{
    size_t count;

    assert_true(codec->enter_map(reader, &count));
    assert_int_equal(count, map->size);
    for (size_t i = 0; i < count; i++) {
        expect_same(reader, &map->ptr[i].key);
        expect_same(reader, &map->ptr[i].val);
    }
    codec->leave_map(reader);
}

static void expect_same_bytes(rpc_reader *reader, const char *expected, size_t expected_size)
{
    const unsigned char *bytes;
    size_t size;

    assert_true(codec->get_bytes(reader, &bytes, &size));
    assert_int_equal(size, expected_size);
    if (size > 0)
        assert_memory_equal(bytes, expected, size);
}

static void expect_same_number(rpc_reader *reader, const msgpack_object *object)
{
    uint64_t natural;
    int64_t integer;
    double number;

    if (object->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
        assert_true(codec->get_unsigned(reader, &natural) && natural == object->via.u64);
    else if (object->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
        assert_true(codec->get_signed(reader, &integer) && integer == object->via.i64);
    else {
        assert_true(codec->get_float(reader, &number));
        if (number == number || object->via.f64 == object->via.f64) /* not both NaN */
            assert_memory_equal(&number, &object->via.f64, sizeof(number));
    }
}

static void expect_same(rpc_reader *reader, const msgpack_object *object)
{
    bool truth;

    switch (object->type) {
    case MSGPACK_OBJECT_NIL:
        assert_true(codec->get_nil(reader));
        break;
    case MSGPACK_OBJECT_BOOLEAN:
        assert_true(codec->get_bool(reader, &truth) && truth == object->via.boolean);
        break;
    case MSGPACK_OBJECT_STR:
        assert_int_equal(codec->next(reader), RPC_TEXT);
        expect_same_bytes(reader, object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        assert_int_equal(codec->next(reader), RPC_BINARY);
        expect_same_bytes(reader, object->via.bin.ptr, object->via.bin.size);
        break;
    case MSGPACK_OBJECT_EXT:
        assert_int_equal(codec->next(reader), RPC_OTHER);
        assert_true(codec->skip(reader));
        break;
    case MSGPACK_OBJECT_ARRAY:
        expect_same_list(reader, &object->via.array);
        break;
    case MSGPACK_OBJECT_MAP:
        expect_same_map(reader, &object->via.map);
        break;
    default:
        expect_same_number(reader, object);
    }
}

/* ---- written by us ------------------------------------------------------------------------------------------ */

static void put(rpc_writer *writer, const msgpack_object *object);

static void put_values(rpc_writer *writer, const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        codec->begin_list(writer, object->via.array.size);
        for (uint32_t i = 0; i < object->via.array.size; i++)
            put(writer, &object->via.array.ptr[i]);
        codec->end_list(writer);
        return;
    }
    codec->begin_map(writer, object->via.map.size);
    for (uint32_t i = 0; i < object->via.map.size; i++) {
        put(writer, &object->via.map.ptr[i].key);
        put(writer, &object->via.map.ptr[i].val);
    }
    codec->end_map(writer);
}

static void put(rpc_writer *writer, const msgpack_object *object)
{
    switch (object->type) {
    case MSGPACK_OBJECT_BOOLEAN:
        codec->put_bool(writer, object->via.boolean);
        break;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        codec->put_unsigned(writer, object->via.u64);
        break;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        codec->put_signed(writer, object->via.i64);
        break;
    case MSGPACK_OBJECT_FLOAT32:
        codec->put_single(writer, (float)object->via.f64);
        break;
    case MSGPACK_OBJECT_FLOAT64:
        codec->put_float(writer, object->via.f64);
        break;
    case MSGPACK_OBJECT_STR:
        codec->put_text(writer, object->via.str.ptr, object->via.str.size);
        break;
    case MSGPACK_OBJECT_BIN:
        codec->put_bytes(writer, object->via.bin.ptr, object->via.bin.size);
        break;
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
        put_values(writer, object);
        break;
    default: /* nil, and extensions, which we do not write */
        codec->put_nil(writer);
    }
}

static bool is_written_by_us(const msgpack_object *object)
{
    if (object->type == MSGPACK_OBJECT_ARRAY) {
        for (uint32_t i = 0; i < object->via.array.size; i++)
            if (!is_written_by_us(&object->via.array.ptr[i]))
                return false;
    } else if (object->type == MSGPACK_OBJECT_MAP) {
        for (uint32_t i = 0; i < object->via.map.size; i++)
            if (!is_written_by_us(&object->via.map.ptr[i].key) || !is_written_by_us(&object->via.map.ptr[i].val))
                return false;
    }
    return object->type != MSGPACK_OBJECT_EXT;
}

/* ---- tests -------------------------------------------------------------------------------------------------- */

static void test_msgpack_peer__reads_and_writes_as_we_do(void **state)
{
    rpc_fixture *f = *state;
    msgpack_sbuffer buffer;
    msgpack_packer packer;
    uint64_t seed = 20;
    unsigned compared = 0;

    msgpack_sbuffer_init(&buffer);
    msgpack_packer_init(&packer, &buffer, msgpack_sbuffer_write);
    for (int round = 0; round < ROUNDS; round++) {
        msgpack_unpacked unpacked;
        size_t at = PREFIX_BYTES;

        msgpack_sbuffer_clear(&buffer);
        (void)msgpack_sbuffer_write(&buffer, prefix, PREFIX_BYTES);
        pack_random(&packer, &seed, 0);
        msgpack_unpacked_init(&unpacked);
        assert_int_equal(msgpack_unpack_next(&unpacked, buffer.data, buffer.size, &at), MSGPACK_UNPACK_SUCCESS);
        if (rpc_open_bytes(f, codec, buffer.data, buffer.size) != VIA_OK)
            fail_msg("round %d: %s", round, f->reader.wrong);
        expect_same(&f->reader, &unpacked.data);
        assert_int_equal(codec->next(&f->reader), RPC_NOTHING);
        if (is_written_by_us(&unpacked.data)) { /* both choose the shortest way */
            rpc_writer_reset(&f->writer);
            codec->notification(&f->writer, "m", 1);
            put(&f->writer, &unpacked.data);
            codec->end(&f->writer);
            assert_int_equal(f->writer.status, VIA_OK);
            assert_int_equal(f->writer.size, buffer.size);
            assert_memory_equal(f->writer.data, buffer.data, buffer.size);
            compared++;
        }
        msgpack_unpacked_destroy(&unpacked);
    }
    msgpack_sbuffer_destroy(&buffer);
    assert_true(compared > ROUNDS / 2);
}

/* The peer reserves memory for what is claimed: wide counts are left out. */
static unsigned char random_byte(uint64_t *seed)
{
    unsigned char byte = (unsigned char)rpc_random(seed);

    switch (rpc_random(seed) % 8) {
    case 0:
        byte = (unsigned char)(0x90 | (byte & 3));
        break;
    case 1:
        byte = (unsigned char)(0x80 | (byte & 3));
        break;
    case 2:
        byte = (unsigned char)(0xa0 | (byte & 7));
        break;
    case 3:
        byte = (unsigned char)(0xc0 | (byte & 31));
        break;
    default:
        break;
    }
    return byte == 0xdd || byte == 0xdf ? 0xdc : byte;
}

static bool peer_accepts(const unsigned char *bytes, size_t size)
{
    msgpack_unpacked unpacked;
    size_t at = 0;
    bool is_whole;

    msgpack_unpacked_init(&unpacked);
    is_whole = msgpack_unpack_next(&unpacked, (const char *)bytes, size, &at) == MSGPACK_UNPACK_SUCCESS && at == size;
    msgpack_unpacked_destroy(&unpacked);
    return is_whole;
}

static void test_msgpack_peer__refuses_the_same_bytes(void **state)
{
    rpc_fixture *f = *state;
    unsigned char bytes[PREFIX_BYTES + 24];
    uint64_t seed = 7;
    unsigned accepted = 0, refused = 0;

    memcpy(bytes, prefix, PREFIX_BYTES);
    for (int round = 0; round < 8 * ROUNDS; round++) {
        size_t size = PREFIX_BYTES + 1 + rpc_random(&seed) % 24;
        bool is_good;

        for (size_t i = PREFIX_BYTES; i < size; i++)
            bytes[i] = random_byte(&seed);
        is_good = peer_accepts(bytes, size);
        if ((rpc_open_bytes(f, codec, bytes, size) == VIA_OK) != is_good)
            fail_msg("round %d: %s", round, is_good ? f->reader.wrong : "the peer refuses it");
        (void)rpc_walk_values(codec, &f->reader);
        *(is_good ? &accepted : &refused) += 1;
    }
    assert_true(accepted > 1000 && refused > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_msgpack_peer__reads_and_writes_as_we_do, rpc_set_up, rpc_tear_down),
        cmocka_unit_test_setup_teardown(test_msgpack_peer__refuses_the_same_bytes, rpc_set_up, rpc_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
