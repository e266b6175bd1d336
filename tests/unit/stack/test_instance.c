/* SPDX-License-Identifier: MIT */
/* Stacks side by side in one process, each with lwIP to itself. */
#include "unit/stack/peer.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const families[] = {"10.0.0.2", "fd00::2"};

static void two_tunnels_may_use_the_same_addresses(void **state)
{
    (void)state;
    struct wire w[2];
    struct peer client[2], server[2];
    for (unsigned i = 0; i < 2; i++) { /* the same seed: even the ports are the same */
        wire_open(&w[i], &(struct wire_config){.delay = 5 * MS, .seed = 4});
        client[i] =
            (struct peer){.to_send = 500000 + i, .appetite = SIZE_MAX, .shutdown_after = true};
        server[i] =
            (struct peer){.to_send = 300000 + i, .appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w[i], &client[i], &server[i], families[0]), 0);
        client[i].pattern = server[i].expect = (uint8_t)(10 + i);
    }
    struct endpoint first = stack_tcp_local(client[0].t), second = stack_tcp_local(client[1].t);
    assert_true(endpoint_equal(&first, &second));
    for (int round = 0; round < 1000; round++) {
        wire_pass(&w[round % 2], MS);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_true(peer_is_done(&client[i]));
        assert_int_equal(server[i].received, 500000 + i);
        assert_int_equal(client[i].received, 300000 + i);
        wire_close(&w[i]);
    }
}

static void each_has_its_own_ports_to_listen_on(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    struct peer client = {.to_send = 100, .appetite = SIZE_MAX}, server = {.appetite = SIZE_MAX};
    struct peer own = {0};
    peer_listen(&w.a, &own, 80); /* the port that it connects to, at the other */
    assert_int_equal(peer_pair(&w, &client, &server, families[1]), 0);
    wire_pass(&w, 100 * MS);
    assert_int_equal(server.received, 100);
    assert_null(own.t);
    wire_close(&w);
}

static void one_may_go_while_the_other_works(void **state)
{
    (void)state;
    struct wire w[2];
    struct peer client[2], server[2];
    for (unsigned i = 0; i < 2; i++) {
        wire_open(&w[i], &(struct wire_config){.delay = 5 * MS, .seed = i});
        client[i] = (struct peer){.to_send = 1000000, .appetite = SIZE_MAX, .shutdown_after = true};
        server[i] = (struct peer){.appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w[i], &client[i], &server[i], families[i]), 0);
        wire_pass(&w[i], 30 * MS);
    }
    wire_close(&w[0]);
    wire_pass(&w[1], 10 * NS_PER_S);
    assert_int_equal(server[1].received, 1000000);
    wire_close(&w[1]);
}

/* Each packet of one tunnel leaves at once in a datagram of the other, as where a full outbox is
 * sent in the middle of a turn. */
static bool carry(struct wire_end *end, uint8_t *ip, size_t len)
{
    struct endpoint far = at("10.0.0.2", 51820);
    assert_int_equal(stack_udp_send(end->ctx, &far, ip, len), 0);
    return false;
}

static bool is_udp_alone(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end, (void)len;
    assert_int_equal(ip[9], 17);
    return false;
}

static const struct stack_udp_handler deaf = {0};

static void one_may_leave_through_the_other(void **state)
{
    (void)state;
    struct wire inner, outer;
    struct peer client[3], server[3];
    struct stack_udp *u;
    wire_open(&outer, &(struct wire_config){.delay = MS, .seed = 1});
    wire_open(&inner, &(struct wire_config){.delay = MS, .seed = 2, .mtu = 1280, .loss = 5});
    assert_int_equal(stack_udp_open(outer.a.stack, 51820, &deaf, NULL, &u), 0);
    inner.a.sniff = carry;
    inner.a.ctx = u;
    outer.a.sniff = is_udp_alone; /* what the inner one says is for its own peer alone */
    for (unsigned i = 0; i < 3; i++) {
        client[i] = (struct peer){.to_send = 300000, .appetite = SIZE_MAX, .shutdown_after = true};
        server[i] = (struct peer){.to_send = 1000, .appetite = SIZE_MAX, .shutdown_after = true};
        struct endpoint to = at(families[0], (uint16_t)(80 + i));
        peer_listen(&inner.b, &server[i], to.port);
        assert_int_equal(
            stack_tcp_connect(inner.a.stack, &to, peer_event, &client[i], &client[i].t, inner.now),
            0);
    }
    for (int round = 0; round < 5000; round++) {
        wire_pass(&inner, MS);
        stack_flush(outer.a.stack, outer.now);
    }
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(server[i].received, 300000);
        assert_true(peer_is_done(&client[i]));
    }
    stack_udp_close(u);
    wire_close(&inner);
    wire_close(&outer);
}

/* A trace of everything that leaves, as one number. */
static uint64_t trace;

static bool hash_packet(struct wire_end *end, uint8_t *ip, size_t len)
{
    (void)end;
    for (size_t i = 0; i < len; i++) {
        trace = (trace ^ ip[i]) * UINT64_C(0x100000001b3);
    }
    return false;
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
    (void)state;
    uint64_t first = 0;
    for (int i = 0; i < 3; i++) {
        struct wire w;
        wire_open(&w, &(struct wire_config){.delay = 5 * MS, .loss = 20, .seed = i < 2 ? 7 : 8});
        w.a.sniff = w.b.sniff = hash_packet;
        trace = 1;
        struct peer client = {.to_send = 100000, .appetite = SIZE_MAX, .shutdown_after = true};
        struct peer server = {.to_send = 100000, .appetite = SIZE_MAX, .shutdown_after = true};
        assert_int_equal(peer_pair(&w, &client, &server, families[0]), 0);
        wire_pass(&w, 20 * NS_PER_S);
        wire_close(&w);
        assert_true(i == 0 || (trace == first) == (i == 1));
        first = trace;
    }
}

static void *flush(void *w)
{
    stack_flush(((struct wire *)w)->a.stack, ((struct wire *)w)->now);
    return NULL;
}

/* In a process that may end by it. */
static void only_one_thread_may_enter(void **state)
{
    (void)state;
    struct wire w;
    wire_open(&w, &(struct wire_config){.delay = MS});
    pid_t child = fork();
    if (child == 0) {
        pthread_t other;
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL);
        dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
        pthread_create(&other, NULL, flush, &w);
        pthread_join(other, NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    wire_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_tunnels_may_use_the_same_addresses),
        cmocka_unit_test(each_has_its_own_ports_to_listen_on),
        cmocka_unit_test(only_one_thread_may_enter),
        cmocka_unit_test(one_may_go_while_the_other_works),
        cmocka_unit_test(one_may_leave_through_the_other),
        cmocka_unit_test(the_same_seed_gives_the_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
