/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/session.c: clients at the door, from their first byte to their last, over
 * puppets. */
#include "proxy/session.h"

#include "fail_alloc.h"
#include "unit/test.h"
#include "visit.h"

static void a_client_is_led_through_the_door(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO));
    visit_heard(&v, BYTES(WELCOME));
    visit_say(&v, BYTES(TO_V4));
    visit_heard(&v, BYTES(WELCOME)); /* nothing before it is connected */
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    assert_string_equal(fake_tcp_where(t), "10.0.0.1:80");
    fake_tcp_connected(t);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME CONNECTED));
    assert_int_equal(proxy_next_deadline(v.g->proxy), NEVER);

    visit_say(&v, BYTES("ping"));
    fake_tcp_deliver(t, "pong", 4);
    fake_tcp_deliver_fin(t);
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME CONNECTED "pong"));
    assert_int_equal(fake_tcp_sent(t)->len, 4);
    assert_int_equal(fake_tcp_fate(t), FAKE_CLOSED);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_int_equal(proxy_sessions(v.g->proxy), 0);
    assert_true(ground_said(
        v.g, "debug: 127.0.0.1:40000 to 10.0.0.1:80 -> both sides finished, 4 bytes up, 4 down"));
    assert_int_equal(ground_lines(v.g), 1);
    visit_end(&v);
}

static void any_split_of_the_request_leads_through_the_door(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME "early";
    for (size_t a = 0; a < sizeof all - 1; a++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, all, a);
        visit_say(&v, all + a, sizeof all - 1 - a);
        fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
        fake_tcp_connected(fake_tcp(v.g->stack, 0));
        visit_settle(&v);
        visit_heard(&v, BYTES(WELCOME CONNECTED));
        assert_int_equal(fake_tcp_sent(fake_tcp(v.g->stack, 0))->len, 5);
        visit_end(&v);
    }
}

static void a_name_is_told_with_its_address(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO TO_NAME));
    fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    assert_true(
        ground_said(v.g, "debug: 127.0.0.1:40000 to example.com:443 -> connected to 10.0.0.1:443"));
    visit_end(&v);
}

/* LogDomains */
static void where_clients_go_is_told_at_info_where_the_door_says_so(void **state)
{
    (void)state;
    struct visit v;
    for (int tells = 0; tells < 2; tells++) {
        visit_begin(&v, (struct ground_options){.tells_targets = tells});
        v.g->log.level = LOG_INFO;
        visit_say(&v, BYTES(HELLO TO_NAME));
        fake_resolver_answer(v.g->resolver, 0, "10.0.0.1", v.g->now);
        fake_tcp_connected(fake_tcp(v.g->stack, 0));
        visit_settle(&v);
        assert_int_equal(ground_said(v.g,
                                     "info: 127.0.0.1:40000 to example.com:443 -> connected to "
                                     "10.0.0.1:443"),
                         tells);
        visit_end(&v);
    }
}

static void an_ipv6_target_has_an_ipv6_end(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(HELLO));
    visit_say(&v, BYTES("\x05\x01\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x00\x50"));
    fake_tcp_connected(fake_tcp(v.g->stack, 0));
    visit_settle(&v);
    visit_heard(&v, BYTES(WELCOME "\x05\x00\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\xc3\x50"));
    visit_end(&v);
}

static void a_client_that_leaves_before_its_request_is_forgotten(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME;
    for (size_t n = 0; n < sizeof all - 1; n++) {
        for (unsigned reset = 0; reset < 2; reset++) {
            struct visit v;
            visit_begin(&v, (struct ground_options){0});
            visit_say(&v, all, n);
            if (reset) {
                fake_client_reset(&v.c);
            } else {
                fake_client_shutdown(&v.c);
            }
            visit_settle(&v);
            assert_int_equal(proxy_sessions(v.g->proxy), 0);
            assert_int_equal(ground_lines(v.g), 1);
            visit_end(&v);
        }
    }
}

static void the_request_must_be_whole_in_ten_seconds(void **state)
{
    (void)state;
    static const char all[] = HELLO TO_NAME;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    uint64_t end = v.g->now.mono + 10 * NS_PER_S;
    for (size_t i = 0; i < sizeof all - 2; i++) { /* a drip does not prolong it */
        visit_say(&v, all + i, 1);
        ground_sleep(v.g, 400 * NS_PER_MS);
        assert_int_equal(proxy_next_deadline(v.g->proxy), end);
    }
    v.g->now.mono = end - 1;
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_OPEN);
    ground_sleep(v.g, 1);
    visit_settle(&v);
    assert_int_equal(v.c.fate, FAKE_CLOSED);
    assert_true(ground_said(v.g, "debug: 127.0.0.1:40000 -> no whole request in time"));
    visit_end(&v);
}

static void names_of_targets_appear_at_debug_only(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.g->log.level = LOG_INFO;
    visit_say(&v, BYTES(HELLO TO_NAME));
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_int_equal(ground_lines(v.g), 0);
    visit_end(&v);
}

static void a_client_of_a_unix_socket_has_no_address(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    v.c.stream.remote = (struct endpoint){.port = 0};
    fake_client_shutdown(&v.c);
    visit_settle(&v);
    assert_true(
        ground_said(v.g, "debug: local client -> the client left before its request was whole"));
    visit_end(&v);
}

/* A whole visit in which the k-th allocation fails: refused, or answered with 01, and nothing is
 * kept. */
static void without_memory_a_visit_ends_and_keeps_nothing(void **state)
{
    (void)state;
    for (unsigned k = 1;; k++) {
        struct ground *g = ground_new((struct ground_options){0});
        struct fake_client c;
        fake_client_init(&c);
        fail_alloc_at(k);
        proxy_accept(g->proxy, &c.stream, g->now);
        fake_client_send(&c, BYTES(HELLO TO_NAME));
        struct fake_client *const clients[] = {&c};
        ground_settle(g, clients, 1);
        if (fake_resolver_running(g->resolver) == 1) {
            fake_resolver_answer(g->resolver, 0, "10.0.0.1", g->now);
        }
        if (fake_tcp_count(g->stack) == 1) {
            fake_tcp_connected(fake_tcp(g->stack, 0));
        }
        ground_settle(g, clients, 1);
        bool through = fail_alloc_count() < k;
        fail_alloc_at(0);
        assert_int_equal(c.output.len, c.fate == FAKE_ABORTED ? 0 : 12);
        assert_int_equal(c.output.len == 12 ? c.output.data[3] : 1, through ? 0 : 1);
        proxy_free(g->proxy);
        g->proxy = NULL;
        ground_free(g);
        fake_client_fini(&c);
        if (through) {
            assert_true(k > 4); /* session, handshake, dial, and the puppets' query and stream */
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_is_led_through_the_door),
        cmocka_unit_test(any_split_of_the_request_leads_through_the_door),
        cmocka_unit_test(a_name_is_told_with_its_address),
        cmocka_unit_test(where_clients_go_is_told_at_info_where_the_door_says_so),
        cmocka_unit_test(an_ipv6_target_has_an_ipv6_end),
        cmocka_unit_test(a_client_that_leaves_before_its_request_is_forgotten),
        cmocka_unit_test(the_request_must_be_whole_in_ten_seconds),
        cmocka_unit_test(names_of_targets_appear_at_debug_only),
        cmocka_unit_test(a_client_of_a_unix_socket_has_no_address),
        cmocka_unit_test(without_memory_a_visit_ends_and_keeps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
