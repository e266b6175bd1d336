/* SPDX-License-Identifier: MIT */
/* The receiver: the out-of-sequence queue, appended to and emptied without walks,
 * must deliver the same stream and send the same SACKs. */
#include "wire.h"

#include "unit/seeded.h"

static uint32_t pick(uint64_t *seed, uint32_t n)
{
    return (uint32_t)(seeded_next(seed) % n);
}

static void two_thousand_segments_behind_a_hole_arrive_whole(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    for (uint32_t i = 1; i <= 2000; i++) {
        wire_send(&w, i * WIRE_MSS, WIRE_MSS, 0);
        assert_non_null(w.pcb->ooseq);
    }
    wire_check_queues(&w);
    assert_int_equal(w.received, 0);
    assert_int_equal(w.pcb->rcv_sacks[0].left, w.peer_first + WIRE_MSS);
    assert_int_equal(w.pcb->rcv_sacks[0].right, w.peer_first + 2001 * WIRE_MSS);

    wire_send(&w, 0, WIRE_MSS, 0);
    assert_int_equal(w.received, 2001 * WIRE_MSS);
    assert_null(w.pcb->ooseq);
    assert_null(w.pcb->ooseq_last);
    assert_int_equal(w.pcb->rcv_sacks[0].left, w.pcb->rcv_sacks[0].right);
    wire_close(&w);
}

static void the_first_sack_names_the_whole_block_even_when_it_was_forgotten(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    /* Five blocks of two segments each, the last one twice as long. */
    for (uint32_t block = 1; block <= 5; block++) {
        wire_send(&w, block * 10000, 500, 0);
        wire_send(&w, block * 10000 + 500, 500, 0);
    }
    /* News of the other four push the fifth out of the four SACKs. */
    for (uint32_t block = 1; block <= 4; block++) {
        wire_send(&w, block * 10000 + 1000, 500, 0);
    }
    for (int i = 0; i < LWIP_TCP_MAX_SACK_NUM; i++) {
        assert_int_not_equal(w.pcb->rcv_sacks[i].right, w.peer_first + 51000);
    }
    wire_send(&w, 51000, 500, 0);
    assert_int_equal(w.pcb->rcv_sacks[0].left, w.peer_first + 50000);
    assert_int_equal(w.pcb->rcv_sacks[0].right, w.peer_first + 51500);
    wire_close(&w);
}

static void appending_does_not_pass_the_limit(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    for (uint32_t i = 1; i <= TCP_OOSEQ_MAX_PBUFS + 500; i++) {
        wire_send(&w, i, 1, 0);
    }
    assert_int_equal(w.pcb->ooseq_pbufs, TCP_OOSEQ_MAX_PBUFS);
    wire_check_queues(&w);
    assert_int_equal(w.pcb->rcv_sacks[0].right, w.peer_first + 1 + TCP_OOSEQ_MAX_PBUFS);

    wire_send(&w, 0, 1, 0);
    assert_int_equal(w.received, TCP_OOSEQ_MAX_PBUFS + 1);
    wire_close(&w);
}

static void segments_in_any_order_and_overlap_make_the_same_stream(void **state)
{
    (void)state;
    enum { LENGTH = 150000 };
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t chance = seed;
        struct wire w;
        wire_open(&w);
        uint32_t front = 0; /* end of the furthest segment: most go right there */
        while (!w.received_end) {
            uint32_t offset;
            switch (pick(&chance, 10)) {
            case 0:
                offset = w.received;
                break;
            case 1:
            case 2:
                offset = w.received + pick(&chance, 20000);
                break;
            case 3:
                offset = w.received - pick(&chance, w.received < 3000 ? w.received + 1 : 3000);
                break;
            default:
                offset = front + (pick(&chance, 4) == 0 ? pick(&chance, 3000) : 0);
                break;
            }
            uint32_t len = 1 + pick(&chance, WIRE_MSS);
            if (offset >= LENGTH || offset > w.received + 60000) {
                offset = w.received;
            }
            len = len < LENGTH - offset ? len : LENGTH - offset;
            wire_send(&w, offset, len, offset + len == LENGTH ? TCP_FIN : 0);
            front = offset + len > front ? offset + len : front;
            wire_check_queues(&w);
        }
        assert_int_equal(w.received, LENGTH);
        wire_close(&w);
    }
}

static void data_behind_a_fin_is_not_appended(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    wire_send(&w, 1000, 500, TCP_FIN);
    wire_send(&w, 1500, 500, 0);
    wire_send(&w, 1501, 500, 0);
    assert_null(w.pcb->ooseq->next);
    wire_send(&w, 0, 1000, 0);
    assert_int_equal(w.received, 1500);
    assert_true(w.received_end);
    wire_close(&w);
}

static void what_reaches_past_the_window_is_cut(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    w.pcb->rcv_wnd = w.pcb->rcv_ann_wnd = 3000;
    wire_send(&w, 1000, 1000, 0);
    wire_send(&w, 2000, 1300, 0);
    assert_int_equal(w.pcb->ooseq->next->len, 1000);
    wire_check_queues(&w);
    wire_send(&w, 0, 1000, 0);
    assert_int_equal(w.received, 3000);
    wire_close(&w);
}

static void a_queue_that_grew_stale_is_forgotten_whole(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    wire_send(&w, 1000, 500, 0);
    wire_send(&w, 1500, 500, 0);
    assert_non_null(w.pcb->ooseq_last);
    for (int tick = 0; tick < 1000 && w.pcb->ooseq != NULL; tick++) {
        tcp_slowtmr();
    }
    assert_null(w.pcb->ooseq);
    assert_null(w.pcb->ooseq_last);
    wire_send(&w, 500, 500, 0);
    wire_send(&w, 1000, 500, 0);
    wire_send(&w, 0, 500, 0);
    assert_int_equal(w.received, 1500);
    wire_close(&w);
}

static void a_fin_in_sequence_ends_the_queue_too(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    wire_send(&w, 1000, 500, 0);
    wire_send(&w, 1500, 500, 0);
    wire_send(&w, 0, 300, TCP_FIN);
    assert_int_equal(w.received, 300);
    assert_true(w.received_end);
    assert_null(w.pcb->ooseq);
    assert_null(w.pcb->ooseq_last);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_thousand_segments_behind_a_hole_arrive_whole),
        cmocka_unit_test(the_first_sack_names_the_whole_block_even_when_it_was_forgotten),
        cmocka_unit_test(appending_does_not_pass_the_limit),
        cmocka_unit_test(segments_in_any_order_and_overlap_make_the_same_stream),
        cmocka_unit_test(data_behind_a_fin_is_not_appended),
        cmocka_unit_test(what_reaches_past_the_window_is_cut),
        cmocka_unit_test(a_queue_that_grew_stale_is_forgotten_whole),
        cmocka_unit_test(a_fin_in_sequence_ends_the_queue_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
