/* SPDX-License-Identifier: MIT */
/* Gathers what little comes back from a peer that does not answer, and puts it into words once. */
#include "app/silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define MENTION_AFTER (6 * NS_PER_S) /* the first initiation was repeated by then */
#define SILENCE_AFTER (15 * NS_PER_S)
#define PEER_SHORT 8 /* characters of a public key that are shown */

/* A line per verdict that tells something about a peer's mistake or ours. */
static const struct {
    enum wg_rx verdict;
    const char *what, *why;
} clues[] = {
    {WG_RX_DROP_MAC1, "came for another public key (mac1 is wrong)",
     "the far side has another PublicKey for us"},
    {WG_RX_DROP_UNKNOWN_PEER, "came from a key that is no [Peer] here",
     "the PublicKey of this [Peer] is not the far side's"},
    {WG_RX_DROP_HANDSHAKE, "that did not decrypt came",
     "PresharedKey or PublicKey differ between the two sides"},
    {WG_RX_DROP_STALE, "came as handshake messages out of turn",
     "an old message was repeated, or a clock stepped back"},
    {WG_RX_DROP_INDEX, "came for a session that is not ours",
     "the far side still speaks to an earlier run of us"},
    {WG_RX_DROP_MALFORMED, "came that no WireGuard speaker sends",
     "something else listens on that port"},
};

struct silence {
    const struct wg *wg;
    const struct log *log;
    uint64_t mentioned, reported;             /* when the last silence that was so began */
    struct endpoint heard[ARRAY_SIZE(clues)]; /* where the last such datagram came from */
    unsigned count[ARRAY_SIZE(clues)];
    int undelivered; /* the last error, 0 for none */
};

int silence_new(struct silence **out, const struct wg *wg, const struct log *log)
{
    struct silence *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->wg = wg;
    s->log = log;
    *out = s;
    return 0;
}

void silence_free(struct silence *s)
{
    free(s);
}

void silence_heard(struct silence *s, const struct wg_packet *packet)
{
    for (size_t i = 0; i < ARRAY_SIZE(clues); i++) {
        if (clues[i].verdict == packet->verdict) {
            s->heard[i] = packet->from;
            s->count[i]++;
        }
    }
}

void silence_undelivered(struct silence *s, int err)
{
    s->undelivered = err;
}

static uint64_t silent_since(const struct wg_peer *p)
{
    struct wg_peer_status status;
    wg_peer_get(p, &status);
    return status.first_unanswered;
}

/* When the longest silence that began after `told` did so: of one peer, or of several that were called together. */
static uint64_t longest_silence(const struct silence *s, uint64_t told)
{
    uint64_t longest = NEVER;
    for (struct wg_peer *p = wg_peer_first(s->wg); p != NULL; p = wg_peer_next(p)) {
        uint64_t since = silent_since(p);
        if (since > told && since < longest) {
            longest = since;
        }
    }
    return longest;
}

uint64_t silence_next_deadline(const struct silence *s)
{
    uint64_t mention = longest_silence(s, s->mentioned), report = longest_silence(s, s->reported);
    uint64_t at = mention != NEVER ? mention + MENTION_AFTER : NEVER;
    return report != NEVER ? deadline_min(at, report + SILENCE_AFTER) : at;
}

/* What came back, and what that usually means. */
static void describe(const struct silence *s, char *out, size_t size)
{
    char text[ENDPOINT_TEXT];
    for (size_t i = 0; i < ARRAY_SIZE(clues); i++) {
        if (s->count[i] > 0) {
            snprintf(out, size, "%u datagram%s %s, the last from %s -> %s", s->count[i],
                     s->count[i] == 1 ? "" : "s", clues[i].what,
                     endpoint_format(&s->heard[i], text), clues[i].why);
            return;
        }
    }
    if (s->undelivered == ERR_REFUSED) {
        snprintf(out, size,
                 "the machine there says that nothing listens on the port -> wrong port, or the "
                 "far side is down");
    } else if (s->undelivered != 0) {
        snprintf(out, size, "sending failed: %s -> the network or a firewall here",
                 err_text(s->undelivered));
    } else {
        char own[KEY_TEXT];
        key_to_base64(own, wg_own_public_key(s->wg));
        snprintf(out, size,
                 "nothing came back -> wrong Endpoint or PublicKey, UDP blocked on the way, far "
                 "side down, or no [Peer] there has our public key %s (it is silent to strangers)",
                 own);
    }
}

static void mention(const struct silence *s, const struct wg_peer *peer)
{
    struct wg_peer_status status;
    char key[KEY_TEXT], to[ENDPOINT_TEXT];
    wg_peer_get(peer, &status);
    key_to_base64(key, status.public_key);
    log_info(s->log, "peer %.*s… (%s): no answer yet, %u initiation%s sent", PEER_SHORT, key,
             endpoint_format(&status.endpoint, to), status.initiations_pending,
             status.initiations_pending == 1 ? "" : "s");
}

/* Whoever has just started us watches the log, and may wait for less than SILENCE_AFTER. */
static void mention_all(struct silence *s, struct now now)
{
    uint64_t since = longest_silence(s, s->mentioned);
    if (since == NEVER || now.mono < since + MENTION_AFTER) {
        return;
    }
    for (struct wg_peer *p = wg_peer_first(s->wg); p != NULL; p = wg_peer_next(p)) {
        if (silent_since(p) == since) {
            mention(s, p);
        }
    }
    s->mentioned = since;
}

static void report(const struct silence *s, const struct wg_peer *peer, struct now now)
{
    struct wg_peer_status status;
    char key[KEY_TEXT], to[ENDPOINT_TEXT], what[320];
    wg_peer_get(peer, &status);
    key_to_base64(key, status.public_key);
    describe(s, what, sizeof what);
    log_warn(s->log, "peer %.*s… (%s) has not answered for %u s: %u initiation%s sent; %s",
             PEER_SHORT, key, endpoint_format(&status.endpoint, to),
             (unsigned)((now.mono - status.first_unanswered) / NS_PER_S),
             status.initiations_pending, status.initiations_pending == 1 ? "" : "s", what);
}

void silence_tick(struct silence *s, struct now now)
{
    mention_all(s, now);
    uint64_t since = longest_silence(s, s->reported);
    if (since == NEVER || now.mono < since + SILENCE_AFTER) {
        return;
    }
    for (struct wg_peer *p = wg_peer_first(s->wg); p != NULL; p = wg_peer_next(p)) {
        if (silent_since(p) == since) {
            report(s, p, now);
        }
    }
    s->reported = since;
    s->undelivered = 0;
    memset(s->count, 0, sizeof s->count);
}
