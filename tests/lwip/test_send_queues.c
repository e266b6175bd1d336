/* SPDX-License-Identifier: MIT */
/* The sender: the configured initial window, and queues whose last segments are
 * remembered, which must stay the same queues whatever happens to them. */
#include "wire.h"

#include "unit/seeded.h"

#include <string.h>

static uint32_t pick(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(seeded_next(seed) % n);
}

static void a_connection_starts_with_ten_segments(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    assert_int_equal(w.pcb->cwnd, 10 * WIRE_MSS);
    wire_close(&w);
}

static void write_some(struct wire *w, uint32_t *written, uint32_t len, uint8_t flags)
{
    uint32_t space = tcp_sndbuf(w->pcb);
    uint32_t left = WIRE_STREAM_MAX - *written;
    len = len < space ? len : space;
    len = len < left ? len : left;
    if (len > 0 && tcp_write(w->pcb, stream_bytes(*written), (uint16_t)len, flags) == ERR_OK) {
        *written += len;
    }
}

static void thousands_of_segments_are_queued_sent_and_acknowledged(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    uint32_t written = 0, before;
    do {
        before = written;
        write_some(&w, &written, 50000, 0);
    } while (written > before);
    assert_int_equal(written, WIRE_STREAM_MAX);
    assert_ptr_equal(w.pcb->unsent_last->next, NULL);
    wire_check_queues(&w);

    while (w.send_next < written) {
        tcp_output(w.pcb);
        wire_check_queues(&w);
        wire_ack(&w, w.send_next);
    }
    assert_null(memchr(w.seen, 0, written));
    wire_ack(&w, written);
    assert_null(w.pcb->unacked);
    assert_null(w.pcb->unsent_last);
    assert_null(w.pcb->unacked_last);
    wire_close(&w);
}

static void a_timeout_puts_everything_back_in_order(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    uint32_t written = 0;
    write_some(&w, &written, 10 * WIRE_MSS, 0);
    tcp_output(w.pcb);
    assert_int_equal(w.send_next, written);
    assert_null(w.pcb->unsent);

    assert_int_equal(tcp_rexmit_rto_prepare(w.pcb), ERR_OK);
    wire_check_queues(&w);
    assert_null(w.pcb->unacked_last);
    write_some(&w, &written, 5 * WIRE_MSS, 0);
    wire_check_queues(&w);
    memset(w.seen, 0, written);
    tcp_rexmit_rto_commit(w.pcb);
    wire_ack(&w, WIRE_MSS);
    for (int turn = 0; turn < 50 && w.send_next < written; turn++) {
        tcp_output(w.pcb);
        wire_check_queues(&w);
        wire_ack(&w, w.send_next);
    }
    assert_null(memchr(w.seen, 0, written));
    wire_close(&w);
}

static void acknowledging_what_a_timeout_put_back_empties_the_queue(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    uint32_t written = 0;
    write_some(&w, &written, 5 * WIRE_MSS, 0);
    tcp_output(w.pcb);
    assert_int_equal(tcp_rexmit_rto_prepare(w.pcb), ERR_OK);
    assert_non_null(w.pcb->unsent_last);
    wire_ack(&w, written);
    assert_null(w.pcb->unsent);
    wire_check_queues(&w);
    write_some(&w, &written, 2 * WIRE_MSS, 0);
    wire_check_queues(&w);
    wire_close(&w);
}

static void a_window_smaller_than_a_segment_cuts_the_last_one(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    uint32_t written = 0;
    write_some(&w, &written, 100, 0);
    tcp_output(w.pcb);
    w.window = 512;
    wire_ack(&w, 100);
    write_some(&w, &written, WIRE_MSS, 0);
    assert_non_null(w.pcb->unsent_last);
    tcp_output(w.pcb);
    assert_int_equal(w.send_next, 100);
    for (int tick = 0; tick < 100 && w.send_next == 100; tick++) {
        tcp_slowtmr();
    }
    assert_int_equal(w.send_next, 612);
    assert_non_null(w.pcb->unsent);
    wire_check_queues(&w);
    write_some(&w, &written, WIRE_MSS, 0);
    wire_check_queues(&w);

    w.window = 1 << 20;
    for (int turn = 0; turn < 10; turn++) {
        wire_ack(&w, w.send_next);
    }
    assert_null(memchr(w.seen, 0, written));
    wire_close(&w);
}

/* One random thing happens to the sender. Returns what the peer has acknowledged. */
static uint32_t sender_step(struct wire *w, uint64_t *seed, uint32_t *written, uint32_t acked)
{
    switch (pick(seed, 12)) {
    case 0:
    case 1:
    case 2:
        write_some(w, written, 1 + pick(seed, 20000), TCP_WRITE_FLAG_MORE * (uint8_t)pick(seed, 2));
        break;
    case 3:
        write_some(w, written, 1 + pick(seed, 3000), TCP_WRITE_FLAG_COPY);
        break;
    case 4:
    case 5:
        tcp_output(w->pcb);
        break;
    case 6: /* the window opens and closes */
        w->window = pick(seed, 5) == 0 ? 256 * pick(seed, 12) : 256 * pick(seed, 4096);
        wire_ack(w, acked);
        break;
    case 7: /* fast retransmit */
        for (int i = 0; i < 4; i++) {
            wire_ack(w, acked);
        }
        break;
    case 8: /* time passes: retransmission timeouts, window probes */
        for (uint32_t i = pick(seed, 15); i > 0; i--) {
            tcp_slowtmr();
        }
        break;
    default:
        acked += pick(seed, w->send_next - acked + 1);
        wire_ack(w, acked);
        break;
    }
    return acked;
}

static void queues_stay_true_whatever_happens_to_the_sender(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t chance = seed;
        struct wire w;
        wire_open(&w);
        uint32_t written = 0, acked = 0;
        for (int step = 0; step < 3000; step++) {
            acked = sender_step(&w, &chance, &written, acked);
            assert_non_null(w.pcb);
            wire_check_queues(&w);
        }
        assert_int_equal(tcp_shutdown(w.pcb, 0, 1), ERR_OK);
        w.window = 1 << 20;
        for (int turn = 0; turn < 10000 && !(w.sent_end && w.send_next == written); turn++) {
            wire_ack(&w, w.send_next);
            tcp_slowtmr();
            tcp_output(w.pcb);
            wire_check_queues(&w);
        }
        assert_true(w.sent_end);
        assert_int_equal(w.send_next, written);
        assert_true(written > 100000);
        assert_null(memchr(w.seen, 0, written));
        wire_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connection_starts_with_ten_segments),
        cmocka_unit_test(thousands_of_segments_are_queued_sent_and_acknowledged),
        cmocka_unit_test(a_timeout_puts_everything_back_in_order),
        cmocka_unit_test(acknowledging_what_a_timeout_put_back_empties_the_queue),
        cmocka_unit_test(a_window_smaller_than_a_segment_cuts_the_last_one),
        cmocka_unit_test(queues_stay_true_whatever_happens_to_the_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
