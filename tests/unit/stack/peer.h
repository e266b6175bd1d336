/* SPDX-License-Identifier: MIT */
/* A user of streams for tests: sends a stream of bytes that its seed determines, checks the one
 * that it receives, and remembers what its handler was told. */
#ifndef WGPROXY_TESTS_STACK_PEER_H
#define WGPROXY_TESTS_STACK_PEER_H

#include "unit/stack/wire.h"

struct peer {
    struct stack_tcp *t; /* NULL before accept and after close */
    struct stack_tcp_listener *listener;
    uint8_t pattern; /* which bytes it sends; the other side checks for `expect` */
    uint8_t expect;
    size_t to_send, sent; /* bytes */
    size_t received;
    size_t appetite;     /* how much it reads per event; 0 nothing, SIZE_MAX all */
    bool shutdown_after; /* FIN when all is sent */
    bool hold_until_eof; /* begins to send only after the other's FIN */
    unsigned seen;       /* events, or-ed */
    unsigned n_events;
    int error;
    bool eof;
};

/* The i-th byte of the stream that a pattern makes. */
uint8_t peer_byte(uint8_t pattern, size_t i);

extern stack_tcp_event_fn peer_event;
extern stack_tcp_accept_fn peer_accept; /* ctx: a struct peer without a stream */

/* Connect `client` at w->a to `server`, which listens at w->b. Returns what connect says. */
int peer_pair(struct wire *w, struct peer *client, struct peer *server, const char *addr);
void peer_listen(struct wire_end *end, struct peer *p, uint16_t port);
void peer_pump(struct peer *p); /* send what there is room for */
void peer_read(struct peer *p, size_t most);
void peer_close(struct peer *p);

bool peer_is_connected(void *p);
bool peer_has_failed(void *p);
bool peer_is_done(
    void *p); /* saw the end of the other's bytes and the acknowledgement of its own */

#endif
