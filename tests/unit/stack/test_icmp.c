/* SPDX-License-Identifier: MIT */
/* What routers say about our packets, and who hears of it. */
#include "stack/internal.h"
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

static struct wire w;
static struct peer client;
static uint8_t caught[2048]; /* the last packet that left */
static size_t caught_len;

static bool catch (struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    caught_len = len < sizeof caught ? len : sizeof caught;
    memcpy(caught, ip, caught_len);
    return true;
}

/* Begin to connect, with the SYN caught. */
static void begin_connecting(const char *to)
{
    wire_open(&w, &(struct wire_config){.delay = MS});
    w.a.sniff = catch;
    client = (struct peer){0};
    struct endpoint e = at(to, 80);
    assert_int_equal(stack_tcp_connect(w.a.stack, &e, peer_event, &client, &client.t, w.now), 0);
    wire_pass(&w, 0);
    assert_true(caught_len >= 40);
}

/* A router that is neither of the two complains about the caught packet. */
static void complain(uint8_t type, uint8_t code, uint32_t word, size_t quoted)
{
    uint8_t ip[2500];
    bool v4 = caught[0] >> 4 == 4;
    size_t len = make_icmp(ip, v4 ? "192.0.2.1" : "2001:db8::1", v4 ? "10.0.0.1" : "fd00::1", type,
                           code, word, caught, quoted < caught_len ? quoted : caught_len);
    wire_inject(&w.a, ip, len);
    wire_pass(&w, 0);
}

static const struct {
    const char *to;
    uint8_t type, code;
    int err; /* 0: a connection attempt goes on */
} complaints[] = {
    {"10.0.0.2", 3, 0, ERR_UNREACHABLE},
    {"10.0.0.2", 3, 1, ERR_UNREACHABLE},
    {"10.0.0.2", 3, 2, ERR_UNREACHABLE},
    {"10.0.0.2", 3, 3, ERR_REFUSED},
    {"10.0.0.2", 3, 9, ERR_UNREACHABLE},
    {"10.0.0.2", 3, 10, ERR_UNREACHABLE},
    {"10.0.0.2", 3, 13, ERR_UNREACHABLE},
    {"10.0.0.2", 11, 0, ERR_UNREACHABLE},
    {"10.0.0.2", 11, 1, 0},
    {"10.0.0.2", 3, 4, 0},
    {"fd00::2", 1, 0, ERR_UNREACHABLE},
    {"fd00::2", 1, 1, ERR_UNREACHABLE},
    {"fd00::2", 1, 3, ERR_UNREACHABLE},
    {"fd00::2", 1, 4, ERR_REFUSED},
    {"fd00::2", 1, 5, ERR_UNREACHABLE},
    {"fd00::2", 1, 6, ERR_UNREACHABLE},
    {"fd00::2", 2, 0, 0},
    {"fd00::2", 3, 0, ERR_UNREACHABLE},
    {"fd00::2", 3, 1, 0},
};

static void a_connection_attempt_fails_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
        begin_connecting(complaints[i].to);
        complain(complaints[i].type, complaints[i].code, 1280, SIZE_MAX);
        assert_int_equal(client.error, complaints[i].err);
        assert_true(peer_has_failed(&client) == (complaints[i].err != 0));
        uint64_t packets = w.a.packets;
        peer_close(&client);
        wire_pass(&w, NS_PER_S);
        assert_int_equal(w.a.packets, packets); /* nobody to send a RST to */
        assert_int_equal(stack_next_deadline(w.a.stack), NEVER);
        wire_close(&w);
    }
}

static void an_error_must_quote_enough(void **state)
{
    (void)state;
    static const char *const to[] = {"10.0.0.2", "fd00::2"};
    for (size_t f = 0; f < ARRAY_SIZE(to); f++) {
        begin_connecting(to[f]);
        size_t enough = (f == 0 ? IP4_HEADER : IP6_HEADER) + 8;
        for (size_t quoted = 0; quoted < enough; quoted++) {
            complain(f == 0 ? 3 : 1, f == 0 ? 1 : 0, 0, quoted);
            assert_false(peer_has_failed(&client));
        }
        complain(f == 0 ? 3 : 1, f == 0 ? 1 : 0, 0, enough);
        assert_true(peer_has_failed(&client));
        wire_close(&w);
    }
}

/* Each part of the quote must be that of a packet of ours which is under way. */
static void a_forged_error_is_ignored(void **state)
{
    (void)state;
    static const size_t bytes[] = {0, 9, 12, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26, 27};
    for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
        begin_connecting("10.0.0.2");
        caught[bytes[i]] ^= 0x20;
        complain(3, 1, 0, SIZE_MAX);
        assert_false(peer_has_failed(&client));
        caught[bytes[i]] ^= 0x20;
        complain(3, 1, 0, SIZE_MAX);
        assert_true(peer_has_failed(&client));
        wire_close(&w);
    }
}

static void a_later_fragment_says_nothing(void **state)
{
    (void)state;
    begin_connecting("10.0.0.2");
    caught[7] = 1;
    complain(3, 1, 0, SIZE_MAX);
    assert_false(peer_has_failed(&client));
    wire_close(&w);
}

/* RFC 5927 5.2: an established connection does not die of an ICMP error. */
static void an_established_connection_lives_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
        wire_open(&w, &(struct wire_config){.delay = MS});
        struct peer server = {.appetite = SIZE_MAX};
        client = (struct peer){0};
        assert_int_equal(peer_pair(&w, &client, &server, complaints[i].to), 0);
        wire_pass(&w, 100 * MS);
        w.a.sniff = catch;
        client.to_send = 3000;
        peer_pump(&client);
        wire_pass(&w, 0);
        complain(complaints[i].type, complaints[i].code, 1400, SIZE_MAX);
        w.a.sniff = NULL;
        wire_pass(&w, 3 * NS_PER_S);
        assert_false(peer_has_failed(&client));
        assert_int_equal(server.received, 3000);
        wire_close(&w);
    }
}

/* ---- datagrams ---- */

static int udp_error;
static struct endpoint udp_to;

static void received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now now)
{
    (void)ctx, (void)u, (void)from, (void)data, (void)len, (void)now;
}

static void failed(void *ctx, struct stack_udp *u, const struct endpoint *to, int err,
                   struct now now)
{
    (void)ctx, (void)u, (void)now;
    udp_error = err;
    udp_to = *to;
}

static void a_socket_hears_of_its_datagram(void **state)
{
    (void)state;
    static const struct stack_udp_handler handler = {received, failed};
    static const uint8_t data[4000];
    for (size_t i = 0; i < ARRAY_SIZE(complaints); i++) {
        for (size_t len = 10; len <= sizeof data;
             len += sizeof data - 10) { /* whole, and in fragments */
            wire_open(&w, &(struct wire_config){.delay = MS});
            struct stack_udp *u;
            assert_int_equal(stack_udp_open(w.a.stack, 0, &handler, NULL, &u), 0);
            w.a.sniff = catch;
            struct endpoint to = at(complaints[i].to, 53);
            assert_int_equal(stack_udp_send(u, &to, data, len), 0);
            if (len > 1400) { /* the first fragment is quoted */
                w.a.sniff = NULL;
                uint8_t whole[5000];
                bool v4 = to.addr.family == FAMILY_V4;
                size_t n = make_udp(whole, v4 ? "10.0.0.1" : "fd00::1", stack_udp_port(u),
                                    complaints[i].to, 53, data, len);
                caught_len = make_fragment(caught, whole, n, 1, 0, 1360);
            } else {
                wire_pass(&w, 0);
            }
            udp_error = 0;
            complain(complaints[i].type, complaints[i].code, 1280, 100);
            assert_int_equal(udp_error, complaints[i].err);
            if (udp_error) {
                assert_true(endpoint_equal(&udp_to, &to));
            }
            wire_close(&w);
        }
    }
}

static void random_errors_do_no_harm(void **state)
{
    (void)state;
    begin_connecting("10.0.0.2");
    for (int i = 0; i < 20000; i++) {
        uint8_t ip[200], quote[120];
        size_t n = rng_below(&w.rng, sizeof quote);
        rng_fill(&w.rng, quote, n);
        bool v4 = i % 2;
        if (n > 0 && i % 3) {
            quote[0] = v4 ? 0x45 : 0x60;
        }
        size_t len =
            make_icmp(ip, v4 ? "192.0.2.1" : "2001:db8::1", v4 ? "10.0.0.1" : "fd00::1",
                      (uint8_t)(v4 ? 3 : 1 + i % 3), (uint8_t)(i % 16), rng_u32(&w.rng), quote, n);
        wire_inject(&w.a, ip, len);
    }
    assert_false(peer_has_failed(&client));
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_attempt_fails_at_once),
        cmocka_unit_test(an_error_must_quote_enough),
        cmocka_unit_test(a_forged_error_is_ignored),
        cmocka_unit_test(a_later_fragment_says_nothing),
        cmocka_unit_test(an_established_connection_lives_on),
        cmocka_unit_test(a_socket_hears_of_its_datagram),
        cmocka_unit_test(random_errors_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
