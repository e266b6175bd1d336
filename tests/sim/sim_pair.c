/* SPDX-License-Identifier: MIT */
/* Configurations, the far echo service, and SOCKS5 spoken by hand. */
#include "sim_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "stack/stack_tcp.h"
#include "unit/test.h"

/* ---- echo ---- */

struct sim_far {
    struct stack_tcp_listener *listener;
    struct list flows;
};

struct flow {
    struct list link;
    struct stack_tcp *tcp;
    bool shut;
};

static void flow_end(struct flow *f)
{
    list_remove(&f->link);
    stack_tcp_close(f->tcp);
    free(f);
}

static void echo(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct flow *f = ctx;
    struct iovec iov;
    if (events & STACK_TCP_FAILED) {
        flow_end(f);
        return;
    }
    while (stack_tcp_peek(t, &iov, 1) == 1) {
        size_t n = stack_tcp_write(t, iov.iov_base, iov.iov_len);
        if (n == 0) {
            return;
        }
        stack_tcp_consume(t, n);
    }
    if (stack_tcp_eof(t) && !f->shut) {
        f->shut = true;
        stack_tcp_shutdown(t);
    }
    if (events & STACK_TCP_SENT_FIN) {
        flow_end(f);
    }
}

static void accepted(void *ctx, struct stack_tcp *t, struct now now)
{
    struct sim_far *far = ctx;
    struct flow *f = malloc(sizeof *f);
    *f = (struct flow){.tcp = t};
    list_push_back(&far->flows, &f->link);
    stack_tcp_set_handler(t, echo, f);
    echo(f, t, STACK_TCP_READABLE, now);
}

struct sim_far *sim_far_new(struct stack *stack)
{
    struct sim_far *far = malloc(sizeof *far);
    list_init(&far->flows);
    assert_int_equal(stack_tcp_listen(stack, ECHO_PORT, accepted, far, &far->listener), 0);
    return far;
}

void sim_far_free(struct sim_far *far)
{
    while (!list_empty(&far->flows)) {
        flow_end(list_item(far->flows.next, struct flow, link));
    }
    stack_tcp_listener_close(far->listener);
    free(far);
}

/* ---- the hosts ---- */

static const uint8_t private_keys[4][KEY_LEN] = {
    {0x48, 1, 2, 3, [31] = 0x41},
    {0x88, 4, 5, 6, [31] = 0x42},
    {0x50, 7, 8, 9, [31] = 0x43},
    {0xb8, 10, 11, 12, [31] = 0x44},
};

void sim_pair_keys(unsigned own, unsigned peer, char private_text[KEY_TEXT],
                   char public_text[KEY_TEXT])
{
    uint8_t public_key[KEY_LEN];
    assert_true(wg_public_key(public_key, private_keys[peer]));
    key_to_base64(private_text, private_keys[own]);
    key_to_base64(public_text, public_key);
}

void sim_pair_client_on(struct sim_pair *p, const struct sim_pair_options *o)
{
    char text[2048], own[KEY_TEXT], peer[KEY_TEXT];
    sim_pair_keys(CLIENT, o->client_is_mistaken ? 2 : FAR, own, peer);
    snprintf(text, sizeof text,
             "[Interface]\nPrivateKey = %s\nAddress = " CLIENT_V4
             ", fd09::2\nListenPort = 51821\n%s"
             "[Peer]\nPublicKey = %s\nAllowedIPs = 10.9.0.0/24, fd09::/64\nEndpoint = %s\n%s",
             own, o->client_interface, peer, o->endpoint != NULL ? o->endpoint : "192.0.2.2:51820",
             o->client_peer);
    sim_host_on(p->sim, CLIENT, text, true);
}

void sim_pair_far_on(struct sim_pair *p, const struct sim_pair_options *o)
{
    char text[2048], own[KEY_TEXT], peer[KEY_TEXT];
    sim_pair_keys(FAR, o->far_is_mistaken ? 2 : CLIENT, own, peer);
    snprintf(text, sizeof text,
             "[Interface]\nPrivateKey = %s\nAddress = " FAR_V4 ", " FAR_V6
             "\nListenPort = 51820\n%s"
             "[Peer]\nPublicKey = %s\nAllowedIPs = " CLIENT_V4 ", fd09::2\n%s",
             own, o->far_interface, peer, o->far_peer);
    sim_host_on(p->sim, FAR, text, false);
    p->far = sim_far_new(tunnel_stack(p->sim->hosts[FAR].tunnel));
}

void sim_pair_far_off(struct sim_pair *p)
{
    sim_far_free(p->far);
    p->far = NULL;
    sim_host_off(p->sim, FAR);
}

bool sim_pair_far_is_idle(const struct sim_pair *p)
{
    return p->far == NULL || list_empty(&p->far->flows);
}

void sim_pair_init(struct sim_pair *p, uint64_t seed, const struct sim_pair_options *options)
{
    *p = (struct sim_pair){.sim = sim_new(seed)};
    sim_pair_far_on(p, options);
    sim_pair_client_on(p, options);
}

void sim_pair_fini(struct sim_pair *p)
{
    if (p->far != NULL) {
        sim_pair_far_off(p);
    }
    sim_free(p->sim);
}

/* ---- clients ---- */

struct sim_client *sim_pair_ask_door(struct sim_pair *p, uint16_t door, const char *address,
                                     uint16_t port)
{
    struct addr a;
    uint8_t msg[32] = {5, 1, 0, 5, 1, 0};
    assert_true(addr_parse(&a, address));
    size_t n = addr_len(&a);
    msg[6] = a.family == FAMILY_V4 ? 1 : 4;
    memcpy(msg + 7, a.bytes, n);
    store_be16(msg + 7 + n, port);
    struct sim_client *c = sim_connect_port(p->sim, CLIENT, door);
    sim_client_send(c, msg, 9 + n);
    return c;
}

struct sim_client *sim_pair_ask(struct sim_pair *p, const char *address, uint16_t port)
{
    return sim_pair_ask_door(p, SIM_SOCKS_PORT, address, port);
}

struct sim_client *sim_pair_ask_name(struct sim_pair *p, const char *name, uint16_t port)
{
    uint8_t msg[300] = {5, 1, 0, 5, 1, 0, 3};
    size_t n = strlen(name);
    assert_true(n < 256);
    msg[7] = (uint8_t)n;
    memcpy(msg + 8, name, n);
    store_be16(msg + 8 + n, port);
    struct sim_client *c = sim_connect(p->sim, CLIENT);
    sim_client_send(c, msg, 10 + n);
    return c;
}

struct waiting {
    const struct sim_client *client;
    size_t bytes;
};

static bool has_bytes(void *ctx)
{
    const struct waiting *w = ctx;
    return sim_client_received(w->client) >= w->bytes || sim_client_was_reset(w->client) ||
           sim_client_eof(w->client);
}

bool sim_pair_wait(struct sim_pair *p, struct sim_client *c, size_t n, uint64_t at)
{
    struct waiting w = {.client = c, .bytes = n};
    sim_run_until(p->sim, has_bytes, &w, at);
    return sim_client_received(c) >= n;
}

unsigned sim_pair_reply(struct sim_pair *p, struct sim_client *c, uint64_t at)
{
    if (!sim_pair_wait(p, c, 2 + 4, at)) {
        return 256;
    }
    const uint8_t *in = sim_client_data(c);
    size_t len = 2 + (in[5] == 4 ? 22u : 10u);
    if (!sim_pair_wait(p, c, len, at)) {
        return 256;
    }
    unsigned code = sim_client_data(c)[3];
    assert_int_equal(sim_client_data(c)[1], 0);
    sim_client_take(c, len);
    return code;
}

static uint8_t pattern(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16));
}

bool sim_pair_echo(struct sim_pair *p, struct sim_client *c, size_t len, uint64_t at)
{
    uint8_t *data = calloc(1, len);
    for (size_t i = 0; i < len; i++) {
        data[i] = pattern(i);
    }
    sim_client_send(c, data, len);
    bool all = sim_pair_wait(p, c, len, at);
    size_t n = sim_client_received(c) < len ? sim_client_received(c) : len;
    assert_memory_equal(sim_client_data(c), data, n);
    sim_client_take(c, n);
    free(data);
    return all;
}
