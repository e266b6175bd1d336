/* SPDX-License-Identifier: MIT */
/* Streams between two stacks: connecting, moving bytes over good and bad links, and every way to end. */
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024 };

static const char *const families[] = { "10.0.0.2", "fd00::2" };

/* Both send `size` bytes and a FIN; all must arrive. Returns the time it took. */
static uint64_t exchange(const struct wire_config *config, const char *addr, size_t size)
{
    struct wire w;
    wire_open(&w, config);
    struct peer client = { .to_send = size, .appetite = SIZE_MAX, .shutdown_after = true };
    struct peer server = { .to_send = size, .appetite = SIZE_MAX, .shutdown_after = true };
    assert_int_equal(peer_pair(&w, &client, &server, addr), 0);
    uint64_t begin = w.now.mono;
    assert_true(wire_run(&w, peer_is_done, &client, 600 * NS_PER_S));
    assert_true(wire_run(&w, peer_is_done, &server, 600 * NS_PER_S));
    uint64_t took = w.now.mono - begin;
    assert_int_equal(client.received, size);
    assert_int_equal(server.received, size);
    assert_int_equal(client.error, 0);
    peer_close(&client);
    peer_close(&server);
    stack_tcp_listener_close(server.listener);
    wire_close(&w);
    return took;
}

static void bytes_arrive_in_both_directions_and_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
        exchange(&(struct wire_config){ .delay = 10 * MS }, families[i], 4 * MIB);
    }
}

static void bytes_arrive_over_a_link_that_loses_and_duplicates(void **state)
{
    (void)state;
    for (unsigned loss = 10; loss <= 50; loss += 20) {
        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
            exchange(&(struct wire_config){ .delay = 5 * MS, .loss = loss, .duplicate = 10, .seed = loss + i },
                     families[i], 4 * MIB);
        }
    }
}

static void bytes_arrive_over_a_link_that_reorders(void **state)
{
    (void)state;
    exchange(&(struct wire_config){ .delay = 5 * MS, .jitter = 2 * MS, .seed = 7 }, families[0], 4 * MIB);
    exchange(&(struct wire_config){ .delay = 5 * MS, .jitter = 5 * MS, .loss = 10, .seed = 8 }, families[1], MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_arrive_in_both_directions_and_families),
        cmocka_unit_test(bytes_arrive_over_a_link_that_loses_and_duplicates),
        cmocka_unit_test(bytes_arrive_over_a_link_that_reorders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
