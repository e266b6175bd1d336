/* SPDX-License-Identifier: MIT */
/* One name and one family on the way to an answer: which server is asked, over what, when the next
 * one, and when it is given up. Pure policy above message.h and exchange.h; who wants the answer is
 * resolver.c's. */
#ifndef WGPROXY_DNS_QUESTION_H
#define WGPROXY_DNS_QUESTION_H

#include "base/addr.h"
#include "base/list.h"
#include "base/macros.h"
#include "base/now.h"
#include "base/rng.h"
#include "dns/exchange.h"
#include "dns/message.h"
#include "dns/name.h"

#include <stdbool.h>
#include <stdint.h>

#define SERVERS_MAX 32 /* bits of question.out */

struct server {
    struct addr addr;
    bool plain;            /* said FORMERR to a query with EDNS: gets none any more */
    uint64_t silent_until; /* let a message time out: not the first to be asked before */
};

/* The servers, and what is under way to them. */
struct upstream {
    struct server servers[SERVERS_MAX];
    unsigned n;
    struct exchanges exchanges;
    struct rng rng;
    const struct log *log;
};

/*   asking     one exchange is open; an answer, its failure or its deadline leads to another
 *              exchange, or to
 *   answered   err and answer may be read, and then it can only be freed
 *
 * One exchange waits 2 s in the first round over the servers, 3 s in the second, 4 s in the third
 * and last, and 4 s over TCP. A server that fails at once is left out for the rest of this
 * question; one that was silent is not the first that the next questions try, for 30 s. No exchange
 * begins after 10 s, so that all is over before 14 s, whatever the servers do. */
struct question {
    struct list in_table; /* of pending.h, by name and family */
    struct list wanted_by;
    bool unwanted; /* goes on for the cache alone */

    struct upstream *up;
    char name[NAME_SIZE];
    enum family family;

    char asked[NAME_SIZE]; /* `name`, or what the CNAMEs made of it */
    unsigned aliases;
    uint32_t ttl; /* least of the CNAMEs so far */
    unsigned server, round;
    uint32_t out; /* bit n: server n is not asked again */
    uint64_t started;
    struct exchange *exchange;

    /* 0, ERR_NO_NAME, ERR_NO_DATA, or why there is no answer; while asking, the failure that got
     * furthest so far. */
    int err;
    struct answer answer;
};

int question_new(struct question **out, struct upstream *up, const char *name, enum family family,
                 struct now now) MUST_USE; /* 0, ERR_NOMEM */
void question_free(struct question *q);

/* Each returns true when the question is answered. */
bool question_receive(struct question *q, const uint8_t *message, size_t len,
                      struct now now) MUST_USE;
bool question_fail(struct question *q, int err, struct now now) MUST_USE;
bool question_overdue(struct question *q, struct now now) MUST_USE;

#endif
