/* SPDX-License-Identifier: MIT */
/* Races connections to the addresses of one name (RFC 8305 section 5). Every wait has the same
 * length for every dial, so the two queues of deadlines are in order by themselves, and only their
 * heads are ever looked at. */
#include "proxy/dialer.h"

#include "base/err.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define DIAL_TIMEOUT (15 * NS_PER_S)
#define ATTEMPT_DELAY (250 * NS_PER_MS) /* RFC 8305 section 8: Connection Attempt Delay */
#define GRACE (10 * NS_PER_S)           /* more time while the tunnel itself is to heal */
#define LOOKUP_AGAIN NS_PER_S           /* a look-up that failed sooner is not worth another one */

struct dial {
    struct list link;
    struct list pace;
    struct dialer *dialer;
    dial_done_fn *done;
    void *ctx;
    struct dial_lookup *lookup; /* while the name is looked up */
    uint64_t asked;             /* when that began */
    uint64_t deadline, next_attempt;
    bool graced;
    int err; /* of the attempt that got furthest, 0 before any failed */
    uint8_t n_addrs, next_addr, n_attempts;
    struct addr addrs[DNS_ADDRESSES_MAX];
    struct stack_tcp *attempts[DNS_ADDRESSES_MAX];

    /* What the rules are asked about, once more for each address. */
    const struct access *access;
    bool has_user;
    char user[USER_NAME_MAX + 1];
    struct target to;
};

int dialer_new(struct dialer **out, const struct dialer_config *config)
{
    struct dialer *d = calloc(1, sizeof *d);
    if (d == NULL) {
        return ERR_NOMEM;
    }
    d->config = *config;
    d->config.timeout = config->timeout != 0 ? config->timeout : DIAL_TIMEOUT;
    list_init(&d->running);
    list_init(&d->graced);
    list_init(&d->pacing);
    list_init(&d->lookups);
    list_init(&d->known);
    *out = d;
    return 0;
}

static void cancel_all(const struct list *dials)
{
    while (!list_empty(dials)) {
        dial_cancel(list_item(dials->next, struct dial, link));
    }
}

void dialer_free(struct dialer *d)
{
    if (d == NULL) {
        return;
    }
    cancel_all(&d->running);
    cancel_all(&d->graced);
    dialer_forget_lookups(d);
    free(d);
}

void dial_cancel(struct dial *dial)
{
    if (dial->lookup != NULL) {
        dial_lookup_cancel(dial->lookup);
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
        return 9;
    case ERR_RESET:
        return 8;
    case ERR_UNREACHABLE:
        return 7;
    case ERR_PEER_SILENT:
        return 6;
    case ERR_TIMED_OUT:
        return 5;
    case ERR_DENIED:
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
    const struct log *log = dial->dialer->config.log;
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

static bool is_denied(const struct dial *dial, const struct addr *a)
{
    struct target to = dial->to;
    to.addr = *a;
    return access_ask(dial->access, dial->has_user ? dial->user : NULL, &to) == ACCESS_DENIED;
}

/* 0 when an attempt runs. */
static int attempt(struct dial *dial, const struct endpoint *to, struct now now)
{
    if (is_denied(dial, &to->addr)) {
        return ERR_DENIED;
    }
    struct stack_tcp *t;
    int err = stack_tcp_connect(dial->dialer->config.stack, to, dial_event, dial, &t, now);
    if (err == 0) {
        dial->attempts[dial->n_attempts++] = t;
    }
    return err;
}

/* Begin with the next address that lets us. 0 while an attempt runs, else why none did. */
static int dial_advance(struct dial *dial, struct now now)
{
    struct dialer *d = dial->dialer;
    list_remove(&dial->pace);
    while (dial->next_addr < dial->n_addrs) {
        struct endpoint to = {.addr = dial->addrs[dial->next_addr++], .port = dial->to.port};
        int err = attempt(dial, &to, now);
        if (err != 0) {
            note_attempt(dial, &to, err);
            continue;
        }
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

static void dial_resolved(void *ctx, int err, const struct addr *addrs, size_t n, struct now now);

static int look_up(struct dial *dial, struct now now)
{
    dial->asked = now.mono;
    return dial_lookup(dial->dialer, dial->to.name, dial_resolved, dial, &dial->lookup, now);
}

/* The name servers are not to blame while the tunnel's peer is silent, and may answer once it is not. */
static int blame_peer(struct dial *dial, int err, struct now now)
{
    if (err != ERR_DNS_SILENT || !dialer_peer_is_silent(dial->dialer)) {
        return err;
    }
    return now.mono - dial->asked >= LOOKUP_AGAIN ? look_up(dial, now) : ERR_PEER_SILENT;
}

static void dial_resolved(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct dial *dial = ctx;
    dial->lookup = NULL;
    if (err == 0) {
        dial->n_addrs = (uint8_t)n;
        memcpy(dial->addrs, addrs, n * sizeof *addrs);
        err = dial_advance(dial, now);
    } else {
        err = blame_peer(dial, err, now);
    }
    if (err != 0) {
        dial_end(dial, err, NULL, now);
    }
}

/* The rules may say no before anybody is asked for the name. */
static int dial_begin(struct dial *dial, struct now now)
{
    struct target *to = &dial->to;
    if (to->addr.family == FAMILY_NONE && dialer_literal(&to->addr, to->name)) {
        to->name[0] = '\0';
    }
    if (to->addr.family != FAMILY_NONE) {
        dial->addrs[0] = to->addr;
        dial->n_addrs = 1;
        return dial_advance(dial, now);
    }
    const char *user = dial->has_user ? dial->user : NULL;
    return access_ask(dial->access, user, to) == ACCESS_DENIED ? ERR_DENIED : look_up(dial, now);
}

static struct dial *dial_new(struct dialer *d, const struct target *to, const struct access *access,
                             const char *user)
{
    struct dial *dial = calloc(1, sizeof *dial);
    if (dial == NULL) {
        return NULL;
    }
    dial->dialer = d;
    dial->to = *to;
    dial->access = access;
    dial->has_user = user != NULL;
    if (user != NULL) {
        size_t len = strlen(user);
        assert(len <= USER_NAME_MAX);
        memcpy(dial->user, user, len + 1);
    }
    list_init(&dial->link);
    list_init(&dial->pace);
    return dial;
}

int dial_start(struct dialer *d, const struct target *to, const struct access *access,
               const char *user, dial_done_fn *done, void *ctx, struct dial **out, struct now now)
{
    if (to->port == 0) {
        return ERR_INVALID;
    }
    struct dial *dial = dial_new(d, to, access, user);
    if (dial == NULL) {
        return ERR_NOMEM;
    }
    dial->done = done;
    dial->ctx = ctx;
    dial->deadline = now.mono + d->config.timeout;
    int err = dial_begin(dial, now);
    if (err != 0) {
        free(dial);
        return err;
    }
    list_push_back(&d->running, &dial->link);
    *out = dial;
    return 0;
}

static struct dial *first_of(const struct list *dials)
{
    return list_empty(dials) ? NULL : list_item(dials->next, struct dial, link);
}

static struct dial *first_pacing(const struct dialer *d)
{
    return list_empty(&d->pacing) ? NULL : list_item(d->pacing.next, struct dial, pace);
}

static uint64_t deadline_of(const struct list *dials)
{
    const struct dial *dial = first_of(dials);
    return dial != NULL ? dial->deadline : NEVER;
}

uint64_t dialer_next_deadline(const struct dialer *d)
{
    if (!list_empty(&d->known)) {
        return 0;
    }
    const struct dial *pacing = first_pacing(d);
    uint64_t at = deadline_min(deadline_of(&d->running), deadline_of(&d->graced));
    return deadline_min(at, pacing != NULL ? pacing->next_attempt : NEVER);
}

/* What was refused by one address is told before the silence of the others; a name without any
 * answer is the DNS server's silence, not the target's; and all of it may be the tunnel's. */
static void dial_expire(struct dial *dial, struct now now)
{
    struct dialer *d = dial->dialer;
    bool silent = dialer_peer_is_silent(d);
    if (silent && !dial->graced) {
        dial->graced = true;
        dial->deadline = now.mono + GRACE;
        list_remove(&dial->link);
        list_push_back(&d->graced, &dial->link);
        return;
    }
    note_failure(dial, silent                 ? ERR_PEER_SILENT
                       : dial->lookup != NULL ? ERR_DNS_SILENT
                                              : ERR_TIMED_OUT);
    dial_end(dial, dial->err, NULL, now);
}

static void expire(const struct list *dials, struct now now)
{
    while (deadline_of(dials) <= now.mono) {
        dial_expire(first_of(dials), now);
    }
}

void dialer_tick(struct dialer *d, struct now now)
{
    struct dial *dial;
    dialer_tell_known(d, now);
    expire(&d->running, now);
    expire(&d->graced, now);
    while ((dial = first_pacing(d)) != NULL && dial->next_attempt <= now.mono) {
        int err = dial_advance(dial, now);
        assert(err == 0); /* the attempt before is still running */
    }
}
