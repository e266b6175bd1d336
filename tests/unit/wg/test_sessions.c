/* SPDX-License-Identifier: MIT */
/* The life of sessions between two interfaces in virtual time: each test is a short story. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "world.h"

#include <stdlib.h>
#include <string.h>

static struct world *world_new(uint64_t seed)
{
    struct world *w = malloc(sizeof *w);
    assert_non_null(w);
    world_init(w, seed);
    return w;
}

static void world_end(struct world *w)
{
    world_fini(w);
    free(w);
}

/* A has sent one packet and both have a session. */
static struct world *connected(uint64_t seed)
{
    struct world *w = world_new(seed);
    world_start(w);
    assert_int_equal(world_send(w, A, 1, 100), WG_TX_STAGED);
    world_run(w, SEC);
    assert_int_equal(w->node[B].got, 1);
    return w;
}

static void the_first_packet_brings_up_the_tunnel_and_arrives(void **state)
{
    (void)state;
    struct world *w = connected(1);
    assert_int_equal(w->node[A].sent[MSG_INITIATION], 1);
    assert_int_equal(w->node[B].sent[MSG_RESPONSE], 1);
    assert_int_equal(w->node[A].sent[MSG_DATA], 1);
    assert_int_equal(w->node[A].sent_keepalives, 0);
    assert_int_equal(world_send(w, B, 2, 100), WG_TX_SENT);
    world_run(w, SEC);
    assert_int_equal(w->node[A].got_id, 2);
    assert_true(world_logged(&w->node[A], "info: peer "));
    assert_true(world_logged(&w->node[A], "handshake completed"));
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_packet_brings_up_the_tunnel_and_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
