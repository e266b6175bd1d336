/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "wg/peer.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

static void the_log_names_a_peer_by_four_characters_and_its_endpoint(void **state)
{
    (void)state;
    struct world *w = world_new(1);
    world_start(w);
    char key[KEY_TEXT], text[PEER_TEXT], expected[PEER_TEXT];
    key_to_base64(key, w->node[B].public_key);
    snprintf(expected, sizeof expected, "%.4s\xe2\x80\xa6 (198.51.100.2:51820)", key);
    assert_string_equal(peer_text(w->node[A].peer, text), expected);

    struct endpoint longest = endpoint_of("[2001:db8:1111:2222:3333:4444:5555:6666]:65535");
    wg_peer_set_endpoint(w->node[A].peer, &longest);
    assert_non_null(strstr(peer_text(w->node[A].peer, text), "6666]:65535)"));

    struct endpoint none = {0};
    wg_peer_set_endpoint(w->node[A].peer, &none);
    assert_non_null(strstr(peer_text(w->node[A].peer, text), "(no endpoint)"));
    world_free(w);
}

static void no_key_ever_stands_in_the_log(void **state)
{
    (void)state;
    struct world *w = world_connected(2);
    world_run(w, 1000 * SEC);
    for (int who = A; who <= B; who++) {
        char text[KEY_TEXT];
        key_to_base64(text, w->node[who].public_key);
        text[6] = '\0';
        assert_false(world_logged(&w->node[!who], text));
        key_to_base64(text, w->node[who].private_key);
        text[6] = '\0';
        assert_false(world_logged(&w->node[who], text));
    }
    world_free(w);
}

static unsigned lines_with(const struct node *n, const char *words)
{
    unsigned count = 0;
    for (const char *p = n->lines; (p = strstr(p, words)) != NULL; p++) {
        count++;
    }
    return count;
}

static void coming_up_is_told_once_and_rekeys_are_not(void **state)
{
    (void)state;
    struct world *w = world_connected(3);
    for (uint32_t i = 0; i < 400; i++) {
        assert_int_equal(world_send(w, A, i, 60), WG_TX_SENT);
        world_run(w, SEC);
    }
    assert_int_equal(lines_with(&w->node[A], "handshake completed"), 4);
    assert_int_equal(lines_with(&w->node[A], "info: "), 1);
    assert_int_equal(lines_with(&w->node[B], "info: "), 1);
    world_run(w, 600 * SEC); /* keys wiped: it went down */
    assert_int_equal(world_send(w, A, 1, 60), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(lines_with(&w->node[A], "info: "), 2);
    world_free(w);
}

static void zeroing_keys_takes_the_open_handshake_too(void **state)
{
    (void)state;
    struct world *w = world_connected(4);
    struct wg_peer *peer = w->node[A].peer;
    static const struct noise_state zero;
    struct captured box[2];
    w->filter = world_capture;
    w->ctx = box;
    world_run(w, 170 * SEC);
    (void)!world_send(w, A, 1, 60);
    assert_true(peer->handshake.entry.listed);
    peer_zero_keys(peer);
    assert_false(peer->handshake.entry.listed);
    assert_memory_equal(&peer->handshake.noise, &zero, sizeof zero);
    assert_null(peer->keypairs.current);
    for (uint32_t i = 0; i <= w->node[A].wg->indices.mask; i++) {
        assert_null(w->node[A].wg->indices.buckets[i]);
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(the_log_names_a_peer_by_four_characters_and_its_endpoint),
        unit(no_key_ever_stands_in_the_log),
        unit(coming_up_is_told_once_and_rekeys_are_not),
        unit(zeroing_keys_takes_the_open_handshake_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
