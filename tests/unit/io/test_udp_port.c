/* SPDX-License-Identifier: MIT */
#include "unit/io/port.h"

static int open_fds(void)
{
    int fd = dup(0);
    close(fd);
    return fd;
}

static void both_families_stand_on_one_port(void **state)
{
    (void)state;
    struct port *p = port_open();
    assert_true(p->dgram->ops->local_port(p->dgram) != 0);
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        struct endpoint at = port_at(p, hosts[i]);
        int fd = plain_connected(&at, SOCK_DGRAM);
        assert_int_equal(send(fd, "x", 1, 0), 1);
        port_drive_until(p, (unsigned)i + 1);
        assert_int_equal(p->got[i].from.addr.family, at.addr.family);
        close(fd);
    }
    port_close(p);
}

static void a_port_asked_for_is_the_port_given(void **state)
{
    (void)state;
    struct port *p = port_open();
    uint16_t number = p->dgram->ops->local_port(p->dgram);
    p->dgram->ops->close(p->dgram); /* free at once */
    assert_int_equal(io_udp_open(p->loop, number, &port_handler, p, &p->dgram), 0);
    assert_int_equal(p->dgram->ops->local_port(p->dgram), number);
    port_close(p);
}

static struct dgram *victim;

static void close_the_other(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    port_received(ctx, batch, n, now);
    if (victim != NULL) {
        victim->ops->close(victim);
        victim = NULL;
    }
}

static void the_handler_may_close_another_port(void **state)
{
    (void)state;
    static const struct dgram_handler closing = {.received = close_the_other};
    struct port *p = port_open();
    struct dgram *opened;
    assert_int_equal(io_udp_open(p->loop, 0, &closing, p, &opened), 0);
    victim = p->dgram;
    int fds[2];
    struct endpoint at = port_at(p, "127.0.0.1");
    fds[0] = plain_connected(&at, SOCK_DGRAM);
    at.port = opened->ops->local_port(opened);
    fds[1] = plain_connected(&at, SOCK_DGRAM);
    assert_int_equal(send(fds[1], "x", 1, 0), 1);
    port_drive_until(p, 1);
    p->dgram = opened; /* for port_close */
    close(fds[0]);
    close(fds[1]);
    port_close(p);
}

static void closing_gives_everything_back(void **state)
{
    (void)state;
    struct port *p = port_open();
    int with_one = open_fds();
    struct dgram *more[8];
    for (int i = 0; i < 8; i++) {
        assert_int_equal(io_udp_open(p->loop, 0, &port_handler, p, &more[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        more[i]->ops->close(more[i]);
    }
    assert_int_equal(open_fds(), with_one);
    port_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_families_stand_on_one_port),
        cmocka_unit_test(a_port_asked_for_is_the_port_given),
        cmocka_unit_test(the_handler_may_close_another_port),
        cmocka_unit_test(closing_gives_everything_back),
    };
    return cmocka_run_group_tests_name("io/udp_port", tests, NULL, NULL);
}
