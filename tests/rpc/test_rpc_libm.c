/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sdk/examples/rpc/libm.rpc.json: each imported function beside the one that is linked, to the last bit.
 */
#include "library_ends.h"

#include <math.h>

LIBRARY_TESTS("libm.rpc.json", "libm.so.6")

static const double numbers[] = {0,    -0.0, 0.5,     1,        -1,     2,         3.7,      -3.7,     1e-9,
                                 1e18, 170,  0x1p-52, 0x1p1023, 5e-324, -1234.567, INFINITY, -INFINITY};
enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

/* The same value and sign; of what is no number, that it is none: JSON has neither that nor infinity. */
static void assert_same(const char *name, double there, double here)
{
    if (!(isnan(there) && isnan(here)) && (there != here || !signbit(there) != !signbit(here)))
        fail_msg("%s: %a there, %a here", name, there, here);
}

static bool is_json(const both_ends *ends)
{
    double (*sqrt_there)(double);

    IMPORT(ends, "sqrt", sqrt_there);
    (void)sqrt_there(INFINITY);
    return via_rpc_last_error(ends->client, NULL) != VIA_OK;
}

#define ONE(name)                                                                                                      \
    {                                                                                                                  \
#name, name                                                                                                    \
    }

static void functions_of_one_number(void **state)
{
    static const struct {
        const char *name;
        double (*here)(double);
    } cases[] = {ONE(sqrt), ONE(cbrt), ONE(exp),   ONE(log),  ONE(log10), ONE(sin),
                 ONE(cos),  ONE(tan),  ONE(floor), ONE(ceil), ONE(tgamma)};
    bool finite_only = is_json(*state);
    double (*there)(double);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IMPORT(*state, cases[i].name, there);
        for (size_t j = 0; j < NUMBERS; j++) {
            double here = cases[i].here(numbers[j]);
            if (!finite_only || (isfinite(numbers[j]) && isfinite(here)))
                assert_same(cases[i].name, there(numbers[j]), here);
        }
    }
    assert_good(*state);
}

static void functions_of_two_numbers(void **state)
{
    static const struct {
        const char *name;
        double (*here)(double, double);
    } cases[] = {ONE(pow), ONE(hypot), ONE(atan2), ONE(fmod)};
    bool finite_only = is_json(*state);
    double (*there)(double, double);

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        IMPORT(*state, cases[i].name, there);
        for (size_t j = 0; j < (size_t)NUMBERS * NUMBERS; j++) {
            double x = numbers[j / NUMBERS], y = numbers[j % NUMBERS], here = cases[i].here(x, y);
            if (!finite_only || (isfinite(x) && isfinite(y) && isfinite(here)))
                assert_same(cases[i].name, there(x, y), here);
        }
    }
    assert_good(*state);
}

static void functions_of_other_types(void **state)
{
    double (*fma_there)(double, double, double), (*ldexp_there)(double, int);
    float (*sqrtf_there)(float);

    IMPORT(*state, "fma", fma_there);
    IMPORT(*state, "ldexp", ldexp_there);
    IMPORT(*state, "sqrtf", sqrtf_there);
    assert_same("fma", fma_there(0.1, 10, -1), fma(0.1, 10, -1));
    for (int exponent = -1100; exponent < 1000; exponent += 99)
        assert_same("ldexp", ldexp_there(1.7, exponent), ldexp(1.7, exponent));
    for (int exponent = -140; exponent < 127; exponent += 7)
        assert_true(sqrtf_there(ldexpf(1.7f, exponent)) == sqrtf(ldexpf(1.7f, exponent)));
    assert_good(*state);
}

static void results_by_pointer(void **state)
{
    double (*frexp_there)(double, int *), (*modf_there)(double, double *), (*remquo_there)(double, double, int *);

    IMPORT(*state, "frexp", frexp_there);
    IMPORT(*state, "modf", modf_there);
    IMPORT(*state, "remquo", remquo_there);
    for (size_t i = 0; i < NUMBERS - 2; i++) { /* all but the infinities, whose exponent C does not say */
        int exponent = 0, exponent_there = 7, quotient = 0, quotient_there = 7;
        double whole = 0, whole_there = 7, x = numbers[i], here = frexp(x, &exponent);
        assert_same("frexp", frexp_there(x, &exponent_there), here);
        assert_int_equal(exponent_there, exponent);
        here = modf(x, &whole);
        assert_same("modf", modf_there(x, &whole_there), here);
        assert_same("modf", whole_there, whole);
        here = remquo(x, 0.75, &quotient);
        assert_same("remquo", remquo_there(x, 0.75, &quotient_there), here);
        assert_int_equal(quotient_there, quotient);
    }
    assert_good(*state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIBRARY_TEST(functions_of_one_number),
        LIBRARY_TEST(functions_of_two_numbers),
        LIBRARY_TEST(functions_of_other_types),
        LIBRARY_TEST(results_by_pointer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
