/* SPDX-License-Identifier: MIT */
/* One bulk transfer in virtual time, for counting instructions: the application as the program runs it, at both ends, with
 * nothing from the system in it. trace down|up PACKETS.
 *
 * A step is 100 µs. In it a side gets at most a batch of datagrams that the other one sent in the step before, then its
 * sockets are ready, then it takes its turn, as in a loop of the program. Chance is seeded, so each run does the same.
 *
 * callgrind is to count from measured() on, and not what stands for the system: see measure/instructions.py. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "base/bytes.h"
#include "base/err.h"
#include "stack/stack_tcp.h"
#include "unit/seeded.h"
#include "wg/wg.h"

enum {
    STEP_US = 100,
    BATCH = 64,
    WARM_PACKETS = 4000, /* before anything is counted, so that windows and pools have grown */
    FULL = 1000,         /* bytes; a datagram of so many carries data */
    WIRE_MAX = 8192,     /* datagrams under way */
    WIRE_SIZE = 1500,
    STEPS_MAX = 2000000,
    CHUNK = 65536, /* of what the client's socket holds */
    REPLY = 2 + 10,
    SOCKS_PORT = 1080,
};

enum { CLIENT, FAR };

struct step;

/* Their names are told to callgrind, so that the compiler must leave them as they are. */
#define BY_NAME __attribute__((noinline, noclone, used, externally_visible))
BY_NAME void measured(struct step *step);
BY_NAME void uncounted(struct dgram *d, const struct outbox *ob);

struct datagram {
    uint16_t len;
    uint8_t data[WIRE_SIZE];
};

struct side {
    unsigned number;
    struct env env;
    struct app *app;
    struct tunnel *tunnel;
    struct dgram port;
    struct datagram *wire; /* a ring of what is on its way here */
    size_t first, n;
    unsigned long full; /* datagrams with data that it got or sent */
    struct rxbuf_pool pool;
};

/* The application's end of the client's socket. */
struct user {
    struct stream stream;
    unsigned want;
    bool up;
    size_t asked;       /* bytes of the request that were read */
    uint64_t delivered; /* to the client, the proxy's reply included */
};

static struct side sides[2];
static struct user local;
static struct now now = {.mono = 1000 * NS_PER_S, .wall = UINT64_C(1700000000) * NS_PER_S};
static uint64_t seed = 7;
static env_accept_fn *door;
static void *door_ctx;

static void check(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "trace: %s\n", what);
        exit(1);
    }
}

/* ---- the wire ---- */

static void send_plainly(struct dgram *d, const struct outbox *ob)
{
    struct side *by = d == &sides[CLIENT].port ? &sides[CLIENT] : &sides[FAR];
    struct side *to = &sides[!by->number];
    for (unsigned i = 0; i < ob->n; i++) {
        const struct outbox_msg *m = &ob->msgs[i];
        check(to->n < WIRE_MAX && m->len <= WIRE_SIZE, "too much is on its way");
        struct datagram *slot = &to->wire[(to->first + to->n++) % WIRE_MAX];
        slot->len = m->len;
        memcpy(slot->data, outbox_data(ob, m), m->len);
        by->full += m->len >= FULL;
        to->full += m->len >= FULL;
    }
}

/* callgrind does not count here. */
void uncounted(struct dgram *d, const struct outbox *ob)
{
    send_plainly(d, ob);
}

static uint16_t port_number(const struct dgram *d)
{
    return d == &sides[CLIENT].port ? 51821 : 51820;
}

static void port_ignore(struct dgram *d)
{
    (void)d;
}

static const struct dgram_ops plain_ops = {.send = send_plainly,
                                           .local_port = port_number,
                                           .allow_fragments = port_ignore,
                                           .close = port_ignore};
static const struct dgram_ops counted_ops = {.send = uncounted,
                                             .local_port = port_number,
                                             .allow_fragments = port_ignore,
                                             .close = port_ignore};

static int udp_open(void *world, uint16_t port, const struct dgram_handler *handler, void *ctx,
                    struct dgram **out)
{
    (void)port;
    struct side *s = world;
    s->port = (struct dgram){.ops = &plain_ops, .handler = handler, .ctx = ctx};
    *out = &s->port;
    return 0;
}

static unsigned path_mtu(void *world, const struct endpoint *to)
{
    (void)world, (void)to;
    return 0;
}

/* ---- the client's socket ---- */

/* Greeting and request in one: SOCKS5, CONNECT to the far end. */
static uint8_t request[] = {5, 1, 0, 5, 1, 0, 1, 10, 9, 0, 1, 0, 0};

static ssize_t local_read(struct stream *s, void *buf, size_t len)
{
    (void)s;
    size_t left = sizeof request - local.asked;
    if (left > 0) {
        size_t n = len < left ? len : left;
        memcpy(buf, request + local.asked, n);
        local.asked += n;
        return (ssize_t)n;
    }
    if (!local.up || local.delivered < REPLY) {
        return ERR_AGAIN;
    }
    return (ssize_t)(len < CHUNK ? len : CHUNK); /* whatever stands there */
}

static ssize_t local_writev(struct stream *s, const struct iovec *iov, int n)
{
    (void)s;
    size_t put = 0;
    for (int i = 0; i < n; i++) {
        put += iov[i].iov_len;
    }
    local.delivered += put;
    return (ssize_t)put;
}

static void local_want(struct stream *s, unsigned events)
{
    (void)s;
    local.want = events;
}

static void local_end(struct stream *s)
{
    (void)s;
    check(false, "the connection ended");
}

static const struct stream_ops local_ops = {.read = local_read,
                                            .writev = local_writev,
                                            .want = local_want,
                                            .shutdown = local_end,
                                            .close = local_end,
                                            .abort = local_end};

static int listen_at(void *world, const struct place *at, env_accept_fn *accepted, void *ctx,
                     struct place *bound, struct env_listener **out)
{
    (void)world;
    door = accepted;
    door_ctx = ctx;
    *bound = *at;
    *out = (struct env_listener *)&door;
    return 0;
}

static void listener_close(struct env_listener *l)
{
    (void)l;
}

static const struct env_ops env_ops = {.udp_open = udp_open,
                                       .path_mtu = path_mtu,
                                       .listen = listen_at,
                                       .listener_close = listener_close};

/* ---- the far end's services ---- */

static void on_event(void *ctx, struct stack_tcp *t, unsigned events, struct now at)
{
    (void)ctx, (void)at;
    struct iovec iov[8];
    size_t n;
    int k;
    check(!(events & STACK_TCP_FAILED), "the far end's connection failed");
    if (!local.up) {
        while (stack_tcp_reserve(t, &n) != NULL) {
            stack_tcp_commit(t, n);
        }
    }
    while ((k = stack_tcp_peek(t, iov, 8)) > 0) {
        n = 0;
        for (int i = 0; i < k; i++) {
            n += iov[i].iov_len;
        }
        stack_tcp_consume(t, n);
    }
}

static void on_accept(void *ctx, struct stack_tcp *t, struct now at)
{
    (void)ctx;
    stack_tcp_set_handler(t, on_event, NULL);
    on_event(NULL, t, STACK_TCP_WRITABLE, at);
}

/* ---- steps ---- */

struct step {
    struct side *side;
    struct dgram_rx batch[BATCH];
    size_t n;
};

/* The next batch, packed as the kernel packs it when it gathers: one behind the other in large buffers. */
static void take_batch(struct step *step, struct side *s)
{
    static const struct endpoint from[2] = {
        {.addr = {.family = FAMILY_V4, .bytes = {192, 0, 2, 2}}, .port = 51820},
        {.addr = {.family = FAMILY_V4, .bytes = {192, 0, 2, 1}}, .port = 51821},
    };
    struct rxbuf *buf = NULL;
    size_t at = 0;
    step->side = s;
    for (step->n = 0; step->n < BATCH && s->n > 0; s->n--) {
        const struct datagram *d = &s->wire[s->first];
        if (buf == NULL || at + d->len > s->pool.size) {
            rxbuf_unref(buf);
            buf = rxbuf_new(&s->pool);
            at = 0;
        }
        memcpy(buf->data + at, d->data, d->len);
        step->batch[step->n++] = (struct dgram_rx){
            .buf = rxbuf_ref(buf), .data = buf->data + at, .len = d->len, .from = from[s->number]};
        at += d->len;
        s->first = (s->first + 1) % WIRE_MAX;
    }
    rxbuf_unref(buf);
}

static void give_back(struct step *step)
{
    for (size_t i = 0; i < step->n; i++) {
        rxbuf_unref(step->batch[i].buf);
    }
}

static unsigned ready_events(void)
{
    bool readable = local.asked < sizeof request || (local.up && local.delivered >= REPLY);
    return local.want & ((readable ? STREAM_READABLE : 0) | STREAM_WRITABLE);
}

__attribute__((noinline)) static void take_step(struct step *step)
{
    struct side *s = step->side;
    if (step->n > 0) {
        s->port.handler->received(s->port.ctx, step->batch, step->n, now);
    }
    unsigned events = s->number == CLIENT && local.stream.handler != NULL ? ready_events() : 0;
    if (events != 0) {
        local.stream.handler->ready(local.stream.ctx, events, now);
    }
    app_turn(s->app, now);
}

void measured(struct step *step)
{
    take_step(step);
    __asm__ volatile("" ::: "memory"); /* so that this is a function of its own and no jump */
}

static void run_until(unsigned long packets, void (*client_step)(struct step *step))
{
    static struct step step;
    for (unsigned i = 0; sides[CLIENT].full < packets; i++) {
        check(i < STEPS_MAX, "nothing moves");
        now.mono += STEP_US * NS_PER_US;
        now.wall += STEP_US * NS_PER_US;
        take_batch(&step, &sides[CLIENT]);
        client_step(&step);
        give_back(&step);
        take_batch(&step, &sides[FAR]);
        take_step(&step);
        give_back(&step);
    }
}

/* ---- both ends ---- */

static void say(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    check(!is_error, message);
}

static void boot(struct side *s, const char *more)
{
    static const uint8_t keys[2][KEY_LEN] = {{0x48, 1, 2, 3, [31] = 0x41},
                                             {0x88, 4, 5, 6, [31] = 0x42}};
    char text[1024], own[KEY_TEXT], peer[KEY_TEXT];
    uint8_t public_key[KEY_LEN];
    struct config *config;
    check(wg_public_key(public_key, keys[!s->number]), "a key");
    key_to_base64(own, keys[s->number]);
    key_to_base64(peer, public_key);
    snprintf(text, sizeof text,
             "[Interface]\nPrivateKey = %s\nMTU = 1420\nAddress = 10.9.0.%u/32\n[Peer]\nPublicKey "
             "= %s\n%s",
             own, s->number == CLIENT ? 2u : 1u, peer, more);
    s->env = (struct env){.ops = &env_ops, .world = s, .rng = seeded_rng(&seed)};
    s->wire = calloc(WIRE_MAX, sizeof *s->wire);
    rxbuf_pool_init(&s->pool, 65536, 64);
    check(s->wire != NULL && app_new(&s->app, &s->env) == 0 &&
              config_parse(&config, "trace", text, strlen(text), say, NULL) == 0 &&
              app_add_tunnel(s->app, config, NULL, NULL, &s->tunnel, now) == 0,
          "it does not start");
    config_free(config);
}

static void start(bool up)
{
    struct endpoint at = {.addr = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}},
                          .port = SOCKS_PORT},
                    bound;
    struct stack_tcp_listener *listener;
    uint16_t port = up ? 9 : 19;
    sides[FAR].number = FAR;
    boot(&sides[CLIENT], "AllowedIPs = 10.9.0.1/32\nEndpoint = 192.0.2.2:51820\n");
    boot(&sides[FAR], "AllowedIPs = 10.9.0.2/32\n");
    check(app_add_socks(sides[CLIENT].app, sides[CLIENT].tunnel, &at, &bound) == 0, "no door");
    check(stack_tcp_listen(tunnel_stack(sides[FAR].tunnel), port, on_accept, NULL, &listener) == 0,
          "no service");
    app_start(sides[CLIENT].app, now);
    app_start(sides[FAR].app, now);
    store_be16(request + sizeof request - 2, port);
    local = (struct user){.stream = {.ops = &local_ops, .remote = at}, .up = up};
    door(door_ctx, &local.stream, now);
}

int main(int argc, char **argv)
{
    unsigned long packets = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    if (packets == 0 || (strcmp(argv[1], "down") != 0 && strcmp(argv[1], "up") != 0)) {
        fputs("usage: trace down|up PACKETS\n", stderr);
        return 2;
    }
    start(strcmp(argv[1], "up") == 0);
    run_until(WARM_PACKETS, take_step);
    unsigned long before = sides[CLIENT].full;
    sides[CLIENT].port.ops = &counted_ops;
    run_until(before + packets, measured);
    printf("{\"packets\": %lu}\n", sides[CLIENT].full - before);
    return 0;
}
