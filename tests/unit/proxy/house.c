/* SPDX-License-Identifier: MIT */
/* The house, its servers and its name server. */
#include "house.h"

#include "base/bytes.h"

uint8_t house_byte(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) * 7 + (i >> 16) * 13);
}

/* ---- the web server ---- */

static void far_read(struct far_conn *c)
{
    struct iovec iov[16];
    int n;
    while ((n = stack_tcp_peek(c->t, iov, 16)) > 0) {
        size_t taken = 0;
        for (int i = 0; i < n; i++) {
            fake_append(&c->received, iov[i].iov_base, iov[i].iov_len);
            taken += iov[i].iov_len;
        }
        stack_tcp_consume(c->t, taken);
    }
    c->eof = stack_tcp_eof(c->t);
}

static void far_write(struct far_conn *c)
{
    bool echo = c->house->manner == FAR_ECHO;
    size_t total = echo ? c->received.len : c->eof ? c->house->answer : 0;
    while (c->sent < total) {
        size_t room;
        uint8_t *space = stack_tcp_reserve(c->t, &room);
        if (space == NULL) {
            return;
        }
        size_t n = room < total - c->sent ? room : total - c->sent;
        for (size_t i = 0; i < n; i++) {
            space[i] = echo ? c->received.data[c->sent + i] : house_byte(c->sent + i);
        }
        stack_tcp_commit(c->t, n);
        c->sent += n;
    }
    if (c->eof && !c->done) {
        c->done = true;
        stack_tcp_shutdown(c->t);
    }
}

static void far_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct far_conn *c = ctx;
    if (events & STACK_TCP_FAILED) {
        c->err = stack_tcp_error(t);
        stack_tcp_abort(t);
        c->t = NULL;
        return;
    }
    far_read(c);
    far_write(c);
}

static void far_accept(void *ctx, struct stack_tcp *t, struct now now)
{
    struct house *h = ctx;
    assert_true(h->n_conns < HOUSE_CLIENTS);
    struct far_conn *c = &h->conns[h->n_conns++];
    c->house = h;
    c->t = t;
    stack_tcp_set_handler(t, far_event, c);
    far_event(c, t, STACK_TCP_READABLE, now);
}

struct far_conn *house_call(struct house *h, const char *where)
{
    struct endpoint to;
    assert_true(endpoint_parse(&to, where) && h->n_conns < HOUSE_CLIENTS);
    struct far_conn *c = &h->conns[h->n_conns++];
    c->house = h;
    assert_int_equal(stack_tcp_connect(h->wire.b.stack, &to, far_event, c, &c->t, h->wire.now), 0);
    return c;
}

/* ---- the name server ---- */

enum { TYPE_A = 1, TYPE_AAAA = 28, HEADER = 12 };

/* "nowhere..." does not exist, every other name is the far end. Returns the length of the answer in
 * `out`. */
static size_t answer_question(const struct house *h, const uint8_t *q, size_t len, bool udp,
                              uint8_t *out)
{
    size_t end = HEADER;
    while (q[end] != 0) {
        end += q[end] + 1u;
    }
    uint16_t type = load_be16(q + end + 1);
    end += 1 + 4;
    assert_true(end <= len);
    memcpy(out, q, end);
    bool exists = memcmp(q + HEADER, "\x07nowhere", 8) != 0;
    bool cut = udp && h->dns_truncates;
    store_be16(out + 2, (uint16_t)(0x8180 | (cut ? 0x0200 : 0) | (exists ? 0 : 3)));
    store_be16(out + 6, exists && !cut);
    store_be16(out + 8, 0);
    store_be16(out + 10, 0);
    if (!exists || cut) {
        return end;
    }
    const struct endpoint far = at(type == TYPE_A ? "10.0.0.2" : "fd00::2", 0);
    size_t n = addr_len(&far.addr);
    uint8_t *rr = out + end;
    store_be16(rr, 0xc000 | HEADER);
    store_be16(rr + 2, type);
    store_be16(rr + 4, 1);
    store_be32(rr + 6, 60);
    store_be16(rr + 10, (uint16_t)n);
    memcpy(rr + 12, far.addr.bytes, n);
    return end + 12 + n;
}

static void dns_received(void *ctx, struct stack_udp *u, const struct endpoint *from,
                         const uint8_t *data, size_t len, struct now now)
{
    (void)now;
    struct house *h = ctx;
    uint8_t out[512];
    h->dns_over_udp++;
    assert_int_equal(stack_udp_send(u, from, out, answer_question(h, data, len, true, out)), 0);
}

static void dns_tcp_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct house *h = ctx;
    struct iovec iov[1];
    if (events & STACK_TCP_FAILED) {
        stack_tcp_abort(t);
        return;
    }
    if (stack_tcp_peek(t, iov, 1) == 1 && iov[0].iov_len > 2) {
        const uint8_t *q = iov[0].iov_base;
        uint8_t out[2 + 512];
        size_t n = answer_question(h, q + 2, iov[0].iov_len - 2, false, out + 2);
        store_be16(out, (uint16_t)n);
        assert_int_equal(stack_tcp_write(t, out, 2 + n), 2 + n);
        stack_tcp_consume(t, iov[0].iov_len);
        h->dns_over_tcp++;
    }
    if (stack_tcp_eof(t)) {
        stack_tcp_close(t);
    }
}

static void dns_accept(void *ctx, struct stack_tcp *t, struct now now)
{
    stack_tcp_set_handler(t, dns_tcp_event, ctx);
    dns_tcp_event(ctx, t, 0, now);
}

/* ---- the house ---- */

static void far_open(struct house *h)
{
    static const struct stack_udp_handler dns = {.received = dns_received};
    struct stack *far = h->wire.b.stack;
    assert_int_equal(stack_tcp_listen(far, 80, far_accept, h, &h->web), 0);
    assert_int_equal(stack_tcp_listen(far, 53, dns_accept, h, &h->dns_tcp), 0);
    assert_int_equal(stack_udp_open(far, 53, &dns, h, &h->dns), 0);
}

struct house *house_new(const struct wire_config *wire)
{
    struct house *h = calloc(1, sizeof *h);
    assert_non_null(h);
    wire_open(&h->wire, wire);
    far_open(h);
    struct addr server = at("10.0.0.2", 53).addr;
    struct resolver_config rc = {
        .servers = &server,
        .n_servers = 1,
        .want_v4 = true,
        .want_v6 = true,
        .rng = h->wire.rng,
    };
    assert_int_equal(resolver_new(&h->resolver, &rc), 0);
    assert_int_equal(names_new(&h->names, h->wire.a.stack, h->resolver), 0);
    struct dialer_config dc = {.stack = h->wire.a.stack, .resolver = h->resolver};
    assert_int_equal(dialer_new(&h->dialer, &dc), 0);
    struct proxy_config pc = {.dialer = h->dialer, .stack = h->wire.a.stack};
    assert_int_equal(proxy_new(&h->proxy, &pc), 0);
    return h;
}

void house_forwards(struct house *h, const char *target)
{
    proxy_free(h->proxy);
    struct proxy_config pc = {.dialer = h->dialer, .protocols = DOOR_FORWARD};
    struct endpoint e;
    assert_true(endpoint_parse(&e, target));
    pc.target = (struct target){.addr = e.addr, .port = e.port};
    assert_int_equal(proxy_new(&h->proxy, &pc), 0);
}

void house_free(struct house *h)
{
    proxy_free(h->proxy);
    dialer_free(h->dialer);
    names_free(h->names);
    resolver_free(h->resolver);
    wire_close(&h->wire);
    for (unsigned i = 0; i < h->n_clients; i++) {
        fake_client_fini(&h->clients[i]);
    }
    for (unsigned i = 0; i < h->n_conns; i++) {
        fake_bytes_fini(&h->conns[i].received);
    }
    free(h);
}

struct fake_client *house_visit(struct house *h, const void *bytes, size_t len)
{
    assert_true(h->n_clients < HOUSE_CLIENTS);
    struct fake_client *c = &h->clients[h->n_clients++];
    fake_client_init(c);
    proxy_accept(h->proxy, &c->stream, h->wire.now);
    fake_client_send(c, bytes, len);
    return c;
}

static bool turn(struct house *h)
{
    struct now now = h->wire.now;
    bool ran = names_run(h->names, now);
    for (unsigned i = 0; i < h->n_clients; i++) {
        ran |= fake_client_turn(&h->clients[i], now);
    }
    if (resolver_next_deadline(h->resolver) <= now.mono) {
        resolver_tick(h->resolver, now);
        ran = true;
    }
    if (dialer_next_deadline(h->dialer) <= now.mono) {
        dialer_tick(h->dialer, now);
        ran = true;
    }
    if (proxy_next_deadline(h->proxy) <= now.mono) {
        proxy_tick(h->proxy, now);
        ran = true;
    }
    return ran;
}

void house_pass(struct house *h, uint64_t ns)
{
    for (uint64_t end = h->wire.now.mono + ns; h->wire.now.mono < end;) {
        for (unsigned rounds = 0; turn(h); rounds++) {
            assert_true(rounds < 100000);
        }
        wire_pass(&h->wire, MS);
    }
}
