/* SPDX-License-Identifier: MIT */
/* No test: prints what an upload makes of some paths, ten seconds each in virtual time. The table of
 * docs/performance-notes.md is its output. Built by `ninja stack-paths`. */
#include "stack/conn.h"
#include "unit/stack/peer.h"

#include <stdio.h>

enum { SECONDS = 10, MBIT = 125000 /* bytes a second */, QUEUE_MIN = 30000 };

static const struct path {
    unsigned mbit, rtt_ms;
    unsigned queue_percent; /* of the product of both */
    unsigned loss;          /* in 1,000 */
    unsigned jitter_ms;
} paths[] = {
    {1000, 100, 100, 0, 0}, {1000, 20, 100, 0, 0}, {1000, 100, 25, 0, 0}, {100, 100, 100, 0, 0},
    {100, 1, 100, 10, 0},   {100, 20, 100, 0, 5},  {100, 20, 100, 1, 0},  {100, 100, 100, 10, 0},
};

static void upload(const struct path *p)
{
    struct wire w;
    uint64_t rate = (uint64_t)p->mbit * MBIT,
             queue = rate * p->rtt_ms / 1000 * p->queue_percent / 100;
    wire_open(&w, &(struct wire_config){
                      .delay = p->rtt_ms * MS / 2,
                      .jitter = p->jitter_ms * MS,
                      .loss = p->loss,
                      .rate = rate,
                      .queue = queue > QUEUE_MIN ? queue : QUEUE_MIN,
                      .seed = 7,
                  });
    struct peer client = {.to_send = SIZE_MAX}, server = {.appetite = SIZE_MAX};
    assert_int_equal(peer_pair(&w, &client, &server, "10.0.0.2"), 0);
    wire_pass(&w, SECONDS * NS_PER_S);
    printf("%5u Mbit/s %4u ms, queue %3u %%, loss %4.1f %%, jitter %u ms: %6.1f Mbit/s\n", p->mbit,
           p->rtt_ms, p->queue_percent, p->loss / 10.0, p->jitter_ms,
           (double)server.received * 8 / SECONDS / 1e6);
    wire_close(&w);
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        upload(&paths[i]);
    }
    return 0;
}
