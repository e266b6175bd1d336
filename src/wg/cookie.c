/* SPDX-License-Identifier: MIT */
/* A cookie is a MAC over the source's address and port under a secret of ours: it proves, without
 * any state here, that the source receives at the address it claims. */
#include "wg/cookie.h"

enum { LABEL_LEN = 8 };

static const char label_mac1[LABEL_LEN + 1] = "mac1----";
static const char label_cookie[LABEL_LEN + 1] = "cookie--";

static size_t mac1_at(size_t len)
{
    return len - sizeof(struct msg_macs);
}

static size_t mac2_at(size_t len)
{
    return len - MAC_LEN;
}

static void derive_keys(uint8_t *mac1_key, uint8_t *cookie_key, const uint8_t *public_key)
{
    suite_hash(mac1_key, label_mac1, LABEL_LEN, public_key, SUITE_KEY);
    suite_hash(cookie_key, label_cookie, LABEL_LEN, public_key, SUITE_KEY);
}

static void refresh_secret(struct cookie_checker *c, const struct rng *rng, struct now now)
{
    if (c->secret_until == 0 || now.mono >= c->secret_until) {
        rng_fill(rng, c->secret, sizeof c->secret);
        c->secret_until = now.mono + COOKIE_SECRET_AGE;
    }
}

/* Address and port both: behind one address there may be many (paper 5.3). */
static void make_cookie(struct cookie_checker *c, const struct rng *rng, uint8_t cookie[COOKIE_LEN],
                        const struct endpoint *from, struct now now)
{
    uint8_t source[16 + 2];
    size_t n = addr_len(&from->addr);

    refresh_secret(c, rng, now);
    memcpy(source, from->addr.bytes, n);
    store_be16(source + n, from->port);
    suite_mac(cookie, c->secret, sizeof c->secret, source, n + 2);
}

void cookie_checker_init(struct cookie_checker *c, const uint8_t public_key[SUITE_KEY])
{
    *c = (struct cookie_checker){0};
    derive_keys(c->mac1_key, c->cookie_key, public_key);
}

void cookie_maker_init(struct cookie_maker *m, const uint8_t public_key[SUITE_KEY])
{
    *m = (struct cookie_maker){0};
    derive_keys(m->mac1_key, m->cookie_key, public_key);
}

bool cookie_mac1_is_valid(const struct cookie_checker *c, const uint8_t *msg, size_t len)
{
    uint8_t mac[MAC_LEN];
    suite_mac(mac, c->mac1_key, sizeof c->mac1_key, msg, mac1_at(len));
    return suite_equal(mac, msg + mac1_at(len), sizeof mac);
}

bool cookie_mac2_is_valid(struct cookie_checker *c, const struct rng *rng, const uint8_t *msg,
                          size_t len, const struct endpoint *from, struct now now)
{
    uint8_t cookie[COOKIE_LEN], mac[MAC_LEN];
    make_cookie(c, rng, cookie, from, now);
    suite_mac(mac, cookie, sizeof cookie, msg, mac2_at(len));
    wipe(cookie, sizeof cookie);
    return suite_equal(mac, msg + mac2_at(len), sizeof mac);
}

void cookie_create_reply(struct cookie_checker *c, const struct rng *rng, struct msg_cookie *reply,
                         const uint8_t receiver[4], const uint8_t *msg, size_t len,
                         const struct endpoint *from, struct now now)
{
    uint8_t cookie[COOKIE_LEN];
    make_cookie(c, rng, cookie, from, now);
    store_le32(reply->type, MSG_COOKIE);
    memcpy(reply->receiver, receiver, sizeof reply->receiver);
    rng_fill(rng, reply->nonce, sizeof reply->nonce);
    suite_xseal(reply->cookie, c->cookie_key, reply->nonce, cookie, sizeof cookie,
                msg + mac1_at(len), MAC_LEN);
    wipe(cookie, sizeof cookie);
}

void cookie_add_macs(struct cookie_maker *m, void *msg, size_t len, struct now now)
{
    uint8_t *bytes = msg;
    suite_mac(bytes + mac1_at(len), m->mac1_key, sizeof m->mac1_key, bytes, mac1_at(len));
    memcpy(m->sent_mac1, bytes + mac1_at(len), MAC_LEN);
    m->awaits_reply = true;

    if (now.mono < m->cookie_until) {
        suite_mac(bytes + mac2_at(len), m->cookie, sizeof m->cookie, bytes, mac2_at(len));
    } else {
        memset(bytes + mac2_at(len), 0, MAC_LEN);
    }
}

bool cookie_consume_reply(struct cookie_maker *m, const struct msg_cookie *reply, struct now now)
{
    uint8_t cookie[COOKIE_LEN];
    if (!m->awaits_reply || !suite_xopen(cookie, m->cookie_key, reply->nonce, reply->cookie,
                                         sizeof reply->cookie, m->sent_mac1, sizeof m->sent_mac1)) {
        return false;
    }
    memcpy(m->cookie, cookie, sizeof cookie);
    m->cookie_until = now.mono + COOKIE_USE_AGE;
    m->awaits_reply = false;
    wipe(cookie, sizeof cookie);
    return true;
}
