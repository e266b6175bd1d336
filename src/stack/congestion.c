/* SPDX-License-Identifier: MIT */
#include "stack/congestion.h"

#include "base/now.h"

enum {
    INITIAL_SEGMENTS = 10, /* RFC 6928 */
    LEAST_SEGMENTS = 4,
    WINDOW_MAX = 64 * 1024 * 1024, /* beyond any receiver's window of ours */
    RTT_MAX = 10 * 1000 * 1000,    /* us; with the next, products fit */
    NEAR = 500,                /* us: a round trip is no longer than the pauses between our turns */
    LOSS_DIVISOR = 50,         /* one in so many is much */
    LOSS_DIVISOR_GROWING = 10, /* it doubles: where the queue is short, a half is lost */
    STARTUP_LOSSES = 6,        /* segments; fewer end no STARTUP */
    FULL_ROUNDS = 3,
    QUEUED_PERCENT = 150,
    RENO_ROUNDS = 63,
    UP_ROUNDS_MAX = 15,
    EXTRA_ROUNDS = 5,
};

#define RATE_MAX (UINT64_C(100) * 1000 * 1000 * 1000 / 8)
#define UNBOUND UINT32_MAX
#define RTT_STALE (5 * NS_PER_S)
#define PROBE_RTT_FOR (200 * NS_PER_MS)
#define PROBE_RTT_FOR_NEAR (2 * NS_PER_MS)
#define GRAIN NS_PER_MS /* of our timers: so much may have to wait for one */
#define WAIT_LEAST (2 * NS_PER_S)
#define WAIT_NEAR (NS_PER_S / 16)
#define WAIT_RANDOM NS_PER_S

static const struct {
    uint16_t rate, window; /* percent */
} gain[] = {
    [CONGESTION_STARTUP] = {277, 200},  [CONGESTION_DRAIN] = {50, 200},
    [CONGESTION_DOWN] = {90, 200},      [CONGESTION_CRUISE] = {100, 200},
    [CONGESTION_REFILL] = {100, 200},   [CONGESTION_UP] = {125, 225},
    [CONGESTION_PROBE_RTT] = {100, 50},
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* ---- what the path holds ---- */

static uint64_t most_rate(const struct congestion *c)
{
    return max_u64(c->most_rate[0], c->most_rate[1]);
}

static uint64_t path_rate(const struct congestion *c)
{
    return min_u64(most_rate(c), c->bounds.rate);
}

static uint32_t bytes_in(uint64_t rate, uint64_t us)
{
    return (uint32_t)min_u64(rate * us / 1000000, WINDOW_MAX);
}

/* Percent of what is on the path when nothing waits. */
static uint32_t holds(const struct congestion *c, uint64_t rate, unsigned percent)
{
    return (uint32_t)min_u64((uint64_t)bytes_in(rate, c->least_rtt) * percent / 100, WINDOW_MAX);
}

static uint32_t least_window(const struct congestion *c)
{
    return LEAST_SEGMENTS * c->mss;
}

/* Besides, what arrivals in bursts and our own timers make wait. */
static uint32_t target(const struct congestion *c, uint64_t rate)
{
    uint64_t bytes = (uint64_t)holds(c, rate, gain[c->phase].window) +
                     max_u32(c->extra[0], c->extra[1]) + bytes_in(rate, GRAIN / NS_PER_US);
    return (uint32_t)min_u64(max_u64(bytes, least_window(c)), WINDOW_MAX);
}

/* Room for others below what was found to be the most. */
static uint32_t with_headroom(const struct congestion *c)
{
    uint32_t most = c->bounds.most;
    return most == UNBOUND ? most
                           : max_u32(most - max_u32(most / 100 * 15, c->mss), least_window(c));
}

/* ---- phases ---- */

/* Losses now are of its own making: it filled the path to see what it holds, just now or before. */
static bool is_probing(const struct congestion *c)
{
    return c->phase == CONGESTION_STARTUP || c->phase == CONGESTION_DRAIN ||
           c->phase == CONGESTION_REFILL || c->phase == CONGESTION_UP;
}

static void forget_short_term(struct congestion *c)
{
    c->bounds.rate = UINT64_MAX;
    c->bounds.flight = UNBOUND;
}

static void watch_for_growth(struct congestion *c, uint64_t from)
{
    c->full = false;
    c->full_rate = from;
    c->full_rounds = 0;
}

static void begin_down(struct congestion *c, uint64_t now)
{
    c->chance = c->chance * 6364136223846793005u + 1442695040888963407u;
    c->phase = CONGESTION_DOWN;
    c->since = now;
    c->wait = WAIT_LEAST + (c->chance >> 32) * WAIT_RANDOM / UINT32_MAX;
    c->rounds = 0;
    c->advances = true;
}

static void begin_refill(struct congestion *c, const struct congestion_sample *s)
{
    forget_short_term(c);
    c->phase = CONGESTION_REFILL;
    c->round_end = s->total;
    c->up_rounds = 0;
    c->up_credit = 0;
    c->advances = false;
}

static void begin_up(struct congestion *c, const struct congestion_sample *s)
{
    c->phase = CONGESTION_UP;
    c->judges_flight = true;
    c->round_end = s->total;
    watch_for_growth(c, s->rate);
}

static void begin_probe_rtt(struct congestion *c)
{
    c->phase = CONGESTION_PROBE_RTT;
    c->window_before = c->window;
    c->probed_rtt = UINT32_MAX;
    c->since = 0;
    c->judges_flight = false;
}

static void end_probe_rtt(struct congestion *c, uint64_t now)
{
    c->least_rtt = c->probed_rtt < UINT32_MAX ? c->probed_rtt : c->least_rtt;
    c->least_at = now;
    c->window = max_u32(c->window, c->window_before);
    forget_short_term(c);
    begin_down(c, now);
    c->phase = c->was_full ? CONGESTION_CRUISE : CONGESTION_STARTUP;
}

/* Where a flow of Reno would be back at its window by now, this one does not wait any longer; near by,
 * that would be all the time. */
static bool is_time_to_probe(const struct congestion *c, uint64_t now)
{
    uint64_t waited = now - c->since;
    uint32_t reno = holds(c, path_rate(c), 100) / c->mss;
    return waited >= c->wait || (waited >= WAIT_NEAR && c->rounds >= min_u32(reno, RENO_ROUNDS));
}

static void follow_probe_rtt(struct congestion *c, const struct congestion_sample *s, bool round)
{
    uint32_t low =
        max_u32(holds(c, path_rate(c), gain[CONGESTION_PROBE_RTT].window), least_window(c));
    if (c->since == 0) {
        if (s->in_flight <= low) {
            c->since = s->now;
            c->round_end = s->total;
            c->rounds = 0;
        }
        return;
    }
    uint64_t stay = c->least_rtt < NEAR ? PROBE_RTT_FOR_NEAR : PROBE_RTT_FOR;
    c->rounds += round;
    if (c->rounds > 0 && s->now - c->since >= stay) {
        end_probe_rtt(c, s->now);
    }
}

/* The most in flight grows like slow start: by one segment in the first round trip, by two ... */
static void raise_most(struct congestion *c, const struct congestion_sample *s, bool round)
{
    if (round && c->up_rounds < UP_ROUNDS_MAX) {
        c->up_rounds++;
    }
    if (!s->held || c->window < c->bounds.most) {
        return;
    }
    c->up_credit += ((uint64_t)s->delivered * c->mss) << c->up_rounds;
    uint64_t most = c->bounds.most + c->up_credit / c->window;
    c->bounds.most = (uint32_t)min_u64(most, WINDOW_MAX);
    c->up_credit %= c->window;
}

static void follow_up(struct congestion *c, const struct congestion_sample *s, bool round)
{
    if (c->bounds.most != UNBOUND) {
        raise_most(c, s, round);
    }
    if (s->held && c->bounds.most != UNBOUND && c->window >= c->bounds.most) {
        watch_for_growth(c, s->rate); /* it could not show more */
    } else if (c->full) {
        begin_down(c, s->now);
    }
}

static void follow(struct congestion *c, const struct congestion_sample *s, bool round)
{
    switch (c->phase) {
    case CONGESTION_STARTUP:
        if (c->was_full) {
            c->phase = CONGESTION_DRAIN;
        }
        break;
    case CONGESTION_DRAIN:
        if (s->in_flight <= holds(c, path_rate(c), 100)) {
            begin_down(c, s->now);
        }
        break;
    case CONGESTION_DOWN:
    case CONGESTION_CRUISE:
        if (is_time_to_probe(c, s->now)) {
            begin_refill(c, s);
        } else if (s->in_flight <= min_u32(with_headroom(c), holds(c, most_rate(c), 100))) {
            c->phase = CONGESTION_CRUISE;
        }
        break;
    case CONGESTION_REFILL:
        if (round) {
            begin_up(c, s);
        }
        break;
    case CONGESTION_UP:
        follow_up(c, s, round);
        break;
    case CONGESTION_PROBE_RTT:
        follow_probe_rtt(c, s, round);
        break;
    }
}

/* ---- what a sample says ---- */

/* To 0.7, but never below what came through. */
static void lower_bounds(struct congestion *c)
{
    uint64_t rate = min_u64(c->bounds.rate, most_rate(c));
    uint32_t flight = min_u32(c->bounds.flight, c->window);
    c->bounds.rate = max_u64(c->round_rate, rate / 10 * 7);
    c->bounds.flight = max_u32(c->round_arrived, flight / 10 * 7);
}

static bool lost_much(const struct congestion *c)
{
    bool grows = c->phase == CONGESTION_STARTUP && c->full_rounds == 0;
    uint32_t few = c->round_flight / (grows ? LOSS_DIVISOR_GROWING : LOSS_DIVISOR);
    return c->round_lost > max_u32(few, c->mss); /* a lone one is none */
}

static bool end_round(struct congestion *c, const struct congestion_sample *s)
{
    if (s->rate == 0 || (int32_t)(s->began - c->round_end) < 0) {
        return false;
    }
    if (lost_much(c) && !is_probing(c) && !s->limited) {
        lower_bounds(c);
    }
    if (c->advances && c->rounds > 0 && !s->limited) {
        c->most_rate[0] = c->most_rate[1];
        c->most_rate[1] = 0;
        c->advances = c->judges_flight = false;
    }
    c->rounds++;
    c->round_end = s->total;
    c->round_flight = s->in_flight + s->delivered;
    c->round_lost = c->round_arrived = 0;
    c->round_rate = 0;
    if (++c->extra_rounds >= EXTRA_ROUNDS) {
        c->extra_rounds = 0;
        c->extra[0] = c->extra[1];
        c->extra[1] = 0;
    }
    return true;
}

/* In STARTUP a rate that does not grow is the path's only while a queue stands on it: where arrivals jitter, the
 * first rates are too high, and the next few are no more. */
static bool proves_a_limit(const struct congestion *c, const struct congestion_sample *s)
{
    return c->phase != CONGESTION_STARTUP ||
           s->in_flight + s->delivered >= holds(c, most_rate(c), QUEUED_PERCENT);
}

static void learn_rate(struct congestion *c, const struct congestion_sample *s, bool round)
{
    if (s->rate == 0) {
        return;
    }
    uint64_t rate = min_u64(s->rate, RATE_MAX);
    c->round_rate = max_u64(c->round_rate, rate);
    c->round_arrived = max_u32(c->round_arrived, s->total - s->began);
    if (!s->limited || rate >= most_rate(c)) {
        c->most_rate[1] = max_u64(c->most_rate[1], rate);
    }
    if (c->full || s->limited) {
        return;
    }
    if (rate >= c->full_rate + c->full_rate / 4) {
        watch_for_growth(c, rate);
    } else if (round && proves_a_limit(c, s) && ++c->full_rounds >= FULL_ROUNDS) {
        c->full = c->was_full = true;
    }
}

static void learn_losses(struct congestion *c, const struct congestion_sample *s)
{
    c->round_lost += s->lost;
    if (s->lost == 0 || !lost_much(c)) {
        return;
    }
    if (c->phase == CONGESTION_STARTUP && c->round_lost >= STARTUP_LOSSES * c->mss) {
        c->full = c->was_full = true;
        c->bounds.most = max_u32(holds(c, most_rate(c), 100), c->round_arrived);
    } else if (c->judges_flight) {
        c->judges_flight = false;
        if (!s->limited) {
            uint32_t now = min_u32(holds(c, path_rate(c), 100), c->window);
            c->bounds.most = max_u32(c->round_flight, now / 10 * 7);
        }
        if (c->phase == CONGESTION_UP) {
            begin_down(c, s->now);
        }
    }
}

/* A path that is hardly longer than its shortest has no queue to be emptied for a look at it. */
static void learn_rtt(struct congestion *c, const struct congestion_sample *s)
{
    if (s->rtt > 0) {
        uint32_t rtt = min_u32(s->rtt, RTT_MAX);
        c->probed_rtt = min_u32(c->probed_rtt, rtt);
        if (c->least_rtt == 0 || rtt <= c->least_rtt + c->least_rtt / 16) {
            c->least_rtt = c->least_rtt == 0 ? rtt : min_u32(rtt, c->least_rtt);
            c->least_at = s->now;
        }
    }
    if (c->phase != CONGESTION_PROBE_RTT && c->least_rtt > 0 && s->now - c->least_at > RTT_STALE) {
        begin_probe_rtt(c);
    }
}

/* What arrives beyond the rate, because something on the way lets it go in bursts. */
static void learn_bursts(struct congestion *c, const struct congestion_sample *s)
{
    uint64_t us = min_u64((s->now - c->burst_since) / NS_PER_US, RTT_MAX);
    uint32_t expected = bytes_in(path_rate(c), us);
    if (c->burst <= expected) {
        c->burst = expected = 0;
        c->burst_since = s->now;
    }
    c->burst = (uint32_t)min_u64((uint64_t)c->burst + s->delivered, WINDOW_MAX);
    c->extra[1] = max_u32(c->extra[1], min_u32(c->burst - min_u32(expected, c->burst), c->window));
}

/* ---- what follows ---- */

/* Slower than four segments in a round trip is what the window is for. */
static void set_rate(struct congestion *c)
{
    if (c->least_rtt < NEAR) {
        c->rate = 0;
        return;
    }
    uint64_t least = UINT64_C(1000000) * least_window(c) / c->least_rtt;
    uint64_t rate = max_u64(path_rate(c) / 100 * gain[c->phase].rate / 100 * 99, least);
    c->rate = c->was_full ? rate : max_u64(rate, c->rate);
}

static void set_window(struct congestion *c, const struct congestion_sample *s)
{
    uint32_t to = target(c, path_rate(c)), least = least_window(c);
    uint64_t window = c->window > s->lost + least ? c->window - s->lost : min_u32(c->window, least);
    if (c->was_full) {
        window = min_u64(window + s->delivered, to);
    } else if (window < to) {
        window += s->delivered;
    }
    if (c->phase == CONGESTION_PROBE_RTT) {
        window = min_u64(window, holds(c, path_rate(c), gain[c->phase].window));
    }
    bool cruises = c->phase == CONGESTION_CRUISE || c->phase == CONGESTION_PROBE_RTT;
    uint32_t most = min_u32(cruises ? with_headroom(c) : c->bounds.most, c->bounds.flight);
    window = min_u64(window, max_u32(most, least));
    c->window = (uint32_t)min_u64(max_u64(window, c->mss), WINDOW_MAX);
}

void congestion_update(struct congestion *c, const struct congestion_sample *s)
{
    bool round = end_round(c, s);
    learn_rate(c, s, round);
    learn_losses(c, s);
    learn_bursts(c, s);
    follow(c, s, round);
    learn_rtt(c, s);
    set_rate(c);
    set_window(c, s);
}

void congestion_init(struct congestion *c, uint32_t mss, uint32_t rtt, uint32_t chance)
{
    *c = (struct congestion){
        .window = INITIAL_SEGMENTS * mss,
        .mss = mss,
        .chance = chance,
        .bounds = {UINT64_MAX, UNBOUND, UNBOUND},
        .before = {UINT64_MAX, UNBOUND, UNBOUND},
    };
    if (rtt >= NEAR) {
        c->rate = (uint64_t)c->window * 1000000 / rtt * gain[CONGESTION_STARTUP].rate / 100;
    }
}

void congestion_reduce(struct congestion *c)
{
    c->before = c->bounds;
    c->was_full_before = c->was_full;
    c->window_before = max_u32(c->window, c->phase == CONGESTION_PROBE_RTT ? c->window_before : 0);
}

void congestion_timeout(struct congestion *c, bool again)
{
    if (!again) {
        congestion_reduce(c);
    }
    c->window = c->mss;
}

void congestion_undo(struct congestion *c)
{
    c->bounds = c->before;
    c->round_lost = 0;
    if (c->was_full && !c->was_full_before && c->phase != CONGESTION_PROBE_RTT) {
        c->was_full = false;
        c->phase = CONGESTION_STARTUP;
    }
    watch_for_growth(c, 0);
    c->window = max_u32(c->window, c->window_before);
}

void congestion_start_over(struct congestion *c, uint32_t mss)
{
    congestion_undo(c);
    c->mss = mss;
    c->window = min_u32(c->window, INITIAL_SEGMENTS * mss);
}

void congestion_idle(struct congestion *c, uint64_t now)
{
    c->least_at = now; /* the path is empty */
    c->burst_since = now;
    c->burst = 0;
    if (c->was_full && c->rate > 0) {
        c->rate = path_rate(c);
    }
}
