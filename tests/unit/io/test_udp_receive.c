/* SPDX-License-Identifier: MIT */
#include "unit/io/port.h"

#include <netinet/in.h>

#include "base/bytes.h"
#include "io/loop.h"

static const char *const hosts[] = {"127.0.0.1", "::1"};

static void send_number(int fd, uint32_t number, size_t len)
{
    uint8_t data[2048] = {0};
    store_be32(data, number);
    assert_int_equal(send(fd, data, len, 0), (ssize_t)len);
}

static void a_burst_comes_as_few_batches_in_order(void **state)
{
    (void)state;
    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
        struct port *p = port_open();
        struct endpoint at = port_at(p, hosts[h]);
        int fd = plain_connected(&at, SOCK_DGRAM);
        struct endpoint from = sockaddr_local(fd);
        for (uint32_t i = 0; i < 100; i++) {
            send_number(fd, i, 4 + i * 10);
        }
        port_drive_until(p, 100);
        assert_int_equal(p->calls, 4);
        for (uint32_t i = 0; i < 100; i++) {
            assert_int_equal(p->got[i].len, 4 + i * 10);
            assert_int_equal(load_be32(p->got[i].head), i);
            assert_true(endpoint_equal(&p->got[i].from, &from));
        }
        assert_int_equal(counters_of(p->dgram).received, 100);
        close(fd);
        port_close(p);
    }
}

static void an_empty_datagram_is_one_too(void **state)
{
    (void)state;
    struct port *p = port_open();
    struct endpoint at = port_at(p, "127.0.0.1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    assert_int_equal(send(fd, "", 0, 0), 0);
    assert_int_equal(send(fd, "x", 1, 0), 1);
    port_drive_until(p, 2);
    assert_int_equal(p->got[0].len, 0);
    assert_int_equal(p->got[1].len, 1);
    close(fd);
    port_close(p);
}

static void fill_pattern(uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)(i + (i >> 8) * 3);
    }
}

static void no_size_is_cut(void **state)
{
    (void)state;
    static const size_t sizes[] = {2047, 2048, 2049, 4096, 9000, 65506, 65507, 1};
    struct port *p = port_open();
    p->keeping = true;
    struct endpoint at = port_at(p, "127.0.0.1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    static uint8_t data[65536];
    fill_pattern(data, sizeof data);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_int_equal(send(fd, data, sizes[i], 0), (ssize_t)sizes[i]);
    }
    port_drive_until(p, ARRAY_SIZE(sizes));
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_int_equal(p->got[i].len, sizes[i]);
        assert_memory_equal(p->kept_data[i], data, sizes[i]);
    }
    close(fd);
    port_close(p);
}

static void the_largest_ipv6_datagram_fits(void **state)
{
    (void)state;
    struct port *p = port_open();
    p->keeping = true;
    struct endpoint at = port_at(p, "::1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    static uint8_t data[65527];
    fill_pattern(data, sizeof data);
    assert_int_equal(send(fd, data, sizeof data, 0), sizeof data);
    port_drive_until(p, 1);
    assert_memory_equal(p->kept_data[0], data, sizeof data);
    close(fd);
    port_close(p);
}

/* Some slices stay in use, as those of packets out of order do: nothing that arrives later may
 * touch them. */
static void a_slice_that_is_kept_is_not_overwritten(void **state)
{
    (void)state;
    struct port *p = port_open();
    struct endpoint at = port_at(p, "127.0.0.1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    uint32_t sent = 0;
    for (int round = 0; round < 40; round++) {
        p->keeping = round % 3 != 0;
        for (int i = 0; i < 1 + round % 40; i++) {
            send_number(fd, sent++, 64);
        }
        port_drive_until(p, sent);
    }
    for (uint32_t i = 0; i < sent; i++) {
        assert_int_equal(load_be32(p->got[i].head), i);
        if (p->keep[i] != NULL) {
            assert_int_equal(load_be32(p->kept_data[i]), i);
        }
    }
    close(fd);
    port_close(p);
}

/* A trickle of datagrams that are all kept shares buffers instead of pinning one each. */
static void small_datagrams_share_a_buffer(void **state)
{
    (void)state;
    struct port *p = port_open();
    p->keeping = true;
    struct endpoint at = port_at(p, "127.0.0.1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    unsigned buffers = 0;
    for (uint32_t i = 0; i < 64; i++) {
        send_number(fd, i, 100);
        port_drive_until(p, i + 1);
        buffers += i == 0 || p->keep[i] != p->keep[i - 1];
    }
    assert_in_range(buffers, 2, 3);
    close(fd);
    port_close(p);
}

static void slices_are_aligned_for_words(void **state)
{
    (void)state;
    struct port *p = port_open();
    p->keeping = true;
    struct endpoint at = port_at(p, "127.0.0.1");
    int fd = plain_connected(&at, SOCK_DGRAM);
    for (uint32_t i = 0; i < 10; i++) {
        send_number(fd, i, 33 + i);
    }
    port_drive_until(p, 10);
    for (uint32_t i = 0; i < 10; i++) {
        assert_int_equal((uintptr_t)p->kept_data[i] % 4, 0);
    }
    close(fd);
    port_close(p);
}

static void the_outer_tos_is_told(void **state)
{
    (void)state;
    for (size_t h = 0; h < ARRAY_SIZE(hosts); h++) {
        struct port *p = port_open();
        struct endpoint at = port_at(p, hosts[h]);
        int fd = plain_connected(&at, SOCK_DGRAM);
        static const uint8_t tos[] = {0, 0x88, 3, 1};
        for (size_t i = 0; i < ARRAY_SIZE(tos); i++) {
            int value = tos[i];
            int rc = at.addr.family == FAMILY_V4
                         ? setsockopt(fd, IPPROTO_IP, IP_TOS, &value, sizeof value)
                         : setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &value, sizeof value);
            assert_int_equal(rc, 0);
            send_number(fd, 0, 4);
        }
        port_drive_until(p, ARRAY_SIZE(tos));
        for (size_t i = 0; i < ARRAY_SIZE(tos); i++) {
            assert_int_equal(p->got[i].tos, tos[i]);
        }
        close(fd);
        port_close(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_comes_as_few_batches_in_order),
        cmocka_unit_test(an_empty_datagram_is_one_too),
        cmocka_unit_test(no_size_is_cut),
        cmocka_unit_test(the_largest_ipv6_datagram_fits),
        cmocka_unit_test(a_slice_that_is_kept_is_not_overwritten),
        cmocka_unit_test(small_datagrams_share_a_buffer),
        cmocka_unit_test(slices_are_aligned_for_words),
        cmocka_unit_test(the_outer_tos_is_told),
    };
    return cmocka_run_group_tests_name("io/udp_receive", tests, NULL, NULL);
}
