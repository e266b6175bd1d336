/* SPDX-License-Identifier: MIT */
/* See congestion.h. CUBIC is W(t) = C (t - K)^3 + W_max, in segments and seconds, with C = 0.4; here
 * in bytes and milliseconds, without floating point. */
#include "stack/congestion.h"

#include <string.h>

enum {
    INITIAL_SEGMENTS = 10, /* RFC 6928 */
    LEAST_SEGMENTS = 2,
    WINDOW_MAX = 64 * 1024 * 1024, /* beyond any receiver's window of ours */
    STEPS = 32,                    /* a round trip's growth is counted in so many steps */
    SLOW_ROUNDS_MAX = 5,           /* RFC 9406 4.3, as the next four */
    SAMPLES_MIN = 8,
    GROWTH_DIVISOR = 4,
    RISE_MIN = 4000, /* us */
    RISE_MAX = 16000,
    CURVE_MAX_MS = 100000, /* either side of the plateau: its cube fits */
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static bool has_reached(uint32_t seq, uint32_t end)
{
    return (int32_t)(seq - end) >= 0;
}

void congestion_init(struct congestion *c, uint32_t mss, uint32_t next)
{
    *c = (struct congestion){
        .mss = mss,
        .round_end = next,
        .window = INITIAL_SEGMENTS * mss,
        .threshold = CONGESTION_UNKNOWN,
        .round_rtt = UINT32_MAX,
    };
}

static void grow(struct congestion *c, uint64_t bytes)
{
    uint64_t window = c->window + bytes;
    c->window = window < WINDOW_MAX ? (uint32_t)window : WINDOW_MAX;
}

/* ---- slow start ---- */

/* A round trip is over. */
static void end_round(struct congestion *c, uint32_t next)
{
    c->last_rtt = c->round_rtt;
    c->round_rtt = UINT32_MAX;
    c->samples = 0;
    c->round_end = next;
    if (c->slow_rounds > 0 && ++c->slow_rounds > SLOW_ROUNDS_MAX) {
        c->threshold = c->window;
        c->slow_rounds = 0;
    }
}

/* The queue of the narrowest link grows: the round trip is longer than in the round before. */
static void watch_delay(struct congestion *c, uint32_t rtt)
{
    if (rtt > 0) {
        c->round_rtt = min_u32(c->round_rtt, rtt);
        if (c->samples < UINT8_MAX) {
            c->samples++;
        }
    }
    if (c->samples < SAMPLES_MIN || c->last_rtt == 0 || c->last_rtt == UINT32_MAX) {
        return;
    }
    uint32_t rise = min_u32(max_u32(c->last_rtt / 8, RISE_MIN), RISE_MAX);
    if (c->slow_rounds == 0 && c->round_rtt >= c->last_rtt + rise) {
        c->slow_rounds = 1;
        c->baseline = c->round_rtt;
    } else if (c->slow_rounds > 0 && c->round_rtt < c->baseline) {
        c->slow_rounds = 0; /* it was something else */
    }
}

static void slow_start(struct congestion *c, const struct congestion_ack *ack)
{
    watch_delay(c, ack->rtt);
    if (has_reached(ack->una, c->round_end)) {
        end_round(c, ack->next);
    }
    uint32_t bytes = c->slow_rounds > 0 ? ack->bytes / GROWTH_DIVISOR : ack->bytes;
    grow(c, min_u32(bytes, c->threshold - c->window));
}

/* ---- congestion avoidance ---- */

static uint32_t cube_root(uint64_t x)
{
    uint64_t root = 0;
    for (int bit = 20; bit >= 0; bit--) {
        uint64_t y = root | UINT64_C(1) << bit;
        if (y * y * y <= x) {
            root = y;
        }
    }
    return (uint32_t)root;
}

/* K = cbrt((W_max - cwnd) / C) seconds, windows in segments: RFC 9438 4.2. */
static void begin_curve(struct congestion *c, uint64_t now)
{
    c->epoch = now;
    c->friendly = c->window;
    c->most = max_u32(c->most, c->window);
    uint64_t short_of =
        (uint64_t)(c->most - c->window) * 1000 / c->mss; /* thousandths of a segment */
    c->plateau = cube_root(short_of * 2500000);
}

/* Where the curve is at a time, bytes. */
static uint64_t curve(const struct congestion *c, uint64_t ms)
{
    int64_t off = (int64_t)ms - c->plateau;
    off = off < CURVE_MAX_MS ? off : CURVE_MAX_MS;
    int64_t cube = off * off * off / 10000;        /* of (0.1 s)^3 / 10 */
    int64_t at = c->most + cube * c->mss / 250000; /* 0.4 / 1e9 * 1e4 */
    return at > 0 ? (uint64_t)at : 0;
}

/* RFC 9438 4.3: what Reno, reducing by 0.3 only, would have gained; above the last peak all of it. */
static void befriend(struct congestion *c, uint32_t bytes)
{
    uint64_t gain = (uint64_t)c->mss * bytes / c->window;
    c->friendly += (uint32_t)(c->friendly < c->before.window ? gain * 53 / 100 : gain);
}

static void follow_curve(struct congestion *c, const struct congestion_ack *ack)
{
    c->credit += ack->bytes;
    if (c->credit < c->window / STEPS) {
        return;
    }
    uint32_t bytes = c->credit;
    c->credit = 0;
    if (c->epoch == 0) {
        begin_curve(c, ack->now);
    }
    befriend(c, bytes);
    uint64_t target = curve(c, (ack->now - c->epoch) / 1000000 + ack->least_rtt / 1000);
    uint64_t most = c->window + c->window / 2;
    target = target < most ? target : most;
    if (target > c->window) {
        grow(c, (target - c->window) * bytes / c->window);
    }
    if (c->friendly > c->window) {
        c->window = min_u32(c->friendly, WINDOW_MAX);
    }
}

/* A window that was not used says nothing of the path (RFC 7661): in slow start half of it is enough
 * of a proof. */
void congestion_acknowledged(struct congestion *c, const struct congestion_ack *ack)
{
    if (c->window < c->threshold) {
        slow_start(c, ack->limited ? ack
                                   : &(struct congestion_ack){
                                         .una = ack->una, .next = ack->next, .rtt = ack->rtt});
    } else if (ack->limited) {
        follow_curve(c, ack);
    } else {
        c->epoch = 0;
    }
}

/* ---- losses ---- */

static void remember(struct congestion *c)
{
    c->before.window = c->window;
    c->before.threshold = c->threshold;
    c->before.most = c->most;
    c->undoable = true;
}

/* RFC 9438 4.6 and 4.7: to 0.7, and a flow that lost before it was back at its peak makes room. */
static void lower(struct congestion *c)
{
    remember(c);
    c->most = c->window < c->most ? (uint32_t)((uint64_t)c->window * 17 / 20) : c->window;
    c->threshold = max_u32((uint32_t)((uint64_t)c->window * 7 / 10), LEAST_SEGMENTS * c->mss);
    c->epoch = 0;
    c->credit = 0;
    c->slow_rounds = 0;
}

void congestion_reduce(struct congestion *c, uint32_t flight)
{
    lower(c);
    c->flight = max_u32(flight, c->mss);
    c->arrived = c->sent = 0;
}

void congestion_recover(struct congestion *c, uint32_t delivered, uint32_t in_flight, bool progress)
{
    c->arrived += delivered;
    uint32_t may;
    if (in_flight > c->threshold) {
        uint64_t share = ((uint64_t)c->arrived * c->threshold + c->flight - 1) / c->flight;
        may = share > c->sent ? (uint32_t)(share - c->sent) : 0;
    } else {
        uint32_t ahead = c->arrived > c->sent ? c->arrived - c->sent : 0;
        uint32_t most = max_u32(ahead, delivered) + (progress ? c->mss : 0);
        may = min_u32(c->threshold - in_flight, most);
    }
    if (c->sent == 0) {
        may = max_u32(may, c->mss); /* the first of what is lost goes at once */
    }
    c->window = in_flight + may;
}

void congestion_sent(struct congestion *c, uint32_t bytes)
{
    c->sent += bytes;
}

void congestion_recovered(struct congestion *c)
{
    c->window = c->threshold;
    c->undoable = false;
}

void congestion_timeout(struct congestion *c, bool again)
{
    if (!again) {
        lower(c);
    }
    c->window = c->mss;
}

void congestion_undo(struct congestion *c)
{
    if (c->undoable) {
        c->window = max_u32(c->window, c->before.window);
        c->threshold = c->before.threshold;
        c->most = c->before.most;
        c->epoch = 0;
        c->undoable = false;
    }
}

void congestion_start_over(struct congestion *c, uint32_t mss)
{
    congestion_undo(c);
    c->mss = mss;
    c->window = min_u32(c->window, INITIAL_SEGMENTS * mss);
}

void congestion_idle(struct congestion *c, uint64_t idle, uint64_t timeout)
{
    uint32_t least = INITIAL_SEGMENTS * c->mss;
    c->epoch = 0;
    if (idle > timeout && c->window > least && c->threshold != CONGESTION_UNKNOWN) {
        c->threshold = max_u32(c->threshold, c->window / 4 * 3);
    }
    for (; idle > timeout && c->window > least; idle -= timeout) {
        c->window = max_u32(c->window / 2, least);
    }
}
