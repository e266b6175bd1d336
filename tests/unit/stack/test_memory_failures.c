/* SPDX-License-Identifier: MIT */
/* Each allocation of a whole life of streams and datagrams fails once: nothing breaks, nothing
 * leaks, and what can be made good is. Linked with malloc, calloc and mmap wrapped. */
#include "unit/stack/peer.h"

#include <sys/mman.h>

static long countdown; /* to the failing one; negative: none fails */
static bool failed;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__real_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t n, int prot, int flags, int fd, off_t offset);

static bool fails_now(void)
{
    if (countdown < 0 || countdown-- > 0) {
        return false;
    }
    failed = true;
    return true;
}

void *__wrap_malloc(size_t n)
{
    return fails_now() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_mmap(void *to, size_t n, int prot, int flags, int fd, off_t offset)
{
    return fails_now() ? MAP_FAILED : __real_mmap(to, n, prot, flags, fd, offset);
}

enum { BYTES = 60000 };

static bool is_over(void *ctx)
{
    return peer_is_done(ctx) || peer_has_failed(ctx);
}

/* After a failure TCP repeats itself: only one that keeps a stream from beginning may end it. */
static void streams(struct wire *w, long k)
{
    struct peer client = {.to_send = BYTES, .appetite = SIZE_MAX, .shutdown_after = true};
    struct peer server = {.to_send = BYTES, .appetite = 3000, .shutdown_after = true};
    client.pattern = server.expect = 1;
    server.pattern = client.expect = 2;
    countdown = k;
    int err = stack_tcp_listen(w->b.stack, 80, peer_accept, &server, &server.listener);
    struct endpoint to = at(k % 2 ? "10.0.0.2" : "fd00::2", 80);
    if (err == 0) {
        err = stack_tcp_connect(w->a.stack, &to, peer_event, &client, &client.t, w->now);
    }
    if (err) {
        assert_true(failed);
        assert_int_equal(err, ERR_NOMEM);
        return;
    }
    for (int i = 0; i < 100000 && !is_over(&client); i++) {
        wire_pass(w, MS);
        if (server.t && !peer_has_failed(&server)) {
            peer_read(&server, 3000); /* slowly, so that bytes are kept */
            peer_pump(&server);
        }
    }
    assert_int_equal(client.error, 0);
    assert_int_equal(client.received, BYTES);
    while (!server.eof) {
        wire_pass(w, MS);
        peer_read(&server, 3000);
    }
    assert_int_equal(server.received, BYTES);
    peer_close(&client);
    peer_close(&server);
}

/* Its segments are to be cut in the middle of a transfer. */
static void narrower(struct wire *w, long k)
{
    struct peer client = {.to_send = 4 * BYTES, .appetite = SIZE_MAX};
    struct peer server = {.appetite = SIZE_MAX, .shutdown_after = true};
    assert_int_equal(peer_pair(w, &client, &server, "10.0.0.2"), 0);
    wire_pass(w, 4 * MS);
    countdown = k;
    stack_lower_mtu(w->a.stack, 700, w->now);
    countdown = -1;
    client.to_send += BYTES; /* behind what stands in the queue */
    client.shutdown_after = true;
    peer_pump(&client);
    assert_true(wire_run(w, peer_is_done, &client, 60 * NS_PER_S));
    assert_int_equal(server.received, client.to_send);
    peer_close(&client);
    peer_close(&server);
}

static unsigned n_received;

static void received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                     const uint8_t *data, size_t len, struct now now)
{
    (void)ctx, (void)u, (void)from, (void)data, (void)now;
    assert_int_equal(len, 4000);
    n_received++;
}

static void datagrams(struct wire *w, long k)
{
    static const struct stack_udp_handler handler = {received, NULL};
    static const uint8_t data[4000];
    struct stack_udp *a = NULL, *b = NULL;
    countdown = k;
    n_received = 0;
    struct endpoint to = at(k % 2 ? "10.0.0.2" : "fd00::2", 53);
    int err = stack_udp_open(w->b.stack, 53, &handler, NULL, &b);
    err = err ? err : stack_udp_open(w->a.stack, 0, &handler, NULL, &a);
    err = err ? err : stack_udp_send(a, &to, data, sizeof data);
    wire_pass(w, 20 * NS_PER_S); /* what is left of it is forgotten by then */
    assert_true(err == 0 || err == ERR_NOMEM);
    assert_true(n_received == 1 || failed);
}

static void each_failure_once(void (*life)(struct wire *w, long k))
{
    long k = 0;
    do {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = MS, .loss = 20, .seed = 5});
        w.config.loss = life == streams ? 20 : 0;
        w.memory_fails = true;
        failed = false;
        life(&w, k);
        countdown = -1;
        wire_close(&w);
        k++;
    } while (failed);
    assert_true(k > 10);
}

static void a_stream_survives_any_one_failure(void **state)
{
    (void)state;
    each_failure_once(streams);
}

static void a_narrower_path_is_no_end(void **state)
{
    (void)state;
    each_failure_once(narrower);
}

static void a_datagram_may_get_lost_and_nothing_else(void **state)
{
    (void)state;
    each_failure_once(datagrams);
}

static void a_stack_is_made_whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t seed = 1;
    struct prefix p;
    assert_true(prefix_parse(&p, "10.0.0.1"));
    struct stack_config c = {
        .addresses = &p, .n_addresses = 1, .mtu = 1420, .rng = seeded_rng(&seed)};
    struct stack *s = NULL;
    for (long k = 0; !s; k++) {
        countdown = k;
        int err = stack_new(&s, &c, (struct now){0});
        countdown = -1;
        assert_int_equal(err, s ? 0 : ERR_NOMEM);
    }
    stack_free(s);
}

int main(void)
{
    countdown = -1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_is_made_whole_or_not_at_all),
        cmocka_unit_test(a_datagram_may_get_lost_and_nothing_else),
        cmocka_unit_test(a_narrower_path_is_no_end),
        cmocka_unit_test(a_stream_survives_any_one_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
