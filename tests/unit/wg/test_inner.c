/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/bytes.h"
#include "wg/inner.h"
#include "world.h"

static void ipv4_is_read(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    inner_v4(p, 1, 2, 0, 90, 0xb9);
    assert_true(inner_parse(&in, p, 100)); /* padding behind it */
    assert_int_equal(in.len, 90);
    assert_int_equal(in.tos, 0xb9);
    struct addr src = addr_of("10.0.0.1"), dst = addr_of("10.0.0.2");
    assert_true(addr_equal(&in.src, &src));
    assert_true(addr_equal(&in.dst, &dst));
}

static void ipv6_is_read(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    inner_v6(p, 1, 2, 0, 90, 0xb9);
    assert_true(inner_parse(&in, p, 100));
    assert_int_equal(in.len, 90);
    assert_int_equal(in.tos, 0xb9);
    struct addr src = addr_of("fd00::1"), dst = addr_of("fd00::2");
    assert_true(addr_equal(&in.src, &src));
    assert_true(addr_equal(&in.dst, &dst));
}

static void each_length_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    inner_v4(p, 1, 2, 0, 60, 0);
    for (size_t len = 0; len <= 100; len++) {
        assert_int_equal(inner_parse(&in, p, len), len >= 60);
    }
    for (uint16_t said = 0; said < 20; said++) {
        store_be16(p + 2, said); /* shorter than its own header */
        assert_false(inner_parse(&in, p, 100));
    }
    inner_v6(p, 1, 2, 0, 60, 0);
    for (size_t len = 0; len <= 100; len++) {
        assert_int_equal(inner_parse(&in, p, len), len >= 60);
    }
}

static void an_ipv6_length_that_would_wrap_16_bits_is_refused(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    inner_v6(p, 1, 2, 0, 60, 0);
    for (uint32_t said = 0xffd8; said <= 0xffff; said++) { /* those 40 values */
        store_be16(p + 4, (uint16_t)said);
        assert_false(inner_parse(&in, p, 100));
    }
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    for (unsigned version = 0; version < 16; version++) {
        inner_v4(p, 1, 2, 0, 60, 0);
        store_be16(p + 4, 20); /* good for version 6 as well */
        p[0] = (uint8_t)(version << 4 | 5);
        assert_int_equal(inner_parse(&in, p, 100), version == 4 || version == 6);
    }
}

static void a_mapped_ipv4_source_inside_stays_ipv6(void **state)
{
    (void)state;
    uint8_t p[100];
    struct inner in;
    inner_v6(p, 1, 2, 0, 60, 0);
    struct addr mapped = {.family = FAMILY_V6, .bytes = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}};
    memcpy(p + 8, mapped.bytes, 16);
    assert_true(inner_parse(&in, p, 100));
    assert_int_equal(in.src.family, FAMILY_V6); /* or it would pass as 10.0.0.1 */
}

static uint16_t header_sum(const uint8_t *p)
{
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) {
        sum += load_be16(p + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

enum { NOT = 0, ECT1 = 1, ECT0 = 2, CE = 3, DROP = 4 };

/* RFC 6040 figure 4, a row for each inner value and a column for each outer one in the order of
 * the bits. */
static const int figure_4[4][4] = {
    [NOT] = {NOT, NOT, NOT, DROP},
    [ECT1] = {ECT1, ECT1, ECT1, CE},
    [ECT0] = {ECT0, ECT1, ECT0, CE},
    [CE] = {CE, CE, CE, CE},
};

static void ecn_is_carried_in_as_rfc_6040_says(void **state)
{
    (void)state;
    for (unsigned tos = 0; tos < 256; tos++) { /* each DSCP, whose value also varies the checksum */
        for (unsigned outer = 0; outer < 256; outer++) {
            int want = figure_4[tos & 3][outer & 3];
            uint8_t p4[60], p6[60];
            struct inner in;

            inner_v4(p4, 1, 2, 0, 60, (uint8_t)tos);
            assert_true(inner_parse(&in, p4, 60));
            assert_int_equal(inner_ecn_decapsulate(p4, &in, (uint8_t)outer), want != DROP);
            assert_int_equal(header_sum(p4), 0xffff);
            assert_int_equal(p4[1], want == DROP ? tos : (tos & 0xfcu) | (unsigned)want);

            inner_v6(p6, 1, 2, 0, 60, (uint8_t)tos);
            assert_true(inner_parse(&in, p6, 60));
            assert_int_equal(inner_ecn_decapsulate(p6, &in, (uint8_t)outer), want != DROP);
            assert_true(inner_parse(&in, p6, 60));
            assert_int_equal(in.tos, want == DROP ? tos : (tos & 0xfcu) | (unsigned)want);
            assert_int_equal(p6[0] >> 4, 6);
        }
    }
}

static void ecn_is_copied_out_and_dscp_is_not(void **state)
{
    (void)state;
    for (unsigned tos = 0; tos < 256; tos++) {
        assert_int_equal(inner_ecn_encapsulate((uint8_t)tos), tos & 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(ipv4_is_read),
        unit(ipv6_is_read),
        unit(each_length_that_does_not_fit_is_refused),
        unit(an_ipv6_length_that_would_wrap_16_bits_is_refused),
        unit(other_versions_are_refused),
        unit(a_mapped_ipv4_source_inside_stays_ipv6),
        unit(ecn_is_carried_in_as_rfc_6040_says),
        unit(ecn_is_copied_out_and_dscp_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
