/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session_http.c: exchanges one after the other over one client's connection. */
#include "proxy/session_parts.h"

#include <string.h>

#include "base/err.h"
#include "proxy/users.h"
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

#define UPLOAD "POST http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 9\r\n\r\n"
#define NO "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno"

/* A server that answers without reading everything, and closes: its system sends a reset behind the answer. */
static void an_answer_with_a_reset_behind_it_is_an_answer(void **state)
{
    (void)state;
    for (size_t cut = 1; cut <= sizeof NO - 1; cut++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(UPLOAD "half"));
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

/* ---- the server's connection is kept, too ---- */

#define POST "POST http://10.0.0.1/ HTTP/1.1\r\nHost: 10.0.0.1\r\nContent-Length: 1\r\n\r\nx"
#define SENT "GET / HTTP/1.1\r\nHost: 10.0.0.1\r\n\r\n"

/* One exchange over a connection of its own, which both sides keep. */
static void begin_kept(struct visit *v, struct ground_options options)
{
    visit_begin(v, options);
    visit_say(v, BYTES(GET));
    answer(v, 0, BYTES(OK));
    assert_int_equal(fake_tcp_fate(fake_tcp(v->g->stack, 0)), FAKE_OPEN);
}

static void expect_dials(const struct visit *v, unsigned n)
{
    assert_int_equal(fake_tcp_count(v->g->stack), n);
}

static enum fake_fate fate_of(const struct visit *v, unsigned n)
{
    return fake_tcp_fate(fake_tcp(v->g->stack, n));
}

static void requests_to_one_server_share_its_connection(void **state)
{
    (void)state;
    struct visit v;
    begin_kept(&v, (struct ground_options){0});
    for (unsigned i = 0; i < 3; i++) {
        pass(&v, 50 * NS_PER_S);
        visit_say(&v, BYTES(GET));
        fake_tcp_deliver(fake_tcp(v.g->stack, 0), BYTES(OK));
        visit_settle(&v);
    }
    expect_dials(&v, 1);
    visit_heard(&v, BYTES(OK OK OK OK));
    const struct fake_bytes *sent = fake_tcp_sent(fake_tcp(v.g->stack, 0));
    assert_int_equal(sent->len, sizeof SENT SENT SENT SENT - 1);
    assert_memory_equal(sent->data, SENT SENT SENT SENT, sent->len);
    visit_end(&v);
}

static void requests_in_one_piece_share_it_one_after_the_other(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET GET));
    assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, 0);
    answer(&v, 0, BYTES(OK));
    assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, sizeof SENT SENT - 1);
    fake_tcp_deliver(fake_tcp(v.g->stack, 0), BYTES(OK));
    visit_settle(&v);
    expect_dials(&v, 1);
    visit_heard(&v, BYTES(OK OK));
    visit_end(&v);
}

static void a_connection_is_for_the_host_and_port_that_it_leads_to(void **state)
{
    static const char *const others[] = {
        "GET http://10.0.0.1:8080/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://10.0.0.2/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://[fd00::1]/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct visit v;
        begin_kept(&v, (struct ground_options){0});
        visit_say(&v, others[i], strlen(others[i]));
        expect_dials(&v, 2);
        assert_int_equal(fate_of(&v, 0), FAKE_CLOSED);
        visit_end(&v);
    }
}

static void a_name_is_one_in_any_case(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES("GET http://web.example/ HTTP/1.1\r\nHost: web.example\r\n\r\n"));
    fake_resolver_answer(v.g->resolver, 0, "10.0.0.9", v.g->now);
    visit_settle(&v);
    answer(&v, 0, BYTES(OK));
    visit_say(&v, BYTES("GET http://WEB.example:80/ HTTP/1.1\r\nHost: web.example\r\n\r\n"));
    fake_tcp_deliver(fake_tcp(v.g->stack, 0), BYTES(OK));
    visit_settle(&v);
    visit_heard(&v, BYTES(OK OK));
    expect_dials(&v, 1);
    visit_end(&v);
}

/* Each answer, and each request, of which one says that it is the last one over this connection. */
static void who_does_not_want_to_keep_it_does_not(void **state)
{
    static const struct {
        const char *request, *answer;
        bool ends; /* the server ends its side behind the answer */
    } cases[] = {
        {GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false},
        {GET, "HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 0\r\n\r\n", false},
        {GET, "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true},
        {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore", false},
        {GET, "HTTP/1.1 200 OK\r\n\r\nuntil the end", true},
        {"GET http://10.0.0.1/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
        {"GET http://10.0.0.1/ HTTP/1.1\r\nConnection: close\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, cases[i].request, strlen(cases[i].request));
        fake_tcp_connected(fake_tcp(v.g->stack, 0));
        if (cases[i].ends) {
            fake_tcp_deliver_fin(fake_tcp(v.g->stack, 0));
        }
        fake_tcp_deliver(fake_tcp(v.g->stack, 0), cases[i].answer, strlen(cases[i].answer));
        visit_settle(&v);
        assert_int_equal(fate_of(&v, 0), FAKE_CLOSED);
        visit_end(&v);
    }
}

static void a_kept_connection_goes_with_its_server(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 3; how++) {
        struct visit v;
        begin_kept(&v, (struct ground_options){0});
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        how == 0   ? fake_tcp_deliver_fin(t)
        : how == 1 ? fake_tcp_failed(t, ERR_RESET)
                   : fake_tcp_deliver(t, BYTES(OK)); /* nobody asked */
        visit_settle(&v);
        assert_int_not_equal(fate_of(&v, 0), FAKE_OPEN);
        assert_int_equal(proxy_sessions(v.g->proxy), 1);
        visit_say(&v, BYTES(GET));
        answer(&v, 1, BYTES(OK));
        visit_heard(&v, BYTES(OK OK));
        visit_end(&v);
    }
}

/* Such as 408, from a server that was asked for nothing for too long: it is there, and nobody was told of it yet. */
static void what_nobody_asked_for_answers_nothing(void **state)
{
    (void)state;
    struct visit v;
    begin_kept(&v, (struct ground_options){0});
    fake_tcp_deliver(fake_tcp(v.g->stack, 0),
                     BYTES("HTTP/1.1 408 Too Late\r\nContent-Length: 0\r\n\r\n"));
    fake_client_send(&v.c, BYTES(GET));
    assert_true(fake_client_turn(&v.c, v.g->now));
    visit_settle(&v);
    expect_dials(&v, 2);
    answer(&v, 1, BYTES(OK));
    visit_heard(&v, BYTES(OK OK));
    visit_end(&v);
}

static void what_meets_a_closing_server_is_asked_once_more(void **state)
{
    (void)state;
    for (unsigned how = 0; how < 2; how++) {
        struct visit v;
        begin_kept(&v, (struct ground_options){0});
        visit_say(&v, BYTES(GET));
        expect_dials(&v, 1);
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        how == 0 ? fake_tcp_deliver_fin(t) : fake_tcp_failed(t, ERR_RESET);
        visit_settle(&v);
        expect_dials(&v, 2);
        answer(&v, 1, BYTES(OK));
        visit_heard(&v, BYTES(OK OK));
        assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 1))->len, sizeof SENT - 1);
        visit_end(&v);
    }
}

static void heard_since(const struct visit *v, const char *words)
{
    assert_true(v->c.output.len > sizeof OK - 1 + strlen(words));
    assert_memory_equal(v->c.output.data + sizeof OK - 1, words, strlen(words));
}

static void it_is_not_asked_a_third_time(void **state)
{
    (void)state;
    struct visit v;
    begin_kept(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    fake_tcp_failed(fake_tcp(v.g->stack, 0), ERR_RESET);
    visit_settle(&v);
    fake_tcp_connected(fake_tcp(v.g->stack, 1));
    visit_settle(&v);
    fake_tcp_failed(fake_tcp(v.g->stack, 1), ERR_RESET);
    visit_settle(&v);
    expect_dials(&v, 2);
    heard_since(&v, "HTTP/1.1 502 ");
    visit_end(&v);
}

static void what_was_answered_in_part_is_not_asked_again(void **state)
{
    (void)state;
    struct visit v;
    begin_kept(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    fake_tcp_deliver(fake_tcp(v.g->stack, 0), BYTES("HTTP/1.1 2"));
    fake_tcp_deliver_fin(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    expect_dials(&v, 1);
    heard_since(&v, "HTTP/1.1 502 ");
    visit_end(&v);
}

static void what_must_not_be_done_twice_has_a_connection_of_its_own(void **state)
{
    static const char *const requests[] = {
        POST,
        "DELETE http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx",
        "GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        struct visit v;
        begin_kept(&v, (struct ground_options){0});
        visit_say(&v, requests[i], strlen(requests[i]));
        expect_dials(&v, 2);
        answer(&v, 1, BYTES(OK)); /* which the next request may use */
        visit_say(&v, BYTES(GET));
        fake_tcp_deliver(fake_tcp(v.g->stack, 1), BYTES(OK));
        visit_settle(&v);
        expect_dials(&v, 2);
        visit_heard(&v, BYTES(OK OK OK));
        visit_end(&v);
    }
}

static void a_connection_is_for_users_who_may_go_there(void **state)
{
    (void)state;
    struct users *users;
    struct access *access;
    assert_int_equal(users_new(&users), 0);
    assert_int_equal(users_add(users, "alice", "a"), 0);
    assert_int_equal(users_add(users, "bob", "b"), 0);
    assert_int_equal(access_new(&access), 0);
    struct access_rule rule = {.allow = false, .last = 65535, .user = "bob"};
    assert_int_equal(access_add(access, &rule), 0);

    struct visit v;
    visit_begin(&v, (struct ground_options){.users = users, .access = access});
#define AS(word) \
    "GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nProxy-Authorization: Basic " word "\r\n\r\n"
    visit_say(&v, BYTES(AS("YWxpY2U6YQ==")));
    answer(&v, 0, BYTES(OK));
    visit_say(&v, BYTES(AS("Ym9iOmI=")));
    expect_dials(&v, 1);
    heard_since(&v, "HTTP/1.1 403 ");
    visit_end(&v);
    access_free(access);
    users_free(users);
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
        cmocka_unit_test(requests_to_one_server_share_its_connection),
        cmocka_unit_test(requests_in_one_piece_share_it_one_after_the_other),
        cmocka_unit_test(a_connection_is_for_the_host_and_port_that_it_leads_to),
        cmocka_unit_test(a_name_is_one_in_any_case),
        cmocka_unit_test(who_does_not_want_to_keep_it_does_not),
        cmocka_unit_test(a_kept_connection_goes_with_its_server),
        cmocka_unit_test(what_nobody_asked_for_answers_nothing),
        cmocka_unit_test(what_meets_a_closing_server_is_asked_once_more),
        cmocka_unit_test(it_is_not_asked_a_third_time),
        cmocka_unit_test(what_was_answered_in_part_is_not_asked_again),
        cmocka_unit_test(what_must_not_be_done_twice_has_a_connection_of_its_own),
        cmocka_unit_test(a_connection_is_for_users_who_may_go_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
