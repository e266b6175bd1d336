/* SPDX-License-Identifier: MIT */
/* SOCKS5's UDP ASSOCIATE as its TCP connection sees it: a reply, and then nothing but its end (RFC 1928 section 7). */
#include "proxy/session_parts.h"

#include "base/err.h"

#define DISCARD_ROUNDS 16 /* reads per call */

/* A client has nothing to say here; what he says all the same must not hide his end. */
static void discard(struct session *s)
{
    uint8_t bytes[512];
    for (int i = 0; i < DISCARD_ROUNDS; i++) {
        ssize_t got = stream_read(s->client, bytes, sizeof bytes);
        if (got == ERR_AGAIN) {
            break;
        }
        if (got <= 0) {
            session_end(s, "", got == 0 ? "the client ended its association" : err_text((int)got));
            return;
        }
    }
}

void session_associated_step(struct session *s)
{
    if (s->handshake == NULL) {
        discard(s);
        return;
    }
    int err = handshake_write(s->handshake, s->client);
    if (err == ERR_AGAIN) {
        stream_want(s->client, STREAM_WRITABLE);
    } else if (err != 0) {
        session_end_err(s, "client: ", err);
    } else {
        handshake_free(s->handshake);
        s->handshake = NULL;
        stream_want(s->client, STREAM_READABLE);
    }
}

/* Nobody is told of each datagram; when the deadline comes, the last one counts. */
void session_associated_wait(struct session *s, uint64_t since)
{
    struct list *all = &s->all->associated, *next = all;
    s->deadline = s->all->idle != 0 ? since + s->all->idle : NEVER;
    while (next->prev != all && session_deadline(session_of(next->prev)) > s->deadline) {
        next = next->prev;
    }
    list_push_back(next, &s->link); /* in front of it */
}

void session_associated_expire(struct session *s, struct now now)
{
    uint64_t used = udp_association_used(s->association);
    if (used + s->all->idle <= now.mono) {
        session_end(s, "", "idle for too long");
    } else {
        list_remove(&s->link);
        session_associated_wait(s, used);
    }
}

void session_associate(struct session *s, struct now now)
{
    const struct target *to = &s->handshake->ask.target;
    struct endpoint hint = {.addr = to->addr, .port = to->port}, bound;
    if (hint.addr.family == FAMILY_NONE) {
        hint.port = 0; /* a port of a name tells nothing */
    }
    int err = udp_association_open(s->all->udp, &s->client->remote, &s->client->local, &hint,
                                   session_user(s), &s->association, &bound, now);
    if (err == ERR_PERM && may_warn(&s->all->quiet_port, now)) {
        log_warn(s->all->log,
                 "UDP is refused to a client of a Unix socket that does not name the port it sends "
                 "from: on loopback every account could send; UdpPort = PORT would take the first "
                 "that does");
    }
    if (err != 0) {
        session_fail(s, err, now);
        return;
    }
    handshake_reply(s->handshake, 0, &bound);
    session_enter(s, ASSOCIATED, now);
    session_associated_step(s);
}
