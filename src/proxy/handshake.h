/* SPDX-License-Identifier: MIT */
/* What a session needs until it relays, and gives back then: the door's parser, the bytes that were
 * read ahead of it, and the answer on its way out. */
#ifndef WGPROXY_PROXY_HANDSHAKE_H
#define WGPROXY_PROXY_HANDSHAKE_H

#include "base/macros.h"
#include "base/stream.h"
#include "proxy/dialect.h"
#include "proxy/door.h"
#include "stack/stack_tcp.h"

/* Read ahead at most this much; what does not fit waits in the client's socket. */
#define HANDSHAKE_AHEAD 1024

struct handshake {
    struct dialect door;
    struct door_ask ask; /* once it is open */
    bool open;           /* the request is whole */
    struct door_answer answer;
    uint16_t sent;    /* how much of the answer the client's socket took */
    bool eof;         /* the client sends no more */
    uint16_t at, end; /* ahead[at..end) is read and not yet taken */
    size_t forwarded; /* bytes that the tunnel took of the door's prelude and of it */
    uint8_t ahead[HANDSHAKE_AHEAD];
};

struct handshake *handshake_new(const struct door_terms *terms); /* borrowed; NULL without memory */
void handshake_free(struct handshake *h);                        /* NULL is harmless */

/* HTTP: make ready for the next request of the same client; what was read ahead of it stays. */
void handshake_again(struct handshake *h);

/* Read ahead: 0 when bytes or the end of file (h->eof) came, ERR_AGAIN, ERR_LIMIT when full, or the
 * client's error. */
int handshake_read(struct handshake *h, struct stream *client) MUST_USE;

/* Read, feed the parser and answer, until there is a verdict, or it is others' turn: 0 with DOOR_OPEN, or with
 * DOOR_SHUT and an answer to write. Else ERR_AGAIN (to write where handshake_is_answering, else to read),
 * ERR_CLOSED at end of file, or the client's error. */
int handshake_talk(struct handshake *h, struct stream *client, enum door_verdict *verdict) MUST_USE;

/* Make the door's reply the answer: how it ended, and the tunnel's own end or NULL. */
void handshake_reply(struct handshake *h, int err, const struct endpoint *bound);

/* Write what is left of the answer: 0 when there is nothing left, ERR_AGAIN, or the client's
 * error. */
int handshake_write(struct handshake *h, struct stream *client) MUST_USE;

/* Read and forget what the client still sends, a bounded amount: ERR_AGAIN while there may be more,
 * ERR_CLOSED at end of file, or the client's error. */
int handshake_discard(struct handshake *h, struct stream *client) MUST_USE;

/* Give the tunnel what the door says and what the client sent behind its request. True when nothing
 * is left of it. */
bool handshake_forward(struct handshake *h, struct stack_tcp *tunnel);

static inline bool handshake_is_answering(const struct handshake *h)
{
    return h->sent < h->answer.len;
}

/* May the client end its side before anything was answered? A forward's client was never told to
 * wait; others who stop then have gone away. */
static inline bool handshake_may_end_early(const struct handshake *h)
{
    return h->door.spoken == DOOR_FORWARD || h->ask.request == DOOR_EXCHANGE;
}

static inline bool handshake_has_early_data(const struct handshake *h)
{
    return h->at < h->end;
}

#endif
