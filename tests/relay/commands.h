/* SPDX-License-Identifier: MIT */
/* What the relay can be told: "--loss 10" at start is "loss 10" on its standard input later. */
#ifndef WGPROXY_TESTS_RELAY_COMMANDS_H
#define WGPROXY_TESTS_RELAY_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "weather.h"

struct settings {
    struct endpoint listen, to;
    struct weather_rules rules; /* of both directions */
    uint64_t seed;
    uint64_t rebind_after; /* datagrams towards the far side; 0: not by itself */
};

/*   listen ADDR:PORT   where the near side sends to   (only at start)
 *   to ADDR:PORT       the far side                   (only at start)
 *   seed N                                            (only at start)
 *   loss PERCENT       duplicate PERCENT
 *   delay MS           jitter MS                      (both may be fractions)
 *   rate BITS          a second; 0: without bound
 *   rebind-after N     take another port towards the far side after N datagrams to it, once
 *
 * False, and nothing changed, for any other word or a value that is none. */
bool command_apply(struct settings *s, const char *word, const char *value, bool at_start);

#endif
