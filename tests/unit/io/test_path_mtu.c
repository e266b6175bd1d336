/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include <net/if.h>
#include <sys/ioctl.h>

static unsigned loopback_mtu(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(ioctl(fd, SIOCGIFMTU, &request), 0);
    close(fd);
    return (unsigned)request.ifr_mtu;
}

static void a_path_takes_what_its_interface_takes(void **state)
{
    (void)state;
    static const char *const at[] = {"127.0.0.1:9", "[::1]:9"};
    for (size_t i = 0; i < ARRAY_SIZE(at); i++) {
        struct endpoint to = endpoint_of(at[i]);
        unsigned mtu = io_path_mtu(&to);
        assert_true(mtu == loopback_mtu() || mtu == 65535); /* no IPv4 packet is larger */
    }
}

static void no_route_and_no_address_are_zero(void **state)
{
    (void)state;
    struct endpoint none = {.port = 9};
    assert_int_equal(io_path_mtu(&none), 0);
    struct endpoint nowhere = endpoint_of("[fe80::1]:9"); /* on which link? */
    assert_int_equal(io_path_mtu(&nowhere), 0);
}

static void asking_keeps_no_descriptor(void **state)
{
    (void)state;
    struct endpoint to = endpoint_of("127.0.0.1:9");
    int before = dup(0);
    close(before);
    io_path_mtu(&to);
    int after = dup(0);
    close(after);
    assert_int_equal(before, after);
}

static void the_source_of_what_is_sent_is_told(void **state)
{
    (void)state;
    struct endpoint to;
    struct addr source;
    char text[ADDR_TEXT];
    assert_true(endpoint_parse(&to, "127.0.0.9:53"));
    assert_int_equal(io_source_for(&to, &source), 0);
    assert_string_equal(addr_format(&source, text), "127.0.0.1");
    to = (struct endpoint){.port = 53};
    assert_int_equal(io_source_for(&to, &source), ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_takes_what_its_interface_takes),
        cmocka_unit_test(no_route_and_no_address_are_zero),
        cmocka_unit_test(asking_keeps_no_descriptor),
        cmocka_unit_test(the_source_of_what_is_sent_is_told),
    };
    return cmocka_run_group_tests_name("io/path_mtu", tests, NULL, NULL);
}
