/* SPDX-License-Identifier: MIT */
#include "app/endpoints.h"

#include <string.h>

#include "base/err.h"
#include "unit/seeded.h"
#include "unit/test.h"

/* A world that knows names when told to. */
struct oracle {
    unsigned asked, cancelled;
    int refuse; /* an error that resolve returns at once */
    local_resolved_fn *done;
    void *ctx;
    char host[64];
    unsigned warnings;
};

static int resolve(void *world, const char *host, uint16_t port, local_resolved_fn *done, void *ctx,
                   struct local_lookup **out, struct now now)
{
    (void)now;
    struct oracle *o = world;
    (void)port;
    o->asked++;
    strcpy(o->host, host);
    o->done = done;
    o->ctx = ctx;
    *out = (struct local_lookup *)o;
    return o->refuse;
}

static void resolve_cancel(struct local_lookup *l)
{
    ((struct oracle *)l)->cancelled++;
}

static void heard(void *ctx, enum log_level level, const char *line)
{
    (void)line;
    ((struct oracle *)ctx)->warnings += level == LOG_WARN;
}

struct scene {
    struct oracle oracle;
    struct env_ops ops;
    struct log log;
    struct env env;
    uint64_t seed;
    struct wg *wg;
    struct wg_peer *peer;
    struct endpoints *endpoints;
    struct outbox outbox;
    struct now now;
};

static void set_up(struct scene *s)
{
    *s = (struct scene){.seed = 1, .now = {.mono = 50 * NS_PER_S, .wall = 50 * NS_PER_S}};
    s->ops = (struct env_ops){.local = {.resolve = resolve, .resolve_cancel = resolve_cancel}};
    s->log = (struct log){.level = LOG_INFO, .write = heard, .ctx = &s->oracle};
    s->env = (struct env){
        .ops = &s->ops, .world = &s->oracle, .rng = seeded_rng(&s->seed), .log = &s->log};
    struct wg_config wc = {.private_key = {8, [31] = 0x40}, .mtu = 1420, .rng = s->env.rng};
    struct wg_peer_config pc = {.public_key = {9}, .keepalive = 25};
    assert_int_equal(outbox_init(&s->outbox, 65536, 64), 0);
    assert_int_equal(wg_new(&s->wg, &wc), 0);
    assert_int_equal(wg_peer_add(s->wg, &pc, &s->peer), 0);
    assert_int_equal(endpoints_new(&s->endpoints, &s->env), 0);
    assert_true(endpoints_next_deadline(s->endpoints) == NEVER);
    assert_int_equal(endpoints_add(s->endpoints, s->peer, "vpn.example", 51820), 0);
}

static void tear_down(struct scene *s)
{
    endpoints_free(s->endpoints);
    wg_free(s->wg);
    outbox_fini(&s->outbox);
}

static const struct endpoint found = {.addr = {.family = FAMILY_V4, .bytes = {192, 0, 2, 7}},
                                      .port = 51820};

static void a_name_is_asked_once_and_its_answer_is_where_the_peer_is(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    assert_true(endpoints_next_deadline(s.endpoints) <= s.now.mono);
    endpoints_tick(s.endpoints, s.now);
    assert_string_equal(s.oracle.host, "vpn.example");
    assert_true(endpoints_next_deadline(s.endpoints) == NEVER);
    s.oracle.done(s.oracle.ctx, 0, &found, 1, s.now);
    struct wg_peer_status status;
    wg_peer_get(s.peer, &status);
    assert_true(endpoint_equal(&status.endpoint, &found));
    assert_true(endpoints_next_deadline(s.endpoints) == NEVER);
    assert_int_equal(s.oracle.asked, 1);
    tear_down(&s);
    assert_int_equal(s.oracle.cancelled, 0);
}

static void a_failed_lookup_is_tried_again_later_and_later(void **state)
{
    (void)state;
    struct scene s;
    static const unsigned pauses[] = {1, 2, 4, 8, 16, 30, 30};
    set_up(&s);
    for (size_t i = 0; i < ARRAY_SIZE(pauses); i++) {
        endpoints_tick(s.endpoints, s.now);
        assert_int_equal(s.oracle.asked, i + 1);
        s.oracle.done(s.oracle.ctx, ERR_DNS_FAILED, NULL, 0, s.now);
        uint64_t due = endpoints_next_deadline(s.endpoints);
        assert_true(due == s.now.mono + pauses[i] * NS_PER_S);
        s.now.mono = due - 1;
        endpoints_tick(s.endpoints, s.now); /* not yet */
        assert_int_equal(s.oracle.asked, i + 1);
        s.now.mono = due;
    }
    assert_int_equal(s.oracle.warnings, ARRAY_SIZE(pauses));
    tear_down(&s);
}

static void a_lookup_that_cannot_even_begin_is_tried_again(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    s.oracle.refuse = ERR_NOMEM;
    endpoints_tick(s.endpoints, s.now);
    assert_true(endpoints_next_deadline(s.endpoints) == s.now.mono + NS_PER_S);
    tear_down(&s);
    assert_int_equal(s.oracle.cancelled, 0); /* nothing was under way */
}

static void a_lookup_under_way_is_cancelled_at_the_end(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    endpoints_tick(s.endpoints, s.now);
    tear_down(&s);
    assert_int_equal(s.oracle.cancelled, 1);
}

/* Let the peer be silent for a while: initiations leave, nothing comes. */
static void live_in_silence(struct scene *s, unsigned seconds)
{
    uint64_t end = s->now.mono + seconds * NS_PER_S;
    for (;;) {
        uint64_t at = deadline_min(wg_next_deadline(s->wg), endpoints_next_deadline(s->endpoints));
        if (at > end) {
            break;
        }
        s->now.mono = at > s->now.mono ? at : s->now.mono;
        s->now.wall = s->now.mono;
        wg_tick(s->wg, &s->outbox, s->now);
        outbox_clear(&s->outbox);
        endpoints_look(s->endpoints, s->now);
        endpoints_tick(s->endpoints, s->now);
    }
    s->now.mono = s->now.wall = end;
}

static unsigned where(const struct scene *s)
{
    struct wg_peer_status status;
    wg_peer_get(s->peer, &status);
    return status.endpoint.addr.bytes[3];
}

static void addresses_of_a_silent_peer_are_tried_in_turn_then_the_name_is_asked_again(void **state)
{
    (void)state;
    struct scene s;
    struct endpoint three[3] = {found, found, found};
    three[1].addr.bytes[3] = 8;
    three[2].addr.bytes[3] = 9;
    set_up(&s);
    endpoints_tick(s.endpoints, s.now);
    s.oracle.done(s.oracle.ctx, 0, three, 3, s.now);
    wg_start(s.wg, &s.outbox, s.now); /* PersistentKeepalive: an initiation at once, one each 5 s */
    live_in_silence(&s, 9);
    assert_int_equal(where(&s), 7);
    live_in_silence(&s, 3);
    assert_int_equal(where(&s), 8);
    live_in_silence(&s, 11);
    assert_int_equal(where(&s), 9);
    assert_int_equal(s.oracle.asked, 1);
    live_in_silence(&s, 11);
    assert_int_equal(s.oracle.asked, 2);
    three[0].addr.bytes[3] = 77; /* it has moved */
    s.oracle.done(s.oracle.ctx, 0, three, 1, s.now);
    assert_int_equal(where(&s), 77);
    /* as long as it is silent, the name is asked now and then, not each time */
    live_in_silence(&s, 60);
    assert_in_range(s.oracle.asked, 3, 8);
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_asked_once_and_its_answer_is_where_the_peer_is),
        cmocka_unit_test(a_failed_lookup_is_tried_again_later_and_later),
        cmocka_unit_test(a_lookup_that_cannot_even_begin_is_tried_again),
        cmocka_unit_test(a_lookup_under_way_is_cancelled_at_the_end),
        cmocka_unit_test(addresses_of_a_silent_peer_are_tried_in_turn_then_the_name_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
