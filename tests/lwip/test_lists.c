/* SPDX-License-Identifier: MIT */
/* The lists of pcbs: each leaves its list, whichever that is and wherever it stands in it. */
#include "wire.h"

#include "unit/seeded.h"

enum { PCBS = 50 };

static void check_list(struct tcp_pcb *const *list, size_t n)
{
    struct tcp_pcb *const *from = list;
    size_t found = 0;
    for (struct tcp_pcb *pcb = *list; pcb != NULL; pcb = pcb->next) {
        assert_ptr_equal(pcb->pprev, from);
        from = &pcb->next;
        found++;
    }
    assert_int_equal(found, n);
}

static void pcbs_leave_in_any_order(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t chance = seed;
        struct tcp_pcb *pcbs[PCBS];
        for (size_t i = 0; i < PCBS; i++) {
            pcbs[i] = tcp_new();
            assert_non_null(pcbs[i]);
            assert_int_equal(tcp_bind(pcbs[i], IP4_ADDR_ANY, (uint16_t)(1000 + i)), ERR_OK);
            check_list(&tcp_bound_pcbs, i + 1);
        }
        for (size_t n = PCBS; n > 0; n--) {
            size_t i = seeded_next(&chance) % n;
            assert_int_equal(tcp_close(pcbs[i]), ERR_OK);
            pcbs[i] = pcbs[n - 1];
            check_list(&tcp_bound_pcbs, n - 1);
        }
    }
}

static void a_pcb_leaves_a_list_that_lwip_does_not_know(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w);
    struct tcp_pcb *ours = NULL;
    TCP_PCB_UNLINK(w.pcb);
    TCP_PCB_LINK(&ours, w.pcb);
    check_list(&tcp_active_pcbs, 0);
    check_list(&ours, 1);
    tcp_abort(w.pcb);
    assert_null(ours);
    assert_null(w.pcb);
    wire_close(&w);
}

static void timers_take_off_what_they_give_up(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w); /* this one stays */
    ip_addr_t nobody = IPADDR4_INIT_BYTES(10, 0, 0, 3);
    for (uint16_t i = 0; i < 3; i++) {
        assert_int_equal(tcp_connect(tcp_new(), &nobody, 80, NULL), ERR_OK);
    }
    check_list(&tcp_active_pcbs, 4);
    for (int tick = 0; tick < 1000; tick++) {
        tcp_slowtmr();
    }
    check_list(&tcp_active_pcbs, 1);
    assert_ptr_equal(tcp_active_pcbs, w.pcb);
    wire_close(&w);
    check_list(&tcp_active_pcbs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pcbs_leave_in_any_order),
        cmocka_unit_test(a_pcb_leaves_a_list_that_lwip_does_not_know),
        cmocka_unit_test(timers_take_off_what_they_give_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
