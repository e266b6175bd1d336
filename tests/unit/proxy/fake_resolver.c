/* SPDX-License-Identifier: MIT */
/* A puppet for dns/resolver.h, put in its place when linking. */
#include "fake_resolver.h"

#include "base/err.h"
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNNING 2048
#define OUTPUTS 64

struct resolver_query {
    struct resolver *owner;
    char name[DNS_NAME_MAX + 3];
    resolver_done_fn *done;
    void *ctx;
};

struct resolver {
    int refusal;
    struct resolver_query *running[RUNNING];
    unsigned n_running;
    struct resolver_output outputs[OUTPUTS];
    unsigned n_outputs, next_output;
    char heard[4096];
};

struct resolver *fake_resolver_new(void)
{
    struct resolver *r = calloc(1, sizeof *r);
    assert_non_null(r);
    return r;
}

void fake_resolver_free(struct resolver *r)
{
    assert_int_equal(r->n_running, 0);
    free(r);
}

void fake_resolver_refuse(struct resolver *r, int err)
{
    r->refusal = err;
}

unsigned fake_resolver_running(const struct resolver *r)
{
    return r->n_running;
}

const char *fake_resolver_name(const struct resolver *r, unsigned i)
{
    assert_true(i < r->n_running);
    return r->running[i]->name;
}

static void forget(struct resolver *r, unsigned i)
{
    memmove(&r->running[i], &r->running[i + 1], (--r->n_running - i) * sizeof *r->running);
}

static void finish(struct resolver *r, unsigned i, int err, const struct addr *addrs, size_t n,
                   struct now now)
{
    assert_true(i < r->n_running);
    struct resolver_query q = *r->running[i];
    free(r->running[i]);
    forget(r, i);
    q.done(q.ctx, err, addrs, n, now);
}

void fake_resolver_answer(struct resolver *r, unsigned i, const char *addrs, struct now now)
{
    struct addr found[DNS_ADDRESSES_MAX];
    size_t n = 0;
    char words[2048];
    snprintf(words, sizeof words, "%s", addrs);
    for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " ")) {
        assert_true(n < DNS_ADDRESSES_MAX);
        assert_true(addr_parse(&found[n++], word));
    }
    finish(r, i, 0, found, n, now);
}

void fake_resolver_fail(struct resolver *r, unsigned i, int err, struct now now)
{
    finish(r, i, err, NULL, 0, now);
}

void fake_resolver_emit(struct resolver *r, enum resolver_carry kind, uint32_t exchange,
                        const char *server, const void *message, size_t len)
{
    assert_true(r->n_outputs < OUTPUTS);
    struct resolver_output *o = &r->outputs[r->n_outputs++];
    *o = (struct resolver_output){
        .kind = kind, .exchange = exchange, .message = message, .len = len};
    if (server != NULL) {
        assert_true(endpoint_parse(&o->server, server));
    }
}

const char *fake_resolver_heard(const struct resolver *r)
{
    return r->heard;
}

void fake_resolver_clear(struct resolver *r)
{
    r->heard[0] = '\0';
}

/* ---- dns/resolver.h ---- */

int resolver_lookup(struct resolver *r, const char *name, resolver_done_fn *done, void *ctx,
                    struct resolver_query **out, struct now now)
{
    (void)now;
    if (r->refusal != 0) {
        return r->refusal;
    }
    struct resolver_query *q = calloc(1, sizeof *q);
    if (q == NULL) {
        return ERR_NOMEM;
    }
    assert_true(r->n_running < RUNNING);
    *q = (struct resolver_query){.owner = r, .done = done, .ctx = ctx};
    snprintf(q->name, sizeof q->name, "%s", name);
    r->running[r->n_running++] = q;
    *out = q;
    return 0;
}

void resolver_cancel(struct resolver_query *q)
{
    struct resolver *r = q->owner;
    unsigned i = 0;
    while (r->running[i] != q) {
        i++;
        assert_true(i < r->n_running);
    }
    forget(r, i);
    free(q);
}

bool resolver_next_output(struct resolver *r, struct resolver_output *out)
{
    if (r->next_output == r->n_outputs) {
        r->next_output = r->n_outputs = 0;
        return false;
    }
    *out = r->outputs[r->next_output++];
    return true;
}

static void hear(struct resolver *r, uint32_t exchange, const char *what, size_t len)
{
    size_t at = strlen(r->heard);
    snprintf(r->heard + at, sizeof r->heard - at, "%u: %.*s\n", (unsigned)exchange, (int)len, what);
}

void resolver_receive(struct resolver *r, uint32_t exchange, const uint8_t *message, size_t len,
                      struct now now)
{
    (void)now;
    char text[256];
    int n = snprintf(text, sizeof text, "%zu bytes %.*s", len, len < 32 ? (int)len : 32,
                     (const char *)message);
    hear(r, exchange, text, (size_t)n);
}

void resolver_fail(struct resolver *r, uint32_t exchange, int err, struct now now)
{
    (void)now;
    hear(r, exchange, err_name(err), strlen(err_name(err)));
}
