/* SPDX-License-Identifier: MIT */
/* Each datagram a message of its own; test_udp_runs.c has those that leave together. */
#include "unit/io/port.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include "base/bytes.h"

/* ---- a system that takes what the script says ---- */

#define SCRIPT_END 99

static const int
    *script; /* each call: how many messages to take, or a negative errno; NULL: the real system */
static unsigned calls;

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
    calls++;
    if (script != NULL) {
        assert_int_not_equal(*script, SCRIPT_END);
        int step = *script++;
        if (step < 0) {
            errno = -step;
            return -1;
        }
        assert_true((unsigned)step <= n);
        n = (unsigned)step;
    }
    return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

/* ---- fixture ---- */

struct ground {
    struct port *port;
    struct outbox ob;
    int fds[2]; /* plain receivers, IPv4 and IPv6 */
    struct endpoint at[2];
};

static void open_ground(struct ground *g)
{
    static const char *const any[] = {"127.0.0.1:0", "[::1]:0"};
    g->port = port_open();
    g->port->dgram->ops->no_offload(g->port->dgram);
    assert_int_equal(outbox_init(&g->ob, 1 << 20, 256), 0);
    for (int i = 0; i < 2; i++) {
        struct endpoint e = endpoint_of(any[i]);
        g->fds[i] = plain_bound(&e, SOCK_DGRAM);
        assert_int_equal(fcntl(g->fds[i], F_SETFL, O_NONBLOCK), 0);
        g->at[i] = sockaddr_local(g->fds[i]);
    }
    calls = 0;
}

static void close_ground(struct ground *g)
{
    for (int i = 0; i < 2; i++) {
        close(g->fds[i]);
    }
    outbox_fini(&g->ob);
    port_close(g->port);
}

static void add_number(struct ground *g, int family, uint8_t number)
{
    outbox_add(&g->ob, &number, 1, &g->at[family], 0);
}

static void send_scripted(struct ground *g, const int *steps)
{
    script = steps;
    g->port->dgram->ops->send(g->port->dgram, &g->ob);
    if (script != NULL) {
        assert_int_equal(*script, SCRIPT_END);
    }
    script = NULL;
    outbox_clear(&g->ob);
}

/* The numbers that arrived, as digits. */
static void assert_arrived(struct ground *g, int family, const char *digits)
{
    char text[256] = "";
    uint8_t number;
    size_t n = 0;
    while (recv(g->fds[family], &number, 1, 0) == 1) {
        text[n++] = (char)('0' + number);
    }
    text[n] = '\0';
    assert_string_equal(text, digits);
}

static void assert_told(struct ground *g, unsigned times, int err)
{
    assert_int_equal(g->port->undelivered, 0); /* never from inside send() */
    drive_idly(g->port->loop);
    assert_int_equal(g->port->undelivered, times);
    assert_int_equal(g->port->last_err, err);
}

/* ---- tests ---- */

static void messages_leave_in_order_many_at_a_time(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    for (int i = 0; i < 200; i++) {
        add_number(&g, i % 100 >= 50, (uint8_t)(i % 10));
    }
    send_scripted(&g, NULL);
    assert_int_equal(calls, 4); /* four runs of one family */
    const char *ten_times = "01234567890123456789012345678901234567890123456789"
                            "01234567890123456789012345678901234567890123456789";
    assert_arrived(&g, 0, ten_times);
    assert_arrived(&g, 1, ten_times);
    assert_int_equal(counters_of(g.port->dgram).sent, 200);
    assert_int_equal(g.port->undelivered, 0);
    close_ground(&g);
}

static void contents_and_sizes_are_kept(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    static uint8_t data[65507], got[65536];
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)(i * 5 + (i >> 8));
    }
    static const size_t sizes[] = {0, 1, 1452, 1452, 65507};
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        outbox_add(&g.ob, data, sizes[i], &g.at[0], 0);
    }
    send_scripted(&g, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        assert_int_equal(recv(g.fds[0], got, sizeof got, 0), (ssize_t)sizes[i]);
        assert_memory_equal(got, data, sizes[i]);
    }
    close_ground(&g);
}

static void what_is_taken_in_parts_still_leaves_in_order(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    for (uint8_t i = 0; i < 6; i++) {
        add_number(&g, 0, i);
    }
    send_scripted(&g, (const int[]){2, 1, 3, SCRIPT_END});
    assert_arrived(&g, 0, "012345");
    close_ground(&g);
}

static void a_full_socket_drops_the_rest(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    for (uint8_t i = 0; i < 6; i++) {
        add_number(&g, 0, i);
    }
    add_number(&g, 1, 6); /* the other family's socket has room */
    send_scripted(&g, (const int[]){2, -EAGAIN, 1, SCRIPT_END});
    assert_arrived(&g, 0, "01");
    assert_arrived(&g, 1, "6");
    assert_int_equal(counters_of(g.port->dgram).send_dropped, 4);
    assert_told(&g, 0, 0);
    close_ground(&g);
}

static void a_full_device_drops_one(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    for (uint8_t i = 0; i < 4; i++) {
        add_number(&g, 0, i);
    }
    send_scripted(&g, (const int[]){1, -ENOBUFS, 2, SCRIPT_END});
    assert_arrived(&g, 0, "023"); /* the one of that call is gone; those after it are not */
    assert_int_equal(counters_of(g.port->dgram).send_dropped, 1);
    assert_told(&g, 0, 0);
    close_ground(&g);
}

static void an_error_of_an_earlier_datagram_costs_nothing(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    for (uint8_t i = 0; i < 3; i++) {
        add_number(&g, 0, i);
    }
    send_scripted(&g, (const int[]){-ECONNREFUSED, 1, -EHOSTUNREACH, 2, SCRIPT_END});
    assert_arrived(&g, 0, "012");
    assert_told(&g, 0, 0);
    close_ground(&g);
}

static void a_message_that_cannot_leave_is_told_and_skipped(void **state)
{
    (void)state;
    static const struct {
        int errnum, err;
    } table[] = {
        {EPERM, ERR_PERM},
        {EACCES, ERR_PERM},
        {ENETUNREACH, ERR_UNREACHABLE},
        {EHOSTUNREACH, ERR_UNREACHABLE},
        {EADDRNOTAVAIL, ERR_UNREACHABLE},
        {EMSGSIZE, ERR_LIMIT},
        {EINVAL, ERR_INVALID},
    };
    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct ground g;
        open_ground(&g);
        for (uint8_t k = 0; k < 3; k++) {
            add_number(&g, 0, k);
        }
        send_scripted(&g, (const int[]){1, -table[i].errnum, -table[i].errnum, 1, SCRIPT_END});
        assert_arrived(&g, 0, "02");
        assert_told(&g, 1, table[i].err);
        assert_true(endpoint_equal(&g.port->last_to, &g.at[0]));
        assert_int_equal(counters_of(g.port->dgram).undelivered, 1);
        close_ground(&g);
    }
}

static void a_port_closed_before_the_news_hears_nothing(void **state)
{
    (void)state;
    struct port *p = port_open();
    struct dgram *other;
    assert_int_equal(io_udp_open(p->loop, 0, &port_handler, p, &other), 0);
    struct endpoint to = endpoint_of("127.0.0.1:9");
    script = (const int[]){-EPERM, -EPERM, SCRIPT_END};
    port_send_text(p, "x", &to, 0);
    script = NULL;
    p->dgram->ops->close(p->dgram);
    p->dgram = other;
    drive_idly(p->loop);
    assert_int_equal(p->undelivered, 0);
    port_close(p);
}

static void a_datagram_too_large_for_any_path_is_told(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    static const uint8_t data[65535];
    outbox_add(&g.ob, data, sizeof data, &g.at[0], 0);
    add_number(&g, 0, 7);
    send_scripted(&g, NULL);
    assert_arrived(&g, 0, "7");
    assert_told(&g, 1, ERR_LIMIT);
    close_ground(&g);
}

static void a_destination_without_address_is_told(void **state)
{
    (void)state;
    struct ground g;
    open_ground(&g);
    struct endpoint none = {.port = 1};
    outbox_add(&g.ob, "x", 1, &none, 0);
    add_number(&g, 0, 7);
    send_scripted(&g, NULL);
    assert_arrived(&g, 0, "7");
    assert_told(&g, 1, ERR_INVALID);
    close_ground(&g);
}

static void tos_goes_round_per_message(void **state)
{
    (void)state;
    static const uint8_t tos[] = {0x88, 0, 1, 2, 3, 0xb8, 0};
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    struct port *p = port_open();
    for (unsigned h = 0; h < ARRAY_SIZE(hosts); h++) {
        struct endpoint self = port_at(p, hosts[h]);
        struct outbox ob;
        assert_int_equal(outbox_init(&ob, 1024, ARRAY_SIZE(tos)), 0);
        for (size_t i = 0; i < ARRAY_SIZE(tos); i++) {
            outbox_add(&ob, &tos[i], 1, &self, tos[i]);
        }
        p->n = 0;
        p->dgram->ops->send(p->dgram, &ob);
        port_drive_until(p, ARRAY_SIZE(tos));
        for (size_t i = 0; i < ARRAY_SIZE(tos); i++) {
            assert_int_equal(p->got[i].head[0], tos[i]);
            assert_int_equal(p->got[i].tos, tos[i]);
            assert_true(endpoint_equal(&p->got[i].from, &self));
        }
        outbox_fini(&ob);
    }
    port_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_leave_in_order_many_at_a_time),
        cmocka_unit_test(contents_and_sizes_are_kept),
        cmocka_unit_test(what_is_taken_in_parts_still_leaves_in_order),
        cmocka_unit_test(a_full_socket_drops_the_rest),
        cmocka_unit_test(a_full_device_drops_one),
        cmocka_unit_test(an_error_of_an_earlier_datagram_costs_nothing),
        cmocka_unit_test(a_message_that_cannot_leave_is_told_and_skipped),
        cmocka_unit_test(a_port_closed_before_the_news_hears_nothing),
        cmocka_unit_test(a_datagram_too_large_for_any_path_is_told),
        cmocka_unit_test(a_destination_without_address_is_told),
        cmocka_unit_test(tos_goes_round_per_message),
    };
    return cmocka_run_group_tests_name("io/udp_send", tests, NULL, NULL);
}
