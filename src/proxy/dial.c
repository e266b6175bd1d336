/* SPDX-License-Identifier: MIT */
/* Races connections to the addresses of one name (RFC 8305 section 5). Every wait has the same
 * length for every dial, so the two queues of deadlines are in order by themselves, and only their
 * heads are ever looked at. */
#include "proxy/dial.h"

#include "base/err.h"
#include "base/list.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DIAL_TIMEOUT (15 * NS_PER_S)
#define ATTEMPT_DELAY (250 * NS_PER_MS) /* RFC 8305 section 8: Connection Attempt Delay */

struct dialer {
    struct stack *stack;
    struct resolver *resolver;
    uint64_t timeout;
    const struct log *log;
    struct list running; /* every dial, by deadline */
    struct list pacing;  /* those with addresses still to try, by next_attempt */
};

struct dial {
    struct list link;
    struct list pace;
    struct dialer *dialer;
    dial_done_fn *done;
    void *ctx;
    struct resolver_query *query; /* while the name is looked up */
    uint64_t deadline, next_attempt;
    int err; /* of the attempt that got furthest, 0 before any failed */
    uint16_t port;
    uint8_t n_addrs, next_addr, n_attempts;
    struct addr addrs[DNS_ADDRESSES_MAX];
    struct stack_tcp *attempts[DNS_ADDRESSES_MAX];
};

int dialer_new(struct dialer **out, const struct dialer_config *config)
{
    struct dialer *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return ERR_NOMEM;
    }
    d->stack = config->stack;
    d->resolver = config->resolver;
    d->timeout = config->timeout != 0 ? config->timeout : DIAL_TIMEOUT;
    d->log = config->log;
    list_init(&d->running);
    list_init(&d->pacing);
    *out = d;
    return 0;
}

void dialer_free(struct dialer *d)
{
    if (d == NULL) {
        return;
    }
    while (!list_empty(&d->running)) {
        dial_cancel(list_item(d->running.next, struct dial, link));
    }
    free(d);
}

void dial_cancel(struct dial *dial)
{
    if (dial->query != NULL) {
        resolver_cancel(dial->query);
    }
    for (unsigned i = 0; i < dial->n_attempts; i++) {
        stack_tcp_abort(dial->attempts[i]);
    }
    list_remove(&dial->pace);
    list_remove(&dial->link);
    free(dial);
}

/* The last word; `t` is no longer among the attempts. */
static void dial_end(struct dial *dial, int err, struct stack_tcp *t, struct now now)
{
    dial_done_fn *done = dial->done;
    void *ctx = dial->ctx;
    dial_cancel(dial);
    done(ctx, err, t, now);
}

/* How far an attempt got that ended so. */
static int reach_of(int err)
{
    switch (err) {
    case ERR_REFUSED:
        return 7;
    case ERR_RESET:
        return 6;
    case ERR_UNREACHABLE:
        return 5;
    case ERR_TIMED_OUT:
        return 4;
    case ERR_NO_ROUTE:
        return 3;
    case ERR_NO_FAMILY:
        return 2;
    case 0:
        return 0;
    default:
        return 1;
    }
}

static void note_failure(struct dial *dial, int err)
{
    if (reach_of(err) > reach_of(dial->err)) {
        dial->err = err;
    }
}

/* Of several addresses; of a single one the owner of the dial will tell. */
static void note_attempt(struct dial *dial, const struct endpoint *to, int err)
{
    const struct log *log = dial->dialer->log;
    if (dial->n_addrs > 1 && log != NULL && log->level >= LOG_DEBUG) {
        char text[ENDPOINT_TEXT];
        log_debug(log, "%s, one of %u addresses -> %s", endpoint_format(to, text), dial->n_addrs,
                  err_text(err));
    }
    note_failure(dial, err);
}

static void forget_attempt(struct dial *dial, const struct stack_tcp *t)
{
    unsigned i = 0;
    while (dial->attempts[i] != t) {
        i++;
        assert(i < dial->n_attempts);
    }
    dial->attempts[i] = dial->attempts[--dial->n_attempts];
}

static void dial_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now);

/* Begin with the next address that lets us. 0 while an attempt runs, else why none did. */
static int dial_advance(struct dial *dial, struct now now)
{
    struct dialer *d = dial->dialer;
    list_remove(&dial->pace);
    while (dial->next_addr < dial->n_addrs) {
        struct endpoint to = {.addr = dial->addrs[dial->next_addr++], .port = dial->port};
        struct stack_tcp *t;
        int err = stack_tcp_connect(d->stack, &to, dial_event, dial, &t, now);
        if (err != 0) {
            note_attempt(dial, &to, err);
            continue;
        }
        dial->attempts[dial->n_attempts++] = t;
        if (dial->next_addr < dial->n_addrs) {
            dial->next_attempt = now.mono + ATTEMPT_DELAY;
            list_push_back(&d->pacing, &dial->pace);
        }
        break;
    }
    return dial->n_attempts > 0 ? 0 : dial->err;
}

static void dial_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    struct dial *dial = ctx;
    if (events & STACK_TCP_FAILED) {
        struct endpoint to = stack_tcp_remote(t);
        note_attempt(dial, &to, stack_tcp_error(t));
        forget_attempt(dial, t);
        stack_tcp_abort(t);
        /* RFC 8305 section 5: a failure starts the next at once. */
        int err = dial_advance(dial, now);
        if (err != 0) {
            dial_end(dial, err, NULL, now);
        }
    } else if (events & STACK_TCP_CONNECTED) {
        forget_attempt(dial, t);
        dial_end(dial, 0, t, now);
    }
}

static void dial_resolved(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct dial *dial = ctx;
    dial->query = NULL;
    if (err == 0) {
        dial->n_addrs = (uint8_t)(n < DNS_ADDRESSES_MAX ? n : DNS_ADDRESSES_MAX);
        memcpy(dial->addrs, addrs, dial->n_addrs * sizeof *addrs);
        err = dial_advance(dial, now);
    }
    if (err != 0) {
        dial_end(dial, err, NULL, now);
    }
}

/* "10.0.0.1", "::1" and "[::1]" are addresses, whichever way they were sent. */
static bool literal_in_name(struct addr *out, const char *name)
{
    size_t len = strlen(name);
    if (name[0] != '[' || name[len - 1] != ']') {
        return addr_parse(out, name);
    }
    char inner[ADDR_TEXT];
    if (len - 2 >= sizeof inner) {
        return false;
    }
    memcpy(inner, name + 1, len - 2);
    inner[len - 2] = '\0';
    return strchr(inner, ':') != NULL && addr_parse(out, inner);
}

/* Without the final dot of a full name, it fits into a question (RFC 1035 2.3.4). */
static bool name_fits(const char *name)
{
    size_t len = strlen(name);
    if (len > 0 && name[len - 1] == '.') {
        len--;
    }
    return len > 0 && len <= DNS_NAME_MAX;
}

static int dial_begin(struct dial *dial, const struct target *to, struct now now)
{
    struct resolver *r = dial->dialer->resolver;
    struct addr literal = to->addr;
    if (literal.family != FAMILY_NONE || literal_in_name(&literal, to->name)) {
        dial->addrs[0] = literal;
        dial->n_addrs = 1;
        return dial_advance(dial, now);
    }
    if (!name_fits(to->name)) {
        return ERR_BAD_NAME;
    }
    if (r == NULL) {
        return ERR_NO_DNS;
    }
    return resolver_lookup(r, to->name, dial_resolved, dial, &dial->query, now);
}

int dial_start(struct dialer *d, const struct target *to, const struct access *access, const char *user,
               dial_done_fn *done, void *ctx, struct dial **out, struct now now)
{
    (void)access;
    (void)user;
    if (to->port == 0) {
        return ERR_INVALID;
    }
    struct dial *dial = calloc(1, sizeof *dial);
    if (dial == NULL) {
        return ERR_NOMEM;
    }
    dial->dialer = d;
    dial->done = done;
    dial->ctx = ctx;
    dial->port = to->port;
    dial->deadline = now.mono + d->timeout;
    list_init(&dial->link);
    list_init(&dial->pace);

    int err = dial_begin(dial, to, now);
    if (err != 0) {
        free(dial);
        return err;
    }
    list_push_back(&d->running, &dial->link);
    *out = dial;
    return 0;
}

static struct dial *first_running(const struct dialer *d)
{
    return list_empty(&d->running) ? NULL : list_item(d->running.next, struct dial, link);
}

static struct dial *first_pacing(const struct dialer *d)
{
    return list_empty(&d->pacing) ? NULL : list_item(d->pacing.next, struct dial, pace);
}

uint64_t dialer_next_deadline(const struct dialer *d)
{
    const struct dial *running = first_running(d);
    const struct dial *pacing = first_pacing(d);
    return deadline_min(running != NULL ? running->deadline : NEVER,
                        pacing != NULL ? pacing->next_attempt : NEVER);
}

/* What was refused by one address is told before the silence of the others; a name without any
 * answer is the DNS server's silence, not the target's. */
static void dial_expire(struct dial *dial, struct now now)
{
    note_failure(dial, dial->query != NULL ? ERR_DNS_SILENT : ERR_TIMED_OUT);
    dial_end(dial, dial->err, NULL, now);
}

void dialer_tick(struct dialer *d, struct now now)
{
    struct dial *dial;
    while ((dial = first_running(d)) != NULL && dial->deadline <= now.mono) {
        dial_expire(dial, now);
    }
    while ((dial = first_pacing(d)) != NULL && dial->next_attempt <= now.mono) {
        int err = dial_advance(dial, now);
        assert(err == 0); /* the attempt before is still running */
    }
}
