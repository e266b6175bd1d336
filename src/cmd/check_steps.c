/* SPDX-License-Identifier: MIT */
/* The steps of a check, one after the other. */
#include "cmd/check_steps.h"

#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Together they keep within half a minute. */
#define HANDSHAKE_LIMIT (16 * NS_PER_S) /* a second more than the log takes to explain a silence */
#define DNS_LIMIT (6 * NS_PER_S)
#define PING_LIMIT (1 * NS_PER_S)
#define WHOLE_LIMIT (28 * NS_PER_S)

enum { PING_TRIES = 3, SIZE_TRIES = 2 };
enum { PING_LEN = 84 };      /* as ping(8) sends it, and enough for either family */
enum { SIZE_ALWAYS = 1280 }; /* passes nearly everywhere: RFC 8200 5 */

PRINTF_LIKE(2, 3) static void say(struct check_steps *c, const char *fmt, ...)
{
    char line[CHECK_LINE];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    c->ops->say(c->ctx, line);
}

/* The first thing that does not work is the cause: what follows may be its consequence. */
PRINTF_LIKE(2, 3) static void blame(struct check_steps *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    if (c->cause[0] == '\0') {
        vsnprintf(c->cause, sizeof c->cause, fmt, ap);
    }
    va_end(ap);
}

static double ms(uint64_t since, struct now now)
{
    return (double)(now.mono - since) / (double)NS_PER_MS;
}

static void enter(struct check_steps *c, enum check_step step, uint64_t limit, struct now now)
{
    c->step = step;
    c->since = now.mono;
    c->deadline = limit == NEVER ? NEVER : now.mono + limit;
}

/* Behind the handshake there was only silence. */
static void blame_silence(struct check_steps *c)
{
    size_t len = strlen(c->cause);
    snprintf(c->cause + len, sizeof c->cause - len,
             "; nothing comes back through the tunnel -> the peer may know us by another Address, "
             "or let nothing "
             "through");
}

static void finish(struct check_steps *c, struct now now)
{
    enter(c, CHECK_OVER, NEVER, now);
}

/* ---- the largest packet ---- */

static void finish_size(struct check_steps *c, struct now now)
{
    double took = ms(c->since, now);
    if (c->passed == c->plan.mtu) {
        say(c, "size       packets of %zu bytes pass, the whole MTU (%.1f ms)", c->passed, took);
    } else if (c->is_cut_short) {
        say(c,
            "size       packets of %zu bytes pass, of %zu do not; there was no time to look closer",
            c->passed, c->blocked);
    } else {
        say(c, "size       packets of %zu bytes pass, larger ones do not (%.1f ms)", c->passed,
            took);
    }
    if (c->passed < c->plan.mtu) {
        size_t fit = c->passed > c->plan.least_mtu ? c->passed : c->plan.least_mtu;
        say(c, "           the tunnel's MTU is %zu: larger transfers may hang -> set MTU = %zu%s",
            c->plan.mtu, fit,
            fit > c->passed ? ", the least there is; the way is too narrow even for that" : "");
    }
    finish(c, now);
}

/* The MTU itself first, since it is all that matters where it passes; then what passes everywhere; then the middle. */
static size_t next_size(const struct check_steps *c)
{
    if (c->blocked > c->plan.mtu) {
        return c->plan.mtu;
    }
    return c->passed < SIZE_ALWAYS && c->blocked > SIZE_ALWAYS + 1 && c->blocked == c->plan.mtu
               ? SIZE_ALWAYS
               : c->passed + (c->blocked - c->passed) / 2;
}

static void ping(struct check_steps *c, size_t len, struct now now);

static void narrow(struct check_steps *c, struct now now)
{
    if (c->passed + 1 >= c->blocked) {
        finish_size(c, now);
        return;
    }
    if (now.mono + PING_LIMIT > c->began + WHOLE_LIMIT) {
        c->is_cut_short = true;
        finish_size(c, now);
        return;
    }
    c->sent = 0;
    ping(c, next_size(c), now);
}

static void block(struct check_steps *c, struct now now)
{
    c->blocked = c->trying;
    narrow(c, now);
}

static void pass(struct check_steps *c, size_t len, struct now now)
{
    c->passed = len;
    narrow(c, now);
}

/* ---- who answers ---- */

static void begin_size(struct check_steps *c, struct now now)
{
    enter(c, CHECK_SIZE, PING_LIMIT, now);
    c->blocked = c->plan.mtu + 1;
    pass(c, PING_LEN < c->plan.mtu ? PING_LEN : c->plan.mtu, now);
}

static void finish_ping(struct check_steps *c, const char *why, struct now now)
{
    char text[ADDR_TEXT];
    addr_format(c->plan.target, text);
    say(c, "ping       %s: %s", text, why);
    say(c, "size       not measured: that takes somebody who answers pings");
    if (!c->dns_works) {
        blame(c, "ping %s: %s", text, why);
    }
    finish(c, now);
}

static void fail_ping(struct check_steps *c, int err, struct now now)
{
    if (c->step == CHECK_SIZE) {
        block(c, now);
    } else {
        finish_ping(c, err_text(err), now);
    }
}

static void ping(struct check_steps *c, size_t len, struct now now)
{
    c->trying = len;
    c->sent++;
    c->seq++;
    c->sent_at = now.mono;
    c->deadline = now.mono + PING_LIMIT;
    int err = c->ops->ping(c->ctx, c->plan.target, c->seq, len);
    if (err != 0) {
        fail_ping(c, err, now);
    }
}

static void begin_ping(struct check_steps *c, struct now now)
{
    if (c->plan.target == NULL) {
        say(c, "ping       nobody to ping: give an ADDRESS behind the tunnel");
        finish(c, now);
        return;
    }
    enter(c, CHECK_PING, PING_LIMIT, now);
    c->sent = 0;
    ping(c, PING_LEN, now);
}

/* One of the requests of this size, the last or one before it. */
static bool is_awaited(const struct check_steps *c, uint16_t seq)
{
    return (c->step == CHECK_PING || c->step == CHECK_SIZE) && (uint16_t)(c->seq - seq) < c->sent;
}

void check_steps_replied(struct check_steps *c, const struct addr *from, uint16_t seq,
                         struct now now)
{
    char text[ADDR_TEXT];
    if (!is_awaited(c, seq) || !addr_equal(from, c->plan.target)) {
        return;
    }
    if (c->step == CHECK_SIZE) {
        pass(c, c->trying, now);
        return;
    }
    say(c, "ping       %s answers (%.1f ms)", addr_format(from, text),
        ms(c->sent_at - (uint16_t)(c->seq - seq) * PING_LIMIT, now));
    begin_size(c, now);
}

void check_steps_undelivered(struct check_steps *c, uint16_t seq, int err, struct now now)
{
    if (is_awaited(c, seq)) {
        fail_ping(c, err, now);
    }
}

static void ping_again(struct check_steps *c, struct now now)
{
    unsigned tries = c->step == CHECK_PING ? PING_TRIES : SIZE_TRIES;
    if (c->sent < tries) {
        ping(c, c->trying, now);
    } else if (c->step == CHECK_PING) {
        finish_ping(c, "does not answer pings", now);
        if (c->is_silent) {
            blame_silence(c);
        }
    } else {
        block(c, now);
    }
}

/* ---- DNS ---- */

/* Anything that a server says proves that it is there. */
static void finish_dns(struct check_steps *c, int err, const struct addr *addrs, size_t n,
                       struct now now)
{
    char server[ADDR_TEXT], text[ADDR_TEXT];
    addr_format(c->plan.dns, server);
    c->dns_works = err == 0 || err == ERR_NO_NAME || err == ERR_NO_DATA || err == ERR_DNS_FAILED;
    c->is_silent = err == ERR_DNS_SILENT;
    if (err == 0) {
        say(c, "dns        %s is %s%s, says the DNS server inside (%.1f ms)", c->plan.name,
            addr_format(&addrs[0], text), n > 1 ? ", ..." : "", ms(c->since, now));
    } else if (c->dns_works) {
        say(c, "dns        the DNS server inside answers: %s: %s (%.1f ms)", c->plan.name,
            err_text(err), ms(c->since, now));
    } else {
        say(c, "dns        %s: %s", c->plan.name, err_text(err));
        blame(c, "DNS inside the tunnel (%s): %s", server, err_text(err));
    }
    begin_ping(c, now);
}

static void begin_dns(struct check_steps *c, struct now now)
{
    if (c->plan.dns == NULL) {
        say(c,
            "dns        no DNS in the file: names are refused -> set DNS = a server in the tunnel");
        begin_ping(c, now);
        return;
    }
    enter(c, CHECK_DNS, DNS_LIMIT, now);
    int err = c->ops->look_up(c->ctx, c->plan.name, now);
    if (err != 0) {
        finish_dns(c, err, NULL, 0, now);
    }
}

void check_steps_answered(struct check_steps *c, int err, const struct addr *addrs, size_t n,
                          struct now now)
{
    if (c->step == CHECK_DNS) {
        finish_dns(c, err, addrs, n, now);
    }
}

/* ---- handshakes ---- */

void check_steps_begin(struct check_steps *c, const struct check_plan *plan,
                       const struct check_ops *ops, void *ctx, struct now now)
{
    *c = (struct check_steps){
        .ops = ops, .ctx = ctx, .plan = *plan, .began = now.mono, .is_silent = true};
    enter(c, CHECK_HANDSHAKE, HANDSHAKE_LIMIT, now);
    if (plan->n_peers == 0) {
        say(c, "handshake  no peer has an Endpoint: they would have to call us");
        blame(c, "no peer has an Endpoint, so that nothing can be checked from here");
        finish(c, now);
    }
}

void check_steps_shaken(struct check_steps *c, const char *who, struct now now)
{
    if (c->step != CHECK_HANDSHAKE) {
        return;
    }
    say(c, "handshake  %s answers (%.1f ms)", who, ms(c->since, now));
    if (++c->shaken == c->plan.n_peers) {
        begin_dns(c, now);
    }
}

static void finish_silence(struct check_steps *c, struct now now)
{
    char why[CHECK_LINE];
    c->ops->explain(c->ctx, why);
    say(c, "handshake  %u of %u peers answered in %u s", c->shaken, c->plan.n_peers,
        (unsigned)(HANDSHAKE_LIMIT / NS_PER_S));
    blame(c, "%s", why[0] != '\0' ? why : "a peer did not complete the handshake");
    finish(c, now);
}

/* ---- time ---- */

uint64_t check_steps_next_deadline(const struct check_steps *c)
{
    return c->deadline;
}

void check_steps_tick(struct check_steps *c, struct now now)
{
    if (now.mono < c->deadline) {
        return;
    }
    switch (c->step) {
    case CHECK_HANDSHAKE:
        finish_silence(c, now);
        break;
    case CHECK_DNS:
        c->ops->stop_looking(c->ctx);
        finish_dns(c, ERR_DNS_SILENT, NULL, 0, now);
        break;
    case CHECK_PING:
    case CHECK_SIZE:
        ping_again(c, now);
        break;
    case CHECK_OVER:
        assert(false && "nothing is waited for any more");
    }
}
