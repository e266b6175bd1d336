/* SPDX-License-Identifier: MIT */
/* Datagrams in. The order of what is checked is the security property (paper 5.4.6, 6): nothing
 * that is not authenticated and fresh moves the endpoint or a timer.
 *
 * Theory of operation: data messages of a batch are opened together, then judged one by one in
 * their order. Whatever might end a session (a handshake message) is handled only when all before
 * it are judged; judging data ends none, since a previous session and an unconfirmed next one are
 * never held together. */
#include "wg/receive.h"

#include "wg/inner.h"
#include "wg/send.h"

#include <assert.h>

static void give_verdict(struct wg *wg, struct wg_packet *packet, enum wg_rx verdict)
{
    packet->verdict = verdict;
    wg->rx_count[verdict]++;
}

/* paper 6.2: the receiver's half of when to begin anew, near the end of a session that is only
 * received on. */
static void keep_key_fresh(struct wg_peer *peer, struct outbox *out, struct now now)
{
    const struct keypair *kp = peer->keypairs.current;
    if (kp != NULL && !peer->rekeyed_on_receive && keypair_is_stale_to_receive(kp, now)) {
        peer->rekeyed_on_receive = true;
        send_initiation(peer, out, SEND_FRESH, now);
    }
}

/* The first packet under the keys of a handshake that we answered proves that the peer has them. */
static void confirm(struct wg_peer *peer, const struct keypair *kp, struct outbox *out,
                    struct now now)
{
    struct wg *wg = peer->wg;
    if (kp != peer->keypairs.next) {
        return;
    }
    send_seal(wg);
    keypairs_confirm(&peer->keypairs, &wg->indices, kp);
    handshake_clear(&peer->handshake,
                    &wg->indices); /* an initiation of ours that crossed it is settled */
    peer_handshake_complete(peer, now);
    send_staged(peer, out, now);
}

/* What is inside, after the padding is cut off. */
static enum wg_rx judge_inner(struct wg *wg, struct wg_packet *packet, uint8_t *plain, size_t len)
{
    struct inner inner;
    if (!inner_parse(&inner, plain, len)) {
        return WG_RX_DROP_INNER;
    }
    if (!inner_ecn_decapsulate(plain, &inner, packet->tos)) {
        return WG_RX_DROP_ECN;
    }
    if (allowedips_lookup(&wg->allowedips, &inner.src) != packet->peer) {
        return WG_RX_DROP_SOURCE;
    }
    packet->ip = plain;
    packet->ip_len = inner.len;
    return WG_RX_IP;
}

static enum wg_rx judge_data(struct wg *wg, struct wg_packet *packet, struct keypair *kp,
                             bool authentic, struct outbox *out, struct now now)
{
    const struct msg_data *msg = (const struct msg_data *)packet->data;
    assert(kp->entry.listed);
    if (!authentic) {
        return WG_RX_DROP_AUTH;
    }
    if (!replay_accept(&kp->replay, load_le64(msg->counter))) {
        return WG_RX_DROP_REPLAY;
    }
    struct wg_peer *peer = kp->entry.peer;
    size_t len = packet->len - MSG_DATA_MIN;
    packet->peer = peer;
    peer_roam(peer, &packet->from);
    confirm(peer, kp, out, now);
    keep_key_fresh(peer, out, now);
    peer_heard(peer, now);
    if (len == 0) {
        peer->rx_bytes += packet->len;
        return WG_RX_KEEPALIVE;
    }
    timers_data_received(&peer->timers, now);
    enum wg_rx verdict = judge_inner(wg, packet, packet->data + sizeof *msg, len);
    if (verdict == WG_RX_IP) {
        peer->rx_bytes += packet->len;
    }
    return verdict;
}

static void open_waiting(struct wg *wg, struct outbox *out, struct now now)
{
    batch_open(wg->parallel, wg->open_jobs, wg->n_open);
    for (unsigned i = 0; i < wg->n_open; i++) {
        struct opening *o = &wg->openings[i];
        give_verdict(wg, o->packet,
                     judge_data(wg, o->packet, o->keypair, wg->open_jobs[i].ok, out, now));
    }
    wg->n_open = 0;
}

/* First half for data: index, age, count; then it waits for the batch. */
static void take_data(struct wg *wg, struct wg_packet *packet, struct outbox *out, struct now now)
{
    const struct msg_data *msg = (const struct msg_data *)packet->data;
    struct index_entry *entry = index_lookup(&wg->indices, load_le32(msg->receiver));
    if (entry == NULL || entry->kind != INDEX_KEYPAIR) {
        give_verdict(wg, packet, WG_RX_DROP_INDEX);
        return;
    }
    struct keypair *kp = keypair_of(entry);
    if (!keypair_may_receive(kp, now)) {
        give_verdict(wg, packet, WG_RX_DROP_EXPIRED);
        return;
    }
    if (wg->n_open == WG_BATCH) {
        open_waiting(wg, out, now);
        take_data(wg, packet, out, now);
        return;
    }
    wg->open_jobs[wg->n_open] = (struct suite_job){
        .key = kp->rx_key,
        .counter = load_le64(msg->counter),
        .data = packet->data + sizeof *msg,
        .len = packet->len - sizeof *msg,
    };
    wg->openings[wg->n_open++] = (struct opening){packet, kp};
}

/* The message's type, when its length fits; 0. */
static uint32_t classify(const struct wg_packet *packet)
{
    if (packet->len < sizeof(struct msg_data)) {
        return 0;
    }
    uint32_t type = msg_type(packet->data);
    switch (type) {
    case MSG_INITIATION:
        return packet->len == sizeof(struct msg_initiation) ? type : 0;
    case MSG_RESPONSE:
        return packet->len == sizeof(struct msg_response) ? type : 0;
    case MSG_COOKIE:
        return packet->len == sizeof(struct msg_cookie) ? type : 0;
    case MSG_DATA:
        return packet->len >= MSG_DATA_MIN ? type : 0;
    default:
        return 0;
    }
}

static void take(struct wg *wg, struct wg_packet *packet, struct outbox *out, struct now now)
{
    packet->ip = NULL;
    packet->ip_len = 0;
    packet->peer = NULL;
    switch (classify(packet)) {
    case 0:
        give_verdict(wg, packet, WG_RX_DROP_MALFORMED);
        break;
    case MSG_DATA:
        take_data(wg, packet, out, now);
        break;
    default:
        open_waiting(wg, out, now);
        give_verdict(wg, packet, receive_handshake(wg, packet, out, now));
    }
}

void wg_receive(struct wg *wg, struct wg_packet *batch, size_t n, struct outbox *out,
                struct now now)
{
    wg->mono = now.mono;
    for (size_t i = 0; i < n; i++) {
        take(wg, &batch[i], out, now);
    }
    open_waiting(wg, out, now);
}
