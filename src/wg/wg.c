/* SPDX-License-Identifier: MIT */
/* The interface's life, its clock, and the doors that wg.h promises. */
#include "wg/wg.h"

#include "base/err.h"
#include "wg/device.h"
#include "wg/inner.h"
#include "wg/send.h"

#include <assert.h>
#include <stdlib.h>

static struct wg_peer *peer_at(struct list *link)
{
    return list_item(link, struct wg_peer, link);
}

/* ---- life ---- */

int wg_new(struct wg **out, const struct wg_config *config)
{
    *out = NULL;
    struct wg *wg = calloc(1, sizeof *wg);
    if (wg == NULL || !suite_init()) {
        free(wg);
        return ERR_NOMEM;
    }
    wg->mtu = config->mtu;
    wg->rng = config->rng;
    wg->log = config->log;
    wg->parallel = config->parallel;
    list_init(&wg->peers);
    index_table_init(&wg->indices);
    allowedips_init(&wg->allowedips);
    ratelimiter_init(&wg->limiter, &wg->rng);
    memcpy(wg->identity.private_key, config->private_key, KEY_LEN);
    suite_clamp(wg->identity.private_key);
    if (!suite_dh_public(wg->identity.public_key, wg->identity.private_key) ||
        index_table_reserve(&wg->indices, INDEX_PER_PEER) < 0) {
        wg_free(wg);
        return ERR_NOMEM;
    }
    cookie_checker_init(&wg->checker, wg->identity.public_key);
    *out = wg;
    return 0;
}

void wg_free(struct wg *wg)
{
    if (wg == NULL) {
        return;
    }
    list_foreach_safe(link, &wg->peers)
    {
        peer_free(peer_at(link));
    }
    allowedips_fini(&wg->allowedips);
    index_table_fini(&wg->indices);
    ratelimiter_fini(&wg->limiter);
    wipe(wg, sizeof *wg);
    free(wg);
}

static int claim_prefix(struct wg *wg, struct wg_peer *peer, const struct prefix *p)
{
    struct wg_peer *had;
    int err = allowedips_insert(&wg->allowedips, p, peer, &had);
    if (err == 0 && had != NULL && had != peer) {
        char text[PREFIX_TEXT];
        log_warn(wg->log, "peers %s and %s both claim %s -> it belongs to %s", had->name,
                 peer->name, prefix_format(p, text), peer->name);
    }
    return err;
}

int wg_peer_add(struct wg *wg, const struct wg_peer_config *config, struct wg_peer **out)
{
    *out = NULL;
    if (suite_equal(config->public_key, wg->identity.public_key, KEY_LEN)) {
        return ERR_INVALID;
    }
    if (device_peer_lookup(wg, config->public_key) != NULL) {
        return ERR_EXISTS;
    }
    int err = index_table_reserve(&wg->indices, (wg->n_peers + 1) * INDEX_PER_PEER);
    struct wg_peer *peer = err == 0 ? peer_new(wg, config, &err) : NULL;
    for (size_t i = 0; err == 0 && i < config->n_allowed_ips; i++) {
        err = claim_prefix(wg, peer, &config->allowed_ips[i]);
    }
    if (err < 0) {
        if (peer != NULL) {
            allowedips_remove_peer(&wg->allowedips, peer);
            peer_free(peer);
        }
        return err;
    }
    list_push_back(&wg->peers, &peer->link);
    wg->n_peers++;
    *out = peer;
    return 0;
}

struct wg_peer *device_peer_lookup(const struct wg *wg, const uint8_t public_key[SUITE_KEY])
{
    list_foreach(link, &wg->peers) {
        struct wg_peer *peer = peer_at(link);
        if (suite_equal(peer->remote.public_key, public_key, SUITE_KEY)) {
            return peer;
        }
    }
    return NULL;
}

void wg_start(struct wg *wg, struct outbox *out, struct now now)
{
    list_foreach(link, &wg->peers) {
        timers_start_persistent(&peer_at(link)->timers, now);
    }
    wg_tick(wg, out, now);
}

/* ---- inner packets out ---- */

enum wg_tx wg_send(struct wg *wg, struct outbox *out, size_t len, struct now now)
{
    struct inner inner;
    assert(outbox_has_room(out, WG_OUT_ROOM(len)));
    wg->mono = now.mono;
    if (len > WG_INNER_MAX || !inner_parse(&inner, outbox_tail(out) + WG_HEADROOM, len)) {
        return WG_TX_INVALID;
    }
    struct wg_peer *peer = allowedips_lookup(&wg->allowedips, &inner.dst);
    return peer == NULL ? WG_TX_NO_ROUTE : send_data(peer, out, len, inner.tos, now);
}

void wg_seal(struct wg *wg)
{
    send_seal(wg);
}

int wg_route(const struct wg *wg, const struct addr *dst)
{
    return allowedips_lookup(&wg->allowedips, dst) != NULL ? 0 : ERR_NO_ROUTE;
}

/* ---- time ---- */

/* Something that could not be sent before, and now might be. */
static bool is_waiting(const struct wg_peer *peer)
{
    return peer->wants_to_send && peer->endpoint.addr.family != FAMILY_NONE;
}

uint64_t wg_next_deadline(const struct wg *wg)
{
    uint64_t first = NEVER;
    list_foreach(link, &wg->peers) {
        const struct wg_peer *peer = peer_at(link);
        first =
            deadline_min(first, is_waiting(peer) ? wg->mono : timers_next_deadline(&peer->timers));
    }
    return first;
}

static void give_up(struct wg_peer *peer)
{
    char text[PEER_TEXT];
    log_info(
        peer->wg->log,
        "peer %s: no answer to %u initiations -> give up until there is traffic, drop %u packets",
        peer_text(peer, text), peer->timers.attempts + 1, peer->staged.n);
    staged_purge(&peer->staged);
}

static void act(struct wg_peer *peer, enum timers_action action, struct outbox *out, struct now now)
{
    switch (action) {
    case TIMERS_NOTHING:
        break;
    case TIMERS_ZERO_KEYS:
        log_debug(peer->wg->log, "peer %s: no new session for 540 s -> wipe its keys", peer->name);
        peer->up = false;
        peer_zero_keys(peer);
        break;
    case TIMERS_RETRY_INITIATION:
        send_initiation(peer, out, SEND_RETRY, now);
        break;
    case TIMERS_GIVE_UP:
        give_up(peer);
        break;
    case TIMERS_NEW_HANDSHAKE:
        log_line(peer->wg->log, peer->up ? LOG_INFO : LOG_DEBUG,
                 "peer %s: nothing heard for 15 s after data was sent -> initiation", peer->name);
        peer->up = false;
        send_initiation(peer, out, SEND_FRESH, now);
        break;
    case TIMERS_KEEPALIVE:
    case TIMERS_PERSISTENT_KEEPALIVE:
        send_keepalive(peer, out, now);
        break;
    }
}

static void peer_tick(struct wg_peer *peer, struct outbox *out, struct now now)
{
    enum timers_action action;
    if (is_waiting(peer)) {
        peer->wants_to_send = false;
        send_keepalive(peer, out, now);
    }
    /* What has no room now stays due. */
    while (outbox_has_room(out, SEND_EVENT_ROOM) &&
           (action = timers_due(&peer->timers, now)) != TIMERS_NOTHING) {
        act(peer, action, out, now);
    }
}

void wg_tick(struct wg *wg, struct outbox *out, struct now now)
{
    wg->mono = now.mono;
    list_foreach(link, &wg->peers) {
        peer_tick(peer_at(link), out, now);
    }
}

/* ---- looking on ---- */

struct wg_peer *wg_peer_first(const struct wg *wg)
{
    return list_empty(&wg->peers) ? NULL : peer_at(wg->peers.next);
}

struct wg_peer *wg_peer_next(const struct wg_peer *peer)
{
    return peer->link.next == &peer->wg->peers ? NULL : peer_at(peer->link.next);
}

void wg_peer_get(const struct wg_peer *peer, struct wg_peer_status *out)
{
    const struct keypair *kp = peer->keypairs.current;
    struct now then = {.mono = peer->wg->mono};
    *out = (struct wg_peer_status){
        .endpoint = peer->endpoint,
        .rx_bytes = peer->rx_bytes,
        .tx_bytes = peer->tx_bytes,
        .last_handshake_wall = peer->last_handshake_wall,
        .handshakes = peer->handshakes,
        .initiations_pending = peer->initiations_pending,
        .first_unanswered = peer->first_unanswered,
        .answer_due = timers_answer_due(&peer->timers),
        .has_session = kp != NULL && keypair_may_send(kp, then),
        .staged = peer->staged.n,
    };
    memcpy(out->public_key, peer->remote.public_key, KEY_LEN);
}

void wg_set_mtu(struct wg *wg, uint16_t mtu)
{
    wg->mtu = mtu;
}

void wg_peer_set_endpoint(struct wg_peer *peer, const struct endpoint *to)
{
    peer->endpoint = *to;
}

void wg_peer_greet(struct wg_peer *peer, struct outbox *out, struct now now)
{
    const struct keypair *kp = peer->keypairs.current;
    if (kp != NULL && keypair_may_send(kp, now)) {
        send_keepalive(peer, out, now);
    }
}

void wg_peer_set_keepalive(struct wg_peer *peer, uint16_t seconds, struct now now)
{
    timers_set_persistent(&peer->timers, seconds, now);
}

uint64_t wg_rx_count(const struct wg *wg, enum wg_rx verdict)
{
    return wg->rx_count[verdict];
}

const char *wg_rx_text(enum wg_rx verdict)
{
#define TEXT(name, words) [name] = (words),
    static const char *const texts[WG_RX_N] = {WG_RX_TABLE(TEXT)};
#undef TEXT
    return texts[verdict];
}

const uint8_t *wg_own_public_key(const struct wg *wg)
{
    return wg->identity.public_key;
}

bool wg_public_key(uint8_t public_key[KEY_LEN], const uint8_t private_key[KEY_LEN])
{
    return suite_init() && suite_dh_public(public_key, private_key);
}

void wg_clamp(uint8_t key[KEY_LEN])
{
    suite_clamp(key);
}

const char *wg_suite_name(void)
{
    return suite_name();
}

const char *wg_suite_choose(const char *name)
{
    return suite_choose(name);
}

uint16_t wg_suite_block(void)
{
    return suite_init() ? suite_block() : 1;
}

static_assert(SUITE_WORKERS == WG_WORKERS_MAX + 1, "wg.h counts those beside the caller");

size_t wg_parallel_least(void)
{
    return suite_init() ? suite_worth_sharing() : SIZE_MAX;
}
