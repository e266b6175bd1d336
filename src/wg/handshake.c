/* SPDX-License-Identifier: MIT */
/* Noise with WireGuard's prologue, TAI64N timestamps as the first payload and nothing as the
 * second. */
#include "wg/handshake.h"

#include <stddef.h>

static const char identifier[] = "WireGuard v1 zx2c4 Jason@zx2c4.com";

/* The Noise part of each message lies flat behind the indices. */
static_assert(offsetof(struct msg_initiation, static_key) ==
                      offsetof(struct msg_initiation, ephemeral) + 32 &&
                  offsetof(struct msg_initiation, timestamp) ==
                      offsetof(struct msg_initiation, static_key) + 48,
              "paper 5.4.2");
static_assert(offsetof(struct msg_response, empty) == offsetof(struct msg_response, ephemeral) + 32,
              "paper 5.4.3");

/* Through the whole message, since Noise reads and writes past the member that it begins with. */
static const uint8_t *noise_part_of_initiation(const struct msg_initiation *msg)
{
    return (const uint8_t *)msg + offsetof(struct msg_initiation, ephemeral);
}

static void begin(struct noise_state *noise, const uint8_t *responder_public)
{
    noise_begin(noise, identifier, sizeof identifier - 1, responder_public);
}

static void draw_ephemeral(const struct rng *rng, uint8_t ephemeral[SUITE_KEY])
{
    rng_fill(rng, ephemeral, SUITE_KEY);
    suite_clamp(ephemeral);
}

/* A time as our clock shows it, coarse enough not to tell how it runs, and later than any we sent
 * before even when the clock was set back (paper 5.1). */
static uint64_t next_timestamp(uint64_t last, struct now now)
{
    uint64_t t = now.wall;
    if (t < last + TIMESTAMP_GRAIN) {
        t = last + TIMESTAMP_GRAIN;
    }
    uint64_t ns = t % NS_PER_S;
    return t - ns + (ns & ~(uint64_t)(TIMESTAMP_GRAIN - 1));
}

/* TAI64N: seconds since 1970 TAI with 2^62 added, then nanoseconds, both big endian. */
static void put_tai64n(uint8_t out[TAI64N_LEN], uint64_t wall)
{
    store_be64(out, UINT64_C(0x400000000000000a) + wall / NS_PER_S);
    store_be32(out + 8, (uint32_t)(wall % NS_PER_S));
}

static void start_session(struct keypair *kp, uint32_t remote_index, bool initiator,
                          struct noise_state *noise, struct now now)
{
    kp->remote_index = remote_index;
    kp->initiator = initiator;
    kp->born = now.mono;
    kp->tx_counter = 0;
    replay_init(&kp->replay);
    noise_split(noise, initiator ? kp->tx_key : kp->rx_key, initiator ? kp->rx_key : kp->tx_key);
}

void handshake_init(struct handshake *hs, struct wg_peer *peer)
{
    *hs = (struct handshake){0};
    index_entry_init(&hs->entry, INDEX_HANDSHAKE, peer);
}

void handshake_clear(struct handshake *hs, struct index_table *t)
{
    index_remove(t, &hs->entry);
    wipe(&hs->noise, sizeof hs->noise);
}

bool handshake_create_initiation(struct handshake *hs, const struct noise_identity *self,
                                 const struct noise_remote *remote, struct index_table *t,
                                 const struct rng *rng, struct msg_initiation *msg, struct now now)
{
    uint8_t ephemeral[SUITE_KEY];
    uint8_t timestamp[TAI64N_LEN];

    handshake_clear(hs, t);
    hs->last_sent = next_timestamp(hs->last_sent, now);
    put_tai64n(timestamp, hs->last_sent);
    draw_ephemeral(rng, ephemeral);
    begin(&hs->noise, remote->public_key);
    bool ok =
        noise_create_initiation(&hs->noise, self, remote, ephemeral, timestamp, sizeof timestamp,
                                (uint8_t *)msg + offsetof(struct msg_initiation, ephemeral));
    wipe(ephemeral, sizeof ephemeral);
    if (!ok) {
        handshake_clear(hs, t);
        return false;
    }
    store_le32(msg->type, MSG_INITIATION);
    store_le32(msg->sender, index_insert(t, rng, &hs->entry));
    return true;
}

bool handshake_consume_response(struct handshake *hs, const struct noise_identity *self,
                                const struct noise_remote *remote, struct index_table *t,
                                const struct msg_response *msg, struct keypair *kp, struct now now)
{
    uint8_t nothing[1];
    const uint8_t *noise_part = (const uint8_t *)msg + offsetof(struct msg_response, ephemeral);
    if (!hs->entry.listed || load_le32(msg->receiver) != hs->entry.index ||
        !noise_consume_response(&hs->noise, self, remote, noise_part, nothing, 0)) {
        return false;
    }
    start_session(kp, load_le32(msg->sender), true, &hs->noise, now);
    index_move(t, &kp->entry, &hs->entry);
    return true;
}

bool handshake_consume_initiation(struct handshake_incoming *in, const struct noise_identity *self,
                                  const struct msg_initiation *msg)
{
    begin(&in->noise, self->public_key);
    return noise_consume_initiation_static(&in->noise, self, noise_part_of_initiation(msg),
                                           in->remote_static);
}

bool handshake_authenticate_initiation(struct handshake_incoming *in,
                                       const struct noise_remote *remote,
                                       const struct msg_initiation *msg)
{
    return noise_consume_initiation_payload(&in->noise, remote, noise_part_of_initiation(msg),
                                            in->timestamp, sizeof in->timestamp);
}

bool handshake_admit_initiation(struct handshake *hs, const struct handshake_incoming *in,
                                struct now now)
{
    if (memcmp(in->timestamp, hs->latest, sizeof hs->latest) <= 0 || now.mono < hs->accept_from) {
        return false;
    }
    memcpy(hs->latest, in->timestamp, sizeof hs->latest);
    hs->accept_from = now.mono + INITIATION_GAP;
    return true;
}

bool handshake_create_response(struct handshake_incoming *in, const struct noise_remote *remote,
                               struct index_table *t, const struct rng *rng,
                               const struct msg_initiation *to, struct msg_response *msg,
                               struct keypair *kp, struct now now)
{
    uint8_t ephemeral[SUITE_KEY];
    draw_ephemeral(rng, ephemeral);
    bool ok = noise_create_response(&in->noise, remote, ephemeral, NULL, 0,
                                    (uint8_t *)msg + offsetof(struct msg_response, ephemeral));
    wipe(ephemeral, sizeof ephemeral);
    if (!ok) {
        return false;
    }
    store_le32(msg->type, MSG_RESPONSE);
    memcpy(msg->receiver, to->sender, sizeof msg->receiver);
    start_session(kp, load_le32(to->sender), false, &in->noise, now);
    store_le32(msg->sender, index_insert(t, rng, &kp->entry));
    return true;
}
