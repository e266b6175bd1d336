/* SPDX-License-Identifier: MIT */
/* Weather, outages, restarts, roaming, clocks, sleep, replays and users, each as it is drawn. */
#include "explorer_fate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#define S NS_PER_S
#define MS NS_PER_MS
#define DECADE (INT64_C(10) * 365 * 86400 * (int64_t)NS_PER_S)
#define FAR_NAME "vpn.example"
#define USERS_DRAWN 8
#define CROWD 140         /* more than can be staged */
#define LEAST_PATH 1360   /* carries 1280 bytes inside */
#define PATIENCE (60 * S) /* no end of a connection gives up before */

/* ---- draws ---- */

uint64_t life_below(struct life *l, uint64_t n)
{
    return rng_below(&l->rng, (uint32_t)n);
}

bool life_one_in(struct life *l, unsigned n)
{
    return life_below(l, n) == 0;
}

/* Every order of magnitude alike: from `least` to `least` * 2^doublings. */
uint64_t life_span(struct life *l, uint64_t least, unsigned doublings)
{
    uint64_t base = least << life_below(l, doublings);
    return base + base / 1000 * life_below(l, 1000);
}

/* ---- hosts ---- */

struct sim_host *life_host(struct life *l, unsigned number)
{
    return &l->pair.sim->hosts[number];
}

static void say(struct life *l, unsigned number, const char *what)
{
    if (l->pair.sim->talk) {
        printf("%9.3f %-6s %s\n", (double)sim_time(l->pair.sim) / 1e9, life_host(l, number)->name,
               what);
    }
}

void life_set_address(struct life *l, unsigned number, unsigned move)
{
    char text[ADDR_TEXT];
    if (l->v6_outside) {
        snprintf(text, sizeof text, "2001:db8:%x::%x", number + 1, move + 1);
    } else {
        snprintf(text, sizeof text, "192.0.2.%u", 1 + number * 100 + move);
    }
    assert_true(addr_parse(&life_host(l, number)->address, text));
}

void life_publish(struct life *l)
{
    struct sim_name *n = &l->pair.sim->name;
    *n = (struct sim_name){.name = FAR_NAME, .n = 1, .asked = n->asked};
    n->found[0] = life_host(l, FAR)->address;
    struct endpoint to = {.addr = n->found[0], .port = 51820};
    sim_watch_allow(l->watch, CLIENT, &to);
}

void life_client_on(struct life *l)
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
    struct sim_host *h = life_host(l, number);
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
        life_publish(l);
        life_client_on(l);
    } else {
        assert_true(addr_parse(&first.addr, l->v6_outside ? "2001:db8:1::1" : "192.0.2.1"));
        sim_watch_allow(l->watch, FAR, &first);
        sim_pair_far_on(&l->pair, &l->options);
    }
}

/* ---- users ---- */

static struct sim_user_plan draw_user(struct life *l)
{
    struct sim_user_plan plan = {.salt = (uint8_t)(l->n_users * 101)};
    switch (life_below(l, 5)) {
    case 0: /* question and answer */
    case 1:
        plan.chunk = life_span(l, 1, 12);
        plan.total = plan.chunk * (1 + life_below(l, 6));
        plan.pause = life_span(l, 10 * MS, 11);
        plan.turns = true;
        break;
    case 2: /* much at once */
        plan.chunk = 65536;
        plan.total = life_span(l, 1000, 8);
        break;
    case 3: /* a slow reader */
        plan.chunk = 8192;
        plan.total = life_span(l, 1000, 6);
        plan.sip = 200 + life_below(l, 3000);
        break;
    default: /* one that vanishes */
        plan.chunk = 16384;
        plan.total = life_span(l, 1000, 7);
        plan.reset_after = 1 + life_below(l, plan.total);
    }
    return plan;
}

struct sim_user *life_add_user(struct life *l, const struct sim_user_plan *plan)
{
    struct sim_user *u = sim_user_new(&l->pair, plan, life_one_in(l, 2) ? FAR_V4 : FAR_V6);
    l->users[l->n_users++] = u;
    return u;
}

static void use(struct life *l)
{
    if (l->n_drawn < USERS_DRAWN && !life_host(l, CLIENT)->asleep) {
        struct sim_user_plan plan = draw_user(l);
        life_add_user(l, &plan);
        l->n_drawn++;
        say(l, CLIENT, "has a user");
    }
}

static void crowd(struct life *l)
{
    static const struct sim_user_plan plan = {.total = 1, .chunk = 1};
    if (l->n_users < USERS_MAX - CROWD - USERS_DRAWN && !life_host(l, CLIENT)->asleep) {
        for (unsigned i = 0; i < CROWD; i++) {
            life_add_user(l, &plan);
        }
        say(l, CLIENT, "has a crowd");
    }
}

/* ---- what befalls them ---- */

static void change_weather(struct life *l)
{
    for (unsigned i = 0; i < 2; i++) {
        struct sim_weather *w = &life_host(l, i)->out;
        bool fair = life_one_in(l, 3);
        *w = (struct sim_weather){
            .loss = fair ? 0 : (unsigned)life_below(l, 300),
            .duplicate = (unsigned)life_below(l, 100),
            .corrupt = life_one_in(l, 3) ? (unsigned)life_below(l, 50) : 0,
            .delay = life_below(l, 100) * MS,
            .jitter = life_below(l, 60) * MS,
            .down = w->down,
            .swallow = life_one_in(l, 8) ? (unsigned)life_below(l, 140) + LEAST_PATH : 0,
        };
        say(l, i, "has other weather");
    }
}

static void begin_outage(struct life *l)
{
    uint64_t lasts = life_span(l, 1 * S, 9), until = sim_time(l->pair.sim) + lasts;
    unsigned who = (unsigned)life_below(l, 3);
    for (unsigned i = 0; i < 2; i++) {
        if (who == i || who == 2) {
            life_host(l, i)->out.down = true;
            l->down_until[i] = until;
            say(l, i, "is not heard any more");
        }
    }
    sim_stir(l->pair.sim, until);
    if (lasts >= PATIENCE) {
        excuse_users(l);
    }
}

static void fall_asleep(struct life *l)
{
    unsigned who = (unsigned)life_below(l, 2);
    uint64_t lasts = life_one_in(l, 8) ? 7200 * S : life_span(l, 5 * S, 6);
    l->asleep_until[who] = sim_time(l->pair.sim) + lasts;
    sim_host_sleep(l->pair.sim, who);
    say(l, who, "sleeps");
    sim_stir(l->pair.sim, l->asleep_until[who]);
    if (lasts >= PATIENCE) {
        excuse_users(l);
    }
}

static void change_wall(struct life *l)
{
    unsigned who = (unsigned)life_below(l, 2);
    int64_t by = (int64_t)life_span(l, 1 * S, 28);
    by = by < DECADE ? by : DECADE;
    by = life_one_in(l, 2) ? by : -by;
    by = by > l->wall_least[who] ? by : l->wall_least[who];
    life_host(l, who)->wall_ahead = by;
    l->wall_most[who] = by > l->wall_most[who] ? by : l->wall_most[who];
    say(l, who, "has another time");
}

/* Its address changes, or only the port that a translator gave it. A far host behind a plain address stays, or nobody could
 * find it again. A client that moved and only waits for an answer is not found either, until it says something. */
static void roam(struct life *l)
{
    unsigned who = l->named ? (unsigned)life_below(l, 2) : CLIENT;
    unsigned move = ++l->moves[who];
    if (who == CLIENT && life_one_in(l, 2)) {
        life_host(l, CLIENT)->outside_port = (uint16_t)(60000 + move);
    } else {
        life_set_address(l, who, move);
    }
    if (who == CLIENT) {
        excuse_users(l);
    }
    life_publish(l);
    say(l, who, "roams");
}

/* A stranger says again what was said before, whole or with a wrong bit. */
static void replay(struct life *l)
{
    unsigned who = (unsigned)life_below(l, 2);
    struct endpoint stranger = {.port = 51820};
    say(l, who, "hears old words");
    assert_true(addr_parse(&stranger.addr, l->v6_outside ? "2001:db8:ff::66" : "203.0.113.66"));
    for (unsigned n = (unsigned)life_below(l, 20) + 1; n > 0; n--) {
        const uint8_t *data;
        size_t len;
        if (!sim_watch_captured(l->watch, who, (unsigned)life_below(l, 64), &data, &len)) {
            return;
        }
        uint8_t *copy = malloc(len);
        memcpy(copy, data, len);
        if (life_one_in(l, 2)) {
            sim_flip_bit(l->pair.sim, copy, len);
        }
        sim_inject(l->pair.sim, who, &stranger, copy, len);
        free(copy);
    }
}

void fate_strikes(struct life *l)
{
    static const struct {
        void (*fn)(struct life *l);
        unsigned weight;
    } events[] = {
        {use, 14}, {change_weather, 8}, {begin_outage, 6}, {replay, 6},
        {roam, 4}, {change_wall, 4},    {fall_asleep, 2},  {crowd, 1},
    };
    unsigned total = 4;
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        total += events[i].weight;
    }
    unsigned pick = (unsigned)life_below(l, total);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        if (pick < events[i].weight) {
            events[i].fn(l);
            return;
        }
        pick -= events[i].weight;
    }
    restart(l, pick % 2);
}
