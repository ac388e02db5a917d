/* SPDX-License-Identifier: Apache-2.0 */
/* What the other end is told of an interface, and how people read it. */
#include "interface_fixture.h"

static const char *const files[] = {"calc", "compress", "database", "arrays", "empty"};

static void test_interface_text__is_read_again_alike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        rpc_interface *from_file = load(files[i]), *from_text = parse(from_file->text);
        assert_int_equal(from_file->text_size, strlen(from_file->text));
        assert_string_equal(from_text->text, from_file->text);
        assert_true(from_text->hash == from_file->hash);
        for (size_t j = 0; j < from_file->method_count; j++) {
            char why[200];
            if (!rpc_method_is_like(&from_file->methods[j], &from_text->methods[j], why, sizeof(why)))
                fail_msg("%s: %s", from_file->methods[j].name, why);
        }
        rpc_interface_drop(from_text);
        rpc_interface_drop(from_file);
    }
}

static void test_interface_text__keeps_to_itself_what_is_this_ends_own(void **state)
{
    (void)state;
    rpc_interface *database = load("database"), *calc = load("calc");

    assert_null(strstr(database->text, "sqlite3_"));
    assert_null(strstr(calc->text, "context"));
    assert_null(strstr(calc->text, "sizeof"));
    assert_null(strstr(calc->text, "calc_add"));
    assert_non_null(strstr(calc->text, "the sum of \\\"a\\\" and \\\\b"));
    rpc_interface_drop(calc);
    rpc_interface_drop(database);
}

#define HEAD "{\"rpc\":1,\"name\":\"t\",\"version\":\"1.0.0\","

static uint64_t hash_of(const char *text)
{
    rpc_interface *interface = parse(text);
    uint64_t hash = interface->hash;

    rpc_interface_drop(interface);
    return hash;
}

static void test_interface_text__hash_is_of_what_callers_see(void **state)
{
    (void)state;
    uint64_t plain = hash_of(HEAD "\"methods\":{\"f\":{\"params\":[{\"name\":\"a\",\"type\":\"i32\"}]}}}");

    assert_true(
        plain ==
        hash_of(HEAD "\"summary\":\"s\",\"methods\":{\"f\":{\"symbol\":\"g\",\"summary\":\"of f\",\"returns\":\"void\","
                     "\"params\":[{\"type\":\"i32\",\"dir\":\"in\",\"name\":\"a\",\"nullable\":false},"
                     "{\"name\":\"c\",\"type\":\"context\"}]}}}"));
    assert_true(plain != hash_of(HEAD "\"methods\":{\"f\":{\"params\":[{\"name\":\"a\",\"type\":\"u32\"}]}}}"));
    assert_true(
        plain !=
        hash_of(HEAD "\"methods\":{\"f\":{\"params\":[{\"name\":\"a\",\"type\":\"i32\"}],\"returns\":\"i32\"}}}"));
}

typedef struct form_case {
    const char *file;
    const char *method;
    const char *form;
} form_case;

static const form_case forms[] = {
    {"calc", "add", "add(a: i32, b: i32) -> i32"},
    {"calc", "divide", "divide(a: i64, b: i64) -> quotient: i64, rest: i64?"},
    {"calc", "note", "oneway note(text: string)"},
    {"calc", "name", "name() -> string?"},
    {"calc", "nothing", "nothing()"},
    {"compress", "compress2", "compress2(dest_len: u64, source: bytes, level: i32) -> i32, dest: bytes"},
    {"database", "exec", "exec(db: db, sql: string, each: row?) -> i32, message: string?"},
    {"arrays", "hash", "hash(text: string) -> digest: u8[32]"},
};

static void test_interface_text__method_is_written_as_people_read_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        rpc_interface *interface = load(forms[i].file);
        char line[256];
        size_t size = rpc_method_write(method_of(interface, forms[i].method), line, sizeof(line));
        assert_string_equal(line, forms[i].form);
        assert_int_equal(size, strlen(forms[i].form));
        rpc_interface_drop(interface);
    }
}

static void test_interface_text__long_method_is_cut(void **state)
{
    (void)state;
    rpc_interface *calc = load("calc");
    const rpc_method *add = method_of(calc, "add");
    char line[12], none[1] = "x";

    assert_int_equal(rpc_method_write(add, line, sizeof(line)), 26);
    assert_string_equal(line, "add(a: i...");
    assert_int_equal(rpc_method_write(add, none, 0), 26);
    assert_int_equal(none[0], 'x');
    rpc_interface_drop(calc);
}

/* ---- like ---------------------------------------------------------------------------------------------------- */

typedef struct like_case {
    const char *one; /* the body of a method */
    const char *other;
    const char *why; /* NULL = they are alike */
} like_case;

#define P(name, rest) "{\"name\":\"" name "\",\"type\":" rest "}"

static const like_case likes[] = {
    {"\"params\":[" P("a", "\"i32\"") "]", "\"params\":[" P("b", "\"i32\"") "]", NULL},
    {"\"params\":[" P("a", "\"i32\"") "]", "\"params\":[" P("c", "\"context\"") "," P("a", "\"i32\"") "]", NULL},
    {"\"params\":[" P("a", "\"string\",\"max\":5") "]", "\"params\":[" P("a", "\"string\"") "]", NULL},
    {"\"params\":[" P("a", "\"i32\"") "]", "\"params\":[" P("a", "\"i64\"") "]", "parameter 1, \"a\": i32 is not i64"},
    {"\"params\":[" P("a", "\"i32\"") "]", "", "the number of parameters: 1 is not 0"},
    {"\"params\":[" P("a", "\"i32\"") "]", "\"params\":[" P("a", "\"i32\",\"dir\":\"out\"") "]",
     "parameter 1, \"a\": in is not out"},
    {"\"returns\":\"i32\"", "\"returns\":\"f32\"", "what is returned: i32 is not f32"},
    {"\"oneway\":true", "", "the reply: oneway is not a call"},
    {"\"params\":[" P("a", "\"string\",\"nullable\":true") "]", "\"params\":[" P("a", "\"string\"") "]",
     "parameter 1, \"a\": what can be NULL in one is not in the other"},
    {"\"params\":[" P("a", "\"i8[2]\"") "]", "\"params\":[" P("a", "\"i8[3]\"") "]",
     "parameter 1, \"a\": i8[2] is not i8[3]"},
    {"\"params\":[" P("a", "\"s\"") "]", "\"params\":[" P("a", "\"s\"") "]", NULL},
};

static rpc_interface *with_method(const char *body, const char *field)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   HEAD "\"structs\":{\"s\":{\"fields\":[{\"name\":\"x\",\"type\":\"%s\"}]}},\"methods\":{\"f\":{%s}}}",
                   field, body);
    return parse(text);
}

static void test_interface_like__says_what_is_unlike(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(likes) / sizeof(likes[0]); i++) {
        rpc_interface *one = with_method(likes[i].one, "i32"), *other = with_method(likes[i].other, "i32");
        char why[200] = "x";
        bool like = rpc_method_is_like(&one->methods[0], &other->methods[0], why, sizeof(why));
        assert_string_equal(why, likes[i].why ? likes[i].why : "");
        assert_int_equal(like, likes[i].why == NULL);
        assert_int_equal(like, rpc_method_is_like(&other->methods[0], &one->methods[0], NULL, 0));
        rpc_interface_drop(other);
        rpc_interface_drop(one);
    }
}

static void test_interface_like__looks_into_structs(void **state)
{
    (void)state;
    rpc_interface *one =
        with_method("\"params\":[" P("a", "\"s[]\",\"length_is\":\"n\"") "," P("n", "\"i32\"") "]", "i32");
    rpc_interface *other =
        with_method("\"params\":[" P("a", "\"s[]\",\"length_is\":\"n\"") "," P("n", "\"i32\"") "]", "f32");
    char why[200];

    assert_false(rpc_method_is_like(&one->methods[0], &other->methods[0], why, sizeof(why)));
    assert_string_equal(why, "parameter 1, \"a\": s[] is not the other's");
    rpc_interface_drop(other);
    rpc_interface_drop(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interface_text__is_read_again_alike),
        cmocka_unit_test(test_interface_text__keeps_to_itself_what_is_this_ends_own),
        cmocka_unit_test(test_interface_text__hash_is_of_what_callers_see),
        cmocka_unit_test(test_interface_text__method_is_written_as_people_read_it),
        cmocka_unit_test(test_interface_text__long_method_is_cut),
        cmocka_unit_test(test_interface_like__says_what_is_unlike),
        cmocka_unit_test(test_interface_like__looks_into_structs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
