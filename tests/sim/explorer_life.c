/* SPDX-License-Identifier: MIT */
/* From birth to the end, and what is expected of it. */
#include "explorer_life.h"

#include <stdio.h>

#include "explorer_fate.h"
#include "unit/seeded.h"
#include "unit/test.h"
#include "wg/messages.h"

#define S NS_PER_S
#define MS NS_PER_MS
#define LARGEST (1420 + 32) /* the inner MTU and a data message's own */
#define FAR_NAME "vpn.example"

/* ---- after each event ---- */

static void check_staged(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        struct wg_peer_status status;
        wg_peer_get(wg_peer_first(tunnel_wg(life_host(l, i)->tunnel)), &status);
        if (status.staged > STAGED_MAX) {
            fail_msg("%s has %u packets staged", life_host(l, i)->name, status.staged);
        }
    }
}

static void end_what_is_over(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        uint64_t now = sim_time(l->pair.sim);
        life_host(l, i)->out.down = life_host(l, i)->out.down && now < l->down_until[i];
        if (life_host(l, i)->asleep && now >= l->asleep_until[i]) {
            sim_host_wake(l->pair.sim, i);
        }
    }
}

static bool look(void *ctx)
{
    struct life *l = ctx;
    check_staged(l);
    end_what_is_over(l);
    if (!life_host(l, CLIENT)->asleep) {
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

/* ---- birth ---- */

static void draw_kind(struct life *l)
{
    l->v6_outside = life_one_in(l, 3);
    l->named = life_one_in(l, 3);
    l->client_keepalive = life_one_in(l, 3);
    l->far_keepalive = life_one_in(l, 6);
    const char *psk =
        life_one_in(l, 3) ? "PresharedKey = //8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n" : "";
    const char *client_at = l->v6_outside ? "[2001:db8:1::1]:51821" : "192.0.2.1:51821";
    char persistent[64];
    snprintf(persistent, sizeof persistent, "PersistentKeepalive = %u\n",
             (unsigned)life_below(l, 30) + 5);
    snprintf(l->endpoint, sizeof l->endpoint, "%s",
             l->named        ? FAR_NAME ":51820"
             : l->v6_outside ? "[2001:db8:2::1]:51820"
                             : "192.0.2.101:51820");
    snprintf(l->client_peer, sizeof l->client_peer, "%s%s", psk,
             l->client_keepalive ? persistent : "");
    snprintf(l->far_peer, sizeof l->far_peer, "%s%s%s%s%s", psk,
             life_one_in(l, 3) ? "Endpoint = " : "# ", client_at, "\n",
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
        life_host(l, i)->log.level = LOG_WARN;
    }
    life_set_address(l, CLIENT, 0);
    life_set_address(l, FAR, 0);
    l->watch = sim_watch_new(l->pair.sim, LARGEST);
    struct endpoint client_at =
        (struct endpoint){.addr = life_host(l, CLIENT)->address, .port = 51821};
    sim_watch_allow(l->watch, FAR, &client_at);
    life_publish(l);
    sim_pair_far_on(&l->pair, &l->options);
    life_client_on(l);
}

/* ---- the end ---- */

static void clear_weather(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        life_host(l, i)->out = (struct sim_weather){.delay = 10 * MS};
        l->down_until[i] = 0;
        if (life_host(l, i)->asleep) {
            sim_host_wake(l->pair.sim, i);
        }
    }
}

/* Somebody who asks again and again gets through. */
static void expect_progress(struct life *l, uint64_t within)
{
    static const struct sim_user_plan plan = {.total = 3000, .chunk = 1000, .turns = true};
    uint64_t from = sim_time(l->pair.sim);
    while (sim_time(l->pair.sim) < from + within) {
        struct sim_user *u = life_add_user(l, &plan);
        while (sim_user_end(u) == SIM_USER_ACTIVE && sim_time(l->pair.sim) < from + within) {
            go_on(l, 100 * MS);
        }
        if (sim_user_end(u) == SIM_USER_DONE) {
            return;
        }
    }
    fail_msg("no way through in %u s of fair weather", (unsigned)(within / S));
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
    return number == FAR ? !sim_pair_far_is_idle(&l->pair)
                         : !list_empty(&life_host(l, CLIENT)->streams);
}

static void expect_silence(struct life *l)
{
    if (l->client_keepalive || l->far_keepalive) {
        return;
    }
    go_on(l, 600 * S);
    uint64_t sent[2] = {life_host(l, CLIENT)->datagrams, life_host(l, FAR)->datagrams};
    go_on(l, 600 * S);
    for (unsigned i = 0; i < 2; i++) {
        const struct sim_host *h = life_host(l, i);
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
    uint64_t horizon = life_span(&l, 30 * S, 5);
    unsigned events = 4 + (unsigned)life_below(&l, 14);
    for (unsigned i = 0; i < events; i++) {
        fate_strikes(&l);
        go_on(&l, horizon / events / 1000 * life_below(&l, 2000));
    }
    clear_weather(&l);
    if (life_one_in(&l, 2)) {
        go_on(&l, 180 * S);
        expect_progress(&l, 30 * S);
        /* 15 s until the silence is noticed, 10 s until another address is tried, and a dial that may just miss it */
    } else {
        expect_progress(&l, 60 * S);
    }
    expect_users_to_end(&l);
    expect_silence(&l);
    uint64_t fingerprint = sim_fingerprint(l.pair.sim);
    die(&l);
    return fingerprint;
}
