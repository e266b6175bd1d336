/* SPDX-License-Identifier: MIT */
#include "world.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t splitmix(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static void fill(void *ctx, void *out, size_t len)
{
    uint8_t *p = out;
    while (len > 0) {
        uint64_t v = splitmix(ctx);
        size_t n = len < sizeof v ? len : sizeof v;
        memcpy(p, &v, n);
        p += n;
        len -= n;
    }
}

struct rng seeded_rng(uint64_t *state)
{
    return (struct rng){fill, state};
}

struct endpoint endpoint_of(const char *text)
{
    struct endpoint e;
    bool ok = endpoint_parse(&e, text);
    assert(ok);
    (void)ok;
    return e;
}

struct prefix prefix_of(const char *text)
{
    struct prefix p;
    bool ok = prefix_parse(&p, text);
    assert(ok);
    (void)ok;
    return p;
}

struct addr addr_of(const char *text)
{
    struct addr a;
    bool ok = addr_parse(&a, text);
    assert(ok);
    (void)ok;
    return a;
}

static void write_line(void *ctx, enum log_level level, const char *line)
{
    struct node *n = ctx;
    int room = (int)(sizeof n->lines - n->lines_len);
    int len =
        snprintf(n->lines + n->lines_len, (size_t)room, "%s: %s\n", log_level_name(level), line);
    if (len > 0 && len < room) {
        n->lines_len += (size_t)len;
    }
}

bool world_logged(const struct node *n, const char *words)
{
    return strstr(n->lines, words) != NULL;
}

static void make_interface(struct world *w, int who)
{
    struct node *n = &w->node[who];
    struct node *other = &w->node[!who];
    struct wg_config config = {.mtu = 1420, .rng = n->rng, .log = &n->log};
    memcpy(config.private_key, n->private_key, KEY_LEN);
    int err = wg_new(&n->wg, &config);
    assert(err == 0);

    struct prefix allowed[] = {
        prefix_of(who == A ? "10.0.0.2/32" : "10.0.0.1/32"),
        prefix_of(who == A ? "fd00::2/128" : "fd00::1/128"),
    };
    struct wg_peer_config peer = {
        .endpoint = other->at,
        .keepalive = w->keepalive[who],
        .allowed_ips = allowed,
        .n_allowed_ips = ARRAY_SIZE(allowed),
    };
    if (w->endpointless[who]) {
        peer.endpoint = (struct endpoint){0};
    }
    memcpy(peer.public_key, other->public_key, KEY_LEN);
    memcpy(peer.preshared_key, w->psk, KEY_LEN);
    err = wg_peer_add(n->wg, &peer, &n->peer);
    assert(err == 0);
    (void)err;
}

void world_init(struct world *w, uint64_t seed)
{
    memset(w, 0, sizeof *w);
    w->mono = 1000 * SEC;
    w->delay = 10 * MS;
    w->tos = 0xff;
    for (int who = A; who <= B; who++) {
        struct node *n = &w->node[who];
        n->at = endpoint_of(who == A ? "192.0.2.1:51820" : "198.51.100.2:51820");
        n->seed = seed * 2 + (uint64_t)who;
        n->rng = seeded_rng(&n->seed);
        n->log = (struct log){LOG_DEBUG, write_line, n};
        n->wall_offset = UINT64_C(1700000000) * SEC;
        int err = outbox_init(&n->out, 1 << 18, 512);
        assert(err == 0);
        (void)err;
        rng_fill(&n->rng, n->private_key, KEY_LEN);
        wg_clamp(n->private_key);
        bool ok = wg_public_key(n->public_key, n->private_key);
        assert(ok);
        (void)ok;
    }
}

void world_start(struct world *w)
{
    make_interface(w, A);
    make_interface(w, B);
    for (int who = A; who <= B; who++) {
        wg_start(w->node[who].wg, &w->node[who].out, world_now(w, who));
        world_flush(w, who);
    }
}

void world_restart(struct world *w, int who)
{
    wg_free(w->node[who].wg);
    make_interface(w, who);
    wg_start(w->node[who].wg, &w->node[who].out, world_now(w, who));
    world_flush(w, who);
}

void world_fini(struct world *w)
{
    for (int who = A; who <= B; who++) {
        wg_free(w->node[who].wg);
        outbox_fini(&w->node[who].out);
    }
    while (w->flights != NULL) {
        struct flight *f = w->flights;
        w->flights = f->next;
        free(f);
    }
}

struct now world_now(const struct world *w, int who)
{
    return (struct now){.mono = w->mono, .wall = w->mono + w->node[who].wall_offset};
}

static void count(struct world *w, int who, const struct outbox_msg *m, const uint8_t *data)
{
    struct node *n = &w->node[who];
    n->sent[data[0]]++;
    n->sent_keepalives += data[0] == MSG_DATA && m->len == MSG_DATA_MIN;
    n->last_sent_at = w->mono;
    n->last_msg = *m;
}

static void take_off(struct world *w, int who, const struct outbox_msg *m, const uint8_t *data)
{
    struct flight *f = malloc(sizeof *f + m->len);
    assert(f != NULL);
    *f = (struct flight){
        .at = w->mono + w->delay, .to = !who, .from = w->node[who].at, .len = m->len};
    f->tos = w->tos == 0xff ? m->tos : w->tos;
    memcpy(f->data, data, m->len);
    struct flight **p = &w->flights;
    while (*p != NULL && (*p)->at <= f->at) {
        p = &(*p)->next;
    }
    f->next = *p;
    *p = f;
}

static void depart(struct world *w, int who, const struct outbox_msg *m, uint8_t *data)
{
    count(w, who, m, data);
    w->copies = 1;
    if (w->filter != NULL && !w->filter(w, who, data, m->len)) {
        return;
    }
    if (!endpoint_equal(&m->to, &w->node[!who].at)) {
        return; /* nobody there */
    }
    while (w->copies-- > 0) {
        take_off(w, who, m, data);
    }
}

void world_flush(struct world *w, int who)
{
    struct node *n = &w->node[who];
    wg_seal(n->wg);
    for (unsigned i = 0; i < n->out.n; i++) {
        depart(w, who, &n->out.msgs[i], n->out.buf + n->out.msgs[i].offset);
    }
    outbox_clear(&n->out);
}

enum wg_rx world_inject(struct world *w, int to, const struct endpoint *from, const uint8_t *data,
                        size_t len, uint8_t tos)
{
    struct node *n = &w->node[to];
    uint8_t *copy = malloc(len > 0 ? len : 1); /* exact, so that a sanitizer sees a byte too far */
    assert(copy != NULL);
    memcpy(copy, data, len);
    struct wg_packet p = {.data = copy, .len = len, .from = *from, .tos = tos};
    wg_receive(n->wg, &p, 1, &n->out, world_now(w, to));
    n->verdict = p.verdict;
    n->from = p.peer;
    if (p.verdict == WG_RX_IP) {
        n->got++;
        n->got_len = p.ip_len;
        memcpy(n->got_packet, p.ip, p.ip_len);
        n->got_id = load_be32(p.ip + (p.ip[0] >> 4 == 4 ? 20 : 40));
        if (w->delivered != NULL) {
            w->delivered(w, to, n->got_id);
        }
    }
    free(copy);
    return n->verdict;
}

enum wg_tx world_send(struct world *w, int who, uint32_t id, size_t len)
{
    struct node *n = &w->node[who];
    inner_v4(outbox_tail(&n->out) + WG_HEADROOM, who == A ? 1 : 2, who == A ? 2 : 1, id, len, 0);
    enum wg_tx result = wg_send(n->wg, &n->out, len, world_now(w, who));
    world_flush(w, who);
    return result;
}

void world_snapshot(const struct world *w, int who, struct snapshot *s)
{
    const struct node *n = &w->node[who];
    memcpy(&s->wg, n->wg, sizeof s->wg);
    memcpy(&s->peer, n->peer, sizeof s->peer);
    s->seed = n->seed;
    /* Counters and scratch space are no knowledge. */
    memset(s->wg.rx_count, 0, sizeof s->wg.rx_count);
    memset(s->wg.open_jobs, 0, sizeof s->wg.open_jobs);
    memset(s->wg.openings, 0, sizeof s->wg.openings);
    s->wg.mono = 0;
}

bool world_unchanged(const struct world *w, int who, const struct snapshot *s)
{
    static struct snapshot is;
    world_snapshot(w, who, &is);
    return memcmp(&is.wg, &s->wg, sizeof is.wg) == 0 &&
           memcmp(&is.peer, &s->peer, sizeof is.peer) == 0 && is.seed == s->seed &&
           w->node[who].out.n == 0;
}

bool world_capture(struct world *w, int from, uint8_t *data, size_t len)
{
    struct captured *c = &((struct captured *)w->ctx)[from];
    assert(len <= sizeof c->data);
    memcpy(c->data, data, len);
    c->len = len;
    return false;
}

struct world *world_new(uint64_t seed)
{
    struct world *w = malloc(sizeof *w);
    assert(w != NULL);
    world_init(w, seed);
    return w;
}

struct world *world_connected(uint64_t seed)
{
    struct world *w = world_new(seed);
    world_start(w);
    enum wg_tx sent = world_send(w, A, 1, 100);
    assert(sent == WG_TX_STAGED);
    (void)sent;
    world_run(w, SEC);
    assert(w->node[B].got == 1);
    return w;
}

void world_free(struct world *w)
{
    world_fini(w);
    free(w);
}

static void tick(struct world *w, int who)
{
    wg_tick(w->node[who].wg, &w->node[who].out, world_now(w, who));
    world_flush(w, who);
}

void world_tick_at(struct world *w, uint64_t at)
{
    w->mono = at;
    tick(w, A);
    tick(w, B);
}

static void deliver_first(struct world *w)
{
    struct flight *f = w->flights;
    w->flights = f->next;
    world_inject(w, f->to, &f->from, f->data, f->len, f->tos);
    world_flush(w, f->to);
    free(f);
}

void world_run(struct world *w, uint64_t duration)
{
    uint64_t end = w->mono + duration;
    for (;;) {
        uint64_t arrival = w->flights != NULL ? w->flights->at : NEVER;
        uint64_t timer_a = wg_next_deadline(w->node[A].wg);
        uint64_t timer_b = wg_next_deadline(w->node[B].wg);
        uint64_t first = deadline_min(arrival, deadline_min(timer_a, timer_b));
        if (first > end) {
            break;
        }
        if (first > w->mono) {
            w->mono = first;
        }
        if (first == arrival) {
            deliver_first(w);
            continue;
        }
        w->wakeups++;
        tick(w, first == timer_a ? A : B);
    }
    w->mono = end;
}

static void put_udp(uint8_t *p, uint32_t id, size_t len)
{
    memset(p, 0xa5, len);
    store_be32(p, id);
}

size_t inner_v4(uint8_t *p, uint8_t src, uint8_t dst, uint32_t id, size_t len, uint8_t tos)
{
    memset(p, 0, 20);
    p[0] = 0x45;
    p[1] = tos;
    store_be16(p + 2, (uint16_t)len);
    p[8] = 64;
    p[9] = 17;
    p[12] = p[16] = 10;
    p[15] = src;
    p[19] = dst;
    uint32_t sum = 0;
    for (int i = 0; i < 20; i += 2) {
        sum += load_be16(p + i);
    }
    sum = (sum & 0xffff) + (sum >> 16);
    store_be16(p + 10, (uint16_t) ~((sum & 0xffff) + (sum >> 16)));
    put_udp(p + 20, id, len - 20);
    return len;
}

size_t inner_v6(uint8_t *p, uint8_t src, uint8_t dst, uint32_t id, size_t len, uint8_t tos)
{
    memset(p, 0, 40);
    p[0] = (uint8_t)(0x60 | tos >> 4);
    p[1] = (uint8_t)(tos << 4);
    store_be16(p + 4, (uint16_t)(len - 40));
    p[6] = 17;
    p[7] = 64;
    p[8] = p[24] = 0xfd;
    p[23] = src;
    p[39] = dst;
    put_udp(p + 40, id, len - 40);
    return len;
}
