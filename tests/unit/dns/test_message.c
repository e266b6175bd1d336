/* SPDX-License-Identifier: MIT */
#include "dns/message.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CARES_NO_DEPRECATED
#include <ares.h>

#include "unit/test.h"

#include "base/err.h"
#include "unit/dns/reply.h"
#include "unit/seeded.h"

struct asked {
    uint8_t query[MESSAGE_QUERY_MAX];
    size_t len;
};

static struct asked ask(const char *name, enum family family)
{
    struct asked a = {.len = 0};
    assert_int_equal(message_create_query(a.query, &a.len, 0xbeef, name, family, true), 0);
    return a;
}

/* From memory of exactly that size, so that a sanitizer sees a read past the end. */
static enum message_verdict consume(struct answer *out, const struct asked *a, const uint8_t *reply,
                                    size_t len)
{
    uint8_t *exact = malloc(len > 0 ? len : 1);
    assert_non_null(exact);
    memcpy(exact, reply, len);
    memset(out, 0x5a, sizeof *out);
    enum message_verdict v = message_consume_reply(out, a->query, a->len, exact, len);
    free(exact);
    return v;
}

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

#define WWW "www.example.com"

static const struct {
    enum family family;
    unsigned rcode;
    const char *lines;
    enum message_verdict verdict;
    const char *addrs; /* each followed by a blank */
    uint32_t ttl;
    const char *alias;
} replies[] = {
    /* addresses */
    {4, RCODE_OK, WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    {6, RCODE_OK, WWW " AAAA 60 2001:db8::1", MESSAGE_ADDRESSES, "2001:db8::1 ", 60, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n" WWW " A 50 192.0.2.2", MESSAGE_ADDRESSES,
     "192.0.2.1 192.0.2.2 ", 50, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ",
     60, NULL},
    {4, RCODE_OK, "WWW.example.COM A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    {4, RCODE_OK, WWW " A 0 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 0, NULL},
    {4, RCODE_OK, WWW " A 2147483647 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 2147483647, NULL},
    {4, RCODE_OK, WWW " A 2147483648 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 0, NULL},
    {4, RCODE_OK,
     WWW " A 60 192.0.2.1\n!example.com NS 9 ns.example\n+ns.example A 9 10.0.0.9\n+. OPT 0 0",
     MESSAGE_ADDRESSES, "192.0.2.1 ", 60, NULL},
    /* of another family, of another name, of a kind that was not asked for */
    {4, RCODE_OK, WWW " AAAA 60 2001:db8::1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "evil.example A 60 192.0.2.6", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " NS 60 ns.example\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ",
     60, NULL},
    {4, RCODE_OK, "evil.example A 1 192.0.2.6\n" WWW " A 60 192.0.2.1", MESSAGE_ADDRESSES,
     "192.0.2.1 ", 60, NULL},
    {4, RCODE_OK, "!" WWW " A 60 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "+" WWW " A 60 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {6, RCODE_OK, WWW " AAAA 60 ::ffff:192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    /* chains */
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x A 30 192.0.2.1", MESSAGE_ADDRESSES, "192.0.2.1 ", 30,
     NULL},
    {4, RCODE_OK, WWW " CNAME 20 a.x\na.x CNAME 40 b.x\nb.x A 30 192.0.2.1", MESSAGE_ADDRESSES,
     "192.0.2.1 ", 20, NULL},
    {4, RCODE_OK, "b.x A 30 192.0.2.1\na.x CNAME 40 b.x\n" WWW " CNAME 20 A.x\nb.x A 30 192.0.2.2",
     MESSAGE_ADDRESSES, "192.0.2.1 192.0.2.2 ", 20, NULL}, /* shuffled */
    {4, RCODE_OK, WWW " CNAME 60 a.x\nb.x A 30 192.0.2.1", MESSAGE_ALIAS, NULL, 60, "a.x"},
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x CNAME 30 B.x", MESSAGE_ALIAS, NULL, 30, "b.x"},
    {4, RCODE_OK, WWW " CNAME 60 a.x\n!x NS 30 ns.x", MESSAGE_ALIAS, NULL, 60, "a.x"},
    {4, RCODE_OK, "a.x CNAME 60 " WWW "\na.x A 1 192.0.2.1", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 " WWW, MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 a.x\na.x CNAME 60 " WWW, MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 .", MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 60 a\\b", MESSAGE_BROKEN, NULL, 0, NULL},
    /* absence */
    {4, RCODE_OK, "", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, "!example.com SOA 300 60", MESSAGE_NO_DATA, NULL, 60, NULL},
    {4, RCODE_OK, "!example.com SOA 30 60", MESSAGE_NO_DATA, NULL, 30, NULL},
    {4, RCODE_OK, "!example.com SOA 300 3000000000", MESSAGE_NO_DATA, NULL, 0, NULL},
    {4, RCODE_OK, WWW " CNAME 20 a.x\n!x SOA 300 60", MESSAGE_NO_DATA, NULL, 20, NULL},
    {4, RCODE_OK, "!example.com NS 300 ns.x\n!example.com SOA 300 60", MESSAGE_NO_DATA, NULL, 60,
     NULL},
    {4, RCODE_OK, WWW " SOA 300 60", MESSAGE_NO_DATA, NULL, 0, NULL}, /* not where it counts */
    {4, RCODE_NXDOMAIN, "", MESSAGE_NO_NAME, NULL, 0, NULL},
    {4, RCODE_NXDOMAIN, "!com SOA 300 60", MESSAGE_NO_NAME, NULL, 60, NULL},
    {4, RCODE_NXDOMAIN, WWW " CNAME 20 a.x\n!x SOA 300 60", MESSAGE_NO_NAME, NULL, 20, NULL},
    {4, RCODE_NXDOMAIN, WWW " CNAME 20 a.x", MESSAGE_NO_NAME, NULL, 0, NULL},
    /* not this server's to say */
    {4, RCODE_OK, "!example.com NS 300 ns.x\n+ns.x A 300 10.0.0.9", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_NXDOMAIN, WWW " A 60 192.0.2.1", MESSAGE_BROKEN, NULL, 0, NULL},
    {4, RCODE_FORMERR, "", MESSAGE_FORMERR, NULL, 0, NULL},
    {4, RCODE_SERVFAIL, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_SERVFAIL, WWW " A 60 192.0.2.1", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_NOTIMP, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_REFUSED, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, 11, "", MESSAGE_FAILED, NULL, 0, NULL},
    {4, RCODE_OK, WWW " A 60 192.0.2.1\n+. OPT 0 1", MESSAGE_FAILED, NULL, 0, NULL}, /* BADVERS */
};

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

/* Every reply of the table, cut at every length: no cut says what the whole one did not. */
static void a_reply_cut_anywhere_is_not_taken_for_an_answer(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        static struct reply r;
        struct asked a = ask(WWW, replies[i].family);
        struct answer out;
        reply_make(&r, a.query, replies[i].rcode, replies[i].lines);
        for (size_t len = 0; len < r.len; len++) {
            enum message_verdict v = consume(&out, &a, r.bytes, len);
            bool answers = len >= WIRE_HEADER + strlen(WWW) + 2 + 4;
            bool is_error = replies[i].rcode != RCODE_OK && replies[i].rcode != RCODE_NXDOMAIN;
            enum message_verdict expected = !answers   ? MESSAGE_FOREIGN
                                            : is_error ? replies[i].verdict
                                                       : MESSAGE_BROKEN;
            assert_int_equal(v, expected);
        }
    }
}

static void bytes_behind_the_last_record_do_not_matter(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        static struct reply r;
        struct asked a = ask(WWW, replies[i].family);
        struct answer out;
        reply_make(&r, a.query, replies[i].rcode, replies[i].lines);
        reply_put(&r, "\300\0\377garbage", 10);
        assert_int_equal(consume(&out, &a, r.bytes, r.len), replies[i].verdict);
    }
}

static void each_bit_turned_is_survived(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(replies); i++) {
        static struct reply r;
        struct asked a = ask(WWW, replies[i].family);
        reply_make(&r, a.query, replies[i].rcode, replies[i].lines);
        for (size_t bit = 0; bit < r.len * 8; bit++) {
            r.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
            struct answer out;
            enum message_verdict v = consume(&out, &a, r.bytes, r.len);
            bool in_id = bit < 16, in_question_name = bit / 8 >= WIRE_HEADER &&
                                                      bit / 8 < WIRE_HEADER + strlen(WWW) + 6;
            bool case_only = in_question_name && bit % 8 == 5;
            if (in_id || (in_question_name && !case_only)) {
                assert_int_equal(v, MESSAGE_FOREIGN);
            }
            r.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
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

static void data_of_the_wrong_size_is_refused(void **state)
{
    (void)state;
    static struct reply r;
    struct answer out;
    for (unsigned size = 0; size < 20; size++) {
        struct asked a = ask(WWW, FAMILY_V4);
        reply_begin(&r, a.query, RCODE_OK);
        r.bytes[7] = 1;
        reply_put(&r, "\300\14\0\1\0\1\0\0\0\74\0", 11);
        reply_put(&r, &(uint8_t){(uint8_t)size}, 1);
        reply_put(&r, "\300\0\2\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1", size);
        assert_int_equal(consume(&out, &a, r.bytes, r.len),
                         size == 4 ? MESSAGE_ADDRESSES : MESSAGE_BROKEN);
    }
}

/* CNAMEs whose name ends before the data does, or after it, or not at all. */
static void an_alias_that_does_not_fit_its_length_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        enum message_verdict verdict;
    } cases[] = {
        {"\1a\0", 3, MESSAGE_ALIAS},      {"\1a\0\0", 4, MESSAGE_BROKEN},
        {"\1a", 2, MESSAGE_BROKEN},       {"", 0, MESSAGE_BROKEN},
        {"\300", 1, MESSAGE_BROKEN},      {"\1a\300\377", 4, MESSAGE_BROKEN},
        {"\1a\300\20", 4, MESSAGE_ALIAS},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static struct reply r;
        struct asked a = ask(WWW, FAMILY_V4);
        struct answer out;
        reply_begin(&r, a.query, RCODE_OK);
        r.bytes[7] = 1;
        reply_put(&r, "\300\14\0\5\0\1\0\0\0\74\0", 11);
        reply_put(&r, &(uint8_t){(uint8_t)cases[i].len}, 1);
        reply_put(&r, cases[i].data, cases[i].len);
        assert_int_equal(consume(&out, &a, r.bytes, r.len), cases[i].verdict);
    }
}

/* Each SOA is one byte longer or shorter than its fields, or has a name that does not end. */
static void an_soa_that_does_not_fit_its_length_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *data;
        size_t len;
        enum message_verdict verdict;
    } cases[] = {
        {"\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 22, MESSAGE_NO_DATA},
        {"\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5", 21, MESSAGE_BROKEN},
        {"\0\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\6", 23, MESSAGE_BROKEN},
        {"\0", 1, MESSAGE_BROKEN},
        {"\0\5abc", 5, MESSAGE_BROKEN},
        {"", 0, MESSAGE_BROKEN},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        static struct reply r;
        struct asked a = ask(WWW, FAMILY_V4);
        struct answer out;
        reply_begin(&r, a.query, RCODE_OK);
        r.bytes[9] = 1;
        reply_put(&r, "\0\0\6\0\1\0\0\0\74\0", 10);
        reply_put(&r, &(uint8_t){(uint8_t)cases[i].len}, 1);
        reply_put(&r, cases[i].data, cases[i].len);
        assert_int_equal(consume(&out, &a, r.bytes, r.len), cases[i].verdict);
        if (cases[i].verdict == MESSAGE_NO_DATA) {
            assert_int_equal(out.ttl, 5);
        }
    }
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

/* The dearest reply known to us: the longest chain in reverse order, so that each pass finds one
 * step, and between its records as many as fit whose owners are the deepest allowed walk. It is
 * read in bounded work whatever it holds; the limit is generous for slow machines under a
 * sanitizer. */
static void the_dearest_reply_is_read_in_bounded_time(void **state)
{
    (void)state;
    static struct reply r;
    struct asked a = ask("n0.x", FAMILY_V4);
    struct answer out;
    reply_make(&r, a.query, RCODE_OK, "");
    size_t owner = r.len + 11;
    reply_put(&r, "\0\0\20\0\1\0\0\0\0\1\0",
              11); /* a TXT record whose data is pointers to pointers */
    for (unsigned i = 0; i < 128; i++) {
        reply_put_u16(&r, i == 0 ? 0x0000 : 0xc000 | (unsigned)(owner + 2 * (i - 1)));
    }
    unsigned n = 1;
    for (unsigned i = 15; i > 0; i--, n++) {
        char line[64];
        snprintf(line, sizeof line, "n%u.x CNAME 60 n%u.x", i - 1, i);
        reply_add(&r, line);
    }
    for (; r.len + 12 <= sizeof r.bytes; n++) {
        reply_put_u16(&r, 0xc000 | (unsigned)(owner + 2 * 126));
        reply_put(&r, "\0\1\0\1\0\0\0\0\0\0", 10);
    }
    store_be16(r.bytes + 6, (uint16_t)n);
    clock_t start = clock();
    assert_int_equal(consume(&out, &a, r.bytes, r.len), MESSAGE_ALIAS);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    print_message("%u records in %zu bytes: %.1f ms\n", n, r.len, seconds * 1e3);
    assert_true(seconds < 5);
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

/* Random damage to random replies, from a fixed seed. */
static void damaged_replies_are_survived(void **state)
{
    (void)state;
    uint64_t seed = 20;
    struct rng rng = seeded_rng(&seed);
    unsigned verdicts[MESSAGE_FAILED + 1] = {0};
    for (unsigned i = 0; i < 20000; i++) {
        static struct reply r;
        size_t which = rng_below(&rng, ARRAY_SIZE(replies));
        struct asked a = ask(WWW, replies[which].family);
        reply_make(&r, a.query, replies[which].rcode, replies[which].lines);
        size_t after_question = WIRE_HEADER + strlen(WWW) + 6;
        for (unsigned k = rng_below(&rng, 4); k > 0 && r.len > after_question; k--) {
            size_t span = r.len - after_question;
            r.bytes[after_question + rng_below(&rng, (uint32_t)span)] = (uint8_t)rng_u32(&rng);
        }
        struct answer out;
        enum message_verdict v = consume(&out, &a, r.bytes, r.len);
        verdicts[v]++;
        assert_true(v != MESSAGE_ADDRESSES || (out.n > 0 && out.n <= DNS_ADDRESSES_MAX));
        char text[NAME_SIZE];
        bool absolute;
        assert_true(v != MESSAGE_ALIAS || name_canonical(text, out.alias, &absolute) == 0);
    }
    assert_int_equal(verdicts[MESSAGE_FOREIGN], 0);
    assert_true(verdicts[MESSAGE_BROKEN] > 1000 && verdicts[MESSAGE_ADDRESSES] > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_query_is_what_the_rfc_draws),
        cmocka_unit_test(every_canonical_name_can_be_asked_for),
        cmocka_unit_test(replies_mean_what_the_table_says),
        cmocka_unit_test(a_reply_cut_anywhere_is_not_taken_for_an_answer),
        cmocka_unit_test(bytes_behind_the_last_record_do_not_matter),
        cmocka_unit_test(each_bit_turned_is_survived),
        cmocka_unit_test(what_is_not_our_answer_is_foreign),
        cmocka_unit_test(the_servers_case_does_not_matter),
        cmocka_unit_test(an_error_may_come_without_the_question),
        cmocka_unit_test(a_truncated_answer_is_not_read),
        cmocka_unit_test(data_of_the_wrong_size_is_refused),
        cmocka_unit_test(an_alias_that_does_not_fit_its_length_is_refused),
        cmocka_unit_test(an_soa_that_does_not_fit_its_length_is_refused),
        cmocka_unit_test(at_most_32_addresses_are_taken),
        cmocka_unit_test(chains_are_bounded),
        cmocka_unit_test(the_dearest_reply_is_read_in_bounded_time),
        cmocka_unit_test(c_ares_reads_the_same_addresses),
        cmocka_unit_test(damaged_replies_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
