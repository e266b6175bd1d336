/* SPDX-License-Identifier: MIT */
/* Twin of src/proxy/dialect.c: who is understood at which door. */
#include "proxy/dialect.h"

#include "base/err.h"
#include "unit/test.h"

#include <string.h>

static unsigned spoken_at(unsigned protocols, uint8_t first, enum door_verdict *verdict)
{
    struct door_terms terms = {.protocols = protocols};
    struct dialect d;
    struct door_ask ask;
    struct door_answer answer = {.len = 0};
    size_t used;
    dialect_init(&d, &terms);
    *verdict = dialect_feed(&d, &first, 1, &used, &ask, &answer);
    unsigned spoken = d.spoken;
    if (spoken == 0) {
        assert_int_equal(*verdict, DOOR_SHUT);
        assert_int_equal(answer.len, 0);
        assert_string_equal(answer.why, "a protocol that this door does not speak");
    }
    dialect_fini(&d);
    return spoken;
}

static void the_first_byte_tells_them_apart(void **state)
{
    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        unsigned expected = first == 5                     ? DOOR_SOCKS5
                            : first == 4                   ? DOOR_SOCKS4
                            : first >= 'A' && first <= 'Z' ? DOOR_HTTP
                                                           : 0;
        enum door_verdict verdict;
        assert_int_equal(spoken_at(DOOR_MIXED, (uint8_t)first, &verdict), expected);
    }
}

static void a_door_speaks_only_what_it_has(void **state)
{
    (void)state;
    enum door_verdict verdict;
    assert_int_equal(spoken_at(DOOR_SOCKS5 | DOOR_HTTP, 4, &verdict), 0);
    assert_int_equal(spoken_at(DOOR_SOCKS4 | DOOR_HTTP, 5, &verdict), 0);
    assert_int_equal(spoken_at(DOOR_SOCKS4 | DOOR_SOCKS5, 'G', &verdict), 0);
    assert_int_equal(spoken_at(DOOR_SOCKS4 | DOOR_SOCKS5, 4, &verdict), DOOR_SOCKS4);
}

/* So its own parser says what is wrong with a first byte that is none of its. */
static void a_door_with_one_protocol_speaks_it_from_the_start(void **state)
{
    (void)state;
    enum door_verdict verdict;
    assert_int_equal(spoken_at(DOOR_SOCKS5, 4, &verdict), DOOR_SOCKS5);
    assert_int_equal(verdict, DOOR_SHUT);
    assert_int_equal(spoken_at(DOOR_SOCKS4, 'G', &verdict), DOOR_SOCKS4);
    assert_int_equal(verdict, DOOR_SHUT);
    /* SOCKS, and the first byte of TLS: their clients would wait for ever for the rest of a line. */
    static const uint8_t others[] = {4, 5, 0x16};
    for (size_t i = 0; i < sizeof others; i++) {
        assert_int_equal(spoken_at(DOOR_HTTP, others[i], &verdict), DOOR_HTTP);
        assert_int_equal(verdict, DOOR_SHUT);
    }
    assert_int_equal(spoken_at(DOOR_HTTP, 'p', &verdict), DOOR_HTTP);
    assert_int_equal(verdict, DOOR_MORE);
}

static void a_forward_is_open_without_a_byte_and_has_no_words(void **state)
{
    (void)state;
    struct door_terms terms = {.protocols = DOOR_FORWARD,
                               .target = {.port = 80, .name = "example.com"}};
    struct dialect d;
    struct door_ask ask;
    struct door_answer answer;
    size_t used;
    dialect_init(&d, &terms);
    assert_int_equal(dialect_feed(&d, NULL, 0, &used, &ask, &answer), DOOR_OPEN);
    assert_int_equal(used, 0);
    assert_int_equal(ask.request, DOOR_CONNECT);
    assert_string_equal(ask.target.name, "example.com");
    assert_int_equal(ask.target.port, 80);
    assert_null(ask.user);
    dialect_reply(&d, &answer, 0, NULL);
    assert_int_equal(answer.len, 0);
    dialect_reply(&d, &answer, ERR_REFUSED, NULL);
    assert_int_equal(answer.len, 0);
    dialect_fini(&d);
}

static void replies_are_of_the_clients_protocol(void **state)
{
    (void)state;
    struct door_terms terms = {.protocols = DOOR_MIXED};
    struct dialect d;
    struct door_ask ask;
    struct door_answer answer;
    size_t used, prelude;
    dialect_init(&d, &terms);
    assert_int_equal(
        dialect_feed(&d, (const uint8_t *)"\x04\x01\0\x50\x0a\0\0\1\0", 9, &used, &ask, &answer),
        DOOR_OPEN);
    dialect_reply(&d, &answer, ERR_REFUSED, NULL);
    assert_int_equal(answer.len, 8);
    assert_int_equal(answer.bytes[1], 91);
    dialect_prelude(&d, &prelude);
    assert_int_equal(prelude, 0);
    dialect_fini(&d);
    dialect_init(&d, &terms);
    assert_int_equal(dialect_feed(&d, (const uint8_t *)"\x05\x01\0", 3, &used, &ask, &answer),
                     DOOR_ANSWER);
    dialect_reply(&d, &answer, ERR_REFUSED, NULL);
    assert_int_equal(answer.len, 10);
    assert_int_equal(answer.bytes[1], 5);
    dialect_fini(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_byte_tells_them_apart),
        cmocka_unit_test(a_door_speaks_only_what_it_has),
        cmocka_unit_test(a_door_with_one_protocol_speaks_it_from_the_start),
        cmocka_unit_test(a_forward_is_open_without_a_byte_and_has_no_words),
        cmocka_unit_test(replies_are_of_the_clients_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
