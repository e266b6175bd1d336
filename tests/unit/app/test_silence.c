/* SPDX-License-Identifier: MIT */
#include "app/silence.h"

#include <string.h>

#include "base/err.h"
#include "unit/seeded.h"
#include "unit/test.h"

struct scene {
    struct log log;
    char said[1024];
    enum log_level level;
    unsigned lines;
    uint64_t seed;
    struct wg *wg;
    struct silence *silence;
    struct outbox outbox;
    struct now now;
};

static void heard(void *ctx, enum log_level level, const char *line)
{
    struct scene *s = ctx;
    s->level = level;
    s->lines++;
    strcpy(s->said, line);
}

static void set_up(struct scene *s)
{
    *s = (struct scene){.seed = 1, .now = {.mono = 50 * NS_PER_S, .wall = 50 * NS_PER_S}};
    s->log = (struct log){.level = LOG_WARN, .write = heard, .ctx = s};
    struct wg_config wc = {
        .private_key = {8, [31] = 0x40}, .mtu = 1420, .rng = seeded_rng(&s->seed)};
    struct wg_peer_config pc = {.public_key = {9}, .keepalive = 25};
    struct wg_peer *peer;
    assert_true(endpoint_parse(&pc.endpoint, "192.0.2.7:51820"));
    assert_int_equal(outbox_init(&s->outbox, 65536, 64), 0);
    assert_int_equal(wg_new(&s->wg, &wc), 0);
    assert_int_equal(wg_peer_add(s->wg, &pc, &peer), 0);
    assert_int_equal(silence_new(&s->silence, s->wg, &s->log), 0);
    assert_true(silence_next_deadline(s->silence) == NEVER);
    wg_start(s->wg, &s->outbox, s->now); /* the first initiation */
}

/* Another peer, at .8, that is called at the very same time. */
static void add_second(struct scene *s)
{
    struct wg_peer_config pc = {.public_key = {10}};
    struct wg_peer *peer;
    assert_true(endpoint_parse(&pc.endpoint, "192.0.2.8:51820"));
    assert_int_equal(wg_peer_add(s->wg, &pc, &peer), 0);
    wg_peer_set_keepalive(peer, 25, s->now);
    wg_tick(s->wg, &s->outbox, s->now);
}

static void tear_down(struct scene *s)
{
    silence_free(s->silence);
    wg_free(s->wg);
    outbox_fini(&s->outbox);
}

static void live(struct scene *s, uint64_t until)
{
    for (;;) {
        uint64_t at = deadline_min(wg_next_deadline(s->wg), silence_next_deadline(s->silence));
        if (at > until) {
            break;
        }
        s->now.mono = s->now.wall = at > s->now.mono ? at : s->now.mono;
        wg_tick(s->wg, &s->outbox, s->now);
        outbox_clear(&s->outbox);
        silence_tick(s->silence, s->now);
    }
    s->now.mono = s->now.wall = until;
}

static void say(struct scene *s, enum wg_rx verdict, unsigned times)
{
    struct wg_packet p = {.verdict = verdict};
    assert_true(endpoint_parse(&p.from, "198.51.100.1:7"));
    while (times-- > 0) {
        silence_heard(s->silence, &p);
    }
}

static void after_fifteen_seconds_one_line_says_to_whom_and_how_often(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    live(&s, 65 * NS_PER_S - 1);
    assert_int_equal(s.lines, 0);
    live(&s, 70 * NS_PER_S);
    assert_int_equal(s.lines, 1);
    assert_int_equal(s.level, LOG_WARN);
    assert_non_null(strstr(s.said, "peer CQAAAAAA… (192.0.2.7:51820) has not answered for 15 s: 3 "
                                   "initiations sent; nothing came"));
    char own[KEY_TEXT];
    key_to_base64(own, wg_own_public_key(s.wg));
    assert_non_null(strstr(s.said, own));
    live(&s, 600 * NS_PER_S); /* one line a silence */
    assert_int_equal(s.lines, 1);
    tear_down(&s);
}

static void two_that_fell_silent_together_are_both_told_of(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    add_second(&s);
    live(&s, 65 * NS_PER_S - 1);
    assert_int_equal(s.lines, 0);
    live(&s, 70 * NS_PER_S);
    assert_int_equal(s.lines, 2);
    live(&s, 600 * NS_PER_S);
    assert_int_equal(s.lines, 2);
    tear_down(&s);
}

static void before_that_one_line_says_that_nobody_answers_yet(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s);
    s.log.level = LOG_INFO;
    live(&s, 56 * NS_PER_S - 1);
    assert_int_equal(s.lines, 0);
    live(&s, 65 * NS_PER_S - 1);
    assert_int_equal(s.lines, 1);
    assert_int_equal(s.level, LOG_INFO);
    assert_string_equal(s.said,
                        "peer CQAAAAAA… (192.0.2.7:51820): no answer yet, 2 initiations sent");
    live(&s, 600 * NS_PER_S);
    assert_int_equal(s.lines, 2);
    tear_down(&s);
}

static void what_came_back_is_told_with_its_usual_cause(void **state)
{
    (void)state;
    static const struct {
        enum wg_rx verdict;
        unsigned times;
        const char *words;
    } rows[] = {
        {WG_RX_DROP_MAC1, 3,
         "3 datagrams came for another public key (mac1 is wrong), the last from 198.51.100.1:7 -> "
         "the far side has another PublicKey for us"},
        {WG_RX_DROP_HANDSHAKE, 1, "1 datagram that did not decrypt came"},
        {WG_RX_DROP_UNKNOWN_PEER, 2, "is no [Peer] here"},
        {WG_RX_DROP_MALFORMED, 2, "no WireGuard speaker"},
        {WG_RX_DROP_LOAD, 2, "nothing came back"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scene s;
        set_up(&s);
        say(&s, rows[i].verdict, rows[i].times);
        live(&s, 70 * NS_PER_S);
        assert_int_equal(s.lines, 1);
        assert_non_null(strstr(s.said, rows[i].words));
        tear_down(&s);
    }
}

static void what_the_system_said_is_told(void **state)
{
    (void)state;
    static const struct {
        int err;
        const char *words;
    } rows[] = {
        {ERR_REFUSED, "nothing listens on the port"},
        {ERR_UNREACHABLE, "sending failed: destination unreachable"},
        {ERR_PERM, "sending failed: permission denied"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct scene s;
        set_up(&s);
        silence_undelivered(s.silence, rows[i].err);
        live(&s, 70 * NS_PER_S);
        assert_non_null(strstr(s.said, rows[i].words));
        tear_down(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_fifteen_seconds_one_line_says_to_whom_and_how_often),
        cmocka_unit_test(two_that_fell_silent_together_are_both_told_of),
        cmocka_unit_test(before_that_one_line_says_that_nobody_answers_yet),
        cmocka_unit_test(what_came_back_is_told_with_its_usual_cause),
        cmocka_unit_test(what_the_system_said_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
