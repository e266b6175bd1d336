/* SPDX-License-Identifier: MIT */
/* The tokens of the pattern, one function each, and the messages that string them together. */
#include "wg/noise.h"

/* 37 bytes, longer than a hash: Noise 5.2 has it hashed. */
static const char protocol_name[] = "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s";

/* Where things stand in the first message. */
enum {
    AT_STATIC = SUITE_KEY,
    AT_PAYLOAD = AT_STATIC + SUITE_KEY + SUITE_TAG,
};

static void mix_hash(struct noise_state *st, const void *data, size_t len)
{
    suite_hash(st->hash, st->hash, sizeof st->hash, data, len);
}

/* MixKey with a DH result that is at hand. `key` is NULL where the next token makes another. */
static void mix_key(struct noise_state *st, uint8_t *key, const uint8_t *input)
{
    suite_kdf(st->chain, key, NULL, st->chain, input, SUITE_KEY);
}

static bool mix_dh(struct noise_state *st, uint8_t *key, const uint8_t *private_key,
                   const uint8_t *public_key)
{
    uint8_t shared[SUITE_KEY];
    bool ok = suite_dh(shared, private_key, public_key);
    if (ok) {
        mix_key(st, key, shared);
    }
    wipe(shared, sizeof shared);
    return ok;
}

/* The ss token, which costs no DH; a zero result was kept as zeros. */
static bool mix_static_static(struct noise_state *st, uint8_t *key,
                              const struct noise_remote *remote)
{
    static const uint8_t zero[SUITE_KEY];
    if (suite_equal(remote->static_static, zero, sizeof zero)) {
        return false;
    }
    mix_key(st, key, remote->static_static);
    return true;
}

/* The e token: in a pattern with a PSK it enters the chaining key as well (Noise 9.2). */
static void mix_ephemeral(struct noise_state *st, const uint8_t *public_key)
{
    mix_hash(st, public_key, SUITE_KEY);
    mix_key(st, NULL, public_key);
}

static void mix_psk(struct noise_state *st, uint8_t *key, const uint8_t *psk)
{
    uint8_t tau[SUITE_HASH];
    suite_kdf(st->chain, tau, key, st->chain, psk, SUITE_KEY);
    mix_hash(st, tau, sizeof tau);
    wipe(tau, sizeof tau);
}

/* Every handshake key seals one message: the nonce is always 0. */
static void encrypt_and_hash(struct noise_state *st, uint8_t *out, const uint8_t *key,
                             const void *plain, size_t len)
{
    static const uint8_t nonce[SUITE_NONCE];
    suite_seal(out, key, nonce, plain, len, st->hash, sizeof st->hash);
    mix_hash(st, out, len + SUITE_TAG);
}

static bool decrypt_and_hash(struct noise_state *st, uint8_t *out, const uint8_t *key,
                             const uint8_t *sealed, size_t len)
{
    static const uint8_t nonce[SUITE_NONCE];
    if (!suite_open(out, key, nonce, sealed, len + SUITE_TAG, st->hash, sizeof st->hash)) {
        return false;
    }
    mix_hash(st, sealed, len + SUITE_TAG);
    return true;
}

bool noise_remote_init(struct noise_remote *remote, const struct noise_identity *self,
                       const uint8_t public_key[SUITE_KEY], const uint8_t psk[SUITE_KEY])
{
    memcpy(remote->public_key, public_key, SUITE_KEY);
    memcpy(remote->psk, psk, SUITE_KEY);
    return suite_dh(remote->static_static, self->private_key, public_key);
}

void noise_begin(struct noise_state *st, const void *prologue, size_t len,
                 const uint8_t responder_public[SUITE_KEY])
{
    suite_hash(st->chain, protocol_name, sizeof protocol_name - 1, NULL, 0);
    memcpy(st->hash, st->chain, sizeof st->hash);
    mix_hash(st, prologue, len);
    mix_hash(st, responder_public, SUITE_KEY);
}

bool noise_create_initiation(struct noise_state *st, const struct noise_identity *self,
                             const struct noise_remote *remote, const uint8_t ephemeral[SUITE_KEY],
                             const void *payload, size_t len, uint8_t *out)
{
    uint8_t key[SUITE_KEY];
    bool ok = false;

    /* e */
    memcpy(st->ephemeral, ephemeral, SUITE_KEY);
    if (!suite_dh_public(out, ephemeral)) {
        goto done;
    }
    mix_ephemeral(st, out);

    /* es */
    if (!mix_dh(st, key, ephemeral, remote->public_key)) {
        goto done;
    }

    /* s */
    encrypt_and_hash(st, out + AT_STATIC, key, self->public_key, SUITE_KEY);

    /* ss */
    if (!mix_static_static(st, key, remote)) {
        goto done;
    }

    /* payload */
    encrypt_and_hash(st, out + AT_PAYLOAD, key, payload, len);
    ok = true;
done:
    wipe(key, sizeof key);
    return ok;
}

bool noise_consume_initiation_static(struct noise_state *st, const struct noise_identity *self,
                                     const uint8_t *in, uint8_t remote_static[SUITE_KEY])
{
    uint8_t key[SUITE_KEY];

    /* e */
    memcpy(st->remote_ephemeral, in, SUITE_KEY);
    mix_ephemeral(st, in);

    /* es, s */
    bool ok = mix_dh(st, key, self->private_key, in) &&
              decrypt_and_hash(st, remote_static, key, in + AT_STATIC, SUITE_KEY);
    wipe(key, sizeof key);
    return ok;
}

bool noise_consume_initiation_payload(struct noise_state *st, const struct noise_remote *remote,
                                      const uint8_t *in, uint8_t *payload, size_t len)
{
    uint8_t key[SUITE_KEY];

    /* ss, payload */
    bool ok = mix_static_static(st, key, remote) &&
              decrypt_and_hash(st, payload, key, in + AT_PAYLOAD, len);
    wipe(key, sizeof key);
    return ok;
}

bool noise_create_response(struct noise_state *st, const struct noise_remote *remote,
                           const uint8_t ephemeral[SUITE_KEY], const void *payload, size_t len,
                           uint8_t *out)
{
    uint8_t key[SUITE_KEY];

    /* e */
    if (!suite_dh_public(out, ephemeral)) {
        return false;
    }
    mix_ephemeral(st, out);

    /* ee, se */
    if (!mix_dh(st, NULL, ephemeral, st->remote_ephemeral) ||
        !mix_dh(st, NULL, ephemeral, remote->public_key)) {
        return false;
    }

    /* psk, payload */
    mix_psk(st, key, remote->psk);
    encrypt_and_hash(st, out + SUITE_KEY, key, payload, len);
    wipe(key, sizeof key);
    return true;
}

bool noise_consume_response(struct noise_state *st, const struct noise_identity *self,
                            const struct noise_remote *remote, const uint8_t *in, uint8_t *payload,
                            size_t len)
{
    struct noise_state trial = *st;
    uint8_t key[SUITE_KEY];

    /* e */
    mix_ephemeral(&trial, in);

    /* ee, se */
    bool ok =
        mix_dh(&trial, NULL, trial.ephemeral, in) && mix_dh(&trial, NULL, self->private_key, in);

    /* psk, payload */
    if (ok) {
        mix_psk(&trial, key, remote->psk);
        ok = decrypt_and_hash(&trial, payload, key, in + SUITE_KEY, len);
    }
    if (ok) {
        *st = trial;
    }
    wipe(&trial, sizeof trial);
    wipe(key, sizeof key);
    return ok;
}

void noise_split(struct noise_state *st, uint8_t first[SUITE_KEY], uint8_t second[SUITE_KEY])
{
    suite_kdf(first, second, NULL, st->chain, NULL, 0);
    wipe(st, sizeof *st);
}
