/* SPDX-License-Identifier: MIT */
/* The whole module over the real stack and the real resolver: what the puppets promised must hold
 * there too. */
#include "house.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)
#define BYTES(s) (s), sizeof(s) - 1

#define HELLO "\x05\x01\x00"
#define TO_V4 HELLO "\x05\x01\x00\x01\x0a\x00\x00\x02\x00\x50"
#define TO_V4_PORT_81 HELLO "\x05\x01\x00\x01\x0a\x00\x00\x02\x00\x51"
#define TO_V6 HELLO "\x05\x01\x00\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x00\x50"
#define TO_NAME                  \
    HELLO "\x05\x01\x00\x03\x0b" \
          "far.example"          \
          "\x00\x50"
#define TO_NOWHERE               \
    HELLO "\x05\x01\x00\x03\x0f" \
          "nowhere.example"      \
          "\x00\x50"

static const struct wire_config near = {.delay = MS};

static unsigned reply_of(const struct fake_client *c)
{
    assert_true(c->output.len >= 12);
    return c->output.data[3];
}

static void assert_stream(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] != house_byte(i)) {
            fail_msg("byte %zu of %zu", i, len);
        }
    }
}

static void send_stream(struct fake_client *c, size_t len)
{
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = house_byte(i);
    }
    fake_client_send(c, bytes, len);
    free(bytes);
}

static void an_echo_comes_back_over_ipv4_and_ipv6(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *a = house_visit(h, BYTES(TO_V4 "over four"));
    struct fake_client *b = house_visit(h, BYTES(TO_V6 "over six!"));
    fake_client_shutdown(a);
    fake_client_shutdown(b);
    house_pass(h, 20 * MS);
    assert_int_equal(a->output.len, 12 + 9);
    assert_memory_equal(a->output.data, "\x05\x00\x05\x00\x00\x01\x0a\x00\x00\x01", 10);
    assert_memory_equal(a->output.data + 12, "over four", 9);
    assert_int_equal(b->output.len, 24 + 9);
    assert_memory_equal(b->output.data + 24, "over six!", 9);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    house_free(h);
}

static void a_name_is_resolved_through_the_tunnel(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *c = house_visit(h, BYTES(TO_NAME "hello"));
    fake_client_shutdown(c);
    house_pass(h, 100 * MS);
    assert_int_equal(reply_of(c), 0);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    assert_int_equal(h->dns_over_udp, 2);
    assert_int_equal(h->dns_over_tcp, 0);
    house_free(h);
}

static void a_truncated_answer_is_asked_for_again_over_tcp(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    h->dns_truncates = true;
    struct fake_client *c = house_visit(h, BYTES(TO_NAME "hello"));
    fake_client_shutdown(c);
    house_pass(h, 100 * MS);
    assert_int_equal(reply_of(c), 0);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    assert_int_equal(h->dns_over_tcp, 2);
    house_free(h);
}

static void refusals_are_truthful(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *refused = house_visit(h, BYTES(TO_V4_PORT_81));
    struct fake_client *nowhere = house_visit(h, BYTES(TO_NOWHERE));
    house_pass(h, 100 * MS);
    assert_int_equal(reply_of(refused), 5);
    assert_int_equal(reply_of(nowhere), 4);
    h->wire.a.no_route = ERR_NO_ROUTE;
    struct fake_client *no_route = house_visit(h, BYTES(TO_V4));
    house_pass(h, 10 * MS);
    assert_int_equal(reply_of(no_route), 3);
    house_free(h);
}

static bool swallow(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    (void)ip;
    (void)len;
    return true;
}

static void silence_is_a_timeout_after_fifteen_seconds(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    h->wire.a.sniff = swallow;
    struct fake_client *c = house_visit(h, BYTES(TO_V4));
    house_pass(h, 14900 * MS);
    assert_int_equal(c->output.len, 2);
    house_pass(h, 200 * MS);
    assert_int_equal(reply_of(c), 6);
    house_free(h);
}

static void a_family_that_the_tunnel_lacks_is_no_route(void **state)
{
    (void)state;
    static const struct wire_config v4_only = {.delay = MS, .a = {"10.0.0.1"}, .b = {"10.0.0.2"}};
    struct house *h = house_new(&v4_only);
    struct fake_client *c = house_visit(h, BYTES(TO_V6));
    house_pass(h, 10 * MS);
    assert_int_equal(reply_of(c), 3);
    house_free(h);
}

/* The request 8 MiB up, an end of file, and only then 1 MiB down; `head` is what the door says before. */
static void half_close(struct house *h, struct fake_client *c, size_t head)
{
    h->manner = FAR_AFTERMATH;
    h->answer = MIB;
    send_stream(c, 8 * MIB);
    fake_client_shutdown(c);
    for (unsigned i = 0; i < 100 && proxy_sessions(h->proxy) > 0; i++) {
        house_pass(h, 100 * MS);
    }
    assert_int_equal(h->conns[0].received.len, 8 * MIB);
    assert_stream(h->conns[0].received.data, 8 * MIB);
    assert_int_equal(c->output.len, head + MIB);
    assert_stream(c->output.data + head, MIB);
    assert_true(c->shut);
    assert_int_equal(c->fate, FAKE_CLOSED);
}

static void half_close_is_kept_with_8_mib_up_and_1_mib_down(void **state)
{
    (void)state;
    static const char http_reply[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    struct house *h = house_new(&near);
    half_close(h, house_visit(h, BYTES(TO_V4)), 12);
    house_free(h);

    h = house_new(&near);
    half_close(h, house_visit(h, BYTES("\x04\x01\x00\x50\x0a\x00\x00\x02\0")), 8);
    house_free(h);

    h = house_new(&near);
    half_close(h,
               house_visit(h, BYTES("CONNECT 10.0.0.2:80 HTTP/1.1\r\nHost: 10.0.0.2:80\r\n\r\n")),
               sizeof http_reply - 1);
    house_free(h);

    h = house_new(&near);
    house_forwards(h, "10.0.0.2:80");
    half_close(h, house_visit(h, "", 0), 0);
    house_free(h);
}

#define BIND HELLO "\x05\x02\x00\x01\x0a\x00\x00\x02\x00\x15"

/* Where the first reply to a BIND says that we wait. */
static const char *bound_at(const struct fake_client *c, char out[ENDPOINT_TEXT])
{
    assert_int_equal(c->output.len, 12);
    struct endpoint e = {
        .addr = addr_from_bytes(FAMILY_V4, c->output.data + 6),
        .port = (uint16_t)(c->output.data[10] << 8 | c->output.data[11]),
    };
    return endpoint_format(&e, out);
}

static void a_bound_port_lets_one_in(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *c = house_visit(h, BYTES(BIND));
    house_pass(h, 20 * MS);
    char where[ENDPOINT_TEXT];
    struct far_conn *in = house_call(h, bound_at(c, where));
    house_pass(h, 20 * MS);
    assert_int_equal(c->output.len, 12 + 10);
    assert_memory_equal(c->output.data + 12, "\x05\x00\x00\x01\x0a\x00\x00\x02", 8);
    const struct far_conn *late = house_call(h, where);
    fake_client_send(c, "active", 6);
    fake_client_shutdown(c);
    house_pass(h, 50 * MS);
    assert_int_equal(in->received.len, 6);
    assert_int_equal(c->output.len, 12 + 10 + 6);
    assert_int_equal(c->fate, FAKE_CLOSED);
    assert_int_equal(late->err, ERR_REFUSED);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    house_free(h);
}

static void a_bound_port_is_gone_with_its_client(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *c = house_visit(h, BYTES(BIND));
    house_pass(h, 20 * MS);
    char where[ENDPOINT_TEXT];
    bound_at(c, where);
    fake_client_shutdown(c);
    house_pass(h, 20 * MS);
    const struct far_conn *in = house_call(h, where);
    house_pass(h, 20 * MS);
    assert_int_equal(in->err, ERR_REFUSED);
    house_free(h);
}

static void it_holds_under_loss_and_reordering(void **state)
{
    (void)state;
    static const struct wire_config bad = {
        .delay = 5 * MS, .jitter = 2 * MS, .loss = 10, .duplicate = 5, .seed = 7};
    struct house *h = house_new(&bad);
    struct fake_client *c = house_visit(h, BYTES(TO_V4));
    send_stream(c, 200 * KIB);
    fake_client_shutdown(c);
    for (unsigned i = 0; i < 1200 && proxy_sessions(h->proxy) > 0; i++) {
        house_pass(h, 100 * MS);
    }
    assert_int_equal(c->output.len, 12 + 200 * KIB);
    assert_stream(c->output.data + 12, 200 * KIB);
    house_free(h);
}

static void a_reset_stays_a_reset_in_both_directions(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    struct fake_client *a = house_visit(h, BYTES(TO_V4 "x"));
    house_pass(h, 20 * MS);
    fake_client_reset(a);
    house_pass(h, 20 * MS);
    assert_int_equal(h->conns[0].err, ERR_RESET);

    struct fake_client *b = house_visit(h, BYTES(TO_V4 "x"));
    house_pass(h, 20 * MS);
    stack_tcp_abort(h->conns[1].t);
    h->conns[1].t = NULL;
    house_pass(h, 20 * MS);
    assert_int_equal(b->fate, FAKE_ABORTED);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    house_free(h);
}

/* What is under way to a client that does not read is bounded by the window, and nothing is lost
 * when it reads on. */
static void a_slow_client_holds_up_its_own_sender(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    h->manner = FAR_AFTERMATH;
    h->answer = 32 * MIB;
    struct fake_client *c = house_visit(h, BYTES(TO_V4 "get"));
    fake_client_shutdown(c);
    house_pass(h, 5 * MS);
    c->room = 64 * KIB;
    house_pass(h, 2 * NS_PER_S);
    size_t ahead = h->conns[0].sent - c->output.len;
    assert_true(ahead < 2 * MIB); /* a receive window here and a send queue there */
    house_pass(h, 2 * NS_PER_S);
    assert_int_equal(h->conns[0].sent - c->output.len, ahead); /* it stands still */

    struct fake_client *other = house_visit(h, BYTES(TO_V4 "get")); /* and others do not */
    fake_client_shutdown(other);
    for (unsigned i = 0; i < 300 && other->output.len < 12 + h->answer; i++) {
        house_pass(h, 100 * MS);
    }
    assert_int_equal(other->output.len, 12 + h->answer);

    for (unsigned i = 0; i < 300 && proxy_sessions(h->proxy) > 0; i++) {
        c->room = SIZE_MAX;
        house_pass(h, 100 * MS);
    }
    assert_int_equal(c->output.len, 12 + h->answer);
    assert_stream(c->output.data + 12, h->answer);
    house_free(h);
}

static void two_hundred_flows_run_side_by_side(void **state)
{
    (void)state;
    struct house *h = house_new(&near);
    for (unsigned i = 0; i < HOUSE_CLIENTS; i++) {
        struct fake_client *c =
            i % 2 == 0 ? house_visit(h, BYTES(TO_V4)) : house_visit(h, BYTES(TO_V6));
        send_stream(c, 1000 + i);
        fake_client_shutdown(c);
    }
    house_pass(h, NS_PER_S);
    assert_int_equal(proxy_sessions(h->proxy), 0);
    for (unsigned i = 0; i < HOUSE_CLIENTS; i++) {
        size_t head = i % 2 == 0 ? 12 : 24;
        assert_int_equal(h->clients[i].output.len, head + 1000 + i);
        assert_stream(h->clients[i].output.data + head, 1000 + i);
    }
    house_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_echo_comes_back_over_ipv4_and_ipv6),
        cmocka_unit_test(a_name_is_resolved_through_the_tunnel),
        cmocka_unit_test(a_truncated_answer_is_asked_for_again_over_tcp),
        cmocka_unit_test(refusals_are_truthful),
        cmocka_unit_test(silence_is_a_timeout_after_fifteen_seconds),
        cmocka_unit_test(a_family_that_the_tunnel_lacks_is_no_route),
        cmocka_unit_test(half_close_is_kept_with_8_mib_up_and_1_mib_down),
        cmocka_unit_test(a_bound_port_lets_one_in),
        cmocka_unit_test(a_bound_port_is_gone_with_its_client),
        cmocka_unit_test(it_holds_under_loss_and_reordering),
        cmocka_unit_test(a_reset_stays_a_reset_in_both_directions),
        cmocka_unit_test(a_slow_client_holds_up_its_own_sender),
        cmocka_unit_test(two_hundred_flows_run_side_by_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
