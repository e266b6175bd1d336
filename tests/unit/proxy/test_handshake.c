/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/handshake.c: the bytes around the parser. */
#include "proxy/handshake.h"

#include "base/err.h"
#include "fail_alloc.h"
#include "fake_client.h"
#include "fake_stack.h"
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

static const struct now now = {.mono = NS_PER_S};
static const struct door_terms terms = {.protocols = DOOR_SOCKS5};

static void never_ready(void *ctx, unsigned events, struct now at)
{
    (void)ctx;
    (void)events;
    (void)at;
    fail();
}

static void client_init(struct fake_client *c)
{
    static const struct stream_handler handler = {.ready = never_ready};
    fake_client_init(c);
    c->stream.handler = &handler;
}

static void client_fini(struct fake_client *c)
{
    stream_close(&c->stream);
    fake_client_fini(c);
}

static void reading_ahead_stops_when_it_is_full(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    uint8_t bytes[HANDSHAKE_AHEAD + 1] = {0};
    fake_client_send(&c, bytes, sizeof bytes);
    assert_int_equal(handshake_read(h, &c.stream), 0);
    assert_int_equal(handshake_read(h, &c.stream), ERR_LIMIT);
    assert_int_equal(c.input_at, HANDSHAKE_AHEAD);
    client_fini(&c);
    handshake_free(h);
}

static void reading_tells_nothing_end_and_error_apart(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    assert_int_equal(handshake_read(h, &c.stream), ERR_AGAIN);
    assert_false(h->eof);
    fake_client_shutdown(&c);
    assert_int_equal(handshake_read(h, &c.stream), 0);
    assert_true(h->eof);
    fake_client_reset(&c);
    assert_int_equal(handshake_read(h, &c.stream), ERR_RESET);
    client_fini(&c);
    handshake_free(h);
}

static void an_answer_leaves_byte_by_byte_where_it_must(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    assert_int_equal(handshake_write(h, &c.stream), 0);
    handshake_reply(h, ERR_REFUSED, NULL);
    for (unsigned i = 0; i < 10; i++) {
        c.room = 1;
        assert_int_equal(c.output.len, i);
        assert_int_equal(handshake_write(h, &c.stream), i < 9 ? ERR_AGAIN : 0);
    }
    assert_memory_equal(c.output.data, "\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00", 10);
    client_fini(&c);
    handshake_free(h);
}

static void no_event(void *ctx, struct stack_tcp *t, unsigned events, struct now at)
{
    (void)ctx;
    (void)t;
    (void)events;
    (void)at;
}

static void what_follows_the_request_is_forwarded_as_room_allows(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    fake_client_send(&c, "\x05\x01\x00", 3);
    fake_client_send(&c, "\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50", 10);
    fake_client_send(&c, "early data", 10);
    assert_false(h->open);
    enum door_verdict verdict;
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), 0);
    assert_int_equal(verdict, DOOR_OPEN);
    assert_true(h->open);
    assert_true(handshake_has_early_data(h));

    struct stack *stack = fake_stack_new();
    struct endpoint to = {.addr = h->ask.target.addr, .port = h->ask.target.port};
    struct stack_tcp *t;
    assert_int_equal(stack_tcp_connect(stack, &to, no_event, NULL, &t, now), 0);
    fake_tcp_connected(t);
    fake_tcp_set_room(t, 4, 3);
    assert_false(handshake_forward(h, t));
    fake_tcp_acknowledge(t, 4);
    fake_tcp_set_room(t, 100, 100);
    assert_true(handshake_forward(h, t));
    assert_int_equal(fake_tcp_sent(t)->len, 10);
    assert_memory_equal(fake_tcp_sent(t)->data, "early data", 10);
    stack_tcp_close(t);
    fake_stack_free(stack);
    client_fini(&c);
    handshake_free(h);
}

static void the_talk_says_what_it_waits_for(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    enum door_verdict verdict;
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), ERR_AGAIN);
    assert_false(handshake_is_answering(h));
    c.room = 1;
    fake_client_send(&c, "\x05\x01\x00\x05\x02", 5);
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), ERR_AGAIN);
    assert_true(handshake_is_answering(h));
    assert_int_equal(c.output.len, 1);
    c.room = 1;
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), 0);
    assert_int_equal(verdict, DOOR_SHUT);
    assert_int_equal(c.output.len, 2); /* its answer is left to be written */
    assert_true(handshake_is_answering(h));
    client_fini(&c);
    handshake_free(h);
}

static void the_talk_ends_with_the_clients_bytes(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    enum door_verdict verdict;
    fake_client_send(&c, "\x05\x01", 2);
    fake_client_shutdown(&c);
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), ERR_CLOSED);
    assert_true(h->eof);
    client_fini(&c);
    handshake_free(h);
}

static void what_is_discarded_is_bounded_and_tells_the_end(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    static uint8_t bytes[16 * HANDSHAKE_AHEAD + 1];
    fake_client_send(&c, bytes, sizeof bytes);
    assert_int_equal(handshake_discard(h, &c.stream), ERR_AGAIN);
    assert_int_equal(c.input_at, sizeof bytes - 1);
    assert_int_equal(handshake_discard(h, &c.stream), ERR_AGAIN);
    assert_int_equal(c.input_at, sizeof bytes);
    fake_client_shutdown(&c);
    assert_int_equal(handshake_discard(h, &c.stream), ERR_CLOSED);
    fake_client_reset(&c);
    assert_int_equal(handshake_discard(h, &c.stream), ERR_RESET);
    client_fini(&c);
    handshake_free(h);
}

static void early_data_keeps_its_order_when_more_is_read(void **state)
{
    (void)state;
    struct handshake *h = handshake_new(&terms);
    struct fake_client c;
    client_init(&c);
    fake_client_send(&c,
                     "\x05\x01\x00\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50"
                     "abc",
                     16);
    enum door_verdict verdict;
    assert_int_equal(handshake_talk(h, &c.stream, &verdict), 0);
    fake_client_send(&c, "def", 3);
    assert_int_equal(handshake_read(h, &c.stream), 0);
    assert_int_equal(h->end - h->at, 6);
    assert_memory_equal(h->ahead + h->at, "abcdef", 6);
    client_fini(&c);
    handshake_free(h);
}

static void without_memory_there_is_none(void **state)
{
    (void)state;
    fail_alloc_at(1);
    assert_null(handshake_new(&terms));
    fail_alloc_at(0);
}

/* Who has no password may ask as often as he likes, but so has everybody else. */
static void a_client_that_asks_without_end_holds_up_nobody(void **state)
{
    (void)state;
    static const char request[] = "GET http://a/ HTTP/1.1\r\n\r\n";
    enum { REQUESTS = 1000 };
    struct users *users;
    struct fake_client c;
    enum door_verdict verdict;
    assert_int_equal(users_new(&users), 0);
    assert_int_equal(users_add(users, "alice", "secret"), 0);
    struct door_terms asking = {.protocols = DOOR_HTTP, .users = users};
    struct handshake *h = handshake_new(&asking);
    client_init(&c);
    for (unsigned i = 0; i < REQUESTS; i++) {
        fake_client_send(&c, request, sizeof request - 1);
    }
    unsigned calls = 0;
    size_t before = 0, one = 0;
    do {
        assert_int_equal(handshake_talk(h, &c.stream, &verdict), ERR_AGAIN);
        size_t told = c.output.len - before;
        one = one == 0 ? told : one;
        assert_true(told <= one + one / 2); /* with what the call before had left */
        before = c.output.len;
        calls++;
    } while (c.input_at < c.input.len || handshake_is_answering(h));
    assert_true(calls > REQUESTS / 100);
    unsigned n = 0;
    fake_append(&c.output, "", 1);
    for (const char *at = (const char *)c.output.data; (at = strstr(at, "HTTP/1.1 407")); at++) {
        n++;
    }
    assert_int_equal(n, REQUESTS);
    client_fini(&c);
    handshake_free(h);
    users_free(users);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_asks_without_end_holds_up_nobody),
        cmocka_unit_test(reading_ahead_stops_when_it_is_full),
        cmocka_unit_test(reading_tells_nothing_end_and_error_apart),
        cmocka_unit_test(an_answer_leaves_byte_by_byte_where_it_must),
        cmocka_unit_test(what_follows_the_request_is_forwarded_as_room_allows),
        cmocka_unit_test(the_talk_says_what_it_waits_for),
        cmocka_unit_test(the_talk_ends_with_the_clients_bytes),
        cmocka_unit_test(what_is_discarded_is_bounded_and_tells_the_end),
        cmocka_unit_test(early_data_keeps_its_order_when_more_is_read),
        cmocka_unit_test(without_memory_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
