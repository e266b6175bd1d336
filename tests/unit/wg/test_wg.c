/* SPDX-License-Identifier: MIT */
/* What wg.h promises about peers, routes and looking on. */
#include "test.h"

#include "base/err.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

static struct wg_peer_config peer_with_key(uint8_t mark)
{
    struct wg_peer_config config = {.endpoint = endpoint_of("192.0.2.50:1000")};
    config.public_key[0] = 9;
    config.public_key[1] = mark;
    return config;
}

static void a_peer_twice_or_ourselves_or_a_low_order_key_is_refused(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_start(w);
    struct node *a = &w->node[A];
    struct wg_peer *peer;
    struct wg_peer_config config = peer_with_key(0);

    memcpy(config.public_key, a->public_key, KEY_LEN);
    assert_int_equal(wg_peer_add(a->wg, &config, &peer), ERR_INVALID);
    assert_null(peer);
    memcpy(config.public_key, w->node[B].public_key, KEY_LEN);
    assert_int_equal(wg_peer_add(a->wg, &config, &peer), ERR_EXISTS);
    memset(config.public_key, 0, KEY_LEN);
    assert_int_equal(wg_peer_add(a->wg, &config, &peer), ERR_INVALID);
    config.public_key[0] = 1;
    assert_int_equal(wg_peer_add(a->wg, &config, &peer), ERR_INVALID);
    memset(config.public_key, 0xff,
           KEY_LEN); /* p + something: p itself, spelt as 0xed ff.. 7f, is zero */
    config.public_key[0] = 0xed;
    config.public_key[31] = 0x7f;
    assert_int_equal(wg_peer_add(a->wg, &config, &peer), ERR_INVALID);
    assert_ptr_equal(wg_peer_first(a->wg), a->peer);
    assert_null(wg_peer_next(a->peer));
    world_free(w);
}

static void peers_are_seen_in_the_order_they_were_added(void **state)
{
    (void)state;
    struct world *w = world_new(2);
    world_start(w);
    struct wg *wg = w->node[A].wg;
    struct wg_peer *added[50];
    for (uint8_t i = 0; i < 50; i++) {
        struct wg_peer_config config = peer_with_key(i);
        assert_int_equal(wg_peer_add(wg, &config, &added[i]), 0);
    }
    struct wg_peer *p = wg_peer_next(wg_peer_first(wg));
    for (int i = 0; i < 50; i++, p = wg_peer_next(p)) {
        assert_ptr_equal(p, added[i]);
    }
    assert_null(p);
    world_free(w);
}

static void a_prefix_that_two_peers_claim_goes_to_the_later_and_the_log_says_so(void **state)
{
    (void)state;
    struct world *w = world_new(3);
    world_start(w);
    struct node *a = &w->node[A];
    struct prefix stolen = prefix_of("10.0.0.2/32");
    struct wg_peer_config config = peer_with_key(0);
    config.allowed_ips = &stolen;
    config.n_allowed_ips = 1;
    assert_int_equal(wg_peer_add(a->wg, &config, &a->extra), 0);
    assert_true(world_logged(a, "both claim 10.0.0.2/32 -> it belongs to "));
    assert_int_equal(world_send(w, A, 1, 60), WG_TX_STAGED);
    struct wg_peer_status s;
    wg_peer_get(a->extra, &s);
    assert_int_equal(s.staged, 1);
    world_free(w);
}

static void a_destination_without_a_peer_has_no_route(void **state)
{
    (void)state;
    struct world *w = world_new(4);
    world_start(w);
    struct node *a = &w->node[A];
    struct addr there = addr_of("10.0.0.2"), nowhere = addr_of("10.0.0.3"),
                six = addr_of("fd00::2");
    assert_int_equal(wg_route(a->wg, &there), 0);
    assert_int_equal(wg_route(a->wg, &six), 0);
    assert_int_equal(wg_route(a->wg, &nowhere), ERR_NO_ROUTE);
    inner_v4(outbox_tail(&a->out) + WG_HEADROOM, 1, 3, 0, 60, 0);
    assert_int_equal(wg_send(a->wg, &a->out, 60, world_now(w, A)), WG_TX_NO_ROUTE);
    assert_int_equal(a->out.n, 0);
    world_free(w);
}

static void what_is_no_ip_packet_is_not_sent(void **state)
{
    (void)state;
    struct world *w = world_new(5);
    world_start(w);
    struct node *a = &w->node[A];
    uint8_t *at = outbox_tail(&a->out) + WG_HEADROOM;
    inner_v4(at, 1, 2, 0, 60, 0);
    assert_int_equal(wg_send(a->wg, &a->out, 59, world_now(w, A)), WG_TX_INVALID);
    assert_int_equal(wg_send(a->wg, &a->out, 0, world_now(w, A)), WG_TX_INVALID);
    at[0] = 0x55;
    assert_int_equal(wg_send(a->wg, &a->out, 60, world_now(w, A)), WG_TX_INVALID);
    inner_v4(at, 1, 2, 0, WG_INNER_MAX + 1, 0);
    assert_int_equal(wg_send(a->wg, &a->out, WG_INNER_MAX + 1, world_now(w, A)), WG_TX_INVALID);
    assert_int_equal(wg_send(a->wg, &a->out, WG_INNER_MAX, world_now(w, A)),
                     WG_TX_INVALID); /* not whole */
    world_free(w);
}

static void ipv6_travels_like_ipv4(void **state)
{
    (void)state;
    struct world *w = world_connected(6);
    struct node *a = &w->node[A];
    inner_v6(outbox_tail(&a->out) + WG_HEADROOM, 1, 2, 66, 1000, 0);
    assert_int_equal(wg_send(a->wg, &a->out, 1000, world_now(w, A)), WG_TX_SENT);
    world_flush(w, A);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 66);
    assert_int_equal(w->node[B].got_len, 1000);
    world_free(w);
}

static void the_largest_inner_packet_travels(void **state)
{
    (void)state;
    struct world *w = world_connected(7);
    struct node *a = &w->node[A];
    wg_set_mtu(a->wg, 9000);
    for (size_t len = 8900; len <= 9000; len += 10) {
        assert_int_equal(world_send(w, A, (uint32_t)len, len), WG_TX_SENT);
        world_run(w, SEC / 10);
        assert_int_equal(w->node[B].got_len, len);
    }
    world_free(w);
}

static void a_keepalive_set_later_begins_at_once_and_may_be_turned_off(void **state)
{
    (void)state;
    struct world *w = world_new(8);
    world_start(w);
    world_run(w, 100 * SEC);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 0);
    wg_peer_set_keepalive(w->node[A].peer, 10, world_now(w, A));
    world_run(w, SEC);
    assert_int_equal(w->node[A].sent_keepalives, 1);
    world_run(w, 100 * SEC);
    assert_in_range(w->node[A].sent_keepalives, 10, 11);
    wg_peer_set_keepalive(w->node[A].peer, 0, world_now(w, A));
    unsigned sent = w->node[A].sent_keepalives;
    world_run(w, 300 * SEC);
    assert_int_equal(w->node[A].sent_keepalives, sent);
    world_free(w);
}

static void many_peers_with_keepalives_all_come_up_through_a_small_outbox(void **state)
{
    (void)state;
    struct world *w = world_new(9);
    world_start(w);
    struct node *a = &w->node[A];
    a->out.max = 3;
    for (uint8_t i = 0; i < 20; i++) {
        struct wg_peer_config config = peer_with_key(i);
        config.keepalive = 25;
        struct wg_peer *peer;
        assert_int_equal(wg_peer_add(a->wg, &config, &peer), 0);
    }
    wg_start(a->wg, &a->out, world_now(w, A));
    world_flush(w, A);
    world_run(w, 0);
    assert_int_equal(a->sent[MSG_INITIATION], 20);
    world_free(w);
}

/* ---- the allocator, watched (the linker sends malloc, calloc and free here) ---- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void __wrap_free(void *p);

static long fail_in = -1; /* this many allocations succeed, then one fails; -1: all do */
static const void *watched[2];
static size_t watched_len[2];
static bool seen_wiped[2];

static bool fails(void)
{
    return fail_in >= 0 && fail_in-- == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void __wrap_free(void *p)
{
    for (int i = 0; i < 2; i++) {
        if (p != NULL && p == watched[i]) {
            const uint8_t *bytes = p;
            seen_wiped[i] = true;
            for (size_t k = 0; k < watched_len[i]; k++) {
                seen_wiped[i] = seen_wiped[i] && bytes[k] == 0;
            }
            watched[i] = NULL;
        }
    }
    __real_free(p);
}

static void freeing_wipes_every_byte(void **state)
{
    (void)state;
    struct world *w = world_connected(10);
    watched[0] = w->node[A].wg;
    watched_len[0] = sizeof(struct wg);
    watched[1] = w->node[A].peer;
    watched_len[1] = sizeof(struct wg_peer);
    world_free(w);
    assert_true(seen_wiped[0]);
    assert_true(seen_wiped[1]);
    wg_free(NULL);
}

/* Build an interface with a peer while the k-th allocation fails. */
static int build(long k, struct wg **wg)
{
    uint64_t seed = 1;
    struct prefix prefixes[] = {prefix_of("10.0.0.0/8"), prefix_of("10.128.0.0/9"),
                                prefix_of("fd00::/64"), prefix_of("11.0.0.0/8")};
    struct wg_config config = {.mtu = 1420, .rng = seeded_rng(&seed), .private_key = {1}};
    struct wg_peer_config peer_config = peer_with_key(0);
    struct wg_peer *peer;
    peer_config.allowed_ips = prefixes;
    peer_config.n_allowed_ips = ARRAY_SIZE(prefixes);
    fail_in = k;
    int err = wg_new(wg, &config);
    if (err == 0) {
        err = wg_peer_add(*wg, &peer_config, &peer);
    }
    fail_in = -1;
    return err;
}

static void each_allocation_may_fail_and_nothing_is_lost(void **state)
{
    (void)state;
    struct addr inside = addr_of("10.0.0.1");
    struct wg *wg;
    long k = 0;
    for (; build(k, &wg) != 0; k++) {
        assert_true(k < 100);
        if (wg != NULL) {
            assert_null(wg_peer_first(wg));
            assert_int_equal(wg_route(wg, &inside), ERR_NO_ROUTE); /* nothing half done */
        }
        wg_free(wg);
    }
    assert_int_equal(wg_route(wg, &inside), 0);
    wg_free(wg);
    assert_in_range(k, 6, 12); /* interface, index, peer, four prefixes and a fork */
}

static void without_memory_to_wait_a_packet_is_dropped_and_the_handshake_goes_on(void **state)
{
    (void)state;
    struct world *w = world_new(11);
    world_start(w);
    struct node *a = &w->node[A];
    inner_v4(outbox_tail(&a->out) + WG_HEADROOM, 1, 2, 1, 60, 0);
    fail_in = 0;
    assert_int_equal(wg_send(a->wg, &a->out, 60, world_now(w, A)), WG_TX_STAGED);
    fail_in = -1;
    world_flush(w, A);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, 0);
    assert_int_equal(world_send(w, A, 2, 60), WG_TX_SENT);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got_id, 2);
    world_free(w);
}

static void keys_have_a_public_half_and_clamping(void **state)
{
    (void)state;
    uint8_t key[KEY_LEN] = {0xff}, public_key[KEY_LEN];
    wg_clamp(key);
    assert_int_equal(key[0], 0xf8);
    assert_true(wg_public_key(public_key, key));
}

static void a_cipher_is_chosen_and_one_that_is_none_changes_nothing(void **state)
{
    (void)state;
    const char *name = wg_suite_name();
    assert_non_null(strstr(SUITE_AEADS, name));
    assert_non_null(wg_suite_choose("rot13"));
    assert_string_equal(wg_suite_name(), name);
    assert_null(wg_suite_choose(name));
    assert_string_equal(wg_suite_name(), name);
    assert_in_range(wg_parallel_least(), 16 << 10, WG_BATCH * 1420); /* a full batch is worth it */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(a_peer_twice_or_ourselves_or_a_low_order_key_is_refused),
        unit(peers_are_seen_in_the_order_they_were_added),
        unit(a_prefix_that_two_peers_claim_goes_to_the_later_and_the_log_says_so),
        unit(a_destination_without_a_peer_has_no_route),
        unit(what_is_no_ip_packet_is_not_sent),
        unit(ipv6_travels_like_ipv4),
        unit(the_largest_inner_packet_travels),
        unit(a_keepalive_set_later_begins_at_once_and_may_be_turned_off),
        unit(many_peers_with_keepalives_all_come_up_through_a_small_outbox),
        unit(freeing_wipes_every_byte),
        unit(each_allocation_may_fail_and_nothing_is_lost),
        unit(without_memory_to_wait_a_packet_is_dropped_and_the_handshake_goes_on),
        unit(keys_have_a_public_half_and_clamping),
        unit(a_cipher_is_chosen_and_one_that_is_none_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
