/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an exec: address asks for; see exec_plan.h.
 */
#include "exec_plan.h"

#include "kit/fail.h"
#include "kit/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_assignment(const char *word)
{
    return word[0] != '\0' && word[0] != '=' && strchr(word, '=') != NULL;
}

static bool same_name(const char *a, const char *b)
{
    size_t length = (size_t)(strchr(a, '=') - a) + 1;

    return strncmp(a, b, length) == 0;
}

/* Is the variable `entry` set anew by one of `assignments`? */
static bool is_replaced(const char *entry, char *const *assignments)
{
    for (; *assignments; assignments++)
        if (same_name(*assignments, entry))
            return true;
    return false;
}

static size_t count_of(char *const *list)
{
    size_t count = 0;

    while (list && list[count])
        count++;
    return count;
}

/* Ours, unless clear_env, and then the assignments; the last one of a name counts. */
static via_status make_environment(bool clear, pipe_exec_plan *plan)
{
    char *const *inherited = clear ? NULL : environ;
    size_t used = 0;

    plan->environment = calloc(count_of(inherited) + count_of(plan->assignments) + 1, sizeof(char *));
    if (!plan->environment)
        return VIA_ENOMEM;
    for (; inherited && *inherited; inherited++)
        if (!is_replaced(*inherited, plan->assignments))
            plan->environment[used++] = *inherited;
    for (char **word = plan->assignments; *word; word++)
        if (!is_replaced(*word, word + 1))
            plan->environment[used++] = *word;
    return VIA_OK;
}

static via_status read_environment(const via_host_api *host, const via_open *open, pipe_exec_plan *plan,
                                   via_error *error)
{
    const char *text = via_option_find(open, "env")->text;
    size_t count;
    via_status status = via_text_words(text ? text : "", &plan->assignments, &count);

    if (status == VIA_ENOMEM)
        return via_fail(host, error, status, 0, NULL, "out of memory");
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "close every quote; write % as %25 and & as %26",
                        "the option env cannot be split into words: %s", text);
    for (size_t i = 0; i < count; i++)
        if (!is_assignment(plan->assignments[i]))
            return via_fail(host, error, VIA_EINVAL, 0, "write env=\"NAME=value OTHER='two words'\"",
                            "the option env has '%s', expected NAME=VALUE", plan->assignments[i]);
    if (make_environment(via_option_find(open, "clear_env")->number != 0, plan) != VIA_OK)
        return via_fail(host, error, VIA_ENOMEM, 0, NULL, "out of memory");
    return VIA_OK;
}

static via_status read_arguments(const via_host_api *host, const via_open *open, pipe_exec_plan *plan, via_error *error)
{
    size_t count;
    via_status status = via_text_words(open->rest, &plan->arguments, &count);

    if (status == VIA_ENOMEM)
        return via_fail(host, error, status, 0, NULL, "out of memory");
    if (status != VIA_OK)
        return via_fail(host, error, status, 0, "close every quote; write % as %25 and ? as %3F",
                        "exec:%.200s cannot be split into words", open->rest);
    if (count == 0 || plan->arguments[0][0] == '\0')
        return via_fail(host, error, VIA_EINVAL, 0, "name a program, as in \"exec:sort -n\"",
                        "exec: has no program in it");
    return VIA_OK;
}

via_status pipe_exec_plan_read(const via_host_api *host, const via_open *open, pipe_exec_plan *plan, via_error *error)
{
    via_status status;

    *plan = (pipe_exec_plan){0};
    status = read_arguments(host, open, plan, error);
    if (status == VIA_OK)
        status = read_environment(host, open, plan, error);
    plan->folder = via_option_find(open, "dir")->text;
    if (!plan->folder)
        plan->folder = "";
    if (status != VIA_OK)
        pipe_exec_plan_fini(plan);
    return status;
}

void pipe_exec_plan_fini(pipe_exec_plan *plan)
{
    free(plan->arguments);
    free(plan->assignments);
    free(plan->environment);
    *plan = (pipe_exec_plan){0};
}
