/* SPDX-License-Identifier: MIT */
/* The draws come from a generator of their own, so that a seed keeps its plan when the program under test asks for more or
 * less chance than it used to. */
#include "explorer_life.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim_pair.h"
#include "sim_user.h"
#include "sim_watch.h"
#include "unit/seeded.h"
#include "unit/test.h"
#include "wg/messages.h"

#define S NS_PER_S
#define MS NS_PER_MS
#define USERS_MAX 12
#define DECADE (INT64_C(10) * 365 * 86400 * (int64_t)NS_PER_S)
#define LARGEST (1420 + 32) /* the inner MTU and a data message's own */
#define FAR_NAME "vpn.example"

struct life {
    uint64_t state; /* of `rng` */
    struct rng rng;
    struct sim_pair pair;
    struct sim_watch *watch;
    struct sim_user *users[USERS_MAX];
    unsigned n_users;

    /* What kind of life it is. */
    bool named, v6_outside, client_keepalive, far_keepalive;
    char endpoint[64], client_peer[160], far_peer[160];
    struct sim_pair_options options;

    /* How it goes. */
    uint64_t down_until[2], asleep_until[2]; /* since the start */
    int64_t wall_most[2], wall_least[2];
    unsigned moves[2];
};

/* ---- draws ---- */

static uint64_t below(struct life *l, uint64_t n)
{
    return rng_below(&l->rng, (uint32_t)n);
}

static bool one_in(struct life *l, unsigned n)
{
    return below(l, n) == 0;
}

/* Every order of magnitude alike: from `least` to `least` * 2^doublings. */
static uint64_t span(struct life *l, uint64_t least, unsigned doublings)
{
    uint64_t base = least << below(l, doublings);
    return base + base / 1000 * below(l, 1000);
}

/* ---- hosts ---- */

static struct sim_host *host(struct life *l, unsigned number)
{
    return &l->pair.sim->hosts[number];
}

static void say(struct life *l, unsigned number, const char *what)
{
    if (l->pair.sim->talk) {
        printf("%9.3f %-6s %s\n", (double)sim_time(l->pair.sim) / 1e9, host(l, number)->name, what);
    }
}

static struct endpoint outside(struct life *l, unsigned number)
{
    const struct sim_host *h = host(l, number);
    uint16_t own = number == CLIENT ? 51821 : 51820;
    return (struct endpoint){.addr = h->address,
                             .port = h->outside_port != 0 ? h->outside_port : own};
}

static void set_address(struct life *l, unsigned number, unsigned move)
{
    char text[ADDR_TEXT];
    if (l->v6_outside) {
        snprintf(text, sizeof text, "2001:db8:%x::%x", number + 1, move + 1);
    } else {
        snprintf(text, sizeof text, "192.0.2.%u", 1 + number * 100 + move);
    }
    assert_true(addr_parse(&host(l, number)->address, text));
}

/* The name is what the far host is called, wherever it is. */
static void publish(struct life *l)
{
    struct sim_name *n = &l->pair.sim->name;
    *n = (struct sim_name){.name = FAR_NAME, .n = 1, .asked = n->asked};
    n->found[0] = host(l, FAR)->address;
    struct endpoint to = {.addr = n->found[0], .port = 51820};
    sim_watch_allow(l->watch, CLIENT, &to);
}

static void client_on(struct life *l)
{
    struct endpoint to;
    sim_pair_client_on(&l->pair, &l->options);
    if (!l->named && endpoint_parse(&to, l->endpoint)) {
        sim_watch_allow(l->watch, CLIENT, &to);
    }
}

static void excuse_users(struct life *l)
{
    for (unsigned i = 0; i < l->n_users; i++) {
        sim_user_excuse(l->users[i]);
    }
}

/* Whoever restarts has its clock as far as it ever was, and never less from then on: it cannot know of its own earlier
 * handshakes, and the peer would refuse a time before them as replayed, and rightly so (paper 5.1). */
static void restart(struct life *l, unsigned number)
{
    struct sim_host *h = host(l, number);
    struct endpoint first = {.port = 51821};
    excuse_users(l);
    h->wall_ahead = l->wall_least[number] = l->wall_most[number];
    say(l, number, "restarts");
    l->asleep_until[number] = 0;
    if (number == FAR) {
        sim_pair_far_off(&l->pair);
    } else {
        sim_host_off(l->pair.sim, CLIENT);
    }
    sim_watch_restarted(l->watch, number);
    if (number == CLIENT) {
        publish(l);
        client_on(l);
    } else {
        assert_true(addr_parse(&first.addr, l->v6_outside ? "2001:db8:1::1" : "192.0.2.1"));
        sim_watch_allow(l->watch, FAR, &first);
        sim_pair_far_on(&l->pair, &l->options);
    }
}

/* ---- what befalls them ---- */

static void change_weather(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sim_weather *w = &host(l, i)->out;
        bool fair = one_in(l, 3);
        *w = (struct sim_weather){
            .loss = fair ? 0 : (unsigned)below(l, 300),
            .duplicate = (unsigned)below(l, 100),
            .corrupt = one_in(l, 3) ? (unsigned)below(l, 50) : 0,
            .delay = below(l, 100) * MS,
            .jitter = below(l, 60) * MS,
            .down = w->down,
        };
        say(l, i, "has other weather");
    }
}

static void begin_outage(struct life *l)
{
    uint64_t until = sim_time(l->pair.sim) + span(l, 1 * S, 9);
    unsigned who = (unsigned)below(l, 3);
    for (unsigned i = 0; i < 2; i++) {
        if (who == i || who == 2) {
            host(l, i)->out.down = true;
            l->down_until[i] = until;
            say(l, i, "is not heard any more");
        }
    }
    sim_stir(l->pair.sim, until);
}

static void fall_asleep(struct life *l)
{
    unsigned who = (unsigned)below(l, 2);
    l->asleep_until[who] = sim_time(l->pair.sim) + (one_in(l, 8) ? 7200 * S : span(l, 5 * S, 6));
    sim_host_sleep(l->pair.sim, who);
    say(l, who, "sleeps");
    sim_stir(l->pair.sim, l->asleep_until[who]);
}

static void change_wall(struct life *l)
{
    unsigned who = (unsigned)below(l, 2);
    int64_t by = (int64_t)span(l, 1 * S, 28);
    by = by < DECADE ? by : DECADE;
    by = one_in(l, 2) ? by : -by;
    by = by > l->wall_least[who] ? by : l->wall_least[who];
    host(l, who)->wall_ahead = by;
    l->wall_most[who] = by > l->wall_most[who] ? by : l->wall_most[who];
    say(l, who, "has another time");
}

/* Its address changes, or only the port that a translator gave it. A far host behind a plain address stays, or nobody could
 * find it again. */
static void roam(struct life *l)
{
    unsigned who = l->named ? (unsigned)below(l, 2) : CLIENT;
    unsigned move = ++l->moves[who];
    if (who == CLIENT && one_in(l, 2)) {
        host(l, CLIENT)->outside_port = (uint16_t)(60000 + move);
    } else {
        set_address(l, who, move);
    }
    publish(l);
    say(l, who, "roams");
}

/* A stranger says again what was said before, whole or with a wrong bit. */
static void replay(struct life *l)
{
    unsigned who = (unsigned)below(l, 2);
    struct endpoint stranger = {.port = 51820};
    say(l, who, "hears old words");
    assert_true(addr_parse(&stranger.addr, l->v6_outside ? "2001:db8:ff::66" : "203.0.113.66"));
    for (unsigned n = (unsigned)below(l, 20) + 1; n > 0; n--) {
        const uint8_t *data;
        size_t len;
        if (!sim_watch_captured(l->watch, who, (unsigned)below(l, 64), &data, &len)) {
            return;
        }
        uint8_t *copy = malloc(len);
        memcpy(copy, data, len);
        if (one_in(l, 2)) {
            sim_flip_bit(l->pair.sim, copy, len);
        }
        sim_inject(l->pair.sim, who, &stranger, copy, len);
        free(copy);
    }
}

/* ---- users ---- */

static struct sim_user_plan draw_user(struct life *l)
{
    struct sim_user_plan plan = {.salt = (uint8_t)(l->n_users * 101)};
    switch (below(l, 5)) {
    case 0: /* question and answer */
    case 1:
        plan.chunk = span(l, 1, 12);
        plan.total = plan.chunk * (1 + below(l, 6));
        plan.pause = span(l, 10 * MS, 11);
        plan.turns = true;
        break;
    case 2: /* much at once */
        plan.chunk = 65536;
        plan.total = span(l, 1000, 8);
        break;
    case 3: /* a slow reader */
        plan.chunk = 8192;
        plan.total = span(l, 1000, 6);
        plan.sip = 1 + below(l, 3000);
        break;
    default: /* one that vanishes */
        plan.chunk = 16384;
        plan.total = span(l, 1000, 7);
        plan.reset_after = 1 + below(l, plan.total);
    }
    return plan;
}

static struct sim_user *add_user(struct life *l, const struct sim_user_plan *plan)
{
    struct sim_user *u = sim_user_new(&l->pair, plan, one_in(l, 2) ? FAR_V4 : FAR_V6);
    l->users[l->n_users++] = u;
    return u;
}

static void use(struct life *l)
{
    if (l->n_users < USERS_MAX / 2 && !host(l, CLIENT)->asleep) {
        struct sim_user_plan plan = draw_user(l);
        add_user(l, &plan);
        say(l, CLIENT, "has a user");
    }
}

/* ---- after each event ---- */

static void check_staged(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        struct wg_peer_status status;
        wg_peer_get(wg_peer_first(tunnel_wg(host(l, i)->tunnel)), &status);
        if (status.staged > STAGED_MAX) {
            fail_msg("%s has %u packets staged", host(l, i)->name, status.staged);
        }
    }
}

static void end_what_is_over(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t now = sim_time(l->pair.sim);
        host(l, i)->out.down = host(l, i)->out.down && now < l->down_until[i];
        if (host(l, i)->asleep && now >= l->asleep_until[i]) {
            sim_host_wake(l->pair.sim, i);
        }
    }
}

static bool look(void *ctx)
{
    struct life *l = ctx;
    check_staged(l);
    end_what_is_over(l);
    if (!host(l, CLIENT)->asleep) {
        for (unsigned i = 0; i < l->n_users; i++) {
            sim_user_step(l->users[i]);
        }
    }
    return false;
}

static void go_on(struct life *l, uint64_t ns)
{
    sim_run_until(l->pair.sim, look, l, sim_time(l->pair.sim) + ns);
}

/* ---- a life ---- */

static void draw_kind(struct life *l)
{
    l->v6_outside = one_in(l, 3);
    l->named = one_in(l, 3);
    l->client_keepalive = one_in(l, 3);
    l->far_keepalive = one_in(l, 6);
    const char *psk =
        one_in(l, 3) ? "PresharedKey = //8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" : "";
    const char *client_at = l->v6_outside ? "[2001:db8:1::1]:51821" : "192.0.2.1:51821";
    char persistent[64];
    snprintf(persistent, sizeof persistent, "PersistentKeepalive = %u\n",
             (unsigned)below(l, 30) + 5);
    snprintf(l->endpoint, sizeof l->endpoint, "%s",
             l->named        ? FAR_NAME ":51820"
             : l->v6_outside ? "[2001:db8:2::1]:51820"
                             : "192.0.2.101:51820");
    snprintf(l->client_peer, sizeof l->client_peer, "%s%s", psk,
             l->client_keepalive ? persistent : "");
    snprintf(l->far_peer, sizeof l->far_peer, "%s%s%s%s%s", psk,
             one_in(l, 3) ? "Endpoint = " : "# ", client_at, "\n",
             l->far_keepalive ? persistent : "");
    l->options = (struct sim_pair_options){
        .client_interface = "",
        .client_peer = l->client_peer,
        .far_interface = "",
        .far_peer = l->far_peer,
        .endpoint = l->endpoint,
    };
}

static void be_born(struct life *l, uint64_t seed)
{
    *l = (struct life){.state = seed ^ UINT64_C(0x6c69666521)};
    l->rng = seeded_rng(&l->state);
    draw_kind(l);
    l->pair.sim = sim_new(seed);
    l->pair.sim->forgetful = true;
    for (unsigned i = 0; i < 2 && !l->pair.sim->talk; i++) {
        host(l, i)->log.level = LOG_WARN;
    }
    set_address(l, CLIENT, 0);
    set_address(l, FAR, 0);
    l->watch = sim_watch_new(l->pair.sim, LARGEST);
    struct endpoint client_at = outside(l, CLIENT);
    sim_watch_allow(l->watch, FAR, &client_at);
    publish(l);
    sim_pair_far_on(&l->pair, &l->options);
    client_on(l);
}

static void suffer(struct life *l)
{
    static const struct {
        void (*fn)(struct life *l);
        unsigned weight;
    } events[] = {
        {use, 7},  {change_weather, 4}, {begin_outage, 3}, {replay, 3},
        {roam, 2}, {change_wall, 2},    {fall_asleep, 1},
    };
    unsigned total = 2;
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        total += events[i].weight;
    }
    unsigned pick = (unsigned)below(l, total);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        if (pick < events[i].weight) {
            events[i].fn(l);
            return;
        }
        pick -= events[i].weight;
    }
    restart(l, pick);
}

/* ---- the end ---- */

static void clear_weather(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        host(l, i)->out = (struct sim_weather){.delay = 10 * MS};
        l->down_until[i] = 0;
        if (host(l, i)->asleep) {
            sim_host_wake(l->pair.sim, i);
        }
    }
}

/* Somebody who asks again and again gets through. */
static void expect_progress(struct life *l)
{
    static const struct sim_user_plan plan = {.total = 3000, .chunk = 1000, .turns = true};
    uint64_t from = sim_time(l->pair.sim);
    while (sim_time(l->pair.sim) < from + 30 * S) {
        struct sim_user *u = add_user(l, &plan);
        while (sim_user_end(u) == SIM_USER_ACTIVE && sim_time(l->pair.sim) < from + 30 * S) {
            go_on(l, 100 * MS);
        }
        if (sim_user_end(u) == SIM_USER_DONE) {
            return;
        }
    }
    fail_msg("no way through 30 s after the weather had been fair for 3 minutes");
}

static bool all_users_ended(void *ctx)
{
    struct life *l = ctx;
    look(l);
    for (unsigned i = 0; i < l->n_users; i++) {
        if (sim_user_end(l->users[i]) == SIM_USER_ACTIVE && !sim_user_is_excused(l->users[i])) {
            return false;
        }
    }
    return true;
}

static void expect_users_to_end(struct life *l)
{
    sim_run_until(l->pair.sim, all_users_ended, l, sim_time(l->pair.sim) + 900 * S);
    for (unsigned i = 0; i < l->n_users; i++) {
        struct sim_user *u = l->users[i];
        if (sim_user_end(u) == SIM_USER_ACTIVE && !sim_user_is_excused(u)) {
            fail_msg("user %u hangs in fair weather: reply %u, sent %zu, received %zu", i,
                     sim_user_reply(u), sim_user_sent(u), sim_user_received(u));
        }
        sim_user_leave(u);
    }
}

/* A connection that one end has forgotten is silent, but its other end looks after it now and then. */
static bool is_forgotten(struct life *l, unsigned number)
{
    return number == FAR ? !sim_pair_far_is_idle(&l->pair) : !list_empty(&host(l, CLIENT)->streams);
}

static void expect_silence(struct life *l)
{
    if (l->client_keepalive || l->far_keepalive) {
        return;
    }
    go_on(l, 600 * S);
    uint64_t sent[2] = {host(l, CLIENT)->datagrams, host(l, FAR)->datagrams};
    go_on(l, 600 * S);
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_host *h = host(l, i);
        if (h->datagrams != sent[i]) {
            fail_msg("%s is idle and sends %llu datagrams", h->name,
                     (unsigned long long)(h->datagrams - sent[i]));
        }
        if (h->deadline != NEVER && !is_forgotten(l, i)) {
            fail_msg("%s is idle and wants to be woken in %llu ms", h->name,
                     (unsigned long long)((h->deadline - l->pair.sim->now.mono) / NS_PER_MS));
        }
    }
}

static void die(struct life *l)
{
    sim_host_off(l->pair.sim, CLIENT);
    for (unsigned i = 0; i < l->n_users; i++) {
        sim_user_free(l->users[i]);
    }
    sim_watch_free(l->watch);
    sim_pair_fini(&l->pair);
}

uint64_t explorer_live(uint64_t seed)
{
    struct life l;
    be_born(&l, seed);
    uint64_t horizon = span(&l, 30 * S, 5);
    unsigned events = 4 + (unsigned)below(&l, 14);
    for (unsigned i = 0; i < events; i++) {
        suffer(&l);
        go_on(&l, horizon / events / 1000 * below(&l, 2000));
    }
    clear_weather(&l);
    go_on(&l, 180 * S);
    expect_progress(&l);
    expect_users_to_end(&l);
    expect_silence(&l);
    uint64_t fingerprint = sim_fingerprint(l.pair.sim);
    die(&l);
    return fingerprint;
}
