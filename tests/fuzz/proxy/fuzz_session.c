/* SPDX-License-Identifier: MIT */
/* Any script of events around one client at the door: what it sends and when it stops, what its
 * socket takes, what the resolver says and what the tunnel does. Whatever the order, nothing is
 * used after it was given up, nothing is left over, and no byte is lost, doubled or moved. The
 * script is what the door has, and then pairs of an event and its argument. */
#include "unit/proxy/fake_udp_relay.h"
#include "unit/proxy/ground.h"

#include "base/err.h"
#include "base/macros.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HAS_BIND = 1, HAS_UDP = 2, HAS_IDLE = 4, IS_FORWARD = 8, HAS_USERS = 16, IS_FULL = 32 };

struct play {
    uint8_t has;
    struct ground *g;
    struct fake_client c;
    struct fake_bytes down; /* all that the tunnel delivered */
    bool down_ended;
};

static const int errs[] = {ERR_REFUSED, ERR_RESET, ERR_UNREACHABLE, ERR_TIMED_OUT};
static const int name_errs[] = {ERR_NO_NAME, ERR_NO_DATA, ERR_DNS_FAILED, ERR_DNS_SILENT};
static const char *const answers[] = {"10.0.0.1", "10.0.0.1 10.0.0.2", "fd00::1 10.0.0.1 10.0.0.3",
                                      "10.9.9.9"};

/* The stream of `arg`, or NULL when there is none that the event could happen to. */
static struct stack_tcp *stream_of(const struct play *p, uint8_t arg)
{
    unsigned n = fake_tcp_count(p->g->stack);
    struct stack_tcp *t = n > 0 ? fake_tcp(p->g->stack, arg % n) : NULL;
    return t != NULL && fake_tcp_fate(t) == FAKE_OPEN ? t : NULL;
}

/* Data comes through the last stream only, and only once it is connected, so that the test knows
 * what should arrive. */
static void deliver(struct play *p, uint8_t arg)
{
    struct stack_tcp *t = stream_of(p, 0);
    if (t == NULL || fake_tcp_count(p->g->stack) != 1 || p->down_ended) {
        return;
    }
    uint8_t bytes[256];
    for (unsigned i = 0; i < arg; i++) {
        bytes[i] = (uint8_t)(p->down.len + i);
    }
    fake_append(&p->down, bytes, arg);
    fake_tcp_deliver(t, bytes, arg);
}

static void deliver_fin(struct play *p)
{
    struct stack_tcp *t = stream_of(p, 0);
    if (t != NULL && fake_tcp_count(p->g->stack) == 1 && !p->down_ended) {
        p->down_ended = true;
        fake_tcp_deliver_fin(t);
    }
}

static void resolver_says(struct play *p, uint8_t arg)
{
    if (fake_resolver_running(p->g->resolver) == 0) {
        return;
    }
    if (arg & 0x80) {
        fake_resolver_fail(p->g->resolver, 0, name_errs[arg % ARRAY_SIZE(name_errs)], p->g->now);
    } else {
        fake_resolver_answer(p->g->resolver, 0, answers[arg % ARRAY_SIZE(answers)], p->g->now);
    }
}

static size_t client_says(struct play *p, const uint8_t *rest, size_t left, uint8_t len)
{
    size_t n = len < left ? len : left;
    if (!p->c.input_eof && p->c.read_err == 0) {
        fake_client_send(&p->c, rest, n);
    }
    return n;
}

static void somebody_comes(struct play *p, uint8_t arg)
{
    static const char *const from[] = {"10.0.0.1:20", "10.0.0.2:20", "[fd00::1]:20"};
    struct stack *stack = p->g->stack;
    for (unsigned i = 0; i < fake_listener_count(stack); i++) {
        if (fake_listener_is_open(stack, i)) {
            fake_listener_show(stack, i, from[arg % ARRAY_SIZE(from)], p->g->now);
            return;
        }
    }
}

static void settle(struct play *p)
{
    struct fake_client *const clients[] = {&p->c};
    ground_settle(p->g, clients, 1);
}

/* One event; returns how many bytes of the script behind it were used. */
static size_t happen(struct play *p, uint8_t event, uint8_t arg, const uint8_t *rest, size_t left)
{
    struct stack_tcp *t = stream_of(p, arg);
    switch (event % 16) {
    case 0:
        return client_says(p, rest, left, arg);
    case 1:
        fake_client_shutdown(&p->c);
        break;
    case 2:
        fake_client_reset(&p->c);
        break;
    case 3:
        p->c.room = arg;
        break;
    case 4:
        p->c.read_max = p->c.write_max = 1u + arg;
        break;
    case 5:
        if (t != NULL) {
            fake_tcp_connected(t);
        }
        break;
    case 6:
        if (t != NULL) {
            fake_tcp_failed(t, errs[arg % ARRAY_SIZE(errs)]);
        }
        break;
    case 7:
        deliver(p, arg);
        break;
    case 8:
        deliver_fin(p);
        break;
    case 9:
        if (t != NULL) {
            fake_tcp_acknowledge(t, arg);
        }
        break;
    case 10:
        if (t != NULL) {
            fake_tcp_set_room(t, arg, 1u + arg / 3);
        }
        break;
    case 11:
        resolver_says(p, arg);
        break;
    case 12:
        ground_sleep(p->g, arg * 100 * NS_PER_MS);
        break;
    case 13:
        somebody_comes(p, arg);
        break;
    case 14:
        proxy_drain(p->g->proxy);
        break;
    default:
        settle(p);
    }
    return 0;
}

/* Where the answers to a SOCKS client that asked for a CONNECT end. */
static size_t answers_end(const struct play *p)
{
    const struct fake_bytes *got = &p->c.output;
    if (p->has & IS_FORWARD) {
        return 0;
    }
    if (got->data[0] == 0) {
        return 8;
    }
    return got->len > 5 && got->data[5] == 4 ? 24 : 12;
}

static bool is_http(const struct play *p)
{
    return !(p->has & IS_FORWARD) && p->c.input.len > 0 && p->c.input.data[0] >= 'A';
}

/* What went down is a piece of what the tunnel delivered, behind the answers; what went up a piece
 * of what the client sent, behind its request. Of HTTP the tests of its own say more. */
static void check(const struct play *p)
{
    const struct fake_bytes *got = &p->c.output;
    if (is_http(p) || fake_tcp_count(p->g->stack) != 1 || fake_listener_count(p->g->stack) != 0) {
        return;
    }
    const struct fake_bytes *up = fake_tcp_sent(fake_tcp(p->g->stack, 0));
    assert(up->len <= p->c.input.len);
    size_t head = 0;
    while (up->len > 0 && memcmp(p->c.input.data + head, up->data, up->len) != 0) {
        head++;
        assert(head + up->len <= p->c.input.len);
    }
    if (got->len > 24 && (p->has & (IS_FORWARD | HAS_USERS)) != HAS_USERS) {
        size_t answer = answers_end(p);
        assert(got->len - answer <= p->down.len);
        assert(memcmp(got->data + answer, p->down.data, got->len - answer) == 0);
    }
}

/* A door that is full already, by one that has nothing to say. */
static void fill(struct play *p, struct fake_client *other)
{
    fake_client_init(other);
    if (p->has & IS_FULL) {
        proxy_accept(p->g->proxy, &other->stream, p->g->now);
    } else {
        stream_close(&other->stream);
    }
}

static struct ground *build(uint8_t has, struct udp_relay *udp, const struct users *users)
{
    struct ground *g = ground_new((struct ground_options){
        .binds = has & HAS_BIND,
        .udp = has & HAS_UDP ? udp : NULL,
        .idle = has & HAS_IDLE ? 5 * NS_PER_S : 0,
        .protocols = has & IS_FORWARD ? DOOR_FORWARD : 0,
        .target = "10.0.0.1:80",
        .users = has & HAS_USERS ? users : NULL,
        .max_sessions = has & IS_FULL ? 1 : 0,
    });
    fake_stack_forbid(g->stack, "10.9.9.9", ERR_NO_ROUTE);
    return g;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct users *users;
    if (size == 0 || users_new(&users) != 0 || users_add(users, "a", "b") != 0) {
        return 0;
    }
    struct udp_relay udp = {.bound = {.addr = {.family = FAMILY_V4}, .port = 7}};
    struct play p = {.has = data[0]};
    p.g = build(p.has, &udp, users);
    struct fake_client other;
    fill(&p, &other);
    fake_client_init(&p.c);
    proxy_accept(p.g->proxy, &p.c.stream, p.g->now);
    for (size_t at = 1; at + 2 <= size;) {
        uint8_t event = data[at], arg = data[at + 1];
        at += 2;
        at += happen(&p, event, arg, data + at, size - at);
    }
    settle(&p);
    check(&p);
    ground_free(p.g); /* fails when a stream, a listener or a look-up is left */
    assert(udp.n_open == 0);
    fake_client_fini(&p.c);
    fake_client_fini(&other);
    fake_bytes_fini(&p.down);
    users_free(users);
    return 0;
}
