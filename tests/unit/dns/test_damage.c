/* SPDX-License-Identifier: MIT */
/* Replies that are cut, bent, too long, or made to be dear to read. */
#include "dns/message.h"

#include <string.h>
#include <time.h>

#include "unit/dns/replies.h"
#include "unit/seeded.h"

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
        cmocka_unit_test(a_reply_cut_anywhere_is_not_taken_for_an_answer),
        cmocka_unit_test(bytes_behind_the_last_record_do_not_matter),
        cmocka_unit_test(each_bit_turned_is_survived),
        cmocka_unit_test(data_of_the_wrong_size_is_refused),
        cmocka_unit_test(an_alias_that_does_not_fit_its_length_is_refused),
        cmocka_unit_test(an_soa_that_does_not_fit_its_length_is_refused),
        cmocka_unit_test(the_dearest_reply_is_read_in_bounded_time),
        cmocka_unit_test(damaged_replies_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
