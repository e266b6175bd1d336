/* SPDX-License-Identifier: MIT */
/* Retry, next server, TCP, EDNS, aliases. */
#include "dns/question.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"

#define BUDGET (10 * NS_PER_S)
#define ROUNDS_MAX 3
#define SHUNNED_FOR (30 * NS_PER_S)
#define ALIASES_MAX 8 /* questions put again because the answer stopped at a CNAME */

/* From the least telling to the most: the question ends with the one that got furthest. */
static const int failures[] = {ERR_NOMEM,       ERR_LIMIT,      ERR_NO_ROUTE,
                               ERR_UNREACHABLE, ERR_DNS_SILENT, ERR_DNS_FAILED};

static unsigned rank(int err)
{
    unsigned i = ARRAY_SIZE(failures);
    while (i > 0 && failures[i - 1] != err) {
        i--;
    }
    return i;
}

static void note_failure(struct question *q, int err)
{
    if (rank(err) > rank(q->err)) {
        q->err = err;
    }
}

static bool finish(struct question *q, int err)
{
    q->err = err;
    return true;
}

static const char *family_name(const struct question *q)
{
    return q->family == FAMILY_V4 ? "A" : "AAAA";
}

/* What just happened and what follows from it. */
static void narrate(const struct question *q, const char *happened, const char *decided)
{
    char text[ADDR_TEXT];
    log_debug(q->up->log, "dns: %s %s: %s -> %s %s", q->asked, family_name(q), happened, decided,
              addr_format(&q->up->servers[q->server].addr, text));
}

static bool give_up(struct question *q, const char *happened)
{
    log_debug(q->up->log, "dns: %s %s: %s -> give up", q->asked, family_name(q), happened);
    return finish(q, q->err);
}

static enum patience patience_for(const struct question *q, enum resolver_carry kind)
{
    static const enum patience by_round[ROUNDS_MAX] = {PATIENCE_2S, PATIENCE_3S, PATIENCE_4S};
    return kind == RESOLVER_TCP ? PATIENCE_4S : by_round[q->round];
}

/* Put q->asked to q->server, in a new exchange in place of the old. 0, ERR_NOMEM, ERR_BAD_NAME. */
static int ask(struct question *q, enum resolver_carry kind, struct now now)
{
    struct upstream *up = q->up;
    struct server *server = &up->servers[q->server];
    if (q->exchange != NULL) {
        exchange_close(&up->exchanges, q->exchange);
    }
    q->exchange = exchange_open(&up->exchanges, q, kind, &server->addr, patience_for(q, kind), now);
    if (q->exchange == NULL) {
        return ERR_NOMEM;
    }
    q->exchange->edns = !server->plain;
    uint16_t id; /* RFC 5452 9.2: not to be guessed */
    rng_fill(&up->rng, &id, sizeof id);
    return message_create_query(q->exchange->query, &q->exchange->len, id, q->asked, q->family,
                                !server->plain);
}

static bool ask_again(struct question *q, enum resolver_carry kind, struct now now)
{
    int err = ask(q, kind, now);
    return err != 0 ? finish(q, err) : false;
}

static bool out_of_time(const struct question *q, struct now now)
{
    return now.mono - q->started >= BUDGET;
}

/* Move to the next server in turn that is not out. False: there is none, or the rounds are over. */
static bool turn_to_next_server(struct question *q)
{
    for (unsigned i = 0; i < q->up->n; i++) {
        q->server++;
        if (q->server == q->up->n) {
            q->server = 0;
            q->round++;
        }
        if ((q->out >> q->server & 1) == 0) {
            return q->round < ROUNDS_MAX;
        }
    }
    return false;
}

static bool ask_next_server(struct question *q, const char *happened, struct now now)
{
    if (out_of_time(q, now) || !turn_to_next_server(q)) {
        return give_up(q, happened);
    }
    narrate(q, happened, "ask");
    return ask_again(q, RESOLVER_UDP, now);
}

/* The server at hand is of no use for this question. */
static bool leave_server(struct question *q, int err, const char *happened, struct now now)
{
    note_failure(q, err);
    q->out |= UINT32_C(1) << q->server;
    return ask_next_server(q, happened, now);
}

/* The first in order that was not silent lately, so that a dead server costs one lookup its 2 s,
 * not each. */
static unsigned first_server(const struct upstream *up, struct now now)
{
    for (unsigned i = 0; i < up->n; i++) {
        if (up->servers[i].silent_until <= now.mono) {
            return i;
        }
    }
    return 0;
}

int question_new(struct question **out, struct upstream *up, const char *name, enum family family,
                 struct now now)
{
    struct question *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return ERR_NOMEM;
    }
    q->up = up;
    q->family = family;
    q->started = now.mono;
    q->server = first_server(up, now);
    q->ttl = UINT32_MAX;
    memcpy(q->name, name, strlen(name) + 1);
    memcpy(q->asked, q->name, sizeof q->asked);
    list_init(&q->in_table);
    list_init(&q->wanted_by);
    int err = ask(q, RESOLVER_UDP, now);
    if (err != 0) {
        question_free(q);
        return err;
    }
    *out = q;
    return 0;
}

void question_free(struct question *q)
{
    if (q->exchange != NULL) {
        exchange_close(&q->up->exchanges, q->exchange);
    }
    free(q);
}

static bool finish_with_answer(struct question *q, int err)
{
    q->answer.ttl = q->answer.ttl < q->ttl ? q->answer.ttl : q->ttl;
    return finish(q, err);
}

/* The answer stopped at a CNAME: ask the same server for what it points at. */
static bool follow_alias(struct question *q, struct now now)
{
    q->ttl = q->answer.ttl < q->ttl ? q->answer.ttl : q->ttl;
    if (name_stays_here(q->answer.alias)) {
        return finish_with_answer(q, ERR_NO_NAME);
    }
    if (++q->aliases > ALIASES_MAX || out_of_time(q, now)) {
        note_failure(q, ERR_DNS_FAILED);
        return give_up(q, "aliases lead nowhere");
    }
    memcpy(q->asked, q->answer.alias, sizeof q->asked);
    narrate(q, "is an alias's end", "ask");
    return ask_again(q, RESOLVER_UDP, now);
}

static bool fall_back_to_tcp(struct question *q, struct now now)
{
    note_failure(q, ERR_DNS_FAILED); /* somebody is there */
    if (q->exchange->kind == RESOLVER_TCP || out_of_time(q, now)) {
        return leave_server(q, ERR_DNS_FAILED, "truncated", now);
    }
    narrate(q, "truncated", "ask over TCP");
    return ask_again(q, RESOLVER_TCP, now);
}

static bool fall_back_to_plain(struct question *q, struct now now)
{
    if (!q->exchange->edns || out_of_time(q, now)) {
        return leave_server(q, ERR_DNS_FAILED, "FORMERR", now);
    }
    q->up->servers[q->server].plain = true; /* RFC 6891 7 */
    narrate(q, "FORMERR", "ask without EDNS");
    return ask_again(q, q->exchange->kind, now);
}

bool question_receive(struct question *q, const uint8_t *message, size_t len, struct now now)
{
    enum message_verdict verdict =
        message_consume_reply(&q->answer, q->exchange->query, q->exchange->len, message, len);
    if (verdict == MESSAGE_FOREIGN) {
        return false;
    }
    q->up->servers[q->server].silent_until = 0;
    switch (verdict) {
    case MESSAGE_ADDRESSES:
        return finish_with_answer(q, 0);
    case MESSAGE_NO_DATA:
        return finish_with_answer(q, ERR_NO_DATA);
    case MESSAGE_NO_NAME:
        return finish_with_answer(q, ERR_NO_NAME);
    case MESSAGE_ALIAS:
        return follow_alias(q, now);
    case MESSAGE_TRUNCATED:
        return fall_back_to_tcp(q, now);
    case MESSAGE_FORMERR:
        return fall_back_to_plain(q, now);
    case MESSAGE_BROKEN:
        return leave_server(q, ERR_DNS_FAILED, "unreadable answer", now);
    case MESSAGE_FOREIGN:
    case MESSAGE_FAILED:
        break;
    }
    return leave_server(q, ERR_DNS_FAILED, "server failed", now);
}

/* Why a message could not be carried, as the question's failure: an error of the way to the DNS
 * server must not be taken for one of the way to the destination. */
static int failure_of_carrier(int err)
{
    switch (err) {
    case ERR_NOMEM:
    case ERR_LIMIT:
    case ERR_NO_ROUTE:
        return err;
    case ERR_UNREACHABLE:
    case ERR_NO_FAMILY:
        return ERR_UNREACHABLE;
    default:
        return ERR_DNS_SILENT;
    }
}

bool question_fail(struct question *q, int err, struct now now)
{
    return leave_server(q, failure_of_carrier(err), err_text(err), now);
}

bool question_overdue(struct question *q, struct now now)
{
    q->up->servers[q->server].silent_until = now.mono + SHUNNED_FOR;
    note_failure(q, ERR_DNS_SILENT);
    return ask_next_server(q, "no answer", now);
}
