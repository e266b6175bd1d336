/* SPDX-License-Identifier: MIT */
/* Moves the bytes of a handshake between the client, the door's parser and the tunnel. */
#include "proxy/handshake.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdlib.h>
#include <string.h>

/* per call, so that nobody holds up the others */
#define TALK_ROUNDS 16
#define DISCARD_ROUNDS 16 /* reads */

struct handshake *handshake_new(const struct door_terms *terms)
{
    struct handshake *h = malloc(sizeof *h); /* the buffers need no zeros */
    if (h != NULL) {
        dialect_init(&h->door, terms);
        h->answer.len = h->sent = 0;
        h->open = h->eof = false;
        h->at = h->end = 0;
        h->forwarded = 0;
    }
    return h;
}

/* What was read may hold a password. */
void handshake_free(struct handshake *h)
{
    if (h != NULL) {
        dialect_fini(&h->door);
        wipe(h->ahead, sizeof h->ahead);
        free(h);
    }
}

void handshake_again(struct handshake *h)
{
    dialect_again(&h->door);
    h->open = false;
    h->answer.len = h->sent = 0;
    h->forwarded = 0;
}

int handshake_read(struct handshake *h, struct stream *client)
{
    if (h->at > 0) {
        memmove(h->ahead, h->ahead + h->at, (size_t)(h->end - h->at));
        h->end = (uint16_t)(h->end - h->at);
        h->at = 0;
    }
    if (h->end == sizeof h->ahead) {
        return ERR_LIMIT;
    }
    ssize_t got = stream_read(client, h->ahead + h->end, sizeof h->ahead - h->end);
    if (got < 0) {
        return (int)got;
    }
    h->eof = got == 0;
    h->end = (uint16_t)(h->end + got);
    return 0;
}

static enum door_verdict feed(struct handshake *h)
{
    size_t used;
    enum door_verdict verdict = dialect_feed(&h->door, h->ahead + h->at, (size_t)(h->end - h->at),
                                             &used, &h->ask, &h->answer);
    h->at = (uint16_t)(h->at + used);
    h->open = verdict == DOOR_OPEN;
    if (verdict == DOOR_ANSWER || verdict == DOOR_SHUT) {
        h->sent = 0;
    }
    return verdict;
}

/* 0 when there is something to feed. A client that has ended its side is heard to its end. */
static int find_input(struct handshake *h, struct stream *client)
{
    if (handshake_has_early_data(h) || h->door.spoken == DOOR_FORWARD) {
        return 0;
    }
    int err = h->eof ? ERR_CLOSED : handshake_read(h, client);
    return err == 0 && h->eof ? ERR_CLOSED : err;
}

/* One message per round, so that no answer is overtaken by the next. Where the rounds are used up, the last answer waits for
 * the next call. */
int handshake_talk(struct handshake *h, struct stream *client, enum door_verdict *verdict)
{
    for (int i = 0; i < TALK_ROUNDS; i++) {
        int err = handshake_write(h, client);
        if (err == 0) {
            err = find_input(h, client);
        }
        if (err != 0) {
            return err;
        }
        *verdict = feed(h);
        if (*verdict != DOOR_MORE && *verdict != DOOR_ANSWER) {
            return 0;
        }
    }
    return ERR_AGAIN;
}

void handshake_reply(struct handshake *h, int err, const struct endpoint *bound)
{
    dialect_reply(&h->door, &h->answer, err, bound);
    h->sent = 0;
}

int handshake_write(struct handshake *h, struct stream *client)
{
    while (handshake_is_answering(h)) {
        struct iovec rest = {h->answer.bytes + h->sent, (size_t)(h->answer.len - h->sent)};
        ssize_t put = stream_writev(client, &rest, 1);
        if (put < 0) {
            return (int)put;
        }
        h->sent = (uint16_t)(h->sent + put);
    }
    return 0;
}

int handshake_discard(struct handshake *h, struct stream *client)
{
    for (int i = 0; i < DISCARD_ROUNDS; i++) {
        h->at = h->end = 0;
        int err = handshake_read(h, client);
        if (err != 0 || h->eof) {
            return err != 0 ? err : ERR_CLOSED;
        }
    }
    return ERR_AGAIN;
}

/* True when the tunnel has all of the prelude. */
static bool forward_prelude(struct handshake *h, struct stack_tcp *tunnel)
{
    size_t len;
    const uint8_t *prelude = dialect_prelude(&h->door, &len);
    if (h->forwarded < len) {
        h->forwarded += stack_tcp_write(tunnel, prelude + h->forwarded, len - h->forwarded);
    }
    return h->forwarded >= len;
}

bool handshake_forward(struct handshake *h, struct stack_tcp *tunnel)
{
    if (!forward_prelude(h, tunnel)) {
        return false;
    }
    if (handshake_has_early_data(h)) {
        size_t put = stack_tcp_write(tunnel, h->ahead + h->at, (size_t)(h->end - h->at));
        h->at = (uint16_t)(h->at + put);
        h->forwarded += put;
    }
    return !handshake_has_early_data(h);
}
