/* SPDX-License-Identifier: MIT */
/* Two interfaces with a session, and an input that is a script of what happens to them: datagrams
 * from anywhere, packets from either side, time. Built twice: with the real suite, where it
 * hammers at the door, and with the null suite, where the door is open.
 *
 *   byte 0: what, see enum op; then its arguments; until the input ends */
#include "unit/wg/world.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op {
    TO_A,
    TO_B,
    TO_B_FROM_ELSEWHERE,
    SEND_A,
    SEND_B,
    WAIT,
    RUN,
    KEEPALIVE,
    FULL,
    LOADED,
    OPS
};

struct input {
    const uint8_t *at;
    size_t left;
};

static uint32_t take(struct input *in, unsigned bytes)
{
    uint32_t v = 0;
    while (bytes-- > 0 && in->left > 0) {
        v = v << 8 | *in->at++;
        in->left--;
    }
    return v;
}

static void check(bool fact)
{
    if (!fact) {
        abort();
    }
}

static void check_promises(const struct world *w)
{
    for (int who = A; who <= B; who++) {
        const struct wg_peer *peer = w->node[who].peer;
        const struct keypairs *k = &peer->keypairs;
        struct wg_peer_status s;
        wg_peer_get(peer, &s);
        check(s.staged <= STAGED_MAX);
        check(k->previous == NULL || k->next == NULL);
        check(k->current == NULL || k->current->entry.listed);
        check(k->next == NULL || (!k->next->initiator && k->next->tx_counter == 0));
        check(w->node[who].wg->n_seal == 0 && w->node[who].wg->n_open == 0);
    }
}

static void inject(struct world *w, struct input *in, int to, const struct endpoint *from)
{
    size_t len = take(in, 2) % 2000;
    if (len > in->left) {
        len = in->left;
    }
    world_inject(w, to, from, in->at, len, (uint8_t)len);
    world_flush(w, to);
    in->at += len;
    in->left -= len;
}

static void play(struct world *w, struct input *in)
{
    struct endpoint elsewhere = {.addr = {.family = FAMILY_V4, .bytes = {203, 0, 113, 1}},
                                 .port = 9};
    switch ((enum op)(take(in, 1) % OPS)) {
    case TO_A:
        inject(w, in, A, &w->node[B].at);
        break;
    case TO_B:
        inject(w, in, B, &w->node[A].at);
        break;
    case TO_B_FROM_ELSEWHERE:
        inject(w, in, B, &elsewhere);
        break;
    case SEND_A:
        (void)!world_send(w, A, 1, 28 + take(in, 1));
        break;
    case SEND_B:
        (void)!world_send(w, B, 1, 28 + take(in, 1));
        break;
    case WAIT: /* asleep: no ticks meanwhile */
        world_tick_at(w, w->mono + take(in, 2) * 10 * MS);
        break;
    case RUN:
        world_run(w, take(in, 2) * 10 * MS);
        break;
    case KEEPALIVE:
        wg_peer_set_keepalive(w->node[A].peer, (uint16_t)take(in, 1), world_now(w, A));
        break;
    case FULL: /* an outbox with little room */
        w->node[take(in, 1) % 2].out.max = 1 + take(in, 1) % 8;
        break;
    case LOADED:
        w->node[B].wg->load.hold_until = w->mono + SEC;
        break;
    case OPS:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    if (size > 8192) {
        return 0;
    }
    struct world *w = world_new(1);
    w->node[A].log.level = w->node[B].log.level = LOG_ERROR;
    world_start(w);
    (void)!world_send(w, A, 1, 100);
    world_run(w, SEC);
    while (in.left > 0) {
        play(w, &in);
        check_promises(w);
    }
    world_free(w);
    return 0;
}
