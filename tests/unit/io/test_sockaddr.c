/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

static void endpoints_survive_the_way_there_and_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"1.2.3.4:65535", "0.0.0.0:0", "[2001:db8::1]:80", "[::]:1"};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct endpoint e = endpoint_of(texts[i]);
        union sockaddr_any sa;
        assert_true(sockaddr_from_endpoint(&sa, &e) > 0);
        assert_int_equal(sa.sa.sa_family, sockaddr_family(&e));
        struct endpoint back = sockaddr_to_endpoint(&sa.sa);
        assert_true(endpoint_equal(&e, &back));
    }
}

static void bytes_and_port_stand_in_network_order(void **state)
{
    (void)state;
    struct endpoint e = endpoint_of("1.2.3.4:258");
    union sockaddr_any sa;
    assert_int_equal(sockaddr_from_endpoint(&sa, &e), sizeof sa.v4);
    assert_memory_equal(&sa.v4.sin_addr, "\1\2\3\4", 4);
    assert_memory_equal(&sa.v4.sin_port, "\1\2", 2);
}

static void a_link_local_address_keeps_its_interface(void **state)
{
    (void)state;
    struct endpoint e = endpoint_of("[fe80::1]:7");
    e.scope = 5;
    union sockaddr_any sa;
    assert_int_equal(sockaddr_from_endpoint(&sa, &e), sizeof sa.v6);
    assert_int_equal(sa.v6.sin6_scope_id, 5);
    assert_int_equal(sockaddr_to_endpoint(&sa.sa).scope, 5);
}

static void a_mapped_address_is_ipv4(void **state)
{
    (void)state;
    union sockaddr_any sa = {.v6 = {.sin6_family = AF_INET6, .sin6_port = htons(9)}};
    memcpy(&sa.v6.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\1\2\3", 16);
    struct endpoint e = sockaddr_to_endpoint(&sa.sa);
    struct endpoint want = endpoint_of("10.1.2.3:9");
    assert_true(endpoint_equal(&e, &want));
}

static void other_families_are_no_endpoint(void **state)
{
    (void)state;
    union sockaddr_any sa = {.sa.sa_family = AF_UNIX};
    assert_int_equal(sockaddr_to_endpoint(&sa.sa).addr.family, FAMILY_NONE);
    struct endpoint none = {0};
    assert_int_equal(sockaddr_from_endpoint(&sa, &none), 0);
    assert_int_equal(sockaddr_local(-1).addr.family, FAMILY_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_survive_the_way_there_and_back),
        cmocka_unit_test(bytes_and_port_stand_in_network_order),
        cmocka_unit_test(a_link_local_address_keeps_its_interface),
        cmocka_unit_test(a_mapped_address_is_ipv4),
        cmocka_unit_test(other_families_are_no_endpoint),
    };
    return cmocka_run_group_tests_name("io/sockaddr", tests, NULL, NULL);
}
