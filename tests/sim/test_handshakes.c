/* SPDX-License-Identifier: MIT */
/* Stories about handshakes that do not go as they should: answers that are not confirmed, crossed ones, old ones said again,
 * wrong keys, wrong clocks. */
#include <stdlib.h>
#include <string.h>

#include "sim_pair.h"
#include "sim_watch.h"
#include "unit/seeded.h"
#include "unit/test.h"
#include "wg/cookie.h"

#define S NS_PER_S
#define MS NS_PER_MS
#define YEAR (INT64_C(365) * 86400 * (int64_t)NS_PER_S)

static const struct sim_pair_options plain = SIM_PAIR_PLAIN;

static struct endpoint at(const char *text)
{
    struct endpoint e;
    assert_true(endpoint_parse(&e, text));
    return e;
}

/* A pair that is looked on at. */
static struct sim_watch *begin(struct sim_pair *p, uint64_t seed,
                               const struct sim_pair_options *options)
{
    *p = (struct sim_pair){.sim = sim_new(seed)};
    struct sim_watch *w = sim_watch_new(p->sim, 1452);
    struct endpoint far = at("192.0.2.2:51820"), client = at("192.0.2.1:51821");
    sim_watch_allow(w, CLIENT, &far);
    sim_watch_allow(w, FAR, &client);
    sim_pair_far_on(p, options);
    sim_pair_client_on(p, options);
    return w;
}

static void end(struct sim_pair *p, struct sim_watch *w)
{
    sim_watch_free(w);
    sim_pair_fini(p);
}

static void who_answers_waits_for_the_confirmation(void **state)
{
    (void)state;
    static const struct sim_pair_options talkative = {
        .client_interface = "",
        .client_peer = "PersistentKeepalive = 60\n",
        .far_interface = "",
        .far_peer = "PersistentKeepalive = 1\n",
    };
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 40, &talkative);
    sim_run_to(p.sim, 5 * MS); /* the initiation is under way */
    p.sim->hosts[CLIENT].out.down = true;
    sim_run_to(p.sim, 30 * S);
    assert_int_equal(sim_sent(p.sim, FAR, 2, 0, 30 * S), 1);
    assert_in_range(sim_sent(p.sim, FAR, 1, 0, 30 * S), 3,
                    6); /* it has things to say, and begins a handshake of its own */
    assert_int_equal(sim_sent(p.sim, FAR, 4, 0, 30 * S), 0);
    p.sim->hosts[CLIENT].out.down = false;
    sim_run_to(p.sim, 40 * S);
    assert_true(sim_sent(p.sim, FAR, 4, 30 * S, 40 * S) > 3);
    end(&p, w);
}

static void crossed_handshakes_settle_at_any_delay(void **state)
{
    (void)state;
    static const struct sim_pair_options eager = {
        .client_interface = "",
        .client_peer = "PersistentKeepalive = 25\n",
        .far_interface = "",
        .far_peer = "PersistentKeepalive = 25\nEndpoint = 192.0.2.1:51821\n",
    };
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct sim_pair p;
        struct sim_watch *w = begin(&p, seed, &eager);
        p.sim->hosts[CLIENT].out.delay = seed * 7 % 60 * 5 * MS;
        p.sim->hosts[FAR].out.delay = seed * 11 % 60 * 5 * MS;
        struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
        assert_int_equal(sim_pair_reply(&p, c, 10 * S), 0);
        assert_true(sim_pair_echo(&p, c, 10000, 20 * S));
        assert_true(sim_sent(p.sim, 0, 1, 0, NEVER) + sim_sent(p.sim, 1, 1, 0, NEVER) <= 4);
        sim_client_free(c);
        end(&p, w);
    }
}

static void old_words_from_a_third_address_change_nothing(void **state)
{
    (void)state;
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 42, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 20000, 5 * S));
    sim_run_to(p.sim, 30 * S); /* all keepalives are said */
    struct endpoint stranger = at("203.0.113.66:51820");
    for (unsigned host = 0; host < 2; host++) {
        const uint8_t *data;
        size_t len;
        for (unsigned i = 0; i < 64; i++) {
            assert_true(sim_watch_captured(w, host, i, &data, &len));
            sim_inject(p.sim, host, &stranger, data, len);
        }
    }
    sim_run_to(p.sim, 60 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 0, 30 * S, 60 * S), 0);
    assert_int_equal(sim_sent(p.sim, FAR, 0, 30 * S, 60 * S), 0);
    assert_true(sim_pair_echo(&p, c, 20000,
                              65 * S)); /* to the old addresses, or the watcher would say so */
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 1);
    sim_client_free(c);
    end(&p, w);
}

/* ---- keys that do not fit ---- */

static void a_wrong_preshared_key_is_named_and_no_data_flows(void **state)
{
    (void)state;
    static const struct sim_pair_options wrong = {
        .client_interface = "",
        .client_peer = "PresharedKey = //8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        .far_interface = "",
        .far_peer = "",
    };
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 43, &wrong);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 26 * S), 4);
    sim_run_to(p.sim, 80 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 4, 0, NEVER), 0);
    assert_int_equal(sim_sent(p.sim, FAR, 4, 0, NEVER), 0);
    assert_true(sim_sent(p.sim, FAR, 2, 0, NEVER) >= 10); /* whose initiations are good */
    assert_int_equal(sim_said(p.sim, CLIENT, "has not answered for 15 s"), 1);
    assert_int_equal(sim_said(p.sim, CLIENT, "PresharedKey or PublicKey differ"), 1);
    sim_client_free(c);
    end(&p, w);
}

static void mistaken_keys_are_met_with_silence(void **state)
{
    (void)state;
    static const struct sim_pair_options wrong[2] = {
        {.client_interface = "",
         .client_peer = "",
         .far_interface = "",
         .far_peer = "",
         .client_is_mistaken = true},
        {.client_interface = "",
         .client_peer = "",
         .far_interface = "",
         .far_peer = "",
         .far_is_mistaken = true},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct sim_pair p;
        struct sim_watch *w = begin(&p, 44, &wrong[i]);
        struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
        assert_int_equal(sim_pair_reply(&p, c, 26 * S), 4);
        sim_run_to(p.sim, 80 * S);
        assert_int_equal(sim_sent(p.sim, FAR, 0, 0, NEVER), 0);
        assert_int_equal(sim_sent(p.sim, CLIENT, 4, 0, NEVER), 0);
        assert_int_equal(sim_said(p.sim, CLIENT, "has not answered for 15 s"), 1);
        assert_int_equal(sim_said(p.sim, CLIENT, "nothing came back"), 1);
        sim_client_free(c);
        end(&p, w);
    }
}

static void a_far_side_that_took_another_key_is_told_from_the_wire(void **state)
{
    (void)state;
    static const struct sim_pair_options stranger = {
        .client_interface = "",
        .client_peer = "",
        .far_interface = "",
        .far_peer = "PersistentKeepalive = 5\nEndpoint = 192.0.2.1:51821\n",
        .far_is_mistaken = true,
    };
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 45, &stranger);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    sim_run_to(p.sim, 80 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 2, 0, NEVER),
                     0); /* what is for another key is not answered */
    assert_int_equal(sim_said(p.sim, CLIENT, "came for another public key"), 1);
    sim_client_free(c);
    end(&p, w);
}

/* ---- clocks ---- */

static void use_until(struct sim_pair *p, uint64_t until)
{
    while (sim_time(p->sim) < until) {
        struct sim_client *c = sim_pair_ask(p, FAR_V4, ECHO_PORT);
        assert_int_equal(sim_pair_reply(p, c, sim_time(p->sim) + 2 * S), 0);
        assert_true(sim_pair_echo(p, c, 1000, sim_time(p->sim) + 2 * S));
        sim_client_free(c);
        sim_run_to(p->sim, sim_time(p->sim) + 5 * S);
    }
}

static void a_clock_set_back_by_years_is_told_and_harms_nothing(void **state)
{
    (void)state;
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 46, &plain);
    use_until(&p, 60 * S);
    p.sim->hosts[CLIENT].wall_ahead = -10 * YEAR;
    use_until(&p, 500 * S);
    assert_in_range(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 4, 6);
    assert_int_equal(sim_said(p.sim, CLIENT, "the clock was set back by 3153"),
                     1);                 /* ten years, once */
    p.sim->hosts[CLIENT].wall_ahead = 0; /* and right again */
    use_until(&p, 900 * S);
    assert_int_equal(sim_said(p.sim, CLIENT, "the clock was set back"), 1);
    end(&p, w);
}

static void a_clock_that_was_years_ahead_for_a_while_harms_nothing(void **state)
{
    (void)state;
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 47, &plain);
    p.sim->hosts[CLIENT].wall_ahead = 10 * YEAR;
    use_until(&p, 200 * S);
    assert_int_equal(sim_said(p.sim, CLIENT, "the clock was"), 0);
    p.sim->hosts[CLIENT].wall_ahead = 0;
    p.sim->hosts[FAR].wall_ahead = -10 * YEAR;
    use_until(&p, 600 * S);
    assert_int_equal(sim_said(p.sim, CLIENT, "the clock was set back"), 1);
    end(&p, w);
}

static void two_hours_of_sleep_cost_one_handshake(void **state)
{
    (void)state;
    struct sim_pair p;
    struct sim_watch *w = begin(&p, 48, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 1000, 2 * S));
    sim_run_to(p.sim, 30 * S); /* everything is acknowledged */
    sim_host_sleep(p.sim, CLIENT);
    sim_run_to(p.sim, 7200 * S);
    sim_host_wake(p.sim, CLIENT);
    assert_true(sim_pair_echo(&p, c, 1000, 7201 * S)); /* the same connection */
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER), 2);
    sim_client_free(c);
    end(&p, w);
}

/* Somebody on the path who knows the far host's public key answers each call with a cookie. */
struct impostor {
    struct sim *sim;
    struct cookie_checker checker;
    uint64_t chance;
    struct rng rng;
    unsigned with_cookie; /* calls that show one */
};

static void answer_with_a_cookie(void *ctx, const struct sim_host *by, const struct endpoint *to,
                                 const uint8_t *data, size_t len)
{
    struct impostor *i = ctx;
    if (by->number != CLIENT || msg_type(data) != MSG_INITIATION) {
        return;
    }
    const struct msg_initiation *msg = (const struct msg_initiation *)data;
    struct endpoint from = {.addr = by->address, .port = 51821};
    struct msg_cookie reply;
    i->with_cookie += cookie_mac2_is_valid(&i->checker, &i->rng, data, len, &from, i->sim->now);
    cookie_create_reply(&i->checker, &i->rng, &reply, msg->sender, data, len, &from, i->sim->now);
    sim_inject(i->sim, CLIENT, to, &reply, sizeof reply);
}

static struct impostor begin_to_lie(struct sim *s)
{
    struct impostor i = {.sim = s};
    char own[KEY_TEXT], far[KEY_TEXT];
    uint8_t key[KEY_LEN];
    sim_pair_keys(CLIENT, FAR, own, far);
    assert_true(key_from_base64(key, far));
    cookie_checker_init(&i.checker, key);
    return i;
}

/* How many packets TCP sends until it gives up a peer that has vanished, and when that is. */
static unsigned packets_in_vain(bool with_cookies, uint64_t *given_up)
{
    struct sim_pair p;
    sim_pair_init(&p, 49, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    struct impostor i = begin_to_lie(p.sim);
    i.rng = seeded_rng(&i.chance);
    if (with_cookies) {
        p.sim->watcher = (struct sim_watcher){.sent = answer_with_a_cookie, .ctx = &i};
    }
    p.sim->hosts[FAR].out.down = p.sim->hosts[CLIENT].out.down = true;
    sim_client_send(c, "a", 1);
    *given_up = 0;
    while (!sim_client_was_reset(c) && *given_up < 3600 * S) {
        *given_up += S;
        sim_run_to(p.sim, *given_up);
    }
    assert_int_equal(i.with_cookie > 5, with_cookies);
    unsigned n = sim_sent(p.sim, CLIENT, 4, 0, NEVER);
    sim_client_free(c);
    sim_pair_fini(&p);
    return n;
}

static void a_cookie_is_no_sign_that_the_peer_is_back(void **state)
{
    (void)state;
    uint64_t alone, beside_the_impostor;
    unsigned n = packets_in_vain(false, &alone);
    assert_int_equal(packets_in_vain(true, &beside_the_impostor), n);
    assert_true(alone < 3600 * S);
    assert_int_equal(beside_the_impostor, alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_answers_waits_for_the_confirmation),
        cmocka_unit_test(crossed_handshakes_settle_at_any_delay),
        cmocka_unit_test(old_words_from_a_third_address_change_nothing),
        cmocka_unit_test(a_wrong_preshared_key_is_named_and_no_data_flows),
        cmocka_unit_test(mistaken_keys_are_met_with_silence),
        cmocka_unit_test(a_far_side_that_took_another_key_is_told_from_the_wire),
        cmocka_unit_test(a_clock_set_back_by_years_is_told_and_harms_nothing),
        cmocka_unit_test(a_clock_that_was_years_ahead_for_a_while_harms_nothing),
        cmocka_unit_test(two_hours_of_sleep_cost_one_handshake),
        cmocka_unit_test(a_cookie_is_no_sign_that_the_peer_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
