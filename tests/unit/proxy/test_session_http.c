/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session_http.c: exchanges one after the other over one client's connection. */
#include "proxy/session_parts.h"

#include <string.h>

#include "base/err.h"
#include "unit/test.h"
#include "visit.h"

#define GET "GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"
#define OTHER "GET http://10.0.0.2:8080/x HTTP/1.1\r\nHost: 10.0.0.2:8080\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* The server of the `n`th stream takes its connection and answers. */
static void answer(struct visit *v, unsigned n, const char *bytes, size_t len)
{
    struct stack_tcp *t = fake_tcp(v->g->stack, n);
    fake_tcp_connected(t);
    fake_tcp_deliver(t, bytes, len);
    visit_settle(v);
}

static void pass(struct visit *v, uint64_t ns)
{
    ground_sleep(v->g, ns);
    visit_settle(v);
}

static void one_connection_carries_requests_to_several_hosts(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    answer(&v, 0, BYTES(OK));
    visit_say(&v, BYTES(OTHER));
    assert_string_equal(fake_tcp_where(fake_tcp(v.g->stack, 1)), "10.0.0.2:8080");
    answer(&v, 1, BYTES(OK));
    visit_heard(&v, BYTES(OK OK));
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    visit_end(&v);
}

/* Nobody asked for another protocol: what would follow could be taken for answers to requests to come. */
static void a_protocol_that_nobody_asked_for_is_an_error(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    answer(&v, 0, BYTES("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" OK));
    assert_true(v.c.output.len > 12);
    assert_memory_equal(v.c.output.data, "HTTP/1.1 502", 12);
    visit_end(&v);
}

/* RFC 9110 9.1: methods have their letters, and "head" is none that a server answers without a body. */
static void methods_are_told_by_their_letters(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES("HEAD http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    answer(&v, 0, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"));
    visit_say(&v, BYTES("Head http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"));
    answer(&v, 1, BYTES("HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\nno"));
    visit_heard(&v, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                          "HTTP/1.1 501 No\r\nContent-Length: 2\r\n\r\nno"));
    visit_end(&v);
}

#define POST "POST http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 9\r\n\r\n"
#define NO "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

/* A server that answers without reading everything, and closes: its system sends a reset behind the answer. */
static void an_answer_with_a_reset_behind_it_is_an_answer(void **state)
{
    (void)state;
    for (size_t cut = 1; cut <= sizeof NO - 1; cut++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(POST "half"));
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        fake_tcp_connected(t);
        visit_settle(&v);
        fake_tcp_deliver(t, NO, cut);
        fake_tcp_failed(t, ERR_RESET);
        visit_settle(&v);
        bool whole = cut == sizeof NO - 1;
        fake_append(&v.c.output, "", 1);
        const char *said = (const char *)v.c.output.data;
        assert_int_equal(strncmp(said, "HTTP/1.1 502", 12) == 0, cut < sizeof NO - 3);
        assert_int_equal(whole, strlen(said) > 2 && strcmp(said + strlen(said) - 2, "no") == 0);
        assert_true(v.c.fate == FAKE_ABORTED || v.c.shut);
        assert_int_equal(v.c.fate == FAKE_ABORTED, !whole && cut >= sizeof NO - 3);
        visit_end(&v);
    }
}

/* The event of the reset came while the answer was read: nobody will be called again. */
static void another_protocol_that_breaks_at_once_ends(void **state)
{
    (void)state;
    static const char *const early[] = {"", "first words"};
    for (size_t i = 0; i < ARRAY_SIZE(early); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v,
                  BYTES("GET http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\nConnection: Upgrade\r\n"
                        "Upgrade: x\r\n\r\n"));
        visit_say(&v, early[i], strlen(early[i]));
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        fake_tcp_connected(t);
        visit_settle(&v);
        fake_tcp_deliver(t, BYTES("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nbye"));
        fake_tcp_failed(t, ERR_RESET);
        visit_settle(&v);
        assert_int_equal(v.c.fate, FAKE_ABORTED);
        assert_memory_equal(v.c.output.data + v.c.output.len - 7, "\r\n\r\nbye", 7);
        visit_end(&v);
    }
}

static void between_requests_a_client_may_rest_for_a_minute(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){.greeting_timeout = 10 * NS_PER_S});
    visit_say(&v, BYTES(GET));
    answer(&v, 0, BYTES(OK));
    pass(&v, 59 * NS_PER_S);
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    visit_say(&v, BYTES(OTHER));
    answer(&v, 1, BYTES(OK));
    pass(&v, 59 * NS_PER_S);
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    pass(&v, 2 * NS_PER_S);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    assert_true(v.c.fate != FAKE_ABORTED);
    visit_end(&v);
}

static void the_next_request_must_be_whole_in_time_like_the_first(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){.greeting_timeout = 10 * NS_PER_S});
    visit_say(&v, BYTES(GET));
    answer(&v, 0, BYTES(OK));
    pass(&v, 30 * NS_PER_S);
    visit_say(&v, BYTES("GET http://10.0."));
    pass(&v, 9 * NS_PER_S);
    assert_int_equal(proxy_sessions(v.g->proxy), 1);
    pass(&v, 2 * NS_PER_S);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    visit_end(&v);
}

static void who_rests_does_not_hold_up_the_end(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    answer(&v, 0, BYTES(OK));
    assert_false(proxy_drain(v.g->proxy));
    visit_end(&v);
}

static void an_exchange_at_the_end_is_the_last_one(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    assert_true(proxy_drain(v.g->proxy));
    answer(&v, 0, BYTES(OK));
    visit_heard(&v, BYTES(OK));
    assert_true(v.c.shut);
    visit_end(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_connection_carries_requests_to_several_hosts),
        cmocka_unit_test(a_protocol_that_nobody_asked_for_is_an_error),
        cmocka_unit_test(methods_are_told_by_their_letters),
        cmocka_unit_test(an_answer_with_a_reset_behind_it_is_an_answer),
        cmocka_unit_test(another_protocol_that_breaks_at_once_ends),
        cmocka_unit_test(between_requests_a_client_may_rest_for_a_minute),
        cmocka_unit_test(the_next_request_must_be_whole_in_time_like_the_first),
        cmocka_unit_test(who_rests_does_not_hold_up_the_end),
        cmocka_unit_test(an_exchange_at_the_end_is_the_last_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
