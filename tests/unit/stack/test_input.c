/* SPDX-License-Identifier: MIT */
/* What the stack keeps of packets that came too early: bounded for all connections together. */
#include "stack/conn.h"
#include "unit/stack/packets.h"
#include "unit/stack/peer.h"

enum { MIB = 1024 * 1024, FLOWS = 700, SEGMENT = 1380, WINDOW = 64 * 1024 };

static struct wire w;
static struct stack_tcp *accepted[FLOWS];
static size_t n_accepted;

static void nothing(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)ctx, (void)t, (void)events, (void)now;
}

static void keep(void *ctx, struct stack_tcp *t, struct now now)
{
    (void)ctx, (void)now;
    stack_tcp_set_handler(t, nothing, NULL);
    accepted[n_accepted++] = t;
}

/* A window of data behind a hole of one byte. */
static void send_ahead(const struct stack_tcp *t)
{
    static const uint8_t data[SEGMENT];
    uint8_t ip[1500];
    const struct tcp_pcb *pcb = t->pcb;
    for (size_t at = 1; at + SEGMENT <= WINDOW; at += SEGMENT) {
        size_t len = make_tcp(ip, "10.0.0.1", pcb->remote_port, "10.0.0.2", pcb->local_port,
                              pcb->rcv_nxt + (uint32_t)at, pcb->snd_nxt, TCP_ACK, data, SEGMENT);
        wire_inject(&w.b, ip, len);
        wire_pass(&w, 0);
    }
}

static void what_comes_early_is_bounded_for_all_connections_together(void **state)
{
    (void)state;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct stack_tcp_listener *l;
    assert_int_equal(stack_tcp_listen(w.b.stack, 80, keep, NULL, &l), 0);
    struct stack_tcp *clients[FLOWS];
    struct endpoint to = at("10.0.0.2", 80);
    for (size_t i = 0; i < FLOWS; i++) {
        assert_int_equal(stack_tcp_connect(w.a.stack, &to, nothing, NULL, &clients[i], w.now), 0);
        wire_pass(&w, 5 * MS);
    }
    assert_int_equal(n_accepted, FLOWS);
    for (size_t i = 0; i < FLOWS; i++) {
        send_ahead(accepted[i]);
        assert_true(w.b.stack->copied <= 32 * MIB + 1500);
    }
    assert_true(w.b.stack->copied > 31 * MIB);
    assert_true(stack_drop_count(w.b.stack, STACK_DROP_MEMORY) > 1000);

    size_t before = w.b.stack->copied; /* those that are full take what is next all the same */
    static const char byte[1] = "x";
    assert_int_equal(stack_tcp_write(clients[0], byte, 1), 1);
    wire_pass(&w, 5 * MS);
    assert_true(w.b.stack->copied < before);
    assert_true(conn_unread(accepted[0]) > WINDOW - SEGMENT);
    for (size_t i = 0; i < FLOWS; i++) {
        stack_tcp_abort(accepted[i]);
    }
    assert_int_equal(w.b.stack->copied, 0);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_early_is_bounded_for_all_connections_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
