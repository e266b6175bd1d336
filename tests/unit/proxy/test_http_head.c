/* SPDX-License-Identifier: MIT */
#include "proxy/http_head.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"

static unsigned request(struct http_head *h, const char *text)
{
    assert_int_equal(http_head_length(text, strlen(text), 0), strlen(text));
    return http_head_request(h, text, strlen(text));
}

static bool is(struct http_text t, const char *text)
{
    return t.len == strlen(text) && memcmp(t.at, text, t.len) == 0;
}

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    struct http_head h;
    assert_int_equal(
        request(
            &h,
            "GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nX-One:  two words \r\n\r\n"),
        0);
    assert_true(is(h.method, "GET"));
    assert_true(is(h.target, "http://a.example/x?y"));
    assert_int_equal(h.minor, 1);
    assert_int_equal(h.n, 2);
    assert_true(is(http_head_find(&h, "x-one")->value, "two words"));
    assert_null(http_head_find(&h, "X-Two"));
}

static const struct {
    const char *text;
    unsigned status;
} refused[] = {
    {"GET / HTTP/1.1\n\n", 400},
    {"GET / HTTP/1.1\r\nA: b\n\r\n", 400},
    {"GET /\r\n\r\n", 400},
    {"GET /a\tb HTTP/1.1\r\n\r\n", 400}, /* for some a tab parts words like a blank: HTTP/0.9 */
    {"GET\t/ HTTP/1.1\r\n\r\n", 400},
    {"GET  / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1 \r\n\r\n", 400},
    {"G(T / HTTP/1.1\r\n\r\n", 400},
    {"GET / HTTP/2.0\r\n\r\n", 505},
    {"GET / http/1.1\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA : b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n: b\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\rc\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA: \001\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\nA: b\177\r\n\r\n", 400},
};

static void what_two_readers_could_read_in_two_ways_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
        struct http_head h;
        assert_int_equal(http_head_request(&h, refused[i].text, strlen(refused[i].text)),
                         refused[i].status);
    }
}

static void the_end_of_a_head_is_found_in_any_pieces(void **state)
{
    (void)state;
    static const char text[] = "GET / HTTP/1.1\r\nA: b\r\n\r\nrest";
    size_t whole = sizeof "GET / HTTP/1.1\r\nA: b\r\n\r\n" - 1;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        size_t first = http_head_length(text, cut, 0);
        assert_int_equal(first, cut >= whole ? whole : 0);
        assert_int_equal(http_head_length(text, sizeof text - 1, first == 0 ? cut : 0), whole);
    }
}

static void responses_may_be_careless(void **state)
{
    (void)state;
    struct http_head h;
    static const char text[] = "HTTP/1.0 404 Not here\nA: b\n\n";
    assert_true(http_head_response(&h, text, sizeof text - 1));
    assert_int_equal(h.status, 404);
    assert_true(is(h.reason, "Not here"));
    assert_int_equal(h.minor, 0);
    static const char *const wrong[] = {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 2000\r\n\r\n",
                                        "ICY 200 OK\r\n\r\n", "HTTP/1.1 099 x\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        bool taken = http_head_response(&h, wrong[i], strlen(wrong[i]));
        assert_true(!taken || i == 1); /* "2000": 200 and a reason without a blank */
    }
}

static void what_is_for_one_connection_is_known(void **state)
{
    (void)state;
    struct http_head h;
    assert_int_equal(
        request(&h, "GET / HTTP/1.1\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nX-Theirs: 2\r\n"
                    "Proxy-Authorization: Basic x\r\nTE: trailers\r\nContent-Length: 0\r\n"
                    "Proxy-Connection: keep-alive\r\nKeep-Alive: 5\r\nUpgrade: x\r\n"
                    "Proxy-Authenticate: Basic\r\nTrailer: x\r\n\r\n"),
        0);
    static const bool ours[] = {true, true, false, true, true, false,
                                true, true, true,  true, false};
    assert_int_equal(h.n, ARRAY_SIZE(ours));
    for (size_t i = 0; i < h.n; i++) {
        assert_int_equal(http_field_is_ours(&h, &h.fields[i]), ours[i]);
    }
}

/* Whatever the length of its name. */
static void connection_may_name_any_field(void **state)
{
    (void)state;
    for (unsigned len = 1; len < 200; len++) {
        char text[1024], name[201];
        struct http_head h;
        memset(name, 'x', len);
        name[len] = '\0';
        snprintf(text, sizeof text,
                 "GET / HTTP/1.1\r\nConnection: close ,%s\r\n%s: 1\r\n%sx: 2\r\n\r\n", name, name,
                 name);
        assert_int_equal(request(&h, text), 0);
        assert_true(http_field_is_ours(&h, &h.fields[1]));
        assert_false(http_field_is_ours(&h, &h.fields[2]));
    }
}

/* RFC 9110 8.6: a length that is said twice is passed on once. */
static void a_length_that_is_said_again_does_not_pass(void **state)
{
    (void)state;
    struct http_head h;
    assert_int_equal(request(&h, "POST / HTTP/1.1\r\nContent-Length: 3\r\nA: b\r\n"
                                 "content-length: 3\r\nContent-Length: 3\r\n\r\n"),
                     0);
    static const bool ours[] = {false, false, true, true};
    for (size_t i = 0; i < h.n; i++) {
        assert_int_equal(http_field_is_ours(&h, &h.fields[i]), ours[i]);
    }
}

static void connection_cannot_take_the_framing_away(void **state)
{
    (void)state;
    struct http_head h;
    assert_int_equal(request(&h, "POST / HTTP/1.1\r\nConnection: content-length, "
                                 "transfer-encoding\r\nContent-Length: 3\r\n\r\n"),
                     0);
    assert_false(http_field_is_ours(&h, &h.fields[1]));
}

static const struct {
    const char *in, *name, *authority, *path;
    uint16_t port;
    unsigned status;
} targets[] = {
    {"http://a.example", "a.example", "a.example", "", 80, 0},
    {"http://a.example/", "a.example", "a.example", "/", 80, 0},
    {"HTTP://A.example:8080/x?y#z", "A.example", "A.example:8080", "/x?y#z", 8080, 0},
    {"http://u:p@a.example?q", "a.example", "a.example", "?q", 80, 0},
    {"http://[fd00::1]:81/", "", "[fd00::1]:81", "/", 81, 0},
    {"http://10.0.0.1/", "10.0.0.1", "10.0.0.1", "/", 80, 0},
    {"http:///x", NULL, NULL, NULL, 0, 400},
    {"http://a:0/", NULL, NULL, NULL, 0, 400},
    {"http://a:65536/", NULL, NULL, NULL, 0, 400},
    {"http://a:b/", NULL, NULL, NULL, 0, 400},
    {"http://[fd00::1/", NULL, NULL, NULL, 0, 400},
    {"http://fd00::1/", NULL, NULL, NULL, 0, 400},
    /* hosts that others may read as another one */
    {"http://u@a.example@b.example/", NULL, NULL, NULL, 0, 400},
    {"http://a.example\\@b.example\\x/", NULL, NULL, NULL, 0, 400},
    {"http://a%2eexample/", NULL, NULL, NULL, 0, 400},
    {"http://a|b/", NULL, NULL, NULL, 0, 400},
    {"http://a[b]/", NULL, NULL, NULL, 0, 400},
    {"http://a_b-c.example:/", "a_b-c.example", "a_b-c.example:", "/", 80, 0},
    {"https://a.example/", NULL, NULL, NULL, 0, 501},
    {"ftp://a.example/", NULL, NULL, NULL, 0, 501},
    {"a.example:443", NULL, NULL, NULL, 0, 400},
    {"", NULL, NULL, NULL, 0, 400},
};

static void absolute_targets_lead_to_a_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct http_target t;
        assert_int_equal(
            http_target_absolute(&t, (struct http_text){targets[i].in, strlen(targets[i].in)}),
            targets[i].status);
        if (targets[i].status == 0) {
            assert_string_equal(t.target.name, targets[i].name);
            assert_true(is(t.authority, targets[i].authority));
            assert_true(is(t.path, targets[i].path));
            assert_int_equal(t.target.port, targets[i].port);
        }
    }
}

static void connect_needs_a_port(void **state)
{
    (void)state;
    struct http_target t;
    assert_true(http_target_authority(&t, (struct http_text){"a.example:443", 13}));
    assert_int_equal(t.target.port, 443);
    assert_true(http_target_authority(&t, (struct http_text){"[::1]:443", 9}));
    assert_int_equal(t.target.addr.family, FAMILY_V6);
    assert_false(http_target_authority(&t, (struct http_text){"a.example", 9}));
    assert_false(http_target_authority(&t, (struct http_text){"[::1]", 5}));
    assert_false(http_target_authority(&t, (struct http_text){":443", 4}));
    assert_false(http_target_authority(&t, (struct http_text){"u@a:443", 7}));
    assert_false(http_target_authority(&t, (struct http_text){"a/b:443", 7}));
    assert_false(http_target_authority(&t, (struct http_text){"a?b:443", 7}));
}

/* ---- bodies ---- */

static const struct {
    const char *fields;
    bool good;
    enum http_framing framing;
} framings[] = {
    {"", true, HTTP_NO_BODY},
    {"Content-Length: 5\r\n", true, HTTP_LENGTH},
    {"Content-Length: 5\r\nContent-Length: 5\r\n", true, HTTP_LENGTH},
    {"Transfer-Encoding: Chunked\r\n", true, HTTP_CHUNKED},
    {"Content-Length: 5\r\nContent-Length: 6\r\n", false, 0},
    {"Content-Length: 5, 5\r\n", false, 0},
    {"Content-Length: +5\r\n", false, 0},
    {"Content-Length: \r\n", false, 0},
    {"Content-Length: 99999999999999999999\r\n", false, 0},
    {"Content-Length: 18446744073709551621\r\n", false, 0}, /* 5, in 64 bits */
    {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", false, 0},
    {"Transfer-Encoding: gzip, chunked\r\n", false, 0},
    {"Transfer-Encoding: identity\r\n", false, 0},
    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", false, 0},
};

static void a_body_has_one_length_or_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(framings); i++) {
        char text[256];
        struct http_head h;
        struct http_body b;
        snprintf(text, sizeof text, "POST / HTTP/1.1\r\n%s\r\n", framings[i].fields);
        assert_int_equal(request(&h, text), 0);
        assert_int_equal(http_body_of_request(&b, &h), framings[i].good);
        if (framings[i].good) {
            assert_int_equal(b.framing, framings[i].framing);
        }
    }
}

static void a_response_without_length_ends_with_its_connection(void **state)
{
    (void)state;
    struct http_head h = {.status = 200};
    struct http_body b;
    assert_true(http_body_of_response(&b, &h, false));
    assert_int_equal(b.framing, HTTP_UNTIL_CLOSE);
    assert_true(http_body_of_response(&b, &h, true));
    assert_true(b.done);
    h.status = 304;
    assert_true(http_body_of_response(&b, &h, false));
    assert_true(b.done);
}

/* RFC 9112 6.1: who speaks HTTP/1.0 does not know chunks, so that only the end of the connection is the body's for sure. */
static void chunks_of_http_1_0_end_with_their_connection(void **state)
{
    (void)state;
    struct http_body b;
    struct http_head h;
    static const char old[] = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    static const char new[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_true(http_head_response(&h, old, sizeof old - 1));
    assert_true(http_body_of_response(&b, &h, false));
    assert_int_equal(b.framing, HTTP_UNTIL_CLOSE);
    assert_true(http_head_response(&h, new, sizeof new - 1));
    assert_true(http_body_of_response(&b, &h, false));
    assert_int_equal(b.framing, HTTP_CHUNKED);
}

static size_t take_in_pieces(struct http_body *b, const char *text, size_t len, size_t piece)
{
    size_t at = 0;
    while (at < len && !b->done && !b->bad) {
        size_t n = piece < len - at ? piece : len - at;
        at += http_body_take(b, (const uint8_t *)text + at, n);
    }
    return at;
}

static void chunks_end_where_they_end_in_any_pieces(void **state)
{
    (void)state;
    static const char body[] = "5;ext=\"a\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n";
    static const char text[] =
        "5;ext=\"a\"\r\nhello\r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nGET / HTTP/1.1\r\n";
    for (size_t piece = 1; piece < sizeof text; piece++) {
        struct http_body b = {.framing = HTTP_CHUNKED};
        assert_int_equal(take_in_pieces(&b, text, sizeof text - 1, piece), sizeof body - 1);
        assert_true(b.done);
        assert_false(b.bad);
    }
}

static void blanks_may_stand_before_an_extension(void **state)
{
    (void)state;
    static const char *const good[] = {"1 \r\nx\r\n0\r\n\r\n",
                                       "1\t ;a = \"b c\"\r\nx\r\n0 ;z\r\n\r\n",
                                       "0\r\nA:\tb c\xff\r\nB:\r\n\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct http_body b = {.framing = HTTP_CHUNKED};
        assert_int_equal(take_in_pieces(&b, good[i], strlen(good[i]), 1), strlen(good[i]));
        assert_true(b.done && !b.bad);
    }
}

static void broken_chunks_are_bad(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\r\n", "x\r\n", "5\nhello", "5\r\nhelloX\r\n", "-1\r\n", "0x5\r\n",
        "fffffffffffffffff\r\n", "0\r\n\rX", "0\r\n\n", " 5\r\n",
        /* blanks may stand before an extension, and before nothing else */
        "5 5\r\n", "5 \t0;x\r\n", "5 \n", "5;\001\r\n",
        /* a trailer is a field in a line of its own, without folds */
        "1\r\nx\r\n\r\n", "1\r\nx\r\n;a\r\n", "0\r\n folded: x\r\n", "0\r\n: x\r\n",
        "0\r\nA: b\r\n\tc\r\n", "0\r\nA: \001\r\n"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct http_body b = {.framing = HTTP_CHUNKED};
        take_in_pieces(&b, wrong[i], strlen(wrong[i]), 1);
        assert_true(b.bad);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(what_two_readers_could_read_in_two_ways_is_refused),
        cmocka_unit_test(the_end_of_a_head_is_found_in_any_pieces),
        cmocka_unit_test(responses_may_be_careless),
        cmocka_unit_test(what_is_for_one_connection_is_known),
        cmocka_unit_test(connection_may_name_any_field),
        cmocka_unit_test(connection_cannot_take_the_framing_away),
        cmocka_unit_test(a_length_that_is_said_again_does_not_pass),
        cmocka_unit_test(absolute_targets_lead_to_a_host),
        cmocka_unit_test(connect_needs_a_port),
        cmocka_unit_test(a_body_has_one_length_or_is_refused),
        cmocka_unit_test(a_response_without_length_ends_with_its_connection),
        cmocka_unit_test(chunks_of_http_1_0_end_with_their_connection),
        cmocka_unit_test(chunks_end_where_they_end_in_any_pieces),
        cmocka_unit_test(blanks_may_stand_before_an_extension),
        cmocka_unit_test(broken_chunks_are_bad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
