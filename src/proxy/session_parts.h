/* SPDX-License-Identifier: MIT */
/* A session as its own files see it.
 *
 *   session.c            its life: states, events, the end
 *   session_connect.c    what a CONNECT goes through: dial, reply, relay
 *   session_bind.c       SOCKS' BIND
 *   session_associate.c  SOCKS5's UDP ASSOCIATE
 *   session_http.c       HTTP requests that are not CONNECT */
#ifndef WGPROXY_PROXY_SESSION_PARTS_H
#define WGPROXY_PROXY_SESSION_PARTS_H

#include "proxy/handshake.h"
#include "proxy/http_exchange.h"
#include "proxy/relay.h"
#include "proxy/session.h"

/* GREETING   the door's parser is fed, its answers are written. The whole request leads to
 *            DIALLING, BINDING or ASSOCIATED, a bad one to REFUSING; end of file, an error or the
 *            end of patience to the end. A forward's request is whole at once.
 * DIALLING   the dial runs. The client is read ahead as far as there is room, to notice that it
 *            goes away: an error ends the session, and so does end of file, unless bytes for the
 *            target came before it or its door allows it (then it is an early half-close). A stream
 *            leads to REPLYING, failure to REFUSING, or to the end with an error where the door's
 *            protocol has no words for it.
 * BINDING    a name is looked up, then a listener stands and the client was told where. Who comes
 *            from where the client said leads to REPLYING, others are reset. The client is treated
 *            as in DIALLING; the end of the wait leads to REFUSING.
 * ASSOCIATED an association of the UDP relay lives. The reply is written, and the handshake is gone;
 *            from then on the client's end of file or an error is the end, and what it sends is
 *            thrown away. When no datagram passed for the idle limit, it is over.
 * EXCHANGING one HTTP request and its response. Then RESTING, or GREETING where the next request has
 *            begun already, or REPLYING where both sides agreed on another protocol, or REFUSING with
 *            nothing left to say; a server that says nothing leads there too. Over a connection
 *            that was kept, one that says nothing has closed it, and leads to DIALLING. The idle limit
 *            holds as in RELAYING.
 * RESTING    the client was answered and keeps its connection. It has longer than in GREETING, which
 *            its first byte leads to: browsers hold what they may need again. From here to the next
 *            EXCHANGING or DIALLING the server's connection may be kept, too.
 * REPLYING   the stream stands. The early data goes into it and the reply to the client; nothing of
 *            the target's may overtake the reply. Both done leads to RELAYING; an error on either
 *            side, or the end of patience, to the end of both.
 * RELAYING   the relay has both ends and says when it is over, which is the end; so is a silence
 *            beyond the idle limit. The handshake is gone.
 * REFUSING   the reply is written, then FIN; what the client sends is thrown away until it closes,
 *            because closing over unread bytes would send a RST, which can overtake the reply. The
 *            end of the linger leads to the end all the same. */
enum session_state {
    GREETING,
    DIALLING,
    BINDING,
    ASSOCIATED,
    EXCHANGING,
    RESTING,
    REPLYING,
    RELAYING,
    REFUSING
};

struct binding;
struct http_kept; /* a connection to the server of the last exchange */

struct session {
    struct list link;
    struct sessions *all;
    enum session_state state;
    bool surplus;
    uint64_t deadline;           /* all but DIALLING */
    struct handshake *handshake; /* all but RELAYING; in ASSOCIATED until the reply is out */
    const char *cause;           /* REFUSING */
    struct stream *client;
    struct dial *dial;                   /* DIALLING */
    struct binding *binding;             /* BINDING */
    struct udp_association *association; /* ASSOCIATED */
    struct http_exchange *exchange;      /* EXCHANGING */
    bool again;                          /* EXCHANGING: over a connection that was kept */
    struct http_kept *kept;              /* between two exchanges; NULL: none */
    struct stack_tcp *tunnel;            /* EXCHANGING, REPLYING, RELAYING; who came in BINDING */
    struct relay relay;                  /* RELAYING */
};

/* ---- session.c ---- */

void session_enter(struct session *s, enum session_state state, struct now now);
void session_touch(struct session *s, struct now now); /* RELAYING, EXCHANGING: bytes moved */
void session_greeting_step(struct session *s, struct now now);

/* The answer that stands in the handshake is the last one. */
void session_refuse(struct session *s, const char *cause, struct now now);
/* The door's words for `err` are. */
void session_fail(struct session *s, int err, struct now now);

/* Tell why (`side` is a prefix such as "client: ", or ""), give everything up, free it. */
void session_end(struct session *s, const char *side, const char *cause);
void session_end_err(struct session *s, const char *side, int err);

/* One line about the target's name, of which the end will tell the address only. */
void session_tell_name(const struct session *s);

/* The user's name, or NULL: for access rules. */
const char *session_user(const struct session *s);

/* ---- session_http.c ---- */

void session_ask(struct session *s, struct now now);      /* over a kept connection, or dial */
void session_exchange(struct session *s, struct now now); /* the tunnel's stream stands */
void session_exchange_step(struct session *s, struct now now);
void session_drop_kept(struct session *s); /* harmless without one */

/* ---- session_connect.c ---- */

void session_dial(struct session *s, struct now now);
/* The stream stands: tell the client, with its end as the door's protocol wants it. */
void session_reply(struct session *s, const struct endpoint *end, struct now now);
extern stack_tcp_event_fn session_tunnel_event; /* of the stream; its context is the session */
void session_dialling_read(struct session *s);
void session_replying_step(struct session *s, struct now now);
void session_relaying_step(struct session *s, enum relay_verdict verdict);

/* ---- session_bind.c ---- */

void session_bind(struct session *s, struct now now);
void session_binding_step(struct session *s, struct now now);
void session_binding_expire(struct session *s, struct now now);
void session_unbind(struct session *s); /* harmless without a binding */

/* ---- session_associate.c ---- */

void session_associate(struct session *s, struct now now);
void session_associated_step(struct session *s);
void session_associated_wait(struct session *s, uint64_t since); /* for the idle limit after it */
void session_associated_expire(struct session *s, struct now now);

#endif
