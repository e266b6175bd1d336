/* SPDX-License-Identifier: MIT */
/* Builds doors and runs their parts. */
#include "app/doors.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proxy/proxy.h"
#include "proxy/reverse.h"
#include "proxy/udp_forward.h"
#include "proxy/udp_relay.h"

/* ---- who, and where to ---- */

static int build_users(struct door *d, const struct config_door *cd)
{
    int err = cd->n_users > 0 ? users_new(&d->users) : 0;
    for (size_t i = 0; err == 0 && i < cd->n_users; i++) {
        err = users_add(d->users, cd->users[i].name, cd->users[i].password);
    }
    return err;
}

static int add_rules(struct access *access, const struct config_rule *rules, size_t n)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < n; i++) {
        struct access_rule rule = {
            .allow = rules[i].allow,
            .has_net = rules[i].has_net,
            .net = rules[i].net,
            .suffix = rules[i].suffix,
            .first = rules[i].first_port,
            .last = rules[i].last_port,
            .user = rules[i].user,
        };
        err = access_add(access, &rule);
    }
    return err;
}

static int build_access(struct door *d, const struct config *c, const struct config_door *cd)
{
    if (cd->n_rules + c->n_rules == 0) {
        return 0;
    }
    int err = access_new(&d->access);
    if (err == 0) {
        err = add_rules(d->access, cd->rules, cd->n_rules);
    }
    return err == 0 ? add_rules(d->access, c->rules, c->n_rules) : err;
}

static struct target target_of(const struct config_door *cd)
{
    struct target t = {.port = cd->target_port};
    if (cd->target_host != NULL && !addr_parse(&t.addr, cd->target_host)) {
        memcpy(t.name, cd->target_host, strlen(cd->target_host) + 1);
    }
    return t;
}

/* As proxy.h and reverse.h have it, where 0 is for ever. */
static uint64_t idle_of(const struct config *c, const struct config_door *cd)
{
    return (cd->has_idle ? cd->idle : c->limits.idle_timeout) * NS_PER_S;
}

/* As udp_forward.h has it, where 0 is the usual time. */
static uint64_t udp_idle_of(const struct config *c, const struct config_door *cd)
{
    bool stays = cd->has_idle && cd->idle == 0;
    return stays ? NEVER : (cd->has_idle ? cd->idle : c->limits.udp_idle_timeout) * NS_PER_S;
}

/* ---- proxies, and forwards of streams ---- */

static unsigned protocols_of(const struct config_door *cd)
{
    unsigned protocols = 0;
    switch (cd->kind) {
    case CONFIG_SNI:
        return DOOR_SNI;
    case CONFIG_FORWARD:
    case CONFIG_STDIO:
        return DOOR_FORWARD;
    case CONFIG_PROXY:
    case CONFIG_REVERSE:
        break;
    }
    protocols |= cd->protocols & CONFIG_SOCKS5 ? DOOR_SOCKS5 : 0;
    protocols |= cd->protocols & CONFIG_SOCKS4 ? DOOR_SOCKS4 : 0;
    protocols |= cd->protocols & CONFIG_HTTP ? DOOR_HTTP : 0;
    return protocols;
}

static int build_proxy(struct door *d, struct tunnel *tunnel, const struct config *c,
                       const struct config_door *cd)
{
    struct proxy_config pc = {
        .dialer = tunnel_dialer(tunnel),
        .stack = tunnel_stack(tunnel),
        .protocols = protocols_of(cd),
        .target = target_of(cd),
        .users = d->users,
        .access = d->access,
        .udp = d->relay,
        .max_sessions = c->limits.max_connections,
        .idle = idle_of(c, cd),
        .greeting_timeout = c->limits.greeting_timeout * NS_PER_S,
        .tells_failures = cd->kind == CONFIG_STDIO,
        .tells_targets = cd->log_domains,
        .log = d->env->log,
    };
    if (cd->kind == CONFIG_SNI) {
        pc.target.port = cd->port;
    }
    return proxy_new(&d->proxy, &pc);
}

static void accepted(void *ctx, struct stream *client, struct now now)
{
    door_accept(ctx, client, now);
}

static bool wanted(void *ctx, struct now now)
{
    (void)now;
    const struct door *d = ctx;
    return proxy_make_room(d->proxy);
}

/* How loudly it is said that a door does not open. */
static enum log_level loudness(const struct config_door *cd, int err)
{
    return door_is_dispensable(cd, err) ? LOG_DEBUG : LOG_ERROR;
}

/* What its user can do about it. */
static const char *listen_advice(const struct config_door *cd, int err)
{
    if (cd->bind.kind != PLACE_IP) {
        return "";
    }
    if (err == ERR_IN_USE && cd->kind == CONFIG_PROXY) {
        return " -> another program has it; -D PORT takes another one";
    }
    return err == ERR_PERM && cd->bind.at.port < 1024 ? " -> ports below 1024 are root's" : "";
}

static int listen_at(struct door *d, const struct config_door *cd, struct place *bound)
{
    int err = d->env->ops->listen(d->env->world, &cd->bind, accepted, d, bound, &d->listener);
    if (err != 0) {
        char text[PLACE_TEXT];
        log_line(d->env->log, loudness(cd, err), "cannot listen on %s: %s%s",
                 place_format(&cd->bind, text), err_text(err), listen_advice(cd, err));
    } else if (d->env->ops->listener_wanted != NULL) {
        d->env->ops->listener_wanted(d->listener, wanted);
    }
    return err;
}

static int speak_tls(struct door *d, const struct config_door *cd, const struct place *bound)
{
    const struct env_ops *ops = d->env->ops;
    int err = ops->listener_tls != NULL ? ops->listener_tls(d->listener, cd) : ERR_INVALID;
    if (err != 0) {
        char text[PLACE_TEXT];
        log_error(d->env->log, "cannot speak TLS on %s: %s", place_format(bound, text),
                  err_text(err));
    }
    return err;
}

static int bind_udp(struct door *d, const struct config_door *cd, const struct endpoint *at,
                    const struct dgram_handler *handler, void *ctx, struct endpoint *bound)
{
    int err = d->local.ops->udp_bind != NULL
                  ? d->local.ops->udp_bind(d->local.world, at, handler, ctx, bound, &d->port)
                  : ERR_UNREACHABLE;
    if (err != 0) {
        char text[ENDPOINT_TEXT];
        log_line(d->env->log, loudness(cd, err), "cannot open UDP %s: %s",
                 endpoint_format(at, text), err_text(err));
    }
    return err;
}

/* SOCKS5's datagrams come in beside its listener. */
static bool wants_relay(const struct door *d, const struct config_door *cd)
{
    return cd->kind == CONFIG_PROXY && cd->protocols & CONFIG_SOCKS5 && !cd->no_udp &&
           d->local.ops->udp_bind != NULL;
}

/* Whoever gives the port of datagrams a number knows of it. */
static int build_relay(struct door *d, struct tunnel *tunnel, const struct config *c,
                       const struct config_door *cd)
{
    struct udp_relay_config rc = {
        .stack = tunnel_stack(tunnel),
        .dialer = tunnel_dialer(tunnel),
        .access = d->access,
        .idle = c->limits.udp_idle_timeout * NS_PER_S,
        .trusts_first_port = cd->udp_port != 0,
        .log = d->env->log,
    };
    return udp_relay_new(&d->relay, &rc);
}

static int open_relay(struct door *d, const struct config_door *cd, const struct place *bound)
{
    static const struct addr loopback = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};
    struct endpoint at = bound->kind == PLACE_IP ? bound->at : (struct endpoint){.addr = loopback};
    struct endpoint stands, advertised = cd->udp_advertise;
    if (cd->udp_port != 0) {
        at.port = cd->udp_port;
    }
    int err = bind_udp(d, cd, &at, &udp_relay_handler, d->relay, &stands);
    if (err == 0) {
        udp_relay_set_port(d->relay, d->port, &advertised,
                           addr_is_unspecified(&stands.addr) ? &d->local : NULL);
    }
    return err;
}

static int build_streams(struct door *d, struct tunnel *tunnel, const struct config *c,
                         const struct config_door *cd, struct place *bound)
{
    int err = build_users(d, cd);
    if (err == 0) {
        err = build_access(d, c, cd);
    }
    if (err == 0 && wants_relay(d, cd)) {
        err = build_relay(d, tunnel, c, cd);
    }
    if (err == 0) {
        err = build_proxy(d, tunnel, c, cd);
    }
    if (err == 0 && cd->kind != CONFIG_STDIO) {
        err = listen_at(d, cd, bound);
    }
    if (err == 0 && cd->tls_certificate != NULL) {
        err = speak_tls(d, cd, bound);
    }
    if (err == 0 && d->relay != NULL) {
        err = open_relay(d, cd, bound);
    }
    return err;
}

/* ---- forwards of datagrams, and out of the tunnel ---- */

static int build_datagrams(struct door *d, struct tunnel *tunnel, const struct config *c,
                           const struct config_door *cd, struct place *bound)
{
    struct udp_forward_config fc = {
        .stack = tunnel_stack(tunnel),
        .dialer = tunnel_dialer(tunnel),
        .local = &d->local,
        .target = target_of(cd),
        .idle = udp_idle_of(c, cd),
        .log = d->env->log,
    };
    if (cd->kind == CONFIG_REVERSE) {
        return udp_forward_new_reverse(&d->forward, &fc, cd->port);
    }
    int err = build_access(d, c, cd);
    fc.access = d->access;
    if (err == 0) {
        err = udp_forward_new(&d->forward, &fc);
    }
    if (err != 0) {
        log_error(d->env->log, "cannot forward UDP to %s:%u: %s", cd->target_host,
                  (unsigned)cd->target_port, err_text(err));
    }
    if (err == 0) {
        *bound = cd->bind;
        err = bind_udp(d, cd, &cd->bind.at, &udp_forward_handler, d->forward, &bound->at);
    }
    if (err == 0) {
        udp_forward_set_port(d->forward, d->port);
    }
    return err;
}

static int build_reverse(struct door *d, struct tunnel *tunnel, const struct config *c,
                         const struct config_door *cd)
{
    struct reverse_config rc = {
        .stack = tunnel_stack(tunnel),
        .local = &d->local,
        .port = cd->port,
        .target = target_of(cd),
        .max_sessions = c->limits.max_connections,
        .connect_timeout = c->limits.connect_timeout * NS_PER_S,
        .idle = idle_of(c, cd),
        .log = d->env->log,
    };
    if (cd->target_path != NULL) {
        rc.place.kind = PLACE_UNIX;
        memcpy(rc.place.path, cd->target_path, strlen(cd->target_path) + 1);
    }
    return reverse_new(&d->reverse, &rc);
}

static int build(struct door *d, struct tunnel *tunnel, const struct config *c,
                 const struct config_door *cd, struct place *bound)
{
    int err;
    if (cd->udp) {
        err = build_datagrams(d, tunnel, c, cd, bound);
    } else if (cd->kind == CONFIG_REVERSE) {
        err = build_reverse(d, tunnel, c, cd);
    } else {
        return build_streams(d, tunnel, c, cd, bound);
    }
    if (err != 0 && cd->kind == CONFIG_REVERSE) {
        log_error(d->env->log, "cannot listen on port %u in the tunnel: %s", (unsigned)cd->port,
                  err_text(err));
    }
    return err;
}

/* ---- life ---- */

bool door_is_dispensable(const struct config_door *cd, int err)
{
    return cd->may_lack_family && err == ERR_NO_ADDRESS;
}

int door_new(struct door **out, const struct env *env, struct tunnel *tunnel,
             const struct config *c, const struct config_door *cd, struct place *bound)
{
    struct door *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return ERR_NOMEM;
    }
    d->env = env;
    d->local = env_local(env);
    list_init(&d->link);
    int err = build(d, tunnel, c, cd, bound);
    if (err != 0) {
        door_free(d);
        return err;
    }
    *out = d;
    return 0;
}

static void stop_listening(struct door *d)
{
    if (d->listener != NULL) {
        d->env->ops->listener_close(d->listener);
        d->listener = NULL;
    }
}

void door_free(struct door *d)
{
    stop_listening(d);
    proxy_free(d->proxy);
    udp_relay_free(d->relay);
    udp_forward_free(d->forward);
    reverse_free(d->reverse);
    if (d->port != NULL) {
        d->port->ops->close(d->port);
    }
    access_free(d->access);
    users_free(d->users);
    free(d);
}

void door_accept(struct door *d, struct stream *client, struct now now)
{
    proxy_accept(d->proxy, client, now);
}

bool door_drain(struct door *d)
{
    stop_listening(d);
    bool running = d->proxy != NULL && proxy_drain(d->proxy);
    return (d->reverse != NULL && reverse_drain(d->reverse)) || running;
}

/* ---- time ---- */

void door_tick(struct door *d, struct now now)
{
    if (d->proxy != NULL && proxy_next_deadline(d->proxy) <= now.mono) {
        proxy_tick(d->proxy, now);
    }
    if (d->relay != NULL && udp_relay_next_deadline(d->relay) <= now.mono) {
        udp_relay_tick(d->relay, now);
    }
    if (d->forward != NULL && udp_forward_next_deadline(d->forward) <= now.mono) {
        udp_forward_tick(d->forward, now);
    }
    if (d->reverse != NULL && reverse_next_deadline(d->reverse) <= now.mono) {
        reverse_tick(d->reverse, now);
    }
}

void door_flush(struct door *d)
{
    if (d->relay != NULL) {
        udp_relay_flush(d->relay);
    }
    if (d->forward != NULL) {
        udp_forward_flush(d->forward);
    }
}

uint64_t door_next_deadline(const struct door *d)
{
    uint64_t at = d->proxy != NULL ? proxy_next_deadline(d->proxy) : NEVER;
    at = deadline_min(at, d->relay != NULL ? udp_relay_next_deadline(d->relay) : NEVER);
    at = deadline_min(at, d->forward != NULL ? udp_forward_next_deadline(d->forward) : NEVER);
    return deadline_min(at, d->reverse != NULL ? reverse_next_deadline(d->reverse) : NEVER);
}
