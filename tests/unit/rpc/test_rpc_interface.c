/* SPDX-License-Identifier: Apache-2.0 */
/* What a right interface file becomes. */
#include "interface_fixture.h"

/* ---- layout -------------------------------------------------------------------------------------------------- */

typedef struct point {
    double x, y;
} point;

typedef struct segment {
    point from, to;
    uint8_t tags[3];
} segment;

typedef struct pair {
    int8_t a;
    int32_t b;
} pair;

typedef struct row {
    const char *label;
    pair cells[4];
    bool flag;
} row;

static void test_interface__structs_lie_as_the_compiler_lays_them(void **state)
{
    (void)state;
    rpc_interface *calc = load("calc"), *arrays = load("arrays");
    const rpc_struct *outer = &calc->structs[0], *with_text = &arrays->structs[1];

    assert_string_equal(outer->name, "segment");
    assert_int_equal(outer->size, sizeof(segment));
    assert_int_equal(outer->alignment, _Alignof(segment));
    assert_int_equal(outer->fields[1].offset, offsetof(segment, to));
    assert_int_equal(outer->fields[2].offset, offsetof(segment, tags));
    assert_int_equal(outer->fields[2].type.size, 3);
    assert_ptr_equal(outer->fields[0].type.record, &calc->structs[1]);
    assert_int_equal(outer->fields[0].type.size, sizeof(point));
    assert_int_equal(with_text->size, sizeof(row));
    assert_int_equal(with_text->fields[1].offset, offsetof(row, cells));
    assert_int_equal(with_text->fields[1].type.size, 4 * sizeof(pair));
    assert_int_equal(with_text->fields[1].type.element->size, sizeof(pair));
    assert_int_equal(with_text->fields[2].offset, offsetof(row, flag));
    assert_int_equal(with_text->fields[0].max, 20);
    assert_true(with_text->fields[0].nullable);
    rpc_interface_drop(calc);
    rpc_interface_drop(arrays);
}

static segment turned(segment what, double by)
{
    segment other = {{what.to.x * by, what.to.y}, what.from, {what.tags[2], what.tags[1], what.tags[0]}};
    return other;
}

/* The layout that was made is the one by which libffi passes structs with arrays in them. */
static void test_interface__structs_with_arrays_pass_by_value(void **state)
{
    (void)state;
    rpc_interface *calc = parse("{\"rpc\":1,\"name\":\"t\",\"version\":\"1.0.0\",\"structs\":{\"point\":{\"fields\":[{"
                                "\"name\":\"x\",\"type\":\"f64\"},"
                                "{\"name\":\"y\",\"type\":\"f64\"}]},\"segment\":{\"fields\":[{\"name\":\"from\","
                                "\"type\":\"point\"},{\"name\":\"to\","
                                "\"type\":\"point\"},{\"name\":\"tags\",\"type\":\"u8[3]\"}]}},\"methods\":{\"turn\":{"
                                "\"params\":[{\"name\":\"what\","
                                "\"type\":\"segment\"},{\"name\":\"by\",\"type\":\"f64\"}],\"returns\":\"segment\"}}}");
    rpc_method *method = &calc->methods[0];
    segment what = {{1, 2}, {3, 4}, {5, 6, 7}}, result = {0};
    double by = 10;
    void *values[] = {&what, &by};

    ffi_call(&method->serve, FFI_FN(turned), &result, values);
    assert_true(result.from.x == 30 && result.from.y == 4 && result.to.x == 1 && result.to.y == 2);
    assert_int_equal(result.tags[0], 7);
    assert_int_equal(result.tags[2], 5);
    rpc_interface_drop(calc);
}

/* ---- methods ------------------------------------------------------------------------------------------------- */

static void test_interface__method_has_what_the_file_says(void **state)
{
    (void)state;
    rpc_interface *calc = load("calc");
    const rpc_method *add = method_of(calc, "add"), *name = method_of(calc, "name"),
                     *nothing = method_of(calc, "nothing");

    assert_string_equal(calc->name, "calc");
    assert_string_equal(calc->version, "1.2.0");
    assert_string_equal(calc->summary, "numbers and points");
    assert_string_equal(add->symbol, "calc_add");
    assert_string_equal(add->since, "1.0.0");
    assert_string_equal(add->summary, "the sum of \"a\" and \\b");
    assert_true(add->is_idempotent);
    assert_int_equal(add->deadline_ms, 500);
    assert_int_equal(add->line, 23);
    assert_int_equal(add->index, 0);
    assert_int_equal(calc->structs[1].line, 12);
    assert_string_equal(add->params[0].summary, "one");
    assert_string_equal(nothing->symbol, "nothing");
    assert_string_equal(nothing->since, "");
    assert_int_equal(nothing->result.kind, RPC_KIND_VOID);
    assert_int_equal(nothing->returned, 0);
    assert_true(name->result_is_full && name->result_is_nullable);
    assert_string_equal(name->result_free, "free");
    assert_int_equal(name->result_max, 100);
    assert_string_equal(rpc_interface_error(calc, -2), "overflow");
    assert_null(rpc_interface_error(calc, 0));
    assert_null(rpc_interface_find(calc, "ad", 2));
    assert_null(rpc_interface_find(calc, "add ", 4));
    rpc_interface_drop(calc);
}

static void test_interface__context_is_for_the_served_function_alone(void **state)
{
    (void)state;
    rpc_interface *calc = load("calc");
    const rpc_method *divide = method_of(calc, "divide");

    assert_int_equal(divide->count, 5);
    assert_int_equal(divide->call_count, 4);
    assert_int_equal(divide->call_params[0], 1);
    assert_int_equal(divide->call_params[3], 4);
    assert_int_equal(divide->serve.nargs, 5);
    assert_int_equal(divide->call.nargs, 4);
    assert_int_equal(divide->sent, 2);
    assert_int_equal(divide->returned, 2); /* a status is none */
    assert_false(divide->params[0].is_sent);
    assert_ptr_equal(divide->serve.rtype, &ffi_type_sint32);
    rpc_interface_drop(calc);
}

static void test_interface__handles_and_callbacks_are_linked(void **state)
{
    (void)state;
    rpc_interface *database = load("database");
    const rpc_method *exec = method_of(database, "exec"), *row_of = exec->params[2].type.callback;
    const rpc_method *close = method_of(database, "close");

    assert_ptr_equal(exec->params[0].type.handle, &database->handles[0]);
    assert_string_equal(database->handles[0].close, "sqlite3_close");
    assert_string_equal(row_of->name, "row");
    assert_int_equal(exec->params[2].user, 3);
    assert_true(exec->params[2].is_sent);
    assert_false(exec->params[3].is_sent);
    assert_int_equal(exec->sent, 3);
    assert_int_equal(exec->returned, 2);
    assert_true(exec->params[4].is_full);
    assert_string_equal(exec->params[4].free, "sqlite3_free");
    assert_int_equal(row_of->sent, 2); /* neither user nor n */
    assert_int_equal(row_of->params[1].counts_in, 2);
    assert_true(row_of->params[2].nullable_elements);
    assert_false(row_of->params[3].nullable_elements);
    assert_true(close->params[0].is_full);
    assert_true(method_of(database, "current")->result_is_nullable);
    rpc_interface_drop(database);
}

/* ---- what travels -------------------------------------------------------------------------------------------- */

typedef struct travel_case {
    const char *file;
    const char *method;
    const char *sent;     /* names, each with a blank before it */
    const char *returned; /* without the returned value */
    const char *counts;   /* "n:array" for counts_in, "n=array" for counts_out */
} travel_case;

static const travel_case travel_cases[] = {
    {"compress", "crc32", " crc data", "", " size:data"},
    {"compress", "compress2", " dest_len source level", " dest", " dest_len=dest source_len:source"},
    {"arrays", "sum", " values", "", " n:values"},
    {"arrays", "dot", " a b", "", " n:a"},
    {"arrays", "sort", " values", " values", " n:values"},
    {"arrays", "filter", " values room", " values", " n:values n=values"},
    {"arrays", "read", " room", " into", " got=into"},
    {"arrays", "fill", " n", " into", ""},
    {"arrays", "list", "", " all", " n=all"},
    {"arrays", "hash", " text", " digest", " n:text"},
    {"arrays", "upper", " text room", " text", ""},
    {"database", "open", " file", " db", ""},
};

static void write_travel(const rpc_method *method, char *sent, char *returned, char *counts)
{
    for (size_t i = 0; i < method->count; i++) {
        const rpc_param *param = &method->params[i];
        if (param->is_sent)
            sent += sprintf(sent, " %s", param->name);
        if (param->is_returned)
            returned += sprintf(returned, " %s", param->name);
        if (param->counts_in != RPC_NONE)
            counts += sprintf(counts, " %s:%s", param->name, method->params[param->counts_in].name);
        if (param->counts_out != RPC_NONE)
            counts += sprintf(counts, " %s=%s", param->name, method->params[param->counts_out].name);
    }
}

static void test_interface__counts_travel_with_their_arrays(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(travel_cases) / sizeof(travel_cases[0]); i++) {
        const travel_case *c = &travel_cases[i];
        rpc_interface *interface = load(c->file);
        char sent[512] = "", returned[512] = "", counts[512] = "";
        write_travel(method_of(interface, c->method), sent, returned, counts);
        assert_string_equal(sent, c->sent);
        assert_string_equal(returned, c->returned);
        assert_string_equal(counts, c->counts);
        rpc_interface_drop(interface);
    }
}

static void test_interface__array_changed_in_place_has_room_for_what_it_holds(void **state)
{
    (void)state;
    rpc_interface *arrays = load("arrays");
    const rpc_method *sort = method_of(arrays, "sort");

    assert_int_equal(sort->params[0].size_is, 1);
    assert_int_equal(sort->params[0].length_is, 1);
    rpc_interface_drop(arrays);
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

static void test_interface__lives_as_long_as_it_is_held(void **state)
{
    (void)state;
    rpc_interface *calc = load("calc");

    assert_ptr_equal(rpc_interface_hold(calc), calc);
    rpc_interface_drop(calc);
    assert_string_equal(calc->name, "calc");
    rpc_interface_drop(calc);
    rpc_interface_drop(NULL);
}

static void test_interface__finds_every_one_of_many(void **state)
{
    (void)state;
    size_t capacity = 200000, at = 0;
    char *text = malloc(capacity), name[16];
    assert_non_null(text);
    at += (size_t)snprintf(text, capacity, "{\"rpc\":1,\"name\":\"many\",\"version\":\"1.0.0\",\n\"methods\":{");
    for (int i = 0; i < RPC_METHODS_MAX; i++)
        at += (size_t)snprintf(text + at, capacity - at, "%s\n\"m%d\":{}", i ? "," : "", i);
    (void)snprintf(text + at, capacity - at, "}}");
    rpc_interface *many = parse(text);
    for (size_t i = 0; i < RPC_METHODS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "m%zu", i);
        assert_ptr_equal(method_of(many, name), &many->methods[i]);
        assert_int_equal(many->methods[i].line, i + 3);
    }
    rpc_interface_drop(many);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interface__structs_lie_as_the_compiler_lays_them),
        cmocka_unit_test(test_interface__structs_with_arrays_pass_by_value),
        cmocka_unit_test(test_interface__method_has_what_the_file_says),
        cmocka_unit_test(test_interface__context_is_for_the_served_function_alone),
        cmocka_unit_test(test_interface__handles_and_callbacks_are_linked),
        cmocka_unit_test(test_interface__counts_travel_with_their_arrays),
        cmocka_unit_test(test_interface__array_changed_in_place_has_room_for_what_it_holds),
        cmocka_unit_test(test_interface__lives_as_long_as_it_is_held),
        cmocka_unit_test(test_interface__finds_every_one_of_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
