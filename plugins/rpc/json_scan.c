/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look at JSON text before it is parsed.
 *
 * Owns: the limits that the parser does not have: depth, number of values, memory of the tree. And the number of the call as it
 * stands in the text. Judges nothing else: whether it is JSON is the parser's to say. Must never recurse or allocate.
 */
#include "json.h"

#include <string.h>

/*
 * Bytes that jansson 2.14 takes for a value on a machine of 64 bits, with what malloc adds, rounded up: the value and its place in a
 * list that grows by doubling; a text or a key besides, without its characters; an empty list or map besides.
 */
enum { WEIGHT_VALUE = 80, WEIGHT_TEXT = 128, WEIGHT_CONTAINER = 320 };

/* The parser keeps the text of the token that it is at twice, in memory that grows by doubling. */
enum { WEIGHT_BYTE = 6, WEIGHT_PARSER = 512 };

typedef struct json_scanner {
    const char *at;
    const char *end;
    uint32_t depth;
    size_t values;
    bool is_id; /* the next value is that of "id" */
    rpc_json_scan *scan;
} json_scanner;

static bool is_blank(char character)
{
    return character == ' ' || character == '\t' || character == '\n' || character == '\r';
}

static bool is_sign(char character)
{
    return character != '\0' && strchr(",:[]{}\"", character) != NULL;
}

static void skip_blanks(json_scanner *scanner)
{
    while (scanner->at < scanner->end && is_blank(*scanner->at))
        scanner->at++;
}

/* Stands behind the closing quote, or at the end. */
static void skip_text(json_scanner *scanner)
{
    for (scanner->at++; scanner->at < scanner->end; scanner->at++) {
        if (*scanner->at == '"') {
            scanner->at++;
            return;
        }
        if (*scanner->at == '\\' && scanner->end - scanner->at > 1)
            scanner->at++;
    }
}

static void skip_word(json_scanner *scanner)
{
    while (scanner->at < scanner->end && !is_blank(*scanner->at) && !is_sign(*scanner->at))
        scanner->at++;
}

/* A text at the outermost level is a key if a colon follows. */
static bool note_key(json_scanner *scanner, const char *token, size_t size)
{
    if (scanner->depth != 1 || *token != '"')
        return false;
    skip_blanks(scanner);
    if (scanner->at == scanner->end || *scanner->at != ':')
        return false;
    scanner->is_id = size == 4 && memcmp(token, "\"id\"", 4) == 0;
    return true;
}

static void note_value(json_scanner *scanner, const char *token, size_t size)
{
    if (scanner->is_id && scanner->depth == 1 && !scanner->scan->id) {
        scanner->scan->id = token;
        scanner->scan->id_size = size;
    }
    scanner->is_id = false;
}

static void take_scalar(json_scanner *scanner)
{
    const char *token = scanner->at;
    size_t size;

    if (*token == '"') {
        skip_text(scanner);
        scanner->scan->weight += WEIGHT_TEXT;
    } else
        skip_word(scanner);
    size = (size_t)(scanner->at - token);
    if (!note_key(scanner, token, size))
        note_value(scanner, token, size);
}

static void open_container(json_scanner *scanner)
{
    note_value(scanner, scanner->at, 1);
    scanner->scan->weight += WEIGHT_CONTAINER;
    scanner->depth++;
    scanner->at++;
}

static void close_container(json_scanner *scanner)
{
    if (scanner->depth > 0)
        scanner->depth--;
    scanner->at++;
}

/* One value, or one sign between values. */
static void take_token(json_scanner *scanner)
{
    switch (*scanner->at) {
    case ',':
    case ':':
        scanner->at++;
        return;
    case ']':
    case '}':
        close_container(scanner);
        return;
    case '[':
    case '{':
        open_container(scanner);
        break;
    default:
        take_scalar(scanner);
    }
    scanner->values++;
    scanner->scan->weight += WEIGHT_VALUE;
}

bool rpc_json_scan_text(const char *text, size_t size, rpc_json_scan *scan, const char **wrong)
{
    json_scanner scanner = {.at = text, .end = text + size, .scan = scan};

    *scan = (rpc_json_scan){.weight = WEIGHT_PARSER + WEIGHT_BYTE * size};
    skip_blanks(&scanner);
    if (scanner.at == scanner.end || *scanner.at != '{') {
        *wrong = scanner.at < scanner.end && *scanner.at == '[' ? "a list of messages (a batch) is not supported"
                                                                : "it is not a JSON object";
        return false;
    }
    while (scanner.at < scanner.end) {
        take_token(&scanner);
        skip_blanks(&scanner);
        if (scanner.depth > RPC_DEPTH || scanner.values > RPC_ELEMENTS) {
            *wrong = scanner.depth > RPC_DEPTH ? "lists and maps are nested too deeply"
                                               : "there are too many values in one message";
            return false;
        }
    }
    return true;
}
