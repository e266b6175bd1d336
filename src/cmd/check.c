/* SPDX-License-Identifier: MIT */
/* Sets up one tunnel after the other as a run does, but for the doors, and leads check_steps.c through it. */
#include "cmd/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/carrier.h"
#include "base/err.h"
#include "cmd/check_steps.h"
#include "cmd/world.h"
#include "dns/resolver.h"
#include "stack/stack_ping.h"

#define DEFAULT_NAME "example.com"
#define LOOKUP_LIMIT (5 * NS_PER_S)
#define MTU_LEAST_V4 576 /* as the configuration has them: RFC 791 3.1, RFC 8200 5 */
#define MTU_LEAST_V6 1280
#define KEY_SHOWN 8  /* characters of a public key */
#define KEEPALIVE 25 /* s; setting it makes the peer be called at once */

/* What a peer of the core has come to. */
struct progress {
    bool called, shaken;
};

struct check {
    const struct options *options;
    const struct config *config;
    struct world world;
    void (*write)(void *ctx, enum log_level level, const char *line); /* the log's own */
    char warning[CHECK_LINE]; /* not yet written: it may turn out to be the cause */
    struct tunnel *tunnel;
    const struct env_ops *outside; /* where the tunnel's datagrams go */
    void *outside_world;

    size_t looking; /* the peer of the file whose endpoint is being looked up */
    struct local_lookup *lookup;
    uint64_t lookup_began;
    bool is_started; /* the tunnels run */

    struct progress *progress; /* of each peer */
    struct check_plan plan;
    struct addr target;
    struct check_steps steps;
    bool is_stepping; /* `steps` has begun */
    bool acted;       /* something wants to leave */
    struct stack_ping *ping;
    struct resolver_query *query;
};

/* ---- words ---- */

static void say(void *ctx, const char *line)
{
    (void)ctx;
    printf("  %s\n", line);
    fflush(stdout);
}

static void write_held(struct check *k)
{
    if (k->warning[0] != '\0' && k->options->level >= LOG_WARN) {
        k->write(NULL, LOG_WARN, k->warning);
    }
    k->warning[0] = '\0';
}

/* The core explains a silence in the log: that is the cause, too, and said once. */
static void write_line(void *ctx, enum log_level level, const char *line)
{
    struct check *k = ctx;
    if (level == LOG_WARN && k->is_stepping && k->steps.step == CHECK_HANDSHAKE) {
        write_held(k);
        snprintf(k->warning, sizeof k->warning, "%s", line);
    } else if (level <= k->options->level && level != LOG_INFO) {
        k->write(NULL, level, line); /* what an ordinary run tells stands in the report */
    }
}

static void explain(void *ctx, char out[CHECK_LINE])
{
    struct check *k = ctx;
    memcpy(out, k->warning, CHECK_LINE);
    k->warning[0] = '\0';
}

/* ---- what the steps want ---- */

static void found(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct check *k = ctx;
    k->query = NULL;
    check_steps_answered(&k->steps, err, addrs, n, now);
}

static int look_up(void *ctx, const char *name, struct now now)
{
    struct check *k = ctx;
    k->acted = true;
    return resolver_lookup(tunnel_resolver(k->tunnel), name, found, k, &k->query, now);
}

static void stop_looking(void *ctx)
{
    struct check *k = ctx;
    if (k->query != NULL) {
        resolver_cancel(k->query);
        k->query = NULL;
    }
}

static int send_ping(void *ctx, const struct addr *to, uint16_t seq, size_t len)
{
    struct check *k = ctx;
    k->acted = true;
    return stack_ping_send(k->ping, to, seq, len);
}

static const struct check_ops check_ops = {.say = say,
                                           .look_up = look_up,
                                           .stop_looking = stop_looking,
                                           .ping = send_ping,
                                           .explain = explain};

static void replied(void *ctx, struct stack_ping *p, const struct addr *from, uint16_t seq,
                    size_t len, struct now now)
{
    (void)p;
    (void)len;
    struct check *k = ctx;
    check_steps_replied(&k->steps, from, seq, now);
}

static void failed(void *ctx, struct stack_ping *p, const struct addr *to, uint16_t seq, int err,
                   struct now now)
{
    (void)p;
    (void)to;
    struct check *k = ctx;
    check_steps_undelivered(&k->steps, seq, err, now);
}

static const struct stack_ping_handler ping_handler = {.replied = replied, .failed = failed};

/* ---- the peers' endpoints ---- */

static void look_up_next(struct check *k, struct now now);

/* Nothing can be reached: end before anything has begun. */
static void give_up(struct check *k, const char *host, int err)
{
    snprintf(k->steps.cause, sizeof k->steps.cause, "the Endpoint %s: %s", host, err_text(err));
    k->steps.step = CHECK_OVER;
    k->steps.deadline = NEVER;
    k->is_stepping = true;
}

static void tell_path(struct check *k, const struct endpoint *to)
{
    char text[ADDR_TEXT];
    addr_format(&to->addr, text);
    unsigned path = k->outside->path_mtu(k->outside_world, to);
    if (path == 0) {
        printf("  path       %s: this machine knows no way there\n", text);
    } else {
        printf("  path       %s: packets of up to %u bytes; the tunnel's MTU is %u\n", text, path,
               (unsigned)tunnel_mtu(k->tunnel));
    }
}

static void resolved(void *ctx, int err, const struct endpoint *at, size_t n, struct now now)
{
    struct check *k = ctx;
    const char *host = k->config->peers[k->looking].endpoint_host;
    double took = (double)(now.mono - k->lookup_began) / (double)NS_PER_MS;
    char text[ADDR_TEXT];
    k->lookup = NULL;
    printf("  endpoint   %s", host);
    for (size_t i = 0; i < n; i++) {
        printf("%s%s", i == 0 ? " is " : ", ", addr_format(&at[i].addr, text));
    }
    printf("%s%s (%.1f ms)\n", err != 0 ? ": " : "", err != 0 ? err_text(err) : "", took);
    if (err != 0) {
        give_up(k, host, err);
        return;
    }
    tell_path(k, &at[0]);
    k->looking++;
    look_up_next(k, now);
}

/* The next peer that has an endpoint, and to the tunnel itself when there is none left. */
static void look_up_next(struct check *k, struct now now)
{
    for (; k->looking < k->config->n_peers; k->looking++) {
        const struct config_peer *p = &k->config->peers[k->looking];
        struct endpoint at = {.port = p->endpoint_port};
        if (p->endpoint_host == NULL) {
            printf("  endpoint   none for the peer of line %u: it would have to call us\n",
                   p->line);
        } else if (addr_parse(&at.addr, p->endpoint_host)) {
            printf("  endpoint   %s is an address\n", p->endpoint_host);
            tell_path(k, &at);
        } else {
            k->lookup_began = now.mono;
            int err = k->outside->local.resolve(k->outside_world, p->endpoint_host,
                                                p->endpoint_port, resolved, k, &k->lookup, now);
            if (err != 0) {
                give_up(k, p->endpoint_host, err);
            }
            return;
        }
    }
}

/* ---- the turn ---- */

static bool is_looking(const struct check *k)
{
    return k->lookup != NULL;
}

static void watch_lookup(struct check *k, struct now now)
{
    if (now.mono >= k->lookup_began + LOOKUP_LIMIT) {
        k->outside->local.resolve_cancel(k->lookup);
        resolved(k, ERR_TIMED_OUT, NULL, 0, now);
    }
}

static void begin_steps(struct check *k, struct now now)
{
    if (!k->is_started) {
        app_start(k->world.app, now);
        k->is_started = true;
    }
    k->is_stepping = true;
    check_steps_begin(&k->steps, &k->plan, &check_ops, k, now);
}

/* Those without an Endpoint may call us meanwhile, but nobody waits for them. */
static bool is_awaited(const struct check *k, const uint8_t public_key[KEY_LEN])
{
    for (size_t i = 0; i < k->config->n_peers; i++) {
        const struct config_peer *p = &k->config->peers[i];
        if (memcmp(p->public_key, public_key, KEY_LEN) == 0) {
            return p->endpoint_host != NULL;
        }
    }
    return false;
}

/* Call whoever has become reachable, and see who has answered. */
static void look_at_peers(struct check *k, struct now now)
{
    struct progress *at = k->progress;
    for (struct wg_peer *p = wg_peer_first(tunnel_wg(k->tunnel)); p != NULL;
         p = wg_peer_next(p), at++) {
        struct wg_peer_status status;
        char key[KEY_TEXT], text[ENDPOINT_TEXT], who[CHECK_LINE / 2];
        wg_peer_get(p, &status);
        if (!is_awaited(k, status.public_key)) {
            continue;
        }
        if (!at->called && status.endpoint.addr.family != FAMILY_NONE) {
            at->called = k->acted = true;
            wg_peer_set_keepalive(p, 0, now);
            wg_peer_set_keepalive(p, KEEPALIVE, now);
        }
        if (!at->shaken && status.handshakes > 0) {
            at->shaken = true;
            key_to_base64(key, status.public_key);
            snprintf(who, sizeof who, "peer %.*s… at %s", KEY_SHOWN, key,
                     endpoint_format(&status.endpoint, text));
            check_steps_shaken(&k->steps, who, now);
        }
    }
}

static void step(struct check *k, struct now now)
{
    if (is_looking(k)) {
        watch_lookup(k, now);
    } else if (!k->is_stepping) {
        begin_steps(k, now);
    }
    if (!k->is_stepping) {
        return;
    }
    if (k->steps.step == CHECK_HANDSHAKE) {
        look_at_peers(k, now);
    }
    if (check_steps_next_deadline(&k->steps) <= now.mono) {
        check_steps_tick(&k->steps, now);
    }
    if (k->steps.step == CHECK_OVER) {
        io_loop_stop(k->world.loop);
    }
}

static uint64_t turn(void *ctx, struct now now)
{
    struct check *k = ctx;
    uint64_t at = app_turn(k->world.app, now);
    k->acted = false;
    step(k, now);
    if (k->acted) {
        at = app_turn(k->world.app, now);
    }
    if (!k->is_stepping) {
        return is_looking(k) ? deadline_min(at, k->lookup_began + LOOKUP_LIMIT) : now.mono;
    }
    return deadline_min(at, check_steps_next_deadline(&k->steps));
}

/* ---- one file ---- */

static const struct file *carrier_of(const struct files *f, const struct file *file)
{
    for (size_t i = 0; file->config->through != NULL && i < f->n; i++) {
        if (strcmp(f->file[i].name, file->config->through) == 0) {
            return &f->file[i];
        }
    }
    return NULL;
}

/* The tunnel, and before it those that it goes through. */
static int add_tunnel(struct check *k, const struct files *f, const struct file *file,
                      struct tunnel **out)
{
    const struct file *carrier = carrier_of(f, file);
    struct tunnel *through = NULL;
    int err = carrier != NULL ? add_tunnel(k, f, carrier, &through) : 0;
    if (err == 0) {
        err = app_add_tunnel(k->world.app, file->config, NULL, through, out, io_now(k->world.loop));
    }
    k->outside = through != NULL ? &carrier_ops : k->world.env.ops;
    k->outside_world = through != NULL ? (void *)through : k->world.env.world;
    return err;
}

static void make_plan(struct check *k)
{
    const struct config *c = k->config;
    const char *given = k->options->target;
    bool is_address = given != NULL && addr_parse(&k->target, given);
    k->plan = (struct check_plan){
        .dns = c->n_dns > 0 ? &c->dns[0] : NULL,
        .name = given != NULL && !is_address ? given : DEFAULT_NAME,
        .target = is_address     ? &k->target
                  : c->n_dns > 0 ? &c->dns[0]
                                 : NULL,
        .mtu = tunnel_mtu(k->tunnel),
        .least_mtu =
            stack_has_family(tunnel_stack(k->tunnel), FAMILY_V6) ? MTU_LEAST_V6 : MTU_LEAST_V4,
    };
    for (size_t i = 0; i < c->n_peers; i++) {
        k->plan.n_peers += c->peers[i].endpoint_host != NULL;
    }
}

static int set_up(struct check *k, const struct files *f, const struct file *file)
{
    k->progress = calloc(k->config->n_peers + 1, sizeof *k->progress);
    int err = k->progress != NULL ? add_tunnel(k, f, file, &k->tunnel) : ERR_NOMEM;
    if (err == 0) {
        err = stack_ping_open(tunnel_stack(k->tunnel), &ping_handler, k, &k->ping);
    }
    if (err != 0) {
        log_error(&k->world.log, "%s: cannot set the tunnel up: %s", k->config->path,
                  err_text(err));
        return err;
    }
    make_plan(k);
    return 0;
}

static int lead_through(struct check *k)
{
    struct now now = io_now(k->world.loop);
    if (k->config->through != NULL) { /* even its peers' names are looked up inside */
        app_start(k->world.app, now);
        k->is_started = true;
    }
    look_up_next(k, now);
    io_loop_set_turn(k->world.loop, turn, k);
    io_loop_run(k->world.loop);
    write_held(k);
    if (k->steps.step != CHECK_OVER) {
        return STATUS_FAILED; /* a signal */
    }
    if (k->steps.cause[0] != '\0') {
        printf("cause: %s\n", k->steps.cause);
        return STATUS_CHECK_FAILED;
    }
    puts("  works");
    return STATUS_OK;
}

static void tear_down(struct check *k)
{
    stop_looking(k);
    if (k->lookup != NULL) {
        k->outside->local.resolve_cancel(k->lookup);
    }
    if (k->ping != NULL) {
        stack_ping_close(k->ping);
    }
    world_fini(&k->world);
    free(k->progress);
}

static int check_one(const struct files *f, const struct file *file, const struct options *options)
{
    struct check k = {.options = options, .config = file->config};
    enum log_level level = options->level > LOG_WARN ? options->level : LOG_WARN;
    if (world_init(&k.world, level) != 0) {
        return STATUS_FAILED;
    }
    k.write = k.world.log.write;
    k.world.log.write = write_line;
    k.world.log.ctx = &k;
    printf("%s: %zu peer%s\n", file->config->path, file->config->n_peers,
           file->config->n_peers == 1 ? "" : "s");
    int status = set_up(&k, f, file) == 0 ? lead_through(&k) : STATUS_FAILED;
    tear_down(&k);
    return status;
}

int check(const struct files *files, const struct options *options)
{
    int status = STATUS_OK;
    io_hide_memory();
    for (size_t i = 0; i < files->n && status != STATUS_FAILED; i++) {
        int one = check_one(files, &files->file[i], options);
        status = one != STATUS_OK ? one : status;
    }
    return status;
}
