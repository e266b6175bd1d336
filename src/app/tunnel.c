/* SPDX-License-Identifier: MIT */
/* Joins the WireGuard core, the stack and the UDP port, and runs them once per loop turn.
 *
 * Up:   stack_flush -> output() copies the packet behind its headroom in the outbox -> wg_send -> wg_seal -> the port.
 * Down: received() -> wg_receive opens the batch in place -> stack_input takes slices of it -> handlers run in the turn. */
#include "app/tunnel.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "app/endpoints.h"
#include "app/outside.h"
#include "app/silence.h"
#include "base/bytes.h"
#include "base/err.h"
#include "dns/resolver.h"
#include "proxy/names.h"

#define NARROW_ECHO (10 * NS_PER_S) /* so long a path tells of what it refused before */
#define SETTLES NS_PER_S            /* until a network that has changed carries packets */
#define DISPATCH_ROUNDS 8           /* per turn; what is left runs in the next one */

struct tunnel {
    const struct env *env;
    struct wg *wg;
    struct stack *stack;
    struct resolver *resolver; /* NULL without DNS */
    struct names *names;       /* ditto */
    struct dialer *dialer;
    struct endpoints *endpoints;
    struct outside outside;
    struct local outside_names; /* where the file lets the machine look names up */
    uint16_t mtu;               /* of the inner side */
    uint64_t narrowed;          /* when it last became less, now.mono; 0: never */
    uint64_t greet_due;         /* after a change of the machine's network; NEVER */
    /* of the call into the stack that is under way: its output has no argument for it */
    const struct now *now;
    struct silence *silence;
};

/* ---- towards the peer ---- */

/* The stack's sink: one inner packet, gathered from slices. */
static void output(void *ctx, const struct iovec *slices, int n, size_t len)
{
    struct tunnel *t = ctx;
    outside_room_for_packet(&t->outside, t->wg, len);
    uint8_t *at = outbox_tail(&t->outside.outbox) + WG_HEADROOM;
    for (int i = 0; i < n; i++) {
        memcpy(at, slices[i].iov_base, slices[i].iov_len);
        at += slices[i].iov_len;
    }
    /* A packet that cannot leave is lost as on any wire; TCP's own timers and the core's log tell the story. */
    enum wg_tx verdict = wg_send(t->wg, &t->outside.outbox, len, *t->now);
    assert(verdict != WG_TX_INVALID); /* the stack emits IP */
    (void)verdict;
}

static int route(void *ctx, const struct addr *dst)
{
    struct tunnel *t = ctx;
    return wg_route(t->wg, dst);
}

/* ---- how large ---- */

/* What the path to an endpoint leaves of an IP packet for the inner side; `most` where the machine does not know. Whole
 * blocks of 16: a peer with a larger MTU pads up to them, beyond ours (paper 5.4.6). */
static unsigned path_leaves(const struct tunnel *t, const struct endpoint *to, unsigned most)
{
    unsigned path = t->env->ops->path_mtu(t->env->world, to);
    unsigned around = (to->addr.family == FAMILY_V4 ? 20 : 40) + 8 + WG_HEADROOM + 16;
    return path > around && path - around < most ? (path - around) / 16 * 16 : most;
}

/* A datagram was too large for its path: narrow the inner side to what fits. Below the least that IP needs there, TCP still
 * can; for the rest, and where the machine does not know better, fragments outside are the lesser evil. What left before the
 * inner side was narrowed is still told of afterwards, and is no news. */
static void narrow(struct tunnel *t, const struct endpoint *to, struct now now)
{
    unsigned fits = path_leaves(t, to, t->mtu);
    unsigned least = stack_has_family(t->stack, FAMILY_V6) ? TUNNEL_MTU_LEAST : TUNNEL_MTU_LEAST_V4;
    unsigned mtu = fits > least ? fits : least;
    if (fits == t->mtu && t->narrowed != 0 && now.mono - t->narrowed < NARROW_ECHO) {
        return;
    }
    if (fits < least || fits == t->mtu) {
        outside_allow_fragments(&t->outside);
    }
    if (mtu < t->mtu) {
        log_info(t->env->log, "the path became narrower -> MTU %u inside, not %u", mtu,
                 (unsigned)t->mtu);
        t->mtu = (uint16_t)mtu;
        t->narrowed = now.mono;
        wg_set_mtu(t->wg, t->mtu);
    }
    stack_lower_mtu(t->stack, (uint16_t)fits, now);
}

/* ---- from the peer ---- */

static void receive_batch(struct tunnel *t, struct dgram_rx *batch, size_t n, struct now now)
{
    struct wg_packet packets[WG_BATCH];
    for (size_t i = 0; i < n; i++) {
        packets[i] = (struct wg_packet){
            .data = batch[i].data,
            .len = batch[i].len,
            .from = batch[i].from,
            .tos = batch[i].tos,
        };
    }
    outside_room_for_event(&t->outside, t->wg);
    wg_receive(t->wg, packets, n, &t->outside.outbox, now);
    t->now = &now;
    for (size_t i = 0; i < n; i++) {
        if (packets[i].verdict == WG_RX_IP) {
            stack_input(t->stack, batch[i].buf, packets[i].ip, packets[i].ip_len, now);
        } else if (packets[i].verdict == WG_RX_HANDSHAKE) {
            if (packets[i].peer != NULL) {  /* more than a cookie */
                stack_retry(t->stack, now); /* perhaps after a long silence */
            }
        } else if (packets[i].peer == NULL) {
            silence_heard(t->silence, &packets[i]);
        }
    }
    t->now = NULL;
}

static void received(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    struct tunnel *t = ctx;
    while (n > 0) {
        size_t part = n < WG_BATCH ? n : WG_BATCH;
        receive_batch(t, batch, part, now);
        batch += part;
        n -= part;
    }
}

static void undelivered(void *ctx, const struct endpoint *to, int err, struct now now)
{
    struct tunnel *t = ctx;
    char text[ENDPOINT_TEXT];
    log_debug(t->env->log, "datagram to %s: %s", endpoint_format(to, text), err_text(err));
    silence_undelivered(t->silence, err);
    if (err == ERR_LIMIT) {
        narrow(t, to, now);
    }
}

static const struct dgram_handler port_handler = {.received = received, .undelivered = undelivered};

/* ---- life ---- */

static int add_peer(struct tunnel *t, const struct config_peer *p)
{
    struct wg_peer_config pc = {
        .keepalive = p->keepalive,
        .allowed_ips = p->allowed_ips,
        .n_allowed_ips = p->n_allowed_ips,
    };
    memcpy(pc.public_key, p->public_key, KEY_LEN);
    memcpy(pc.preshared_key, p->preshared_key, KEY_LEN);
    bool is_name = p->endpoint_host != NULL && !addr_parse(&pc.endpoint.addr, p->endpoint_host);
    if (p->endpoint_host != NULL && !is_name) {
        pc.endpoint.port = p->endpoint_port;
    }
    struct wg_peer *peer;
    int err = wg_peer_add(t->wg, &pc, &peer);
    wipe(pc.preshared_key, KEY_LEN);
    if (err == 0 && is_name) {
        err = endpoints_add(t->endpoints, peer, p->endpoint_host, p->endpoint_port);
    }
    return err;
}

static unsigned least_mtu(const struct config *c)
{
    for (size_t i = 0; i < c->n_addresses; i++) {
        if (c->addresses[i].addr.family == FAMILY_V6) {
            return TUNNEL_MTU_LEAST;
        }
    }
    return TUNNEL_MTU_LEAST_V4;
}

/* What the path to the peers leaves, where their addresses are known already. */
static unsigned path_to_peers(const struct tunnel *t, const struct config *c)
{
    unsigned mtu = TUNNEL_MTU_MOST;
    for (size_t i = 0; i < c->n_peers; i++) {
        struct endpoint to = {.port = c->peers[i].endpoint_port};
        if (c->peers[i].endpoint_host == NULL || !addr_parse(&to.addr, c->peers[i].endpoint_host)) {
            continue;
        }
        mtu = path_leaves(t, &to, mtu);
    }
    return mtu;
}

static int build_wg(struct tunnel *t, const struct config *c)
{
    struct wg_config wc = {
        .mtu = t->mtu, .rng = t->env->rng, .log = t->env->log, .parallel = t->env->parallel};
    memcpy(wc.private_key, c->private_key, KEY_LEN);
    int err = wg_new(&t->wg, &wc);
    wipe(wc.private_key, KEY_LEN);
    for (size_t i = 0; err == 0 && i < c->n_peers; i++) {
        err = add_peer(t, &c->peers[i]);
        if (err != 0) {
            log_error(t->env->log, "%s:%u: [Peer]: %s", c->path, c->peers[i].line,
                      err == ERR_INVALID
                          ? "its PublicKey is our own, or a point that no key leads to"
                          : err_text(err));
        }
    }
    return err;
}

static int build_stack(struct tunnel *t, const struct config *c, struct now now)
{
    struct stack_config sc = {
        .addresses = c->addresses,
        .n_addresses = c->n_addresses,
        .mtu = t->mtu,
        .segment_block = t->env->segment_block,
        .output = output,
        .route = route,
        .ctx = t,
        .rng = t->env->rng,
        .log = t->env->log,
    };
    return stack_new(&t->stack, &sc, now);
}

/* The MTU, and what TCP may fill of it where the path is narrower than IPv6 inside needs. */
static int build_sizes(struct tunnel *t, const struct config *c, unsigned fits, struct now now)
{
    int err = build_stack(t, c, now);
    if (err == 0 && fits < t->mtu) {
        stack_lower_mtu(t->stack, (uint16_t)fits, now);
    }
    return err;
}

static int build_resolver(struct tunnel *t, const struct config *c)
{
    if (c->n_dns == 0) {
        return 0;
    }
    struct resolver_config rc = {
        .servers = c->dns,
        .n_servers = c->n_dns,
        .search = (const char *const *)c->search,
        .n_search = c->n_search,
        .want_v4 = stack_has_family(t->stack, FAMILY_V4),
        .want_v6 = stack_has_family(t->stack, FAMILY_V6),
        .rng = t->env->rng,
        .log = t->env->log,
    };
    int err = resolver_new(&t->resolver, &rc);
    return err != 0 ? err : names_new(&t->names, t->stack, t->resolver);
}

/* Does a peer that is wanted not answer? It may be calls, or data of a session that it has forgotten. */
static bool peer_is_silent(void *ctx)
{
    const struct tunnel *t = ctx;
    for (struct wg_peer *p = wg_peer_first(t->wg); p != NULL; p = wg_peer_next(p)) {
        struct wg_peer_status status;
        wg_peer_get(p, &status);
        if (status.initiations_pending > 0 ||
            (t->now != NULL && status.answer_due <= t->now->mono)) {
            return true;
        }
    }
    return false;
}

static int build_dialer(struct tunnel *t, const struct config *c)
{
    static const int families[] = {
        [CONFIG_AUTO] = FAMILY_NONE, [CONFIG_IPV4] = FAMILY_V4, [CONFIG_IPV6] = FAMILY_V6};
    struct dialer_config dc = {
        .stack = t->stack,
        .resolver = t->resolver,
        .timeout = c->limits.connect_timeout * NS_PER_S,
        .peer_is_silent = peer_is_silent,
        .ctx = t,
        .prefer = families[c->strategy],
        .log = t->env->log,
    };
    if (c->names_outside && c->n_dns == 0) {
        t->outside_names = env_local(t->env);
        dc.outside = &t->outside_names;
    }
    return dialer_new(&t->dialer, &dc);
}

static int build(struct tunnel *t, const struct config *c, struct now now)
{
    unsigned fits = c->mtu != 0 ? c->mtu : path_to_peers(t, c);
    unsigned least = least_mtu(c);
    t->mtu = (uint16_t)(fits > least ? fits : least);
    int err = outside_init(&t->outside, t->env, t->mtu);
    if (err == 0) {
        err = endpoints_new(&t->endpoints, t->env);
    }
    if (err == 0) {
        err = build_wg(t, c);
    }
    if (err == 0) {
        err = silence_new(&t->silence, t->wg, t->env->log);
    }
    if (err == 0) {
        err = build_sizes(t, c, fits, now);
    }
    if (err == 0) {
        err = build_resolver(t, c);
    }
    if (err == 0) {
        err = build_dialer(t, c);
    }
    if (err == 0) {
        err = outside_open(&t->outside, c->listen_port, c->no_udp_offload, &port_handler, t);
    }
    return err;
}

int tunnel_new(struct tunnel **out, const struct env *env, const struct config *config,
               struct now now)
{
    struct tunnel *t = calloc(1, sizeof *t);
    if (t == NULL) {
        return ERR_NOMEM;
    }
    t->env = env;
    t->greet_due = NEVER;
    int err = build(t, config, now);
    if (err != 0) {
        tunnel_free(t);
        return err;
    }
    *out = t;
    return 0;
}

void tunnel_start(struct tunnel *t, struct now now)
{
    endpoints_tick(t->endpoints, now);
    outside_room_for_event(&t->outside, t->wg);
    wg_start(t->wg, &t->outside.outbox, now);
    outside_send(&t->outside, t->wg);
}

void tunnel_machine_changed(struct tunnel *t, struct now now)
{
    t->greet_due = deadline_min(t->greet_due, now.mono + SETTLES);
}

static void greet_peers(struct tunnel *t, struct now now)
{
    t->greet_due = NEVER;
    endpoints_hurry(t->endpoints, now);
    stack_retry(t->stack, now);
    for (struct wg_peer *p = wg_peer_first(t->wg); p != NULL; p = wg_peer_next(p)) {
        outside_room_for_event(&t->outside, t->wg);
        wg_peer_greet(p, &t->outside.outbox, now);
    }
}

void tunnel_free(struct tunnel *t)
{
    if (t == NULL) {
        return;
    }
    dialer_free(t->dialer);
    names_free(t->names);
    if (t->resolver != NULL) {
        resolver_free(t->resolver);
    }
    if (t->stack != NULL) {
        stack_free(t->stack);
    }
    endpoints_free(t->endpoints);
    silence_free(t->silence);
    wg_free(t->wg); /* before the outbox, in which it may still have packets to seal */
    outside_fini(&t->outside);
    free(t);
}

/* ---- the turn ---- */

static void tick(struct tunnel *t, struct now now)
{
    if (wg_next_deadline(t->wg) <= now.mono) {
        outside_room_for_event(&t->outside, t->wg);
        wg_tick(t->wg, &t->outside.outbox, now);
        outside_renew(&t->outside, t->wg);
    }
    if (t->greet_due <= now.mono) {
        greet_peers(t, now);
    }
    endpoints_look(t->endpoints, now);
    if (endpoints_next_deadline(t->endpoints) <= now.mono) {
        endpoints_tick(t->endpoints, now);
    }
    if (silence_next_deadline(t->silence) <= now.mono) {
        silence_tick(t->silence, now);
    }
    if (stack_next_deadline(t->stack) <= now.mono) {
        stack_tick(t->stack, now);
    }
}

/* Handlers and lookups make work for each other: once round. True when anything ran. */
static bool dispatch(struct tunnel *t, struct now now)
{
    bool ran = stack_dispatch(t->stack, now);
    if (t->resolver != NULL) {
        if (resolver_next_deadline(t->resolver) <= now.mono) {
            resolver_tick(t->resolver, now);
            ran = true;
        }
        ran |= names_run(t->names, now);
    }
    if (dialer_next_deadline(t->dialer) <= now.mono) {
        dialer_tick(t->dialer, now);
        ran = true;
    }
    return ran;
}

static uint64_t next_deadline(const struct tunnel *t)
{
    uint64_t at = deadline_min(wg_next_deadline(t->wg), t->greet_due);
    at = deadline_min(at, stack_next_deadline(t->stack));
    at = deadline_min(at, dialer_next_deadline(t->dialer));
    at = deadline_min(at, endpoints_next_deadline(t->endpoints));
    at = deadline_min(at, silence_next_deadline(t->silence));
    return t->resolver != NULL ? deadline_min(at, resolver_next_deadline(t->resolver)) : at;
}

uint64_t tunnel_turn(struct tunnel *t, struct now now)
{
    t->now = &now;
    tick(t, now);
    bool more = true;
    for (int i = 0; more && i < DISPATCH_ROUNDS; i++) {
        more = dispatch(t, now);
    }
    stack_flush(t->stack, now);
    outside_send(&t->outside, t->wg);
    t->now = NULL;
    return more ? now.mono : next_deadline(t);
}

struct dialer *tunnel_dialer(struct tunnel *t)
{
    return t->dialer;
}

struct stack *tunnel_stack(struct tunnel *t)
{
    return t->stack;
}

struct resolver *tunnel_resolver(struct tunnel *t)
{
    return t->resolver;
}

uint16_t tunnel_mtu(const struct tunnel *t)
{
    return t->mtu;
}

struct wg *tunnel_wg(struct tunnel *t)
{
    return t->wg;
}

struct dgram_counters tunnel_datagrams(const struct tunnel *t)
{
    return outside_counters(&t->outside);
}

uint16_t tunnel_port(const struct tunnel *t)
{
    return t->outside.port->ops->local_port(t->outside.port);
}
