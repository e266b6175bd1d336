/* SPDX-License-Identifier: MIT */
#include "unit/io/port.h"

static const char *const hosts[] = {"127.0.0.1", "::1"};

static void a_closed_port_is_told_and_reception_goes_on(void **state)
{
    (void)state;
    static const char *const nobody[] = {"127.0.0.1:0", "[::1]:0"};
    for (size_t h = 0; h < ARRAY_SIZE(nobody); h++) {
        struct port *p = port_open();
        struct endpoint any = endpoint_of(nobody[h]);
        int fd = plain_bound(&any, SOCK_DGRAM);
        struct endpoint to = sockaddr_local(fd);
        close(fd);
        port_send_text(p, "anybody?", &to, 0);
        assert_int_equal(p->undelivered, 0); /* never from inside send() */
        drive_until(p->loop, port_was_told_of_failure, p);
        assert_int_equal(p->undelivered, 1);
        assert_int_equal(p->last_err, ERR_REFUSED);
        assert_true(endpoint_equal(&p->last_to, &to));

        struct endpoint at = port_at(p, hosts[h]);
        fd = plain_connected(&at, SOCK_DGRAM);
        assert_int_equal(send(fd, "x", 1, 0), 1);
        port_drive_until(p, 1);
        drive_idly(p->loop);
        assert_int_equal(p->undelivered, 1);
        assert_int_equal(counters_of(p->dgram).undelivered, 1);
        close(fd);
        port_close(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_closed_port_is_told_and_reception_goes_on),
    };
    return cmocka_run_group_tests_name("io/udp_errors", tests, NULL, NULL);
}
