/* SPDX-License-Identifier: MIT */
#include "proxy/sni.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/err.h"
#include "unit/test.h"

static const struct door_terms terms = {.protocols = DOOR_SNI, .target = {.port = 443}};

/* A ClientHello as browsers send it: a GREASE extension, then the name, then another. */
static size_t make_hello(uint8_t *out, const char *name)
{
    static const uint8_t head[] = {3, 3};
    uint8_t *p = out + 4;
    size_t n = name != NULL ? strlen(name) : 0;
    memcpy(p, head, 2);
    memset(p + 2, 7, 32);
    p += 34;
    *p++ = 0;                                 /* session id */
    store_be16(p, 4), memset(p + 2, 0x1a, 4); /* cipher suites */
    p += 6;
    *p++ = 1, *p++ = 0; /* compression */
    uint8_t *extensions = p;
    p += 2;
    store_be16(p, 0x2a2a), store_be16(p + 2, 0);
    p += 4;
    if (name != NULL) {
        store_be16(p, 0), store_be16(p + 2, (uint16_t)(n + 5)),
            store_be16(p + 4, (uint16_t)(n + 3));
        p[6] = 0, store_be16(p + 7, (uint16_t)n), memcpy(p + 9, name, n);
        p += 9 + n;
    }
    store_be16(p, 43), store_be16(p + 2, 1), p[4] = 0;
    p += 5;
    store_be16(extensions, (uint16_t)(p - extensions - 2));
    size_t len = (size_t)(p - out);
    out[0] = 1, out[1] = 0, store_be16(out + 2, (uint16_t)(len - 4));
    return len;
}

/* In records of at most `piece` bytes. */
static size_t make_records(uint8_t *out, const uint8_t *hello, size_t len, size_t piece)
{
    size_t at = 0, n = 0;
    while (at < len) {
        size_t part = piece < len - at ? piece : len - at;
        out[n] = 22, out[n + 1] = 3, out[n + 2] = 1;
        store_be16(out + n + 3, (uint16_t)part);
        memcpy(out + n + 5, hello + at, part);
        n += 5 + part;
        at += part;
    }
    return n;
}

struct outcome {
    enum door_verdict verdict;
    struct door_ask ask;
    struct door_answer answer;
    size_t fed;
};

static struct outcome feed(const uint8_t *data, size_t len, size_t step)
{
    struct outcome o = {.verdict = DOOR_MORE};
    struct sni s;
    sni_init(&s, &terms);
    while (o.fed < len && o.verdict == DOOR_MORE) {
        size_t used, n = step < len - o.fed ? step : len - o.fed;
        o.verdict = sni_feed(&s, data + o.fed, n, &used, &o.ask, &o.answer);
        assert_int_equal(used, n);
        o.fed += n;
    }
    assert_int_equal(s.len, o.fed);
    assert_memory_equal(s.raw, data, o.fed); /* nothing is taken away */
    sni_fini(&s);
    return o;
}

static void the_name_is_found_in_any_pieces_and_records(void **state)
{
    (void)state;
    uint8_t hello[512], records[4096];
    size_t len = make_hello(hello, "web.corp.example");
    for (size_t piece = 1; piece <= len; piece += 13) {
        size_t n = make_records(records, hello, len, piece);
        for (size_t step = 1; step <= n; step += 7) {
            struct outcome o = feed(records, n, step);
            assert_int_equal(o.verdict, DOOR_OPEN);
            assert_string_equal(o.ask.target.name, "web.corp.example");
            assert_int_equal(o.ask.target.port, 443);
            assert_int_equal(o.ask.request, DOOR_CONNECT);
        }
    }
}

/* A client that resumes sends more in the same breath: ChangeCipherSpec and early data (RFC 8446 appendix D.4). */
static void what_follows_the_hello_is_the_targets(void **state)
{
    (void)state;
    static const uint8_t behind[] = {20, 3, 3, 0, 1, 1, 23, 3, 3, 0, 2, 0xab, 0xcd, 0, 0, 0, 0, 0};
    uint8_t hello[512], records[1024];
    size_t n = make_records(records, hello, make_hello(hello, "web.corp.example"), 100);
    memcpy(records + n, behind, sizeof behind);
    for (size_t step = 1; step <= n + sizeof behind; step++) {
        struct outcome o = feed(records, n + sizeof behind, step);
        assert_int_equal(o.verdict, DOOR_OPEN);
        assert_string_equal(o.ask.target.name, "web.corp.example");
    }
}

static unsigned n_allocations;

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return __real_malloc(size);
}

void *__wrap_realloc(void *old, size_t size)
{
    n_allocations++;
    return __real_realloc(old, size);
}

/* The longest hello, byte by byte in records of one: what came before is not gone through again with each. */
static void a_trickle_costs_what_its_bytes_cost(void **state)
{
    (void)state;
    static uint8_t hello[SNI_HELLO_MAX], records[6 * SNI_HELLO_MAX];
    hello[0] = 1;
    store_be16(hello + 2, (uint16_t)(SNI_HELLO_MAX - 4));
    size_t n = make_records(records, hello, SNI_HELLO_MAX, 1);
    n_allocations = 0;
    struct outcome o = feed(records, n, 1);
    assert_int_equal(o.verdict, DOOR_SHUT);
    assert_int_equal(o.fed, n);
    assert_true(n_allocations < 64);
}

static void assert_alert(const struct outcome *o, uint8_t description)
{
    assert_int_equal(o->verdict, DOOR_SHUT);
    assert_int_equal(o->answer.len, 7);
    assert_int_equal(o->answer.bytes[0], 21);
    assert_int_equal(o->answer.bytes[6], description);
}

static void without_a_name_there_is_nowhere_to_go(void **state)
{
    (void)state;
    uint8_t hello[512], records[1024];
    static const char *const names[] = {NULL, "192.0.2.1", "fd00::1", "[fd00::1]", "a:443"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        size_t n = make_records(records, hello, make_hello(hello, names[i]), 16384);
        struct outcome o = feed(records, n, n);
        assert_alert(&o, 112);
    }
}

static void what_is_no_hello_is_shut_out_at_once(void **state)
{
    (void)state;
    static const uint8_t http[] = "GET / HTTP/1.1\r\n",
                         server_hello[] = {22, 3, 3, 0, 4, 2, 0, 0, 0},
                         empty_record[] = {22, 3, 1, 0, 0}, large_record[] = {22, 3, 1, 0xff, 0xff};
    struct outcome o = feed(http, sizeof http, 1);
    assert_alert(&o, 50);
    assert_int_equal(o.fed, 1);
    o = feed(server_hello, sizeof server_hello, 1);
    assert_alert(&o, 50);
    o = feed(empty_record, sizeof empty_record, 1);
    assert_alert(&o, 50);
    o = feed(large_record, sizeof large_record, 1);
    assert_alert(&o, 50);
}

/* Cut anywhere, with the lengths outside made to fit, a hello is nonsense or nameless, and never read beyond its end. */
static void a_hello_that_is_cut_is_never_read_beyond(void **state)
{
    (void)state;
    uint8_t hello[512], records[1024];
    size_t len = make_hello(hello, "web.corp.example");
    for (size_t cut = 4; cut < len; cut++) {
        store_be16(hello + 2, (uint16_t)(cut - 4));
        struct outcome o = feed(records, make_records(records, hello, cut, 16384), 4096);
        assert_int_equal(o.verdict, DOOR_SHUT);
    }
}

/* More bytes at the end of the hello, which is as long as that then. */
static size_t lengthen(uint8_t *hello, size_t len, const uint8_t *more, size_t n,
                       bool of_extensions)
{
    memcpy(hello + len, more, n);
    store_be16(hello + 2, (uint16_t)(len + n - 4));
    if (of_extensions) {
        store_be16(hello + 47, (uint16_t)(len + n - 49));
    }
    return len + n;
}

/* Another server could follow the other name (RFC 8446 4.2, RFC 6066 3). */
static void a_hello_with_two_names_is_none(void **state)
{
    (void)state;
    static const uint8_t again[] = {0, 0, 0, 6, 0, 4, 0, 0, 1, 'b'}, junk[] = {0};
    static const uint8_t two_names[] = {0, 0, 0, 10, 0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'};
    static const uint8_t behind_list[] = {0, 0, 0, 7, 0, 4, 0, 0, 1, 'a', 0};
    const struct {
        const char *name;
        const uint8_t *more;
        size_t len;
        bool of_extensions;
    } hellos[] = {
        {"a.example", again, sizeof again, true},
        {NULL, two_names, sizeof two_names, true},
        {NULL, behind_list, sizeof behind_list, true},
        {"a.example", junk, sizeof junk, false}, /* behind the extensions */
    };
    uint8_t hello[512], records[1024];
    for (size_t i = 0; i < ARRAY_SIZE(hellos); i++) {
        size_t len = make_hello(hello, hellos[i].name);
        len = lengthen(hello, len, hellos[i].more, hellos[i].len, hellos[i].of_extensions);
        size_t n = make_records(records, hello, len, 16384);
        struct outcome o = feed(records, n, n);
        assert_alert(&o, 50);
    }
    size_t len = lengthen(hello, make_hello(hello, NULL), again, sizeof again, true);
    struct outcome o = feed(records, make_records(records, hello, len, 16384), 4096);
    assert_int_equal(o.verdict, DOOR_OPEN);
    assert_string_equal(o.ask.target.name, "b");
}

static void a_failed_dial_is_an_alert(void **state)
{
    (void)state;
    struct door_answer answer;
    sni_reply(&answer, 0);
    assert_int_equal(answer.len, 0);
    sni_reply(&answer, ERR_NO_NAME);
    assert_int_equal(answer.bytes[6], 112);
    sni_reply(&answer, ERR_DENIED);
    assert_int_equal(answer.bytes[6], 49);
    sni_reply(&answer, ERR_REFUSED);
    assert_int_equal(answer.bytes[6], 80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_name_is_found_in_any_pieces_and_records),
        cmocka_unit_test(a_trickle_costs_what_its_bytes_cost),
        cmocka_unit_test(what_follows_the_hello_is_the_targets),
        cmocka_unit_test(without_a_name_there_is_nowhere_to_go),
        cmocka_unit_test(what_is_no_hello_is_shut_out_at_once),
        cmocka_unit_test(a_hello_that_is_cut_is_never_read_beyond),
        cmocka_unit_test(a_hello_with_two_names_is_none),
        cmocka_unit_test(a_failed_dial_is_an_alert),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
