/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Optimal string alignment distance over three rows (E. Ukkonen's bounded form is not needed: names are short).
 *
 * Owns: nothing but arithmetic. Must never allocate.
 */
#include "kit/json/nearest.h"

#include <ctype.h>
#include <string.h>

enum { LONGEST = 64 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t distance_between(const char *a, size_t a_size, const char *b, size_t b_size)
{
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_size; j++)
        above[j] = j;
    for (size_t i = 1; i <= a_size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            size_t change = same(a[i - 1], b[j - 1]) ? 0 : 1;
            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + change);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b_size];
}

void via_nearest_begin(via_nearest *nearest, const char *wrong)
{
    nearest->wrong = wrong;
    nearest->best = NULL;
    nearest->distance = 0;
}

void via_nearest_offer(via_nearest *nearest, const char *right)
{
    size_t wrong_size = strlen(nearest->wrong);
    size_t right_size = strlen(right);
    size_t longer = wrong_size > right_size ? wrong_size : right_size;
    /* More than a quarter of the name wrong is another name, not a slip. */
    size_t limit = longer / 4 > 1 ? longer / 4 : 1;

    if (wrong_size > LONGEST || right_size > LONGEST)
        return;
    size_t distance = distance_between(nearest->wrong, wrong_size, right, right_size);
    if (distance > limit || (nearest->best && distance >= nearest->distance))
        return;
    nearest->best = right;
    nearest->distance = distance;
}
