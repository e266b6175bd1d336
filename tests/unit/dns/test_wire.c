/* SPDX-License-Identifier: MIT */
#include "dns/wire.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

/* Bytes of a message; the name at `at`: its text and where the reading ends; NULL: refused. */
static const struct {
    const char *bytes;
    size_t len, at;
    const char *text;
    size_t end;
} names[] = {
#define BYTES(s) s, sizeof(s) - 1
    {BYTES("\3www\7example\3com\0"), 0, "www.example.com", 17},
    {BYTES("\3WwW\1E\0"), 0, "www.e", 7},
    {BYTES("\1a\0\1b\300\0"), 3, "b.a", 7},
    {BYTES("\1a\0\1b\300\0\1c\300\3xx"), 7, "c.b.a", 11},
    {BYTES("\1a\0\300\0\300\3"), 5, "a", 7}, /* a pointer to a pointer */
    {BYTES("\1a"), 0, NULL, 0},              /* no end */
    {BYTES("\3ab"), 0, NULL, 0},             /* label longer than the message */
    {BYTES(""), 0, NULL, 0},
    {BYTES("\300"), 0, NULL, 0},           /* half a pointer */
    {BYTES("\300\0"), 0, NULL, 0},         /* to itself */
    {BYTES("\1a\300\0"), 0, NULL, 0},      /* to its own beginning */
    {BYTES("\1a\300\4\1b\0"), 0, NULL, 0}, /* forwards */
    {BYTES("\300\2\300\0"), 0, NULL, 0},   /* two that point at each other */
    {BYTES("\300\2\300\0"), 2, NULL, 0},
    {BYTES("\300\377"), 0, NULL, 0}, /* beyond the message */
    {BYTES("\100a\0"), 0, NULL, 0},  /* reserved label types (RFC 1035 4.1.4) */
    {BYTES("\200a\0"), 0, NULL, 0},
};

static void names_are_read_through_pointers_that_lead_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        uint8_t *exact = malloc(names[i].len + 1);
        assert_non_null(exact);
        memcpy(exact, names[i].bytes, names[i].len);
        exact = realloc(exact, names[i].len > 0 ? names[i].len : 1);
        assert_non_null(exact);
        struct wire w = {.message = exact, .len = names[i].len, .at = names[i].at};
        struct wire_name name;
        char text[NAME_SIZE];
        bool ok = wire_read_name(&w, &name);
        assert_int_equal(ok, names[i].text != NULL);
        if (ok) {
            assert_true(wire_name_text(text, &name));
            assert_string_equal(text, names[i].text);
            assert_int_equal(w.at, names[i].end);
        }
        free(exact);
    }
}

/* `n` labels of one letter: 2 n + 1 bytes. */
static size_t many_labels(uint8_t *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        memcpy(out + 2 * (size_t)i, "\1x", 2);
    }
    out[2 * (size_t)n] = 0;
    return 2 * (size_t)n + 1;
}

static void a_name_has_at_most_255_bytes(void **state)
{
    (void)state;
    uint8_t bytes[300];
    struct wire_name name;
    struct wire w = {.message = bytes, .len = many_labels(bytes, 127)};
    assert_true(wire_read_name(&w, &name));
    assert_int_equal(name.len, 255);
    char text[NAME_SIZE];
    assert_true(wire_name_text(text, &name));
    assert_int_equal(strlen(text), 253);

    w = (struct wire){.message = bytes, .len = many_labels(bytes, 128)};
    assert_false(wire_read_name(&w, &name));

    /* and through a pointer */
    size_t len = many_labels(bytes, 126);
    memcpy(bytes + len, "\2yy\300\0", 5);
    w = (struct wire){.message = bytes, .len = len + 5, .at = len};
    assert_false(wire_read_name(&w, &name)); /* 256 */
    memcpy(bytes + len, "\1y\300\0", 4);
    w = (struct wire){.message = bytes, .len = len + 4, .at = len};
    assert_true(wire_read_name(&w, &name));
    assert_int_equal(name.len, 255);
}

static void pointers_to_pointers_are_bounded(void **state)
{
    (void)state;
    uint8_t bytes[2 + 2 * 200] = "\0\0";
    for (unsigned i = 1; i <= 200; i++) {
        bytes[2 * i] = 0xc0 | (uint8_t)((2 * (i - 1)) >> 8);
        bytes[2 * i + 1] = (uint8_t)(2 * (i - 1));
    }
    struct wire_name name;
    struct wire w = {.message = bytes, .len = sizeof bytes, .at = 2 * 127};
    assert_true(wire_read_name(&w, &name));
    w.at = 2 * 128;
    assert_false(wire_read_name(&w, &name));
}

static void labels_that_text_cannot_say_have_no_text(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {{BYTES("\0")},    {BYTES("\3a.b\0")}, {BYTES("\3a\0b\0")},
                 {BYTES("\1 \0")}, {BYTES("\1\\\0")},  {BYTES("\1\351\0")}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct wire w = {.message = (const uint8_t *)cases[i].bytes, .len = cases[i].len};
        struct wire_name name;
        char text[NAME_SIZE];
        assert_true(wire_read_name(&w, &name));
        assert_false(wire_name_text(text, &name));
    }
}

static void a_label_with_a_dot_is_not_two_labels(void **state)
{
    (void)state;
    struct wire one = {.message = (const uint8_t *)"\3a.b\0", .len = 5};
    struct wire two = {.message = (const uint8_t *)"\1a\1b\0", .len = 5};
    struct wire_name a, b;
    assert_true(wire_read_name(&one, &a));
    assert_true(wire_read_name(&two, &b));
    assert_false(wire_name_equal(&a, &b));
    assert_true(wire_name_equal(&a, &a));
}

static void a_record_is_read_whole_or_not_at_all(void **state)
{
    (void)state;
    static const uint8_t bytes[] = "\1a\0\0\1\0\1\0\0\16\20\0\4\12\0\0\1";
    size_t whole = sizeof bytes - 1;
    for (size_t len = 0; len <= whole; len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, len);
        struct wire w = {.message = exact, .len = len};
        struct wire_record rr;
        assert_int_equal(wire_read_record(&w, &rr), len == whole);
        if (len == whole) {
            assert_int_equal(rr.type, WIRE_A);
            assert_int_equal(rr.class, WIRE_CLASS_IN);
            assert_int_equal(rr.ttl, 3600);
            assert_int_equal(rr.data.len - rr.data.at, 4);
            assert_memory_equal(rr.data.message + rr.data.at, "\12\0\0\1", 4);
            assert_int_equal(w.at, len);
        }
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_read_through_pointers_that_lead_back),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(pointers_to_pointers_are_bounded),
        cmocka_unit_test(labels_that_text_cannot_say_have_no_text),
        cmocka_unit_test(a_label_with_a_dot_is_not_two_labels),
        cmocka_unit_test(a_record_is_read_whole_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
