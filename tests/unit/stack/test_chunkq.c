/* SPDX-License-Identifier: MIT */
/* The chunk queue beside a slow model, one flat array: whatever the order of calls, both hold the
 * same bytes. */
#include "stack/chunkq.h"
#include "unit/seeded.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

static struct chunk_pool pool;

static int set_up(void **state)
{
    (void)state;
    chunk_pool_init(&pool, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    chunk_pool_fini(&pool); /* asserts that all came back */
    return 0;
}

struct model {
    uint8_t *bytes;
    size_t len, taken;
};

static void append(struct model *m, const uint8_t *from, size_t n)
{
    memcpy(m->bytes + m->len, from, n);
    m->len += n;
}

static void drop(struct model *m, size_t n)
{
    memmove(m->bytes, m->bytes + n, m->len - n);
    m->len -= n;
    m->taken -= n < m->taken ? n : m->taken;
}

static void compare(const struct chunkq *q, const struct model *m)
{
    assert_int_equal(q->len, m->len);
    assert_int_equal(q->taken, m->taken);
    struct iovec iov[256];
    int n = chunkq_peek(q, iov, 256);
    size_t at = 0;
    for (int i = 0; i < n; i++) {
        assert_true(iov[i].iov_len > 0);
        assert_memory_equal(iov[i].iov_base, m->bytes + at, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    assert_int_equal(at, m->len);
    size_t piece;
    const uint8_t *next = chunkq_next(q, &piece);
    assert_true(!next == (m->taken == m->len));
    assert_true(!next == (piece == 0));
    if (next) {
        assert_memory_equal(next, m->bytes + m->taken, piece);
    }
    assert_true(m->len > 0 || q->offered > 0 || chunkq_peek(q, iov, 1) == 0);
}

static void write_some(struct chunkq *q, struct model *m, struct rng *rng, size_t most)
{
    size_t space;
    uint8_t *to = chunkq_reserve(q, most, &space);
    assert_non_null(to);
    assert_in_range(space, 1, most);
    size_t n = rng_below(rng, 4) == 0 ? rng_below(rng, (uint32_t)space + 1) : space;
    rng_fill(rng, to, n);
    append(m, to, n);
    chunkq_commit(q, n);
}

static void any_order_of_calls_gives_the_bytes_of_the_model(void **state)
{
    (void)state;
    enum { MOST = 300000 };
    static uint8_t bytes[MOST + 70000], scratch[70000];
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t s = seed;
        struct rng rng = seeded_rng(&s);
        struct chunkq q;
        struct model m = {.bytes = bytes};
        chunkq_init(&q, &pool);
        for (int step = 0; step < 400; step++) {
            switch (rng_below(&rng, 6)) {
            case 0:
                if (m.len < MOST) {
                    write_some(&q, &m, &rng, 1 + rng_below(&rng, step % 3 == 0 ? 100000 : 5000));
                }
                break;
            case 1:
                if (m.len < MOST) {
                    size_t n = rng_below(&rng, step % 5 == 0 ? 70000 : 3000);
                    rng_fill(&rng, scratch, n);
                    assert_true(chunkq_append(&q, scratch, n));
                    append(&m, scratch, n);
                }
                break;
            case 2: {
                size_t piece;
                if (chunkq_next(&q, &piece)) {
                    size_t n = 1 + rng_below(&rng, (uint32_t)piece);
                    chunkq_take(&q, n);
                    m.taken += n;
                }
                break;
            }
            case 3: { /* as the sender does: only what was taken */
                size_t n = rng_below(&rng, (uint32_t)m.taken + 1);
                chunkq_drop(&q, n);
                drop(&m, n);
                break;
            }
            case 4: { /* as the reader does: whatever is there */
                size_t n = rng_below(&rng, (uint32_t)m.len + 1);
                n = step % 7 == 0 ? m.len : n / 4;
                chunkq_drop(&q, n);
                drop(&m, n);
                break;
            }
            default: {
                size_t space;
                if (rng_below(&rng, 2) == 0 && chunkq_reserve(&q, 1000, &space)) {
                    size_t n =
                        rng_below(&rng, (uint32_t)m.len / 2 + 1); /* acknowledged meanwhile */
                    chunkq_drop(&q, n);
                    drop(&m, n);
                }
                chunkq_trim(&q);
                break;
            }
            }
            compare(&q, &m);
        }
        chunkq_fini(&q);
        assert_int_equal(pool.bytes, 0);
    }
}

static void an_empty_queue_holds_no_memory(void **state)
{
    (void)state;
    struct chunkq q;
    size_t space;
    chunkq_init(&q, &pool);
    assert_int_equal(pool.bytes, 0);
    assert_true(chunkq_append(&q, "abc", 3));
    assert_int_equal(pool.bytes, CHUNK_SMALL);
    chunkq_drop(&q, 3);
    assert_int_equal(pool.bytes, 0);
    assert_non_null(chunkq_reserve(&q, 100, &space)); /* and was not used */
    chunkq_commit(&q, 0);
    assert_int_equal(pool.bytes, 0);
    assert_non_null(chunkq_reserve(&q, 100, &space));
    chunkq_trim(&q);
    assert_int_equal(pool.bytes, 0);
}

static void bytes_never_move(void **state)
{
    (void)state;
    static uint8_t scratch[300000];
    struct chunkq q;
    chunkq_init(&q, &pool);
    assert_true(chunkq_append(&q, "first", 5));
    size_t len;
    const uint8_t *first = chunkq_next(&q, &len);
    chunkq_take(&q, 5);
    assert_true(chunkq_append(&q, scratch, sizeof scratch));
    assert_memory_equal(first, "first", 5);
    struct iovec iov;
    assert_int_equal(chunkq_peek(&q, &iov, 1), 1);
    assert_ptr_equal(iov.iov_base, first);
    chunkq_fini(&q);
}

/* A reserved piece stays where it is while everything before it is acknowledged. */
static void a_reserve_outlives_the_bytes_before_it(void **state)
{
    (void)state;
    struct chunkq q;
    chunkq_init(&q, &pool);
    assert_true(chunkq_append(&q, "abc", 3));
    size_t space;
    uint8_t *to = chunkq_reserve(&q, 10, &space);
    chunkq_drop(&q, 3);
    memcpy(to, "0123456789", 10);
    chunkq_commit(&q, 10);
    struct iovec iov;
    assert_int_equal(chunkq_peek(&q, &iov, 1), 1);
    assert_int_equal(iov.iov_len, 10);
    assert_memory_equal(iov.iov_base, "0123456789", 10);
    chunkq_fini(&q);
}

static void chunks_grow_with_the_stream_and_are_kept_for_reuse(void **state)
{
    (void)state;
    struct chunkq q;
    chunkq_init(&q, &pool);
    size_t space;
    assert_non_null(chunkq_reserve(&q, 1000000, &space));
    assert_true(space <= CHUNK_SMALL);
    chunkq_commit(&q, space); /* filled to its end */
    assert_non_null(chunkq_reserve(&q, 1000000, &space));
    assert_true(space > CHUNK_SMALL && space <= CHUNK_LARGE);
    chunkq_commit(&q, 1); /* a trickle again */
    assert_int_equal(pool.bytes, CHUNK_SMALL + CHUNK_LARGE);
    chunkq_drop(&q, q.len);
    assert_int_equal(pool.bytes, 0);
    assert_int_equal(pool.n_idle, 1);
    assert_non_null(chunkq_reserve(&q, 1000000, &space));
    assert_true(space <= CHUNK_SMALL);
    chunkq_fini(&q);
}

static void large_chunks_go_back_once_nobody_needs_them(void **state)
{
    (void)state;
    struct chunkq q;
    chunkq_init(&q, &pool);
    static const uint8_t bytes[3 * CHUNK_LARGE];
    assert_true(chunkq_append(&q, bytes, sizeof bytes));
    chunkq_drop(&q, sizeof bytes);
    unsigned idle = pool.n_idle;
    assert_true(idle >= 2);

    assert_true(chunk_pool_settle(&pool)); /* they were needed until now */
    assert_int_equal(pool.n_idle, idle);
    assert_true(chunkq_append(&q, bytes, CHUNK_LARGE)); /* this much still is */
    chunkq_drop(&q, CHUNK_LARGE);
    assert_true(chunk_pool_settle(&pool));
    assert_in_range(pool.n_idle, 1, idle - 1);
    assert_false(chunk_pool_settle(&pool));
    assert_int_equal(pool.n_idle, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_order_of_calls_gives_the_bytes_of_the_model, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_empty_queue_holds_no_memory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bytes_never_move, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reserve_outlives_the_bytes_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chunks_grow_with_the_stream_and_are_kept_for_reuse, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(large_chunks_go_back_once_nobody_needs_them, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
