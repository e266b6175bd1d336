/* SPDX-License-Identifier: MIT */
/* Decides by dice. Each datagram throws the same four whatever the rules are, so that a change of
 * the rules changes no later throw. */
#include "weather.h"

#include <stdbool.h>

void weather_init(struct weather *w, uint64_t seed)
{
    *w = (struct weather){.chance = seed};
}

/* splitmix64, as a number in [0, 1). */
static double throw_die(struct weather *w)
{
    uint64_t z = (w->chance += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0; /* 2^53 */
}

static uint64_t delay(const struct weather_rules *rules, double die)
{
    return rules->delay + (uint64_t)(die * (double)rules->jitter);
}

/* Through the line that carries `rate`: false when its queue is full. */
static bool transmit(struct weather *w, const struct weather_rules *rules, size_t len, uint64_t now)
{
    uint64_t start = w->busy_until > now && rules->rate != 0 ? w->busy_until : now;
    if (start - now > WEATHER_BACKLOG_NS) {
        return false;
    }
    w->busy_until = start;
    if (rules->rate != 0) {
        w->busy_until += (uint64_t)((double)len * 8e9 / (double)rules->rate);
    }
    return true;
}

unsigned weather_decide(struct weather *w, const struct weather_rules *rules, size_t len,
                        uint64_t now, uint64_t due[WEATHER_COPIES])
{
    bool lost = throw_die(w) * 100 < rules->loss;
    bool doubled = throw_die(w) * 100 < rules->duplicate;
    double first = throw_die(w), second = throw_die(w);
    if (!transmit(w, rules, len, now) || lost) {
        return 0;
    }
    due[0] = w->busy_until + delay(rules, first);
    due[1] = w->busy_until + delay(rules, second);
    return doubled ? 2 : 1;
}
