/* SPDX-License-Identifier: MIT */
/* Data messages (paper 5.4.6): header, padding, nonce, and the decision whether a key may still be
 * used. */
#include "wg/send.h"

#include "wg/inner.h"

#include <assert.h>

static_assert(WG_HEADROOM == sizeof(struct msg_data) && WG_TAILROOM >= MSG_PADDING - 1 + TAG_LEN,
              "wg.h");

/* Zeros up to a multiple of 16, but never past the MTU, which is itself no secret. */
static size_t padding(size_t len, size_t mtu)
{
    /* larger than the MTU: as if it were cut into packets */
    size_t last = len > mtu ? len % mtu : len;
    size_t padded = (last + MSG_PADDING - 1) & ~(size_t)(MSG_PADDING - 1);
    return (padded < mtu ? padded : mtu) - last;
}

static void seal_later(struct wg *wg, struct keypair *kp, uint64_t counter, uint8_t *data,
                       size_t len)
{
    if (wg->n_seal == WG_BATCH) {
        send_seal(wg);
    }
    wg->seal_jobs[wg->n_seal] =
        (struct suite_job){.key = kp->tx_key, .counter = counter, .data = data, .len = len};
    wg->seal_keypairs[wg->n_seal++] = kp;
    kp->open_jobs++;
}

/* Make a message of the `len` bytes at the tail behind the headroom. There is room, and the key is
 * good. */
static void put_data(struct wg_peer *peer, struct outbox *out, size_t len, uint8_t tos)
{
    struct keypair *kp = peer->keypairs.current;
    uint8_t *at = outbox_tail(out);
    struct msg_data *head = (struct msg_data *)at;
    size_t pad = padding(len, peer->wg->mtu);
    uint64_t counter = kp->tx_counter++;

    assert(counter < REJECT_AFTER_MESSAGES);
    store_le32(head->type, MSG_DATA);
    store_le32(head->receiver, kp->remote_index);
    store_le64(head->counter, counter);
    memset(at + WG_HEADROOM + len, 0, pad);
    seal_later(peer->wg, kp, counter, at + WG_HEADROOM, len + pad);

    size_t total = WG_HEADROOM + len + pad + TAG_LEN;
    outbox_commit(out, total, &peer->endpoint, inner_ecn_encapsulate(tos));
    peer->tx_bytes += total;
}

/* paper 6.2: the sender's half of when to begin anew. */
static void keep_key_fresh(struct wg_peer *peer, struct outbox *out, struct now now)
{
    const struct keypair *kp = peer->keypairs.current;
    if (keypair_is_stale_to_send(kp, now)) {
        send_initiation(peer, out, SEND_FRESH, now);
    }
}

static bool has_key(const struct wg_peer *peer, struct now now)
{
    const struct keypair *kp = peer->keypairs.current;
    return kp != NULL && keypair_may_send(kp, now);
}

static enum wg_tx stage(struct wg_peer *peer, struct outbox *out, size_t len, struct now now)
{
    if (staged_push(&peer->staged, outbox_tail(out) + WG_HEADROOM, len)) {
        send_staged(peer, out, now);
        if (staged_is_empty(&peer->staged)) {
            return WG_TX_SENT;
        }
    } else { /* lost as on a wire; whoever sent it will send it again */
        log_error(peer->wg->log, "peer %s: no memory for a packet that waits -> drop it",
                  peer->name);
        send_keepalive(peer, out, now);
    }
    return peer->endpoint.addr.family == FAMILY_NONE ? WG_TX_NO_ENDPOINT : WG_TX_STAGED;
}

enum wg_tx send_data(struct wg_peer *peer, struct outbox *out, size_t len, uint8_t tos,
                     struct now now)
{
    if (!has_key(peer, now) || !staged_is_empty(&peer->staged)) {
        return stage(peer, out, len, now);
    }
    put_data(peer, out, len, tos);
    timers_any_sent(&peer->timers, now);
    timers_data_sent(&peer->timers, now);
    keep_key_fresh(peer, out, now);
    return WG_TX_SENT;
}

/* The packet's own TOS byte; it was looked at when it was staged. */
static uint8_t tos_of(const struct staged_packet *p)
{
    struct inner inner;
    return inner_parse(&inner, p->data, p->len) ? inner.tos : 0;
}

void send_staged(struct wg_peer *peer, struct outbox *out, struct now now)
{
    const struct staged_packet *p;
    bool sent = false;

    peer->wants_to_send = false;
    while ((p = staged_peek(&peer->staged)) != NULL && has_key(peer, now)) {
        if (!outbox_has_room(out, WG_OUT_ROOM(p->len))) {
            peer->wants_to_send = true;
            break;
        }
        memcpy(outbox_tail(out) + WG_HEADROOM, p->data, p->len);
        put_data(peer, out, p->len, tos_of(p));
        staged_pop(&peer->staged);
        sent = true;
    }
    if (sent) {
        timers_any_sent(&peer->timers, now);
        timers_data_sent(&peer->timers, now);
        keep_key_fresh(peer, out, now);
    }
    if (!staged_is_empty(&peer->staged) && !has_key(peer, now)) {
        send_initiation(peer, out, SEND_FRESH, now);
    }
}

void send_keepalive(struct wg_peer *peer, struct outbox *out, struct now now)
{
    if (!staged_is_empty(&peer->staged)) {
        send_staged(peer, out, now);
        return;
    }
    if (!has_key(peer, now)) {
        send_initiation(peer, out, SEND_FRESH, now);
        return;
    }
    if (!outbox_has_room(out, WG_OUT_ROOM(0))) {
        peer->wants_to_send = true;
        return;
    }
    put_data(peer, out, 0, 0);
    timers_any_sent(&peer->timers, now);
    log_debug(peer->wg->log, "peer %s: -> keepalive", peer->name);
    keep_key_fresh(peer, out, now);
}

void send_seal(struct wg *wg)
{
    batch_seal(wg->parallel, wg->seal_jobs, wg->n_seal);
    for (unsigned i = 0; i < wg->n_seal; i++) {
        wg->seal_keypairs[i]->open_jobs--;
    }
    wg->n_seal = 0;
}
