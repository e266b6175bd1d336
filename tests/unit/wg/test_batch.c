/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "unit/shuffler.h"
#include "wg/batch.h"
#include "world.h"

#include <string.h>

/* What leaves, in its order. */
struct wire {
    size_t len;
    unsigned n;
    uint8_t bytes[1 << 20];
};

static bool note(struct world *w, int from, uint8_t *data, size_t len)
{
    struct wire *wire = w->ctx;
    if (from == A && data[0] == MSG_DATA) {
        assert(wire->len + len <= sizeof wire->bytes);
        memcpy(wire->bytes + wire->len, data, len);
        wire->len += len;
        wire->n++;
    }
    return true;
}

static void send_many(struct world *w, struct wire *wire, const struct parallel *parallel)
{
    world_init(w, 21);
    w->ctx = wire;
    w->filter = note;
    world_start(w);
    w->node[A].wg->parallel = parallel;
    w->node[B].wg->parallel = parallel;
    world_send(w, A, 1, 100);
    world_run(w, SEC);
    for (uint32_t i = 2; i < 300; i++) {
        struct node *a = &w->node[A];
        inner_v4(outbox_tail(&a->out) + WG_HEADROOM, A + 1, B + 1, i, 60 + i, 0);
        assert_int_equal(wg_send(a->wg, &a->out, 60 + i, world_now(w, A)), WG_TX_SENT);
    }
    world_flush(w, A);
    world_run(w, SEC);
}

static void parts_in_any_order_make_the_same_bytes_in_the_same_order(void **state)
{
    (void)state;
    static struct world plain, shared;
    static struct wire expected, got;
    struct shuffler s;
    shuffler_init(&s, WG_WORKERS_MAX, 0);
    send_many(&plain, &expected, NULL);
    send_many(&shared, &got, &s.parallel);
    assert_int_equal(expected.n, 299);
    assert_int_equal(got.n, expected.n);
    assert_int_equal(got.len, expected.len);
    assert_memory_equal(got.bytes, expected.bytes, expected.len);
    assert_int_equal(shared.node[B].got, 299);
    assert_int_equal(shared.node[B].got_id, plain.node[B].got_id);
    assert_true(s.runs > 0 && s.parts > s.runs);
    world_fini(&plain);
    world_fini(&shared);
}

enum { N = 200 };

static void forged_ones_are_found_wherever_they_stand(void **state)
{
    (void)state;
    static uint8_t data[N][200];
    static const uint8_t key[SUITE_KEY] = {7};
    struct suite_job jobs[N];
    struct shuffler s;
    shuffler_init(&s, WG_WORKERS_MAX, 0);
    for (size_t i = 0; i < N; i++) {
        jobs[i] = (struct suite_job){.key = key, .counter = i, .data = data[i], .len = 184};
    }
    batch_seal(&s.parallel, jobs, N);
    for (size_t i = 0; i < N; i++) {
        jobs[i].len = 200;
        data[i][i] ^= i % 3 == 0;
    }
    batch_open(&s.parallel, jobs, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(jobs[i].ok, i % 3 != 0);
    }
    assert_int_equal(s.runs, 2);
}

static void what_is_not_worth_it_is_not_shared(void **state)
{
    (void)state;
    static uint8_t data[4][1024 + 16];
    static const uint8_t key[SUITE_KEY] = {7};
    struct suite_job jobs[4];
    struct shuffler s;
    shuffler_init(&s, WG_WORKERS_MAX, 4096);
    for (size_t i = 0; i < 4; i++) {
        jobs[i] = (struct suite_job){.key = key, .data = data[i], .len = 1024};
    }
    batch_seal(&s.parallel, jobs, 3);
    batch_seal(&s.parallel, jobs, 0);
    batch_seal(NULL, jobs, 4);
    assert_int_equal(s.runs, 0);
    batch_seal(&s.parallel, jobs, 4);
    assert_int_equal(s.runs, 1);
    s.parallel.least = 0;
    batch_seal(&s.parallel, jobs, 1); /* nothing to share */
    assert_int_equal(s.runs, 1);
}

static int set_up(void **state)
{
    (void)state;
    return suite_init() ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(parts_in_any_order_make_the_same_bytes_in_the_same_order),
        unit(forged_ones_are_found_wherever_they_stand),
        unit(what_is_not_worth_it_is_not_shared),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
