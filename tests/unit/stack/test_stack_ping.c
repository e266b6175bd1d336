/* SPDX-License-Identifier: MIT */
#include "stack/stack_ping.h"

#include "stack/internal.h"
#include "unit/stack/packets.h"

static struct wire w;
static struct stack_ping *ping;
static unsigned n_replies, n_failures;
static struct addr peer;
static uint16_t last_seq;
static size_t last_len;
static int last_err;
static bool closes; /* in its handler */

static void note(struct stack_ping *p, const struct addr *from, uint16_t seq)
{
    assert_ptr_equal(p, ping);
    peer = *from;
    last_seq = seq;
    if (closes) {
        stack_ping_close(p);
        ping = NULL;
    }
}

static void replied(void *ctx, struct stack_ping *p, const struct addr *from, uint16_t seq,
                    size_t len, struct now now)
{
    assert_ptr_equal(ctx, &w);
    assert_true(now.mono == w.now.mono);
    n_replies++;
    last_len = len;
    note(p, from, seq);
}

static void failed(void *ctx, struct stack_ping *p, const struct addr *to, uint16_t seq, int err,
                   struct now now)
{
    assert_ptr_equal(ctx, &w);
    assert_true(now.mono == w.now.mono);
    n_failures++;
    last_err = err;
    note(p, to, seq);
}

static const struct stack_ping_handler handler = {replied, failed};

static uint8_t caught[2048]; /* the last packet that left */
static size_t caught_len;
static bool lost; /* it gets no further */

static bool catch (struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    assert_true(len <= sizeof caught);
    memcpy(caught, ip, len);
    caught_len = len;
    return lost;
}

static void begin(void)
{
    wire_open(&w, &(struct wire_config){.delay = 7 * MS});
    w.a.sniff = catch;
    n_replies = n_failures = 0;
    closes = lost = false;
    assert_int_equal(stack_ping_open(w.a.stack, &handler, &w, &ping), 0);
}

static int send_to(const char *text, uint16_t seq, size_t len)
{
    struct endpoint to = at(text, 0);
    return stack_ping_send(ping, &to.addr, seq, len);
}

static uint32_t sum(const uint8_t *p, size_t len)
{
    uint32_t s = 0;
    for (size_t i = 0; i < len; i++) {
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    }
    return s;
}

static uint16_t fold(uint32_t s)
{
    s = (s & 0xffff) + (s >> 16);
    return (uint16_t)((s & 0xffff) + (s >> 16));
}

static void requests_of_every_length_are_answered_in_full(void **state)
{
    (void)state;
    static const char *const to[] = {"10.0.0.2", "fd00::2"};
    for (size_t f = 0; f < ARRAY_SIZE(to); f++) {
        size_t least = f == 0 ? 28 : 48;
        assert_int_equal(stack_ping_headers(f == 0 ? FAMILY_V4 : FAMILY_V6), least);
        begin();
        uint16_t seq = 0;
        for (size_t len = least; len <= 1420; len += 29, seq++) {
            uint64_t sent = w.now.mono;
            assert_int_equal(send_to(to[f], seq, len), 0);
            unsigned before = n_replies;
            wire_pass(&w, 14 * MS);
            assert_int_equal(n_replies, before + 1);
            assert_int_equal(w.now.mono - sent, 14 * MS);
            assert_int_equal(last_seq, seq);
            assert_int_equal(last_len, len);
            assert_int_equal(caught_len, len);
            struct endpoint e = at(to[f], 0);
            assert_true(addr_equal(&peer, &e.addr));
        }
        assert_int_equal(n_failures, 0);
        wire_close(&w);
    }
}

/* The far stack checks no checksums, others do. */
static void requests_are_packets_that_anyone_takes(void **state)
{
    (void)state;
    begin();
    for (size_t len = 48; len < 1420; len += 333) {
        assert_int_equal(send_to("10.0.0.2", 1, len), 0);
        wire_pass(&w, 0);
        assert_int_equal(fold(sum(caught, IP4_HEADER)), 0xffff);
        assert_int_equal(fold(sum(caught + IP4_HEADER, len - IP4_HEADER)), 0xffff);
        assert_int_equal(load_be16(caught + 6), 0x4000); /* never in fragments */
        assert_int_equal(send_to("fd00::2", 1, len), 0);
        wire_pass(&w, 0);
        uint32_t pseudo = sum(caught + 8, 32) + (uint32_t)(len - IP6_HEADER) + PROTO_ICMP6;
        assert_int_equal(fold(pseudo + sum(caught + IP6_HEADER, len - IP6_HEADER)), 0xffff);
    }
    wire_close(&w);
}

static void what_cannot_be_sent_is_refused(void **state)
{
    (void)state;
    begin();
    assert_int_equal(send_to("10.0.0.2", 1, 27), ERR_LIMIT);
    assert_int_equal(send_to("10.0.0.2", 1, 1421), ERR_LIMIT);
    assert_int_equal(send_to("fd00::2", 1, 47), ERR_LIMIT);
    assert_int_equal(send_to("0.0.0.0", 1, 100), ERR_INVALID);
    assert_int_equal(send_to("224.0.0.1", 1, 100), ERR_INVALID);
    assert_int_equal(send_to("127.0.0.1", 1, 100), ERR_NO_ROUTE);
    w.a.no_route = ERR_NO_ROUTE;
    assert_int_equal(send_to("10.0.0.2", 1, 100), ERR_NO_ROUTE);
    wire_pass(&w, NS_PER_S);
    assert_int_equal(w.a.packets, 0);
    wire_close(&w);

    wire_open(&w, &(struct wire_config){.a = {"10.0.0.1"}, .b = {"10.0.0.2"}});
    assert_int_equal(stack_ping_open(w.a.stack, &handler, &w, &ping), 0);
    assert_int_equal(send_to("fd00::2", 1, 100), ERR_NO_FAMILY);
    wire_close(&w);
}

/* Replies made by hand from the request that was caught. */
static void inject_reply(uint16_t id, uint16_t seq)
{
    uint8_t ip[128];
    size_t len = make_icmp(ip, "10.0.0.2", "10.0.0.1", 0, 0, (uint32_t)id << 16 | seq, "data", 4);
    wire_inject(&w.a, ip, len);
    wire_pass(&w, 0);
}

static void answers_to_nobody_are_dropped_and_counted(void **state)
{
    (void)state;
    begin();
    lost = true;
    assert_int_equal(send_to("10.0.0.2", 3, 100), 0);
    wire_pass(&w, 0);
    uint16_t id = load_be16(caught + IP4_HEADER + 4);
    inject_reply(id ^ 1, 3);
    assert_int_equal(n_replies, 0);
    assert_int_equal(stack_drop_count(w.a.stack, STACK_DROP_PROTOCOL), 1);
    inject_reply(id, 3);
    assert_int_equal(n_replies, 1);
    assert_int_equal(last_seq, 3);
    assert_int_equal(last_len, 32);
    stack_ping_close(ping);
    inject_reply(id, 3);
    assert_int_equal(n_replies, 1);
    assert_int_equal(stack_drop_count(w.a.stack, STACK_DROP_PROTOCOL), 2);
    wire_close(&w);
}

static void a_second_socket_has_answers_of_its_own(void **state)
{
    (void)state;
    begin();
    struct stack_ping *first = ping;
    assert_int_equal(stack_ping_open(w.a.stack, &handler, &w, &ping), 0);
    assert_int_equal(send_to("10.0.0.2", 1, 100), 0);
    wire_pass(&w, NS_PER_S);
    assert_int_equal(n_replies, 1); /* and note() saw that it is the second's */
    stack_ping_close(first);
    wire_close(&w);
}

static const struct {
    const char *to;
    uint8_t type, code;
    int err;
} complaints[] = {
    {"10.0.0.2", 3, 1, ERR_UNREACHABLE},  {"10.0.0.2", 3, 4, ERR_LIMIT},
    {"10.0.0.2", 11, 0, ERR_UNREACHABLE}, {"fd00::2", 1, 0, ERR_UNREACHABLE},
    {"fd00::2", 2, 0, ERR_LIMIT},         {"fd00::2", 3, 0, ERR_UNREACHABLE},
};

static void a_request_that_is_lost_on_the_way_may_be_heard_of(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
        begin();
        lost = true;
        bool v4 = strchr(complaints[i].to, '.') != NULL;
        assert_int_equal(send_to(complaints[i].to, 9, 1000), 0);
        wire_pass(&w, 0);
        uint8_t ip[2048];
        size_t len = make_icmp(ip, v4 ? "192.0.2.1" : "2001:db8::1", v4 ? "10.0.0.1" : "fd00::1",
                               complaints[i].type, complaints[i].code, 1280, caught, 100);
        wire_inject(&w.a, ip, len);
        wire_pass(&w, 0);
        assert_int_equal(n_failures, 1);
        assert_int_equal(last_err, complaints[i].err);
        assert_int_equal(last_seq, 9);
        struct endpoint e = at(complaints[i].to, 0);
        assert_true(addr_equal(&peer, &e.addr));
        wire_close(&w);
    }
}

static void a_handler_may_close_with_more_to_come(void **state)
{
    (void)state;
    begin();
    closes = true;
    for (uint16_t seq = 0; seq < 3; seq++) {
        assert_int_equal(send_to("10.0.0.2", seq, 100), 0);
    }
    wire_pass(&w, NS_PER_S);
    assert_int_equal(n_replies, 1);
    assert_null(ping);
    wire_close(&w);
}

static void a_flood_of_answers_is_bounded(void **state)
{
    (void)state;
    begin();
    lost = true;
    assert_int_equal(send_to("10.0.0.2", 3, 100), 0);
    wire_pass(&w, 0);
    uint32_t word = (uint32_t)load_be16(caught + IP4_HEADER + 4) << 16;
    for (unsigned i = 0; i < 100; i++) {
        uint8_t ip[128];
        wire_inject(&w.a, ip, make_icmp(ip, "10.0.0.2", "10.0.0.1", 0, 0, word | i, "data", 4));
    }
    wire_pass(&w, 0);
    assert_int_equal(n_replies, 64);
    assert_int_equal(stack_drop_count(w.a.stack, STACK_DROP_MEMORY), 36);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_every_length_are_answered_in_full),
        cmocka_unit_test(requests_are_packets_that_anyone_takes),
        cmocka_unit_test(what_cannot_be_sent_is_refused),
        cmocka_unit_test(answers_to_nobody_are_dropped_and_counted),
        cmocka_unit_test(a_second_socket_has_answers_of_its_own),
        cmocka_unit_test(a_request_that_is_lost_on_the_way_may_be_heard_of),
        cmocka_unit_test(a_handler_may_close_with_more_to_come),
        cmocka_unit_test(a_flood_of_answers_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
