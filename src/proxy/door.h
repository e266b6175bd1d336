/* SPDX-License-Identifier: MIT */
/* What a door's protocol is to its session: bytes in, verdicts and answers out. Each protocol is a
 * pure parser of its own (socks5.h, socks4.h...); it gives the same verdicts whichever way its
 * input is split, and knows no policy: whether the target may be reached, and why not, is said to
 * it afterwards. door.c finds out which one a client speaks, and asks that one. */
#ifndef WGPROXY_PROXY_DOOR_H
#define WGPROXY_PROXY_DOOR_H

#include "base/addr.h"
#include "proxy/target.h"
#include "proxy/users.h"

#include <stdbool.h>
#include <stdint.h>

enum door_verdict {
    DOOR_MORE,   /* everything given was taken; there must be more */
    DOOR_ANSWER, /* the answer must be sent, then the input goes on */
    DOOR_OPEN,   /* the request is whole and said in the ask; what follows belongs to the target */
    DOOR_SHUT,   /* the answer, where it has bytes, must be sent; then it is over */
};

/* What may come in through a door: a set of these. */
enum door_protocol {
    DOOR_SOCKS5 = 1,
    DOOR_SOCKS4 = 2, /* and 4a */
    DOOR_HTTP = 4,
    DOOR_SNI = 8,      /* TLS as it is, to the host that it names */
    DOOR_FORWARD = 16, /* any bytes, to one fixed target */
};
#define DOOR_MIXED (DOOR_SOCKS5 | DOOR_SOCKS4 | DOOR_HTTP) /* told apart by the first byte */

/* What is asked for. */
enum door_request {
    DOOR_CONNECT,
    DOOR_BIND,      /* SOCKS: one connection from the target to us */
    DOOR_ASSOCIATE, /* SOCKS5: datagrams */
    DOOR_EXCHANGE,  /* HTTP: this one request, then perhaps another */
};

/* What a door has, and of whom: the same for all its clients, and only read. */
struct door_terms {
    unsigned protocols;        /* a set of enum door_protocol; SNI and FORWARD stand alone */
    struct target target;      /* FORWARD: where to; SNI: only its port counts */
    const struct users *users; /* NULL: nobody is asked who he is */
    bool binds, associates;    /* else these requests are none that it knows */
};

/* A whole request. */
struct door_ask {
    enum door_request request;
    struct target target;    /* all zero where an ASSOCIATE names nothing */
    const struct user *user; /* NULL: nobody was asked */
};

#define DOOR_ANSWER_MAX 600 /* the longest: an HTTP refusal with its reason */

struct door_answer {
    const char *why; /* DOOR_SHUT: what was wrong, in words that last */
    uint16_t len;
    uint8_t bytes[DOOR_ANSWER_MAX];
};

#endif
