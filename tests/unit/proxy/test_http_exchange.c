/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/http_exchange.c: what of an answer's head passes on. The client's next answers may be of other servers,
 * so that it must never see another end of this one than we do. */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit/test.h"
#include "visit.h"

/* The request is answered by `answer`: the client hears `heard`, and may ask again or not. */
struct exchange {
    const char *request, *answer, *heard;
    bool ends;
};

static void expect(const struct exchange *x)
{
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, x->request, strlen(x->request));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    visit_settle(&v);
    fake_tcp_deliver(t, x->answer, strlen(x->answer));
    visit_settle(&v);
    visit_heard(&v, x->heard, strlen(x->heard));
    assert_int_equal(v.c.shut, x->ends);
    visit_end(&v);
}

#define GET "GET http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD "HEAD http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n"
#define OLD "GET http://10.0.0.1/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* RFC 9112 6.1, RFC 9110 8.6: no framing where there is nothing to frame. Some clients would wait for it, or take the next
 * answer for it. */
static void what_has_no_body_says_nothing_of_its_length(void **state)
{
    (void)state;
    static const struct exchange exchanges[] = {
        {GET, "HTTP/1.1 204 None\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n",
         "HTTP/1.1 204 None\r\nX: y\r\n\r\n", false},
        {GET, "HTTP/1.1 204 None\r\nContent-Length: 5\r\nX: y\r\n\r\n",
         "HTTP/1.1 204 None\r\nX: y\r\n\r\n", false},
        {GET, "HTTP/1.1 304 Same\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
         "HTTP/1.1 304 Same\r\nContent-Length: 5\r\n\r\n", false},
        {HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n",
         false},
        {HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
         "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false},
        {GET,
         "HTTP/1.1 103 Early\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n"
         "Link: <a>\r\n\r\n" OK,
         "HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" OK, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        expect(&exchanges[i]);
    }
}

static void a_length_is_said_once(void **state)
{
    (void)state;
    static const struct exchange x = {
        GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\ncontent-length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: y\r\n\r\nok", false};
    expect(&x);
}

/* RFC 9110 15.2: for a client of HTTP/1.0 the first head is the answer, and what follows it that of its next request. */
static void an_old_client_hears_of_the_answer_alone(void **state)
{
    (void)state;
    static const struct exchange x = {
        OLD,
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n"
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok", false};
    expect(&x);
}

/* The same, in any pieces. */
static void interim_answers_may_come_in_any_pieces(void **state)
{
    (void)state;
    static const char said[] = "HTTP/1.1 103 Early\r\nLink: <a>\r\n\r\n" OK;
    static const char *const requests[] = {GET, OLD};
    static const char *const heard[] = {
        said, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok"};
    for (size_t cut = 1; cut < sizeof said - 1; cut++) {
        for (size_t i = 0; i < 2; i++) {
            struct visit v;
            visit_begin(&v, (struct ground_options){0});
            visit_say(&v, requests[i], strlen(requests[i]));
            struct stack_tcp *t = fake_tcp(v.g->stack, 0);
            fake_tcp_connected(t);
            fake_tcp_deliver(t, said, cut);
            visit_settle(&v);
            fake_tcp_deliver(t, said + cut, sizeof said - 1 - cut);
            visit_settle(&v);
            visit_heard(&v, heard[i], strlen(heard[i]));
            visit_end(&v);
        }
    }
}

/* What is left of the request's body would be taken for the next one: nobody may ask again, and is told so. */
static void an_answer_before_the_whole_request_is_the_last_one(void **state)
{
    (void)state;
    static const struct exchange exchanges[] = {
        {"POST http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
         "Expect: 100-continue\r\n\r\n",
         "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
         "HTTP/1.1 401 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", true},
        {"POST http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi",
         "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno",
         "HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(exchanges); i++) {
        expect(&exchanges[i]);
    }
}

/* A record of TLS that found no room is made already, and goes out as it is: other words would only be cut to its length. */
static void an_answer_that_was_offered_is_not_replaced(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    visit_settle(&v);
    v.c.room = 0;
    fake_tcp_deliver(t, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
    visit_settle(&v);
    fake_tcp_failed(t, ERR_RESET);
    visit_settle(&v);
    v.c.room = 4096;
    visit_settle(&v);
    visit_heard(&v, BYTES("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
    assert_int_equal(v.c.fate, FAKE_ABORTED);
    visit_end(&v);
}

/* Half a head is nothing that was offered. */
static void what_comes_before_the_answer_may_still_fail_in_words(void **state)
{
    (void)state;
    struct visit v;
    visit_begin(&v, (struct ground_options){0});
    visit_say(&v, BYTES(GET));
    struct stack_tcp *t = fake_tcp(v.g->stack, 0);
    fake_tcp_connected(t);
    v.c.room = 0;
    fake_tcp_deliver(t, BYTES("HTTP/1.1 200"));
    visit_settle(&v);
    fake_tcp_failed(t, ERR_RESET);
    visit_settle(&v);
    v.c.room = 4096;
    visit_settle(&v);
    assert_memory_equal(v.c.output.data, "HTTP/1.1 502", 12);
    assert_true(v.c.shut);
    visit_end(&v);
}

/* Less than was promised must not look like all of it. */
static void an_answer_that_breaks_off_is_no_clean_end(void **state)
{
    (void)state;
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    };
    for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(GET));
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        fake_tcp_connected(t);
        fake_tcp_deliver(t, answers[i], strlen(answers[i]));
        fake_tcp_deliver_fin(t);
        visit_settle(&v);
        visit_heard(&v, answers[i], strlen(answers[i]));
        assert_int_equal(v.c.fate, FAKE_ABORTED);
        assert_false(v.c.shut);
        visit_end(&v);
    }
}

/* It has said all that it wants to know: "printf ... | nc". */
static void a_client_that_ends_its_side_hears_all_answers(void **state)
{
    (void)state;
    for (unsigned early = 0; early < 2; early++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES(GET GET));
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        if (early) {
            fake_client_shutdown(&v.c);
            visit_settle(&v);
        }
        fake_tcp_connected(t);
        visit_settle(&v);
        fake_client_shutdown(&v.c);
        fake_tcp_deliver(t, BYTES(OK));
        visit_settle(&v);
        fake_tcp_deliver(t, BYTES(OK));
        visit_settle(&v);
        visit_heard(&v, BYTES(OK OK));
        assert_true(v.c.fate == FAKE_CLOSED);
        visit_end(&v);
    }
}

/* A chunked body of `total` bytes. */
static size_t make_chunked(char *out, size_t total)
{
    static const char end[] = "\r\n0\r\n\r\n";
    size_t begin = (size_t)sprintf(out, "%06x\r\n", (unsigned)(total - 8 - (sizeof end - 1)));
    for (size_t i = begin; i < total; i++) {
        out[i] = (char)('a' + i % 23);
    }
    memcpy(out + total - (sizeof end - 1), end, sizeof end - 1);
    return total;
}

/* However many reads it takes, and whichever of them is the last one of a turn: behind it the client's socket is empty,
 * and nobody calls for what was read. */
static void an_upload_in_chunks_arrives_without_another_byte_from_the_client(void **state)
{
    (void)state;
    enum { READ = 1024, READS = 300 };
    static char body[READ * READS];
    for (size_t n = 1; n <= READS; n++) {
        struct visit v;
        visit_begin(&v, (struct ground_options){0});
        visit_say(&v, BYTES("PUT http://10.0.0.1/ HTTP/1.1\r\nHost: x\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"));
        struct stack_tcp *t = fake_tcp(v.g->stack, 0);
        fake_tcp_set_room(t, sizeof body + 1024, 16384);
        fake_tcp_connected(t);
        visit_settle(&v);
        size_t head = fake_tcp_sent(t)->len;
        v.c.read_max = READ;
        visit_say(&v, body, make_chunked(body, n * READ));
        assert_int_equal(fake_tcp_sent(t)->len - head, n * READ);
        assert_memory_equal(fake_tcp_sent(t)->data + head, body, n * READ);
        fake_tcp_deliver(t, BYTES(OK));
        visit_settle(&v);
        visit_heard(&v, BYTES(OK));
        visit_end(&v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_has_no_body_says_nothing_of_its_length),
        cmocka_unit_test(a_length_is_said_once),
        cmocka_unit_test(an_old_client_hears_of_the_answer_alone),
        cmocka_unit_test(interim_answers_may_come_in_any_pieces),
        cmocka_unit_test(an_answer_before_the_whole_request_is_the_last_one),
        cmocka_unit_test(an_answer_that_was_offered_is_not_replaced),
        cmocka_unit_test(what_comes_before_the_answer_may_still_fail_in_words),
        cmocka_unit_test(an_answer_that_breaks_off_is_no_clean_end),
        cmocka_unit_test(a_client_that_ends_its_side_hears_all_answers),
        cmocka_unit_test(an_upload_in_chunks_arrives_without_another_byte_from_the_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
