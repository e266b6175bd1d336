/* SPDX-License-Identifier: MIT */
/* The machine's resolver as a puppet. */
#include "fake_local.h"

#include "unit/test.h"

#include <stdio.h>
#include <string.h>

static int resolve(void *world, const char *host, uint16_t port, local_resolved_fn *done, void *ctx,
                   struct local_lookup **out, struct now now)
{
    (void)port, (void)now;
    struct fake_local *f = world;
    if (f->refusal != 0) {
        return f->refusal;
    }
    assert_false(f->running);
    f->running = true;
    snprintf(f->name, sizeof f->name, "%s", host);
    f->done = done;
    f->ctx = ctx;
    *out = (struct local_lookup *)(void *)f;
    return 0;
}

static void resolve_cancel(struct local_lookup *l)
{
    struct fake_local *f = (struct fake_local *)(void *)l;
    assert_true(f->running);
    f->running = false;
}

void fake_local_init(struct fake_local *f)
{
    static const struct local_ops ops = {.resolve = resolve, .resolve_cancel = resolve_cancel};
    *f = (struct fake_local){.local = {.ops = &ops, .world = f}};
}

void fake_local_answer(struct fake_local *f, int err, const char *addrs, struct now now)
{
    struct endpoint found[64] = {{.port = 0}};
    size_t n = 0;
    char words[2048];
    snprintf(words, sizeof words, "%s", addrs);
    for (char *save, *word = strtok_r(words, " ", &save); word != NULL;
         word = strtok_r(NULL, " ", &save)) {
        assert_true(addr_parse(&found[n++].addr, word));
    }
    assert_true(f->running);
    f->running = false;
    f->done(f->ctx, err, found, n, now);
}
