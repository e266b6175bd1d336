/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/names.c: messages between a resolver and a stack that are both puppets. */
#include "proxy/names.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "fake_resolver.h"
#include "fake_stack.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#define SERVER "10.0.0.53:53"
#define ANSWER "\0\6answer" /* behind its length */

struct post {
    struct stack *stack;
    struct resolver *resolver;
    struct names *names;
};

static const struct now now = {.mono = NS_PER_S};

static int setup(void **state)
{
    struct post *p = calloc(1, sizeof *p);
    assert_non_null(p);
    p->stack = fake_stack_new();
    p->resolver = fake_resolver_new();
    assert_int_equal(names_new(&p->names, p->stack, p->resolver), 0);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct post *p = *state;
    names_free(p->names);
    fake_stack_free(p->stack);
    fake_resolver_free(p->resolver);
    free(p);
    return 0;
}

static void emit(struct post *p, enum resolver_carry kind, uint32_t exchange, const char *message)
{
    fake_resolver_emit(p->resolver, kind, exchange, SERVER, message, strlen(message));
}

static void run(struct post *p)
{
    assert_true(names_run(p->names, now));
    assert_false(names_run(p->names, now));
}

static void assert_heard(struct post *p, const char *lines)
{
    assert_string_equal(fake_resolver_heard(p->resolver), lines);
    fake_resolver_clear(p->resolver);
}

static struct stack_tcp *tcp_connected(struct post *p, uint32_t exchange, const char *message)
{
    emit(p, RESOLVER_TCP, exchange, message);
    run(p);
    struct stack_tcp *t = fake_tcp(p->stack, fake_tcp_count(p->stack) - 1);
    fake_tcp_connected(t);
    fake_stack_dispatch(p->stack, now);
    return t;
}

static void nothing_to_carry_is_said(void **state)
{
    struct post *p = *state;
    assert_false(names_run(p->names, now));
}

static void each_question_leaves_from_a_socket_of_its_own(void **state)
{
    struct post *p = *state;
    emit(p, RESOLVER_UDP, 1, "A?");
    emit(p, RESOLVER_UDP, 2, "AAAA?");
    run(p);
    assert_int_equal(fake_udp_count(p->stack), 2);
    assert_memory_equal(fake_udp_sent(fake_udp(p->stack, 0))->data, "A?", 2);
    assert_memory_equal(fake_udp_sent(fake_udp(p->stack, 1))->data, "AAAA?", 5);
    fake_udp_deliver(fake_udp(p->stack, 1), SERVER, "b", 1, now);
    fake_udp_deliver(fake_udp(p->stack, 0), SERVER, "aa", 2, now);
    assert_heard(p, "2: 1 bytes b\n1: 2 bytes aa\n");
    emit(p, RESOLVER_FORGET, 1, "");
    run(p);
    assert_false(fake_udp_is_open(fake_udp(p->stack, 0)));
    assert_true(fake_udp_is_open(fake_udp(p->stack, 1)));
}

static void an_answer_from_elsewhere_is_not_heard(void **state)
{
    struct post *p = *state;
    emit(p, RESOLVER_UDP, 1, "A?");
    run(p);
    struct stack_udp *u = fake_udp(p->stack, 0);
    fake_udp_deliver(u, "10.0.0.54:53", "x", 1, now);
    fake_udp_deliver(u, "10.0.0.53:54", "x", 1, now);
    fake_udp_deliver(u, "[fd00::53]:53", "x", 1, now);
    assert_heard(p, "");
    fake_udp_deliver(u, SERVER, "x", 1, now);
    assert_heard(p, "1: 1 bytes x\n");
}

static void what_cannot_be_sent_is_said(void **state)
{
    struct post *p = *state;
    fake_stack_forbid(p->stack, "10.0.0.53", ERR_NO_ROUTE);
    emit(p, RESOLVER_UDP, 1, "A?");
    emit(p, RESOLVER_TCP, 2, "A?");
    run(p);
    assert_heard(p, "1: ERR_NO_ROUTE\n2: ERR_NO_ROUTE\n");
    assert_false(fake_udp_is_open(fake_udp(p->stack, 0)));
    emit(p, RESOLVER_FORGET, 1, ""); /* what is gone may be forgotten again */
    emit(p, RESOLVER_FORGET, 77, "");
    run(p);
}

static void an_icmp_error_is_said_once_and_ends_the_exchange(void **state)
{
    struct post *p = *state;
    emit(p, RESOLVER_UDP, 1, "A?");
    run(p);
    struct stack_udp *u = fake_udp(p->stack, 0);
    fake_udp_fail(u, "10.0.0.54:53", ERR_REFUSED, now);
    assert_heard(p, "");
    fake_udp_fail(u, SERVER, ERR_REFUSED, now);
    assert_heard(p, "1: ERR_REFUSED\n");
    assert_false(fake_udp_is_open(u));
}

static void over_tcp_a_message_goes_behind_its_length(void **state)
{
    struct post *p = *state;
    struct stack_tcp *t = tcp_connected(p, 9, "question");
    assert_string_equal(fake_tcp_where(t), SERVER);
    assert_int_equal(fake_tcp_sent(t)->len, 10);
    assert_memory_equal(fake_tcp_sent(t)->data, "\0\x08question", 10);
    fake_tcp_deliver(t, ANSWER, 8);
    fake_stack_dispatch(p->stack, now);
    assert_heard(p, "9: 6 bytes answer\n");
    emit(p, RESOLVER_FORGET, 9, "");
    run(p);
    assert_int_equal(fake_tcp_fate(t), FAKE_CLOSED);
}

static void over_tcp_an_answer_may_come_in_any_pieces(void **state)
{
    struct post *p = *state;
    static const char bytes[] = ANSWER "\0\0"
                                       "\0\x03two";
    enum { LEN = sizeof bytes - 1 };
    for (size_t a = 0; a <= LEN; a++) {
        for (size_t b = a; b <= LEN; b++) {
            struct stack_tcp *t = tcp_connected(p, 5, "q");
            const size_t cuts[] = {0, a, b, LEN};
            for (unsigned i = 0; i < 3; i++) {
                fake_tcp_deliver(t, bytes + cuts[i], cuts[i + 1] - cuts[i]);
                fake_stack_dispatch(p->stack, now);
            }
            assert_int_equal(fake_tcp_unread(t), 0);
            assert_heard(p, "5: 6 bytes answer\n5: 0 bytes \n5: 3 bytes two\n");
        }
    }
}

static void over_tcp_the_largest_answer_arrives(void **state)
{
    struct post *p = *state;
    struct stack_tcp *t = tcp_connected(p, 5, "q");
    static uint8_t bytes[2 + 65535] = {0xff, 0xff};
    memset(bytes + 2, 'x', 65535);
    for (size_t at = 0; at < sizeof bytes;) {
        size_t n = sizeof bytes - at < 1380 ? sizeof bytes - at : 1380;
        fake_tcp_deliver(t, bytes + at, n);
        fake_stack_dispatch(p->stack, now);
        at += n;
    }
    assert_heard(p, "5: 65535 bytes xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n");
}

static void over_tcp_a_question_may_leave_in_pieces(void **state)
{
    struct post *p = *state;
    emit(p, RESOLVER_TCP, 1, "question");
    run(p);
    struct stack_tcp *t = fake_tcp(p->stack, 0);
    fake_tcp_set_room(t, 3, 2);
    fake_tcp_connected(t);
    fake_stack_dispatch(p->stack, now);
    for (unsigned i = 0; i < 4; i++) {
        fake_tcp_acknowledge(t, 3);
        fake_stack_dispatch(p->stack, now);
    }
    assert_int_equal(fake_tcp_sent(t)->len, 10);
    assert_memory_equal(fake_tcp_sent(t)->data, "\0\x08question", 10);
}

static void over_tcp_the_end_before_the_answer_is_a_failure(void **state)
{
    struct post *p = *state;
    for (size_t n = 0; n < 8; n++) {
        struct stack_tcp *t = tcp_connected(p, 5, "q");
        fake_tcp_deliver(t, ANSWER, n);
        fake_tcp_deliver_fin(t);
        fake_stack_dispatch(p->stack, now);
        assert_heard(p, "5: ERR_CLOSED\n");
        assert_int_equal(fake_tcp_fate(t), FAKE_CLOSED);
    }
    struct stack_tcp *t = tcp_connected(p, 5, "q");
    fake_tcp_failed(t, ERR_RESET);
    fake_stack_dispatch(p->stack, now);
    assert_heard(p, "5: ERR_RESET\n");
}

static void an_exchange_that_moves_to_tcp_leaves_its_socket(void **state)
{
    struct post *p = *state;
    emit(p, RESOLVER_UDP, 1, "A?");
    emit(p, RESOLVER_TCP, 1, "A?");
    run(p);
    assert_false(fake_udp_is_open(fake_udp(p->stack, 0)));
    assert_int_equal(fake_tcp_count(p->stack), 1);
}

static void exchanges_whose_numbers_collide_are_told_apart(void **state)
{
    struct post *p = *state;
    for (uint32_t i = 0; i < 4; i++) {
        emit(p, RESOLVER_UDP, 64 * i, "A?");
    }
    emit(p, RESOLVER_FORGET, 128, "");
    run(p);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(fake_udp_is_open(fake_udp(p->stack, i)), i != 2);
    }
}

static void without_memory_the_resolver_is_told(void **state)
{
    struct post *p = *state;
    static const enum resolver_carry kinds[] = {RESOLVER_UDP, RESOLVER_TCP};
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned k = 1;; k++) {
            emit(p, kinds[i], k, "A?");
            fail_alloc_at(k);
            run(p);
            bool failed = fail_alloc_count() >= k;
            fail_alloc_at(0);
            assert_int_equal(strstr(fake_resolver_heard(p->resolver), "ERR_NOMEM") != NULL, failed);
            fake_resolver_clear(p->resolver);
            if (!failed) {
                break;
            }
        }
    }
    struct stack_tcp *t = tcp_connected(p, 50, "q");
    fake_tcp_deliver(t, ANSWER, 8);
    fail_alloc_at(1);
    fake_stack_dispatch(p->stack, now);
    struct names *none;
    fail_alloc_at(1);
    assert_int_equal(names_new(&none, p->stack, p->resolver), ERR_NOMEM);
    fail_alloc_at(0);
    assert_heard(p, "50: ERR_NOMEM\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_to_carry_is_said),
        TEST(each_question_leaves_from_a_socket_of_its_own),
        TEST(an_answer_from_elsewhere_is_not_heard),
        TEST(what_cannot_be_sent_is_said),
        TEST(an_icmp_error_is_said_once_and_ends_the_exchange),
        TEST(over_tcp_a_message_goes_behind_its_length),
        TEST(over_tcp_an_answer_may_come_in_any_pieces),
        TEST(over_tcp_the_largest_answer_arrives),
        TEST(over_tcp_a_question_may_leave_in_pieces),
        TEST(over_tcp_the_end_before_the_answer_is_a_failure),
        TEST(an_exchange_that_moves_to_tcp_leaves_its_socket),
        TEST(exchanges_whose_numbers_collide_are_told_apart),
        TEST(without_memory_the_resolver_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
