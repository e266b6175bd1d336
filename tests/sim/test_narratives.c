/* SPDX-License-Identifier: MIT */
/* What happens on the wire when, told as stories: two whole applications in virtual time. Times are since the start. */
#include "sim_pair.h"
#include "unit/test.h"

#define S NS_PER_S
#define MS NS_PER_MS

static const struct sim_pair_options plain = SIM_PAIR_PLAIN;

static void the_first_connection_brings_the_tunnel_up(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 1, &plain);
    sim_run_to(p.sim, 60 * S);
    assert_int_equal(p.sim->n_wire, 0); /* nobody asked: nothing was sent */
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 61 * S), 0);
    assert_true(sim_when(p.sim, CLIENT, 1, 0, 0) == 60 * S);
    assert_true(sim_when(p.sim, FAR, 2, 0, 0) == 60 * S + 10 * MS);
    assert_true(sim_when(p.sim, CLIENT, 4, 0, 0) == 60 * S + 20 * MS);
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 1);
    assert_true(sim_pair_echo(&p, c, 100000, 70 * S));
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void ipv6_inside_works_alike(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 2, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V6, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 100000, 10 * S));
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void the_door_tells_the_cause(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 3, &plain);
    struct sim_client *refused = sim_pair_ask(&p, FAR_V4, 9);
    struct sim_client *unrouted = sim_pair_ask(&p, "10.10.0.1", 80);
    struct sim_client *silent =
        sim_pair_ask(&p, "10.9.0.77", 80); /* routed to the peer, who is not that */
    assert_int_equal(sim_pair_reply(&p, unrouted, 1 * S), 3);
    assert_int_equal(sim_pair_reply(&p, refused, 1 * S), 5);
    assert_int_equal(sim_pair_reply(&p, silent, 14 * S), 256);
    assert_int_equal(sim_pair_reply(&p, silent, 16 * S), 6);
    sim_client_free(refused);
    sim_client_free(unrouted);
    sim_client_free(silent);
    sim_pair_fini(&p);
}

static void a_lost_handshake_is_tried_again_and_nothing_staged_is_lost(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 4, &plain);
    p.sim->hosts[CLIENT].out.down = true;
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    sim_run_to(p.sim, 4 * S);
    p.sim->hosts[CLIENT].out.down = false;
    assert_int_equal(sim_pair_reply(&p, c, 7 * S), 0);
    uint64_t second = sim_when(p.sim, CLIENT, 1, 1, 0);
    assert_in_range(second, 5 * S, 5 * S + 334 * MS); /* REKEY_TIMEOUT and its jitter */
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 2);
    assert_true(sim_pair_echo(&p, c, 1000, 10 * S));
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void a_peer_that_never_answers_is_given_up_after_ninety_seconds(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 5, &plain);
    p.sim->hosts[CLIENT].out.down = true;
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 26 * S), 4); /* not the target's silence: the peer's */
    sim_run_to(p.sim, 300 * S);
    /* 20 since the last packet that wanted to leave, which was a SYN of the first 25 s, as in the kernel */
    unsigned tries = sim_sent(p.sim, CLIENT, 1, 0, NEVER);
    assert_in_range(tries, 20, 25);
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 25 * S + 20 * (5 * S + 334 * MS), NEVER), 0);
    p.sim->hosts[CLIENT].out.down = false;
    sim_client_free(c);
    c = sim_pair_ask(&p, FAR_V4, ECHO_PORT); /* new traffic starts over */
    assert_int_equal(sim_pair_reply(&p, c, 302 * S), 0);
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void both_ends_may_begin_at_once(void **state)
{
    (void)state;
    static const struct sim_pair_options eager = {
        .client_interface = "",
        .client_peer = "PersistentKeepalive = 25\n",
        .far_interface = "",
        .far_peer = "PersistentKeepalive = 25\nEndpoint = 192.0.2.1:51821\n",
    };
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct sim_pair p;
        sim_pair_init(&p, seed, &eager);
        struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
        assert_int_equal(sim_sent(p.sim, FAR, 1, 0, NEVER), 1);
        assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 1);
        assert_int_equal(sim_pair_reply(&p, c, 8 * S), 0);
        assert_true(sim_pair_echo(&p, c, 10000, 20 * S));
        assert_true(sim_sent(p.sim, 0, 1, 0, NEVER) + sim_sent(p.sim, 1, 1, 0, NEVER) <= 4);
        sim_client_free(c);
        sim_pair_fini(&p);
    }
}

static void a_session_is_renewed_every_two_minutes_under_traffic(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 6, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    for (uint64_t t = 1; t <= 600; t++) {
        assert_true(sim_pair_echo(&p, c, 500, t * S + 500 * MS)); /* never later than usual */
        sim_run_to(p.sim, (t + 1) * S);
    }
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 5); /* 0, 120, 240, 360, 480 */
    assert_int_equal(sim_sent(p.sim, FAR, 1, 0, NEVER), 0);    /* only the initiator renews */
    for (unsigned n = 1; n < 5; n++) {
        uint64_t at = sim_when(p.sim, CLIENT, 1, n, 0);
        assert_in_range(at, n * 120 * S, n * 120 * S + 6 * S);
    }
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void a_session_ends_after_three_minutes_without_renewal(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 7, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    sim_run_to(p.sim, 100 * S);
    p.sim->hosts[FAR].out.down = true;
    uint8_t byte = 'x';
    sim_client_send(c, &byte, 1); /* retransmitted without end */
    sim_run_to(p.sim, 200 * S);
    assert_true(sim_sent(p.sim, CLIENT, 4, 100 * S, 180 * S) > 3);
    assert_int_equal(sim_sent(p.sim, CLIENT, 4, 181 * S, NEVER), 0);
    assert_true(sim_sent(p.sim, CLIENT, 1, 115 * S, 200 * S) >= 10); /* while it tries to renew */
    p.sim->hosts[FAR].out.down = false;
    assert_true(sim_pair_wait(&p, c, 1, 240 * S)); /* and the byte comes back in the end */
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void a_peer_that_lost_its_memory_is_found_again(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 8, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    sim_run_to(p.sim, 30 * S);
    sim_pair_far_off(&p);
    sim_pair_far_on(&p, &plain);
    struct sim_client *d = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    /* 15 s without an answer, then a handshake; the dial waits for it, and does not wait for TCP's own time */
    assert_int_equal(sim_pair_reply(&p, d, 46 * S), 0);
    assert_in_range(sim_when(p.sim, CLIENT, 1, 1, 0), 45 * S, 45 * S + 334 * MS);
    assert_true(sim_pair_echo(&p, d, 1000, 60 * S));
    sim_client_free(c);
    sim_client_free(d);
    sim_pair_fini(&p);
}

static void an_idle_tunnel_is_silent_and_wakes_nobody(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 9, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 1000, 2 * S));
    sim_client_free(c);
    sim_run_to(p.sim, 60 * S);
    uint64_t quiet = sim_time(p.sim);
    uint64_t wakes[2] = {p.sim->hosts[0].wakes, p.sim->hosts[1].wakes};
    sim_run_to(p.sim, 4 * 3600 * S);
    for (unsigned h = 0; h < 2; h++) {
        assert_int_equal(sim_sent(p.sim, h, 0, quiet, NEVER), 0);
        assert_true(p.sim->hosts[h].wakes - wakes[h] <= 3); /* to wipe the keys, and no more */
        assert_true(p.sim->hosts[h].deadline == NEVER);
    }
    c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, sim_time(p.sim) + 1 * S), 0);
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void an_open_connection_that_says_nothing_sends_nothing(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 10, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    sim_run_to(p.sim, 60 * S);
    sim_run_to(p.sim, 2 * 3600 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 0, 60 * S, NEVER), 0);
    assert_int_equal(sim_sent(p.sim, FAR, 0, 60 * S, NEVER), 0);
    assert_true(sim_pair_echo(&p, c, 1000, sim_time(p.sim) + 5 * S)); /* and is still there */
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void persistent_keepalive_keeps_its_rhythm(void **state)
{
    (void)state;
    static const struct sim_pair_options keep = {
        .client_interface = "",
        .client_peer = "PersistentKeepalive = 25\n",
        .far_interface = "",
        .far_peer = "",
    };
    struct sim_pair p;
    sim_pair_init(&p, 11, &keep);
    sim_run_to(p.sim, 3600 * S);
    assert_true(sim_when(p.sim, CLIENT, 1, 0, 0) < 1 * MS); /* at once, without traffic */
    /* A datagram of whatever kind at least every 25 s, as the path's translator needs. */
    uint64_t last = 0;
    for (size_t i = 0; i < p.sim->n_wire; i++) {
        const struct sim_wire *w = &p.sim->wire[i];
        if (w->from == CLIENT) {
            assert_true(w->at - last <= 26 * S);
            last = w->at;
        }
    }
    assert_in_range(sim_sent(p.sim, CLIENT, 4, 0, NEVER), 130, 200);
    assert_in_range(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 24, 31);
    sim_pair_fini(&p);
}

static void a_half_closed_connection_still_answers(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 12, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    static uint8_t data[300000];
    sim_client_send(c, data, sizeof data);
    sim_client_shutdown(c);
    assert_true(sim_pair_wait(&p, c, sizeof data, 60 * S));
    sim_run_to(p.sim, sim_time(p.sim) + 1 * S);
    assert_true(sim_client_eof(c));
    assert_false(sim_client_was_reset(c));
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void noise_from_strangers_is_never_answered(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 13, &plain);
    struct endpoint stranger = {.addr = p.sim->hosts[CLIENT].address, .port = 9};
    uint8_t junk[2000];
    for (size_t len = 0; len < sizeof junk; len += 7) {
        rng_fill(&p.sim->rng, junk, len);
        if (len >= 4) {
            junk[0] = (uint8_t)(1 + len % 5);
            junk[1] = junk[2] = junk[3] = 0;
        }
        sim_inject(p.sim, FAR, &stranger, junk, len);
    }
    sim_run_to(p.sim, 1 * S);
    assert_int_equal(sim_sent(p.sim, FAR, 0, 0, NEVER), 0);
    sim_pair_fini(&p);
}

/* ---- a peer with a name ---- */

static const struct sim_pair_options named = {
    .client_interface = "",
    .client_peer = "",
    .far_interface = "",
    .far_peer = "",
    .endpoint = "vpn.example:51820",
};

static struct addr address(const char *text)
{
    struct addr a;
    assert_true(addr_parse(&a, text));
    return a;
}

static void set_name(struct sim *s, const char *first, const char *second)
{
    s->name = (struct sim_name){
        .name = "vpn.example", .n = second != NULL ? 2 : 1, .asked = s->name.asked};
    s->name.found[0] = address(first);
    if (second != NULL) {
        s->name.found[1] = address(second);
    }
}

static void a_tunnel_may_start_before_the_network_does(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 20, &named); /* nothing can be resolved yet */
    sim_run_to(p.sim, 100 * S);
    assert_in_range(p.sim->name.asked, 5, 9);
    set_name(p.sim, "192.0.2.2", NULL);
    sim_run_to(p.sim, 131 * S);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 132 * S), 0);
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void the_second_address_is_tried_when_the_first_is_silent(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 21, &named);
    set_name(p.sim, "192.0.2.99", "192.0.2.2");
    sim_run_to(p.sim, 2 * S);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    sim_run_to(p.sim, 20 * S);
    struct sim_client *d = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, d, 23 * S), 0);
    sim_client_free(c);
    sim_client_free(d);
    sim_pair_fini(&p);
}

static void a_peer_whose_name_moved_is_followed_within_twenty_seconds(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 22, &named);
    set_name(p.sim, "192.0.2.2", NULL);
    sim_run_to(p.sim, 2 * S);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 3 * S), 0);
    sim_run_to(p.sim, 60 * S);
    set_name(p.sim, "192.0.2.3", NULL);
    p.sim->hosts[FAR].address =
        address("192.0.2.3"); /* a new address: nothing reaches the old one */
    sim_client_send(c, "hello", 5);
    assert_true(sim_pair_wait(&p, c, 5,
                              80 * S)); /* 10 s of silence ask for the name, 15 s for a handshake */
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void a_used_tunnel_asks_for_the_name_every_few_minutes_and_an_idle_one_never(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 23, &named);
    set_name(p.sim, "192.0.2.2", NULL);
    sim_run_to(p.sim, 2 * S);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 3 * S), 0);
    unsigned before = p.sim->name.asked;
    for (uint64_t t = 3; t < 1203; t += 10) {
        assert_true(sim_pair_echo(&p, c, 10, (t + 5) * S));
        sim_run_to(p.sim, (t + 10) * S);
    }
    assert_in_range(p.sim->name.asked - before, 2, 4);
    before = p.sim->name.asked;
    sim_run_to(p.sim, 10000 * S);
    assert_in_range(p.sim->name.asked - before, 0, 1);
    sim_client_free(c);
    sim_pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_connection_brings_the_tunnel_up),
        cmocka_unit_test(ipv6_inside_works_alike),
        cmocka_unit_test(the_door_tells_the_cause),
        cmocka_unit_test(a_lost_handshake_is_tried_again_and_nothing_staged_is_lost),
        cmocka_unit_test(a_peer_that_never_answers_is_given_up_after_ninety_seconds),
        cmocka_unit_test(both_ends_may_begin_at_once),
        cmocka_unit_test(a_session_is_renewed_every_two_minutes_under_traffic),
        cmocka_unit_test(a_session_ends_after_three_minutes_without_renewal),
        cmocka_unit_test(a_peer_that_lost_its_memory_is_found_again),
        cmocka_unit_test(an_idle_tunnel_is_silent_and_wakes_nobody),
        cmocka_unit_test(an_open_connection_that_says_nothing_sends_nothing),
        cmocka_unit_test(persistent_keepalive_keeps_its_rhythm),
        cmocka_unit_test(a_half_closed_connection_still_answers),
        cmocka_unit_test(noise_from_strangers_is_never_answered),
        cmocka_unit_test(a_tunnel_may_start_before_the_network_does),
        cmocka_unit_test(the_second_address_is_tried_when_the_first_is_silent),
        cmocka_unit_test(a_peer_whose_name_moved_is_followed_within_twenty_seconds),
        cmocka_unit_test(a_used_tunnel_asks_for_the_name_every_few_minutes_and_an_idle_one_never),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
