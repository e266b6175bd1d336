/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/http_door.c: who is let in, and what the server is told. */
#include "proxy/http_door.h"

#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct visitor {
    struct door_terms terms;
    struct users *users;
    struct http_door door;
    struct door_ask ask;
    struct door_answer answer;
    size_t used; /* of what was said last */
};

static void come(struct visitor *v, bool with_users)
{
    *v = (struct visitor){.terms = {.protocols = DOOR_HTTP}};
    if (with_users) {
        assert_int_equal(users_new(&v->users), 0);
        assert_int_equal(users_add(v->users, "alice", "secret"), 0);
        assert_int_equal(users_add(v->users, "bob", "a:b"), 0);
        assert_int_equal(users_add(v->users, "carol", ""), 0);
        v->terms.users = v->users;
    }
    http_door_init(&v->door, &v->terms);
}

static void leave(struct visitor *v)
{
    http_door_fini(&v->door);
    users_free(v->users);
}

/* In pieces of `step`, up to a verdict. */
static enum door_verdict say_in(struct visitor *v, const char *text, size_t step)
{
    enum door_verdict verdict = DOOR_MORE;
    size_t len = strlen(text);
    for (v->used = 0; v->used < len && verdict == DOOR_MORE;) {
        size_t used, n = step < len - v->used ? step : len - v->used;
        verdict = http_door_feed(&v->door, (const uint8_t *)text + v->used, n, &used, &v->ask,
                                 &v->answer);
        assert_true(used <= n && (verdict != DOOR_MORE || used == n));
        v->used += used;
    }
    return verdict;
}

static enum door_verdict say(struct visitor *v, const char *text)
{
    return say_in(v, text, strlen(text));
}

static void assert_answered(const struct visitor *v, const char *words)
{
    char text[DOOR_ANSWER_MAX + 1];
    memcpy(text, v->answer.bytes, v->answer.len);
    text[v->answer.len] = '\0';
    if (strstr(text, words) == NULL) {
        fail_msg("no \"%s\" in: %s", words, text);
    }
}

/* ---- who may ---- */

#define CONNECT "CONNECT a.example:443 HTTP/1.1\r\n"

static void every_request_needs_the_password(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *user; /* NULL: asked for a password */
    } cases[] = {
        {"", NULL},
        {"Host: a\r\nX: y\r\n", NULL},
        {"Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n", "alice"},
        {"Host: a\r\nproxy-authorization: bAsIc   YWxpY2U6c2VjcmV0\r\n", "alice"},
        {"Proxy-Authorization: Basic Ym9iOmE6Yg==\r\n", "bob"},
        {"Proxy-Authorization: Basic Ym9iOmE6Yg\r\n", "bob"}, /* some leave the padding out */
        {"Proxy-Authorization: Basic Y2Fyb2w6\r\n", "carol"},
        {"Proxy-Authorization: Basic Y2Fyb2w=\r\n", NULL},         /* "carol", without a colon */
        {"Proxy-Authorization: Basic YWxpY2U6U2VjcmV0\r\n", NULL}, /* "Secret" */
        {"Proxy-Authorization: Basic QWxpY2U6c2VjcmV0\r\n", NULL}, /* "Alice" */
        {"Proxy-Authorization: Basic Ym9iOnNlY3JldA==\r\n", NULL}, /* another's */
        {"Proxy-Authorization: Basic YWxpY2U6c2VjcmV0AA==\r\n", NULL},
        {"Proxy-Authorization: Basic YWxpY2U6c2VjcmV0 x\r\n", NULL},
        {"Proxy-Authorization: Basic YWxp-2U6c2VjcmV0\r\n", NULL},
        {"Proxy-Authorization: Basic\r\n", NULL},
        {"Proxy-Authorization: Basic =\r\n", NULL},
        {"Proxy-Authorization: Bearer YWxpY2U6c2VjcmV0\r\n", NULL},
        {"Proxy-Authorization: BasicYWxpY2U6c2VjcmV0\r\n", NULL},
        {"Authorization: Basic YWxpY2U6c2VjcmV0\r\n", NULL}, /* the server's */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visitor v;
        char text[256];
        come(&v, true);
        snprintf(text, sizeof text, CONNECT "%s\r\n", cases[i].fields);
        enum door_verdict verdict = say(&v, text);
        assert_int_equal(verdict, cases[i].user != NULL ? DOOR_OPEN : DOOR_ANSWER);
        if (cases[i].user != NULL) {
            assert_string_equal(v.ask.user->name, cases[i].user);
        } else {
            assert_answered(&v, "HTTP/1.1 407 ");
            assert_answered(&v, "\r\nProxy-Authenticate: Basic realm=");
        }
        leave(&v);
    }
}

static void a_password_of_any_length_is_compared_or_refused(void **state)
{
    (void)state;
    static char text[4096];
    for (size_t n = 0; n < 3000; n += 7) {
        struct visitor v;
        come(&v, true);
        int len = snprintf(text, sizeof text, CONNECT "Proxy-Authorization: Basic YWxpY2U6");
        memset(text + len, 'A', n);
        memcpy(text + (size_t)len + n, "\r\n\r\n", 5);
        assert_int_equal(say(&v, text), DOOR_ANSWER);
        leave(&v);
    }
}

/* Where the request has a body, nobody knows whether the client sends it. */
static void after_a_wrong_password_the_next_request_is_read_where_it_begins(void **state)
{
    (void)state;
    static const struct {
        const char *request;
        bool goes_on;
    } cases[] = {
        {CONNECT "\r\n", true},
        {"GET http://a/ HTTP/1.1\r\nContent-Length: 0\r\n\r\n", true},
        {"POST http://a/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n", false},
        {"POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", false},
        {"POST http://a/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", false},
        {"CONNECT a:1 HTTP/1.1\r\nConnection: close\r\n\r\n", false},
        {"CONNECT a:1 HTTP/1.1\r\nProxy-Connection: close\r\n\r\n", false},
        {"CONNECT a:1 HTTP/1.0\r\n\r\n", false},
        {"CONNECT a:1 HTTP/1.0\r\nProxy-Connection: Keep-Alive\r\n\r\n", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visitor v;
        come(&v, true);
        assert_int_equal(say(&v, cases[i].request), cases[i].goes_on ? DOOR_ANSWER : DOOR_SHUT);
        assert_answered(&v, "HTTP/1.1 407 ");
        assert_answered(&v, cases[i].goes_on ? "Connection: keep-alive" : "Connection: close");
        if (cases[i].goes_on) {
            assert_int_equal(say(&v, CONNECT "Proxy-Authorization: Basic YWxpY2U6c2VjcmV0\r\n\r\n"),
                             DOOR_OPEN);
            assert_string_equal(v.ask.target.name, "a.example");
        }
        leave(&v);
    }
}

/* ---- what the server is told ---- */

static void the_server_is_told_what_is_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *said, *told;
    } cases[] = {
        {"GET http://a.example/x?y#z HTTP/1.1\r\nHost: b.example\r\nX: y\r\n\r\n",
         "GET /x?y HTTP/1.1\r\nHost: a.example\r\nX: y\r\n\r\n"},
        {"GET http://u:p@a.example:81 HTTP/1.1\r\nHost: b\r\nHost: c\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a.example:81\r\n\r\n"},
        {"GET http://a?q HTTP/1.1\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"OPTIONS http://a HTTP/1.1\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"OPTIONS http://a/ HTTP/1.1\r\n\r\n", "OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"GET http://a/ HTTP/1.1\r\nProxy-Authorization: Basic x\r\nProxy-Connection: "
         "keep-alive\r\n"
         "Keep-Alive: 5\r\nTE: trailers\r\nConnection: X-Mine\r\nX-Mine: 1\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"GET http://a/ HTTP/1.1\r\nConnection: close\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"},
        {"GET http://a/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "GET / HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n"},
        {"GET http://a/ HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
         "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"},
        {"GET http://a/ HTTP/1.1\r\nUpgrade: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        /* RFC 9110 7.8: HTTP/1.0 has none */
        {"GET http://a/ HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
         "GET / HTTP/1.0\r\nHost: a\r\nConnection: close\r\n\r\n"},
        {"POST http://a/ HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n",
         "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].said); step += 17) {
            struct visitor v;
            come(&v, false);
            assert_int_equal(say_in(&v, cases[i].said, step), DOOR_OPEN);
            assert_int_equal(v.used, strlen(cases[i].said));
            assert_int_equal(v.ask.request, DOOR_EXCHANGE);
            assert_int_equal(v.door.forward_len, strlen(cases[i].told));
            assert_memory_equal(v.door.forward, cases[i].told, v.door.forward_len);
            leave(&v);
        }
    }
}

static void what_is_no_request_for_a_proxy_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *said, *status;
    } cases[] = {
        {"\x16", "400"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"OPTIONS * HTTP/1.1\r\n\r\n", "400"},
        {"GET a.example HTTP/1.1\r\n\r\n", "400"},
        {"GET https://a/ HTTP/1.1\r\n\r\n", "501"},
        {"GET http://a/ HTTP/3.0\r\n\r\n", "505"},
        {"CONNECT a.example HTTP/1.1\r\n\r\n", "400"},
        {"CONNECT http://a:1/ HTTP/1.1\r\n\r\n", "400"},
        {"connect a:1 HTTP/1.1\r\n\r\n", "400"},
        {"POST http://a/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
        {"POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
         "400"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visitor v;
        char words[32];
        come(&v, false);
        assert_int_equal(say(&v, cases[i].said), DOOR_SHUT);
        snprintf(words, sizeof words, "HTTP/1.1 %s ", cases[i].status);
        assert_answered(&v, words);
        assert_answered(&v, "Connection: close");
        leave(&v);
    }
}

static void a_head_has_so_many_fields_and_bytes(void **state)
{
    (void)state;
    static char text[HTTP_HEAD_MAX + 64];
    for (unsigned n = HTTP_FIELDS_MAX - 1; n <= HTTP_FIELDS_MAX + 2; n++) {
        struct visitor v;
        int len = snprintf(text, sizeof text, "GET http://a/ HTTP/1.1\r\n");
        for (unsigned i = 0; i < n; i++) {
            len += snprintf(text + len, sizeof text - (size_t)len, "A: b\r\n");
        }
        snprintf(text + len, sizeof text - (size_t)len, "\r\n");
        come(&v, false);
        assert_int_equal(say(&v, text), n <= HTTP_FIELDS_MAX ? DOOR_OPEN : DOOR_SHUT);
        if (n > HTTP_FIELDS_MAX) {
            assert_answered(&v, "HTTP/1.1 431 ");
        }
        leave(&v);
    }
    struct visitor v;
    come(&v, false);
    memset(text, 'A', HTTP_HEAD_MAX);
    text[HTTP_HEAD_MAX] = '\0';
    assert_int_equal(say_in(&v, text, 1000), DOOR_SHUT);
    assert_answered(&v, "HTTP/1.1 431 ");
    leave(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_needs_the_password),
        cmocka_unit_test(a_password_of_any_length_is_compared_or_refused),
        cmocka_unit_test(after_a_wrong_password_the_next_request_is_read_where_it_begins),
        cmocka_unit_test(the_server_is_told_what_is_its_own),
        cmocka_unit_test(what_is_no_request_for_a_proxy_is_refused),
        cmocka_unit_test(a_head_has_so_many_fields_and_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
