/* SPDX-License-Identifier: MIT */
#include "vectors.h"

#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_file(const char *directory, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        return NULL;
    }
    fseek(f, 0, SEEK_END);
    long size = ftell(f);
    rewind(f);
    char *text = malloc((size_t)size + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    fclose(f);
    text[size] = '\0';
    return text;
}

static void add(struct vector *v, const char *name, size_t name_len, const char *value,
                size_t value_len)
{
    assert_true(v->n < ARRAY_SIZE(v->field));
    v->field[v->n++] = (struct vector_field){name, value, name_len, value_len};
}

/* ---- our text ---- */

static void end_block(struct vector *v, vector_fn fn, void *ctx)
{
    if (v->n > 0) {
        fn(ctx, v);
    }
    v->n = 0;
}

static void parse_text(const char *p, vector_fn fn, void *ctx)
{
    struct vector v = {.n = 0};
    while (*p != '\0') {
        size_t line = strcspn(p, "\n");
        if (line == 0) {
            end_block(&v, fn, ctx);
        } else if (*p != '#') {
            const char *equals = memchr(p, '=', line);
            assert_non_null(equals);
            size_t value_at = (size_t)(equals - p) + 1;
            value_at += strspn(p + value_at, " ");
            add(&v, p, strcspn(p, " ="), p + value_at, line - value_at);
        }
        p += line + (p[line] == '\n');
    }
    end_block(&v, fn, ctx);
}

/* ---- JSON ---- */

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

static const char *parse_string(const char *p, const char **text, size_t *len)
{
    assert_int_equal(*p, '"');
    *text = ++p;
    while (*p != '"') {
        p += *p == '\\' ? 2 : 1;
    }
    *len = (size_t)(p - *text);
    return p + 1;
}

static const char *parse_object(const char *p, vector_fn fn, void *ctx);

/* A scalar becomes the named value; of an array of scalars the last does. */
static const char *parse_value(const char *p, struct vector *v, const char *name, size_t name_len,
                               vector_fn fn, void *ctx)
{
    const char *text = p;
    size_t len;
    if (*p == '{') {
        return parse_object(p, fn, ctx);
    }
    if (*p == '[') {
        p = skip_space(p + 1);
        while (*p != ']') {
            p = skip_space(parse_value(p, v, name, name_len, fn, ctx));
            p = *p == ',' ? skip_space(p + 1) : p;
        }
        return p + 1;
    }
    if (*p == '"') {
        p = parse_string(p, &text, &len);
    } else {
        len = strcspn(p, ",]} \t\r\n");
        p += len;
    }
    if (v != NULL) {
        add(v, name, name_len, text, len);
    }
    return p;
}

static const char *parse_object(const char *p, vector_fn fn, void *ctx)
{
    struct vector v = {.n = 0};
    p = skip_space(p + 1);
    while (*p != '}') {
        const char *name;
        size_t len;
        p = skip_space(parse_string(p, &name, &len));
        assert_int_equal(*p, ':');
        p = skip_space(parse_value(skip_space(p + 1), &v, name, len, fn, ctx));
        p = *p == ',' ? skip_space(p + 1) : p;
    }
    fn(ctx, &v);
    return p + 1;
}

/* ---- doors ---- */

void vectors_of_tree(const char *name, vector_fn fn, void *ctx)
{
    char *text = read_file(WGPROXY_SOURCE_DIR "/tests/vectors", name);
    assert_non_null(text);
    parse_text(text, fn, ctx);
    free(text);
}

void vectors_published(const char *name, vector_fn fn, void *ctx)
{
    const char *directory = getenv("WGPROXY_VECTORS");
    char *text = read_file(directory != NULL ? directory : WGPROXY_VECTORS, name);
    if (text == NULL) {
        skip_because("the published vectors %s are not here (set WGPROXY_VECTORS)", name);
    }
    parse_value(skip_space(text), NULL, NULL, 0, fn, ctx);
    free(text);
}

static const struct vector_field *find(const struct vector *v, const char *name)
{
    for (unsigned i = v->n; i-- > 0;) {
        if (v->field[i].name_len == strlen(name) &&
            memcmp(v->field[i].name, name, strlen(name)) == 0) {
            return &v->field[i];
        }
    }
    return NULL;
}

bool vector_has(const struct vector *v, const char *name)
{
    return find(v, name) != NULL;
}

bool vector_is(const struct vector *v, const char *name, const char *value)
{
    const struct vector_field *f = find(v, name);
    return f != NULL && f->value_len == strlen(value) && memcmp(f->value, value, f->value_len) == 0;
}

size_t vector_hex(const struct vector *v, const char *name, uint8_t *out, size_t max)
{
    const struct vector_field *f = find(v, name);
    assert_non_null(f);
    assert_int_equal(f->value_len % 2, 0);
    assert_true(f->value_len / 2 <= max);
    for (size_t i = 0; i < f->value_len / 2; i++) {
        unsigned byte;
        assert_int_equal(sscanf(f->value + 2 * i, "%2x", &byte), 1);
        out[i] = (uint8_t)byte;
    }
    return f->value_len / 2;
}
