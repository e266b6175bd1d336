/* SPDX-License-Identifier: MIT */
/* Memory that ends at any moment: the linker leads malloc, calloc and ares_create_query of
 * everything that is linked in here to the wrappers below, which let the k-th call fail. */
#include "unit/dns/ground.h"

#include <ares.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
int __real_ares_create_query(const char *name, int class, int type, unsigned short id, int rd,
                             unsigned char **buf, int *len, int payload);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
int __wrap_ares_create_query(const char *name, int class, int type, unsigned short id, int rd,
                             unsigned char **buf, int *len, int payload);

static unsigned countdown; /* 0: nothing fails */

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

int __wrap_ares_create_query(const char *name, int class, int type, unsigned short id, int rd,
                             unsigned char **buf, int *len, int payload)
{
    return fails() ? ARES_ENOMEM
                   : __real_ares_create_query(name, class, type, id, rd, buf, len, payload);
}

static const struct addr servers[] = {{.family = FAMILY_V4, .bytes = {10, 0, 0, 1}},
                                      {.family = FAMILY_V4, .bytes = {10, 0, 0, 2}}};
static const char *const domains[] = {"corp.lan"};

struct outcome {
    unsigned calls;
    int err;
    size_t n;
};

static void note(void *ctx, int err, const struct addr *addrs, size_t n, struct now now)
{
    struct outcome *o = ctx;
    (void)addrs, (void)now;
    o->calls++;
    o->err = err;
    o->n = n;
}

/* The far side: `wiki.corp.lan` is an alias that needs a second question, after one FORMERR and one
 * truncation. */
static void answer(struct resolver *r, const struct resolver_output *out, struct now now)
{
    static struct reply reply;
    char name[256];
    query_name(out->message, name);
    bool v4 = query_type(out->message) == WIRE_A;
    if (load_be16(out->message + 10) != 0) {
        reply_make(&reply, out->message, RCODE_FORMERR, "");
    } else if (out->kind == RESOLVER_UDP && v4) {
        reply_make(&reply, out->message, RCODE_OK, "");
        reply.bytes[2] |= 0x02;
    } else if (strcmp(name, "wiki.corp.lan") == 0) {
        reply_make(&reply, out->message, RCODE_OK, "wiki.corp.lan CNAME 60 a.cdn");
    } else {
        reply_make(&reply, out->message, RCODE_OK,
                   v4 ? "a.cdn A 60 192.0.2.1" : "a.cdn AAAA 60 2001:db8::1");
    }
    resolver_receive(r, out->exchange, reply.bytes, reply.len, now);
}

/* A whole life; `opened` counts what the carrier has to close. */
static void run(struct resolver *r, struct outcome *o, bool first_message_is_lost, struct now *now,
                int *opened)
{
    struct resolver_query *q;
    int err = resolver_lookup(r, "wiki", note, o, &q, *now);
    if (err != 0) {
        assert_int_equal(err, ERR_NOMEM);
        o->calls = 1;
        o->err = err;
    }
    struct resolver_output out;
    bool lost = !first_message_is_lost;
    for (unsigned turns = 0; turns < 100; turns++) {
        while (resolver_next_output(r, &out)) {
            *opened += out.kind == RESOLVER_FORGET ? -1 : 1;
            if (out.kind != RESOLVER_FORGET && lost) {
                answer(r, &out, *now);
            }
            lost = true;
        }
        uint64_t deadline = resolver_next_deadline(r);
        if (deadline == NEVER) {
            return;
        }
        now->mono = deadline > now->mono ? deadline : now->mono;
        resolver_tick(r, *now);
    }
    fail_msg("no end");
}

static void the_kth_allocation_may_fail_for_every_k(void **state)
{
    (void)state;
    unsigned k = 1, failed = 0, recovered = 0;
    for (bool reached = true; reached; k++) {
        uint64_t seed = 1;
        struct now now = {.mono = NS_PER_S};
        const struct resolver_config config = {.servers = servers,
                                               .n_servers = 2,
                                               .search = domains,
                                               .n_search = 1,
                                               .want_v4 = true,
                                               .want_v6 = true,
                                               .rng = seeded_rng(&seed)};
        struct resolver *r = NULL;
        countdown = k;
        int err = resolver_new(&r, &config);
        if (err != 0) {
            assert_int_equal(err, ERR_NOMEM);
            assert_null(r);
            continue;
        }
        struct outcome o = {0};
        int opened = 0;
        run(r, &o, true, &now, &opened);
        reached = countdown == 0;
        countdown = 0;
        assert_int_equal(o.calls, 1);
        assert_int_equal(opened, 0);
        assert_true(o.err == 0 || o.err == ERR_NOMEM);
        assert_int_equal(o.n > 0, o.err == 0);
        failed += o.err != 0;
        recovered += o.err == 0 && reached;

        struct outcome again = {0}; /* afterwards all is as if nothing had been */
        run(r, &again, false, &now, &opened);
        assert_int_equal(again.calls, 1);
        assert_int_equal(again.err, 0);
        assert_int_equal(again.n, 2);
        assert_int_equal(opened, 0);
        resolver_free(r);
    }
    assert_true(failed > 0 && recovered > 0);
    assert_in_range(k, 15, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kth_allocation_may_fail_for_every_k),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
