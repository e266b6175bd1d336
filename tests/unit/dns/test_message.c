/* SPDX-License-Identifier: MIT */
#include "dns/message.h"

#include <netdb.h>
#include <string.h>

#define CARES_NO_DEPRECATED
#include <ares.h>

#include "unit/dns/replies.h"

static void a_query_is_what_the_rfc_draws(void **state)
{
    (void)state;
    static const uint8_t with_edns[] = "\xbe\xef\1\0\0\1\0\0\0\0\0\1\3www\7example\3com\0\0\34\0\1"
                                       "\0\0\51\4\320\0\0\0\0\0\0";
    static const uint8_t without[] = "\xbe\xef\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1";
    uint8_t query[MESSAGE_QUERY_MAX];
    size_t len;
    assert_int_equal(message_create_query(query, &len, 0xbeef, "www.example.com", FAMILY_V6, true),
                     0);
    assert_int_equal(len, sizeof with_edns - 1);
    assert_memory_equal(query, with_edns, len);
    assert_int_equal(message_create_query(query, &len, 0xbeef, "www.example.com", FAMILY_V4, false),
                     0);
    assert_int_equal(len, sizeof without - 1);
    assert_memory_equal(query, without, len);
}

static void every_canonical_name_can_be_asked_for(void **state)
{
    (void)state;
    char longest[] = "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc."
                     "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc."
                     "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabc."
                     "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghija";
    const char *names[] = {longest, "a", "_x._y", "a@b!$*", "\"quoted\"", "(a;b)"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct asked a = ask(names[i], FAMILY_V6);
        struct wire w = {.message = a.query, .len = a.len, .at = WIRE_HEADER};
        struct wire_name name;
        char text[NAME_SIZE];
        assert_true(wire_read_name(&w, &name));
        assert_true(wire_name_text(text, &name));
        assert_string_equal(text, names[i]);
    }
    for (int c = 0x21; c < 0x7f; c++) {
        char name[] = {'x', (char)c, 'y', '\0'}, text[NAME_SIZE];
        bool absolute;
        if (c != '.' && name_canonical(text, name, &absolute) == 0) {
            struct asked a = ask(text, FAMILY_V4);
            assert_memory_equal(a.query + WIRE_HEADER + 1, text, 3);
        }
    }
}

static void check_answer(size_t i, const struct answer *out)
{
    char addrs[DNS_ADDRESSES_MAX * ADDR_TEXT] = "", text[ADDR_TEXT];
    if (replies[i].addrs != NULL) {
        for (size_t k = 0; k < out->n; k++) {
            strcat(strcat(addrs, addr_format(&out->addrs[k], text)), " ");
        }
        assert_string_equal(addrs, replies[i].addrs);
    }
    if (replies[i].alias != NULL) {
        assert_string_equal(out->alias, replies[i].alias);
    }
    assert_int_equal(out->ttl, replies[i].ttl);
}

static bool verdict_has_ttl(enum message_verdict v)
{
    return v == MESSAGE_ADDRESSES || v == MESSAGE_ALIAS || v == MESSAGE_NO_DATA ||
           v == MESSAGE_NO_NAME;
}

static void replies_mean_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        static struct reply r;
        struct asked a = ask(WWW, replies[i].family);
        struct answer out;
        reply_make(&r, a.query, replies[i].rcode, replies[i].lines);
        enum message_verdict v = consume(&out, &a, r.bytes, r.len);
        if (v != replies[i].verdict) {
            fail_msg("reply %zu (%s): verdict %d, not %d", i, replies[i].lines, v,
                     replies[i].verdict);
        }
        if (verdict_has_ttl(v)) {
            check_answer(i, &out);
        }
    }
}

/* Each change makes the reply somebody else's. */
static void what_is_not_our_answer_is_foreign(void **state)
{
    (void)state;
    static const struct {
        const char *why;
        size_t at;
        uint8_t value;
    } changes[] = {
        {"another id, first byte", 0, 0xbf},
        {"another id, second byte", 1, 0xee},
        {"a query", 2, 0x01},
        {"another operation", 2, 0x81 | 2 << 3},
        {"two questions", 5, 2},
        {"no question and no error", 5, 0},
        {"another name", 13, 'v'},
        {"another type", WIRE_HEADER + 17 + 1, 28},
        {"another class", WIRE_HEADER + 17 + 3, 3},
    };
    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        static struct reply r;
        struct asked a = ask(WWW, FAMILY_V4);
        struct answer out;
        reply_make(&r, a.query, RCODE_OK, WWW " A 60 192.0.2.1");
        assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_ADDRESSES);
        assert_int_not_equal(r.bytes[changes[i].at], changes[i].value);
        r.bytes[changes[i].at] = changes[i].value;
        if (consume(&out, &a, r.bytes, r.len) != MESSAGE_FOREIGN) {
            fail_msg("%s was accepted", changes[i].why);
        }
    }
}

static void the_servers_case_does_not_matter(void **state)
{
    (void)state;
    static struct reply r;
    struct asked a = ask(WWW, FAMILY_V4);
    struct answer out;
    reply_make(&r, a.query, RCODE_OK, WWW " A 60 192.0.2.1");
    memcpy(r.bytes + WIRE_HEADER, "\3WwW\7eXAMPLE\3COM", 16);
    assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_ADDRESSES);
}

static void an_error_may_come_without_the_question(void **state)
{
    (void)state;
    struct asked a = ask(WWW, FAMILY_V4);
    for (unsigned rcode = 0; rcode < 16; rcode++) {
        uint8_t header[WIRE_HEADER] = {0xbe, 0xef, 0x81, (uint8_t)(0x80 | rcode)};
        struct answer out;
        enum message_verdict v = consume(&out, &a, header, sizeof header);
        bool needs_question = rcode == RCODE_OK || rcode == RCODE_NXDOMAIN;
        assert_int_equal(v, needs_question           ? MESSAGE_FOREIGN
                            : rcode == RCODE_FORMERR ? MESSAGE_FORMERR
                                                     : MESSAGE_FAILED);
    }
}

static void a_truncated_answer_is_not_read(void **state)
{
    (void)state;
    static struct reply r;
    struct asked a = ask(WWW, FAMILY_V4);
    struct answer out;
    reply_make(&r, a.query, RCODE_OK, WWW " A 60 192.0.2.1");
    r.bytes[2] |= 0x02;
    assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_TRUNCATED);
    assert_int_equal(consume(&out, &a, r.bytes, r.len - 5), MESSAGE_TRUNCATED);
}

static void at_most_32_addresses_are_taken(void **state)
{
    (void)state;
    static struct reply r;
    struct asked a = ask(WWW, FAMILY_V4);
    struct answer out;
    reply_make(&r, a.query, RCODE_OK, "");
    for (unsigned i = 0; i < 300; i++) {
        char line[64];
        snprintf(line, sizeof line, WWW " A 60 10.0.%u.%u", i / 256, i % 256);
        reply_add(&r, line);
    }
    assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_ADDRESSES);
    assert_int_equal(out.n, DNS_ADDRESSES_MAX);
}

static void chains_are_bounded(void **state)
{
    (void)state;
    for (unsigned hops = 15; hops <= 18; hops++) {
        static struct reply r;
        struct asked a = ask("n0.x", FAMILY_V4);
        struct answer out;
        reply_make(&r, a.query, RCODE_OK, "");
        char line[64];
        for (unsigned i = 0; i < hops; i++) {
            snprintf(line, sizeof line, "n%u.x CNAME 60 n%u.x", i, i + 1);
            reply_add(&r, line);
        }
        snprintf(line, sizeof line, "n%u.x A 60 192.0.2.1", hops);
        reply_add(&r, line);
        assert_int_equal(consume(&out, &a, r.bytes, r.len),
                         hops <= 16 ? MESSAGE_ADDRESSES : MESSAGE_BROKEN);
    }
}

/* c-ares reads the same addresses from replies that make sense: an opinion that is not ours. */
static void c_ares_reads_the_same_addresses(void **state)
{
    (void)state;
    unsigned compared = 0;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        static struct reply r;
        bool in_order = strncmp(replies[i].lines, WWW, strlen(WWW)) ==
                        0; /* it wants the chain from its begin */
        if (replies[i].verdict != MESSAGE_ADDRESSES || replies[i].family != FAMILY_V4 ||
            !in_order) {
            continue;
        }
        struct asked a = ask(WWW, FAMILY_V4);
        struct answer out;
        reply_make(&r, a.query, replies[i].rcode, replies[i].lines);
        assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_ADDRESSES);
        struct ares_addrttl theirs[DNS_ADDRESSES_MAX];
        int n = DNS_ADDRESSES_MAX;
        assert_int_equal(ares_parse_a_reply(r.bytes, (int)r.len, NULL, theirs, &n), ARES_SUCCESS);
        for (size_t k = 0; k < out.n; k++) {
            bool found = false;
            for (int t = 0; t < n; t++) {
                found |= memcmp(&theirs[t].ipaddr, out.addrs[k].bytes, 4) == 0;
            }
            assert_true(found);
        }
        compared++;
    }
    assert_true(compared >= 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_what_the_rfc_draws),
        cmocka_unit_test(every_canonical_name_can_be_asked_for),
        cmocka_unit_test(replies_mean_what_the_table_says),
        cmocka_unit_test(what_is_not_our_answer_is_foreign),
        cmocka_unit_test(the_servers_case_does_not_matter),
        cmocka_unit_test(an_error_may_come_without_the_question),
        cmocka_unit_test(a_truncated_answer_is_not_read),
        cmocka_unit_test(at_most_32_addresses_are_taken),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(c_ares_reads_the_same_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
