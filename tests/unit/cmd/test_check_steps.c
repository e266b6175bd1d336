/* SPDX-License-Identifier: MIT */
/* A check against a far side that is made of a few facts, in virtual time: the report is compared line by line. */
#include "cmd/check_steps.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "unit/test.h"

#define MS NS_PER_MS

/* What the far side is like. */
struct far {
    unsigned peers, answering;
    bool no_dns, dns_silent;
    uint64_t answers_after;
    int look_up_err, dns_err;
    unsigned pings_lost; /* the first few */
    size_t largest;      /* that passes; 0: no ping does */
    bool too_big_is_told;
    int ping_err;
    const char *target;
    const char *explanation;
};

struct scene {
    struct far far;
    struct check_steps steps;
    struct now now;
    char report[2048];
    uint64_t answer_at, reply_at, refuse_at;
    uint16_t seq;
    unsigned pings;
    size_t largest_sent;
    bool stopped_looking;
    struct addr dns, target;
};

static void say(void *ctx, const char *line)
{
    struct scene *s = ctx;
    size_t used = strlen(s->report);
    snprintf(s->report + used, sizeof s->report - used, "%s\n", line);
}

static int look_up(void *ctx, const char *name, struct now now)
{
    struct scene *s = ctx;
    assert_string_equal(name, "web.example");
    if (s->far.look_up_err == 0 && !s->far.dns_silent) {
        s->answer_at = now.mono + 20 * MS;
    }
    return s->far.look_up_err;
}

static void stop_looking(void *ctx)
{
    struct scene *s = ctx;
    s->stopped_looking = true;
}

static int ping(void *ctx, const struct addr *to, uint16_t seq, size_t len)
{
    struct scene *s = ctx;
    assert_true(addr_equal(to, s->steps.plan.target));
    assert_in_range(len, 48, s->steps.plan.mtu);
    s->largest_sent = len > s->largest_sent ? len : s->largest_sent;
    s->seq = seq;
    s->reply_at = s->refuse_at = NEVER;
    if (s->pings++ >= s->far.pings_lost && len <= s->far.largest) {
        s->reply_at = s->now.mono + 10 * MS;
    } else if (len > s->far.largest && s->far.too_big_is_told) {
        s->refuse_at = s->now.mono + 10 * MS;
    }
    return s->far.ping_err;
}

static void explain(void *ctx, char out[CHECK_LINE])
{
    const struct scene *s = ctx;
    snprintf(out, CHECK_LINE, "%s", s->far.explanation != NULL ? s->far.explanation : "");
}

static const struct check_ops ops = {say, look_up, stop_looking, ping, explain};

static uint64_t next(const struct scene *s)
{
    uint64_t at = deadline_min(s->answer_at, deadline_min(s->reply_at, s->refuse_at));
    return deadline_min(at, check_steps_next_deadline(&s->steps));
}

static void live(struct scene *s)
{
    s->now.mono = next(s);
    if (s->answer_at == s->now.mono) {
        s->answer_at = NEVER;
        check_steps_answered(&s->steps, s->far.dns_err, &s->target, s->far.dns_err == 0, s->now);
    } else if (s->reply_at == s->now.mono) {
        s->reply_at = NEVER;
        check_steps_replied(&s->steps, s->steps.plan.target, s->seq, s->now);
    } else if (s->refuse_at == s->now.mono) {
        s->refuse_at = NEVER;
        check_steps_undelivered(&s->steps, s->seq, ERR_LIMIT, s->now);
    } else {
        check_steps_tick(&s->steps, s->now);
    }
}

/* A whole check; returns how long it took. */
static uint64_t check(struct scene *s, const struct far *far)
{
    *s = (struct scene){.far = *far, .now = {.mono = 5 * NS_PER_S}};
    s->answer_at = s->reply_at = s->refuse_at = NEVER;
    assert_true(addr_parse(&s->dns, "10.0.0.53"));
    assert_true(addr_parse(&s->target, far->target != NULL ? far->target : "10.0.0.53"));
    struct check_plan plan = {
        .n_peers = far->peers,
        .dns = far->no_dns ? NULL : &s->dns,
        .name = "web.example",
        .target = far->no_dns && far->target == NULL ? NULL : &s->target,
        .mtu = 1420,
        .least_mtu = 576,
    };
    check_steps_begin(&s->steps, &plan, &ops, s, s->now);
    s->now.mono += far->answers_after != 0 ? far->answers_after : 30 * MS;
    for (unsigned i = 0; i < far->answering; i++) {
        check_steps_shaken(&s->steps, i == 0 ? "peer a" : "peer b", s->now);
    }
    while (s->steps.step != CHECK_OVER) {
        live(s);
    }
    assert_true(check_steps_next_deadline(&s->steps) == NEVER);
    assert_true(s->now.mono - 5 * NS_PER_S < 30 * NS_PER_S);
    return s->now.mono - 5 * NS_PER_S;
}

#define SILENCE                                                                                   \
    "; nothing comes back through the tunnel -> the peer may know us by another Address, or let " \
    "nothing through"
#define SHAKEN "handshake  peer a answers (30.0 ms)\n"
#define KNOWN "dns        web.example is 10.0.0.53, says the DNS server inside (20.0 ms)\n"
#define PINGED "ping       10.0.0.53 answers (10.0 ms)\n"
#define WHOLE "size       packets of 1420 bytes pass, the whole MTU (10.0 ms)\n"
#define UNMEASURED "size       not measured: that takes somebody who answers pings\n"

static const struct {
    struct far far;
    const char *report, *cause;
} cases[] = {
    {{.peers = 1, .answering = 1, .largest = 1500}, SHAKEN KNOWN PINGED WHOLE, ""},
    {{.peers = 2, .answering = 2, .largest = 1500},
     SHAKEN "handshake  peer b answers (30.0 ms)\n" KNOWN PINGED WHOLE,
     ""},
    {{.peers = 2, .answering = 1, .explanation = "peer b is silent"},
     SHAKEN "handshake  1 of 2 peers answered in 16 s\n",
     "peer b is silent"},
    {{.peers = 1},
     "handshake  0 of 1 peers answered in 16 s\n",
     "a peer did not complete the handshake"},
    {{.peers = 0},
     "handshake  no peer has an Endpoint: they would have to call us\n",
     "no peer has an Endpoint, so that nothing can be checked from here"},

    {{.peers = 1, .answering = 1, .largest = 1500, .dns_err = ERR_NO_NAME},
     SHAKEN
     "dns        the DNS server inside answers: web.example: no such name (20.0 ms)\n" PINGED WHOLE,
     ""},
    {{.peers = 1, .answering = 1, .largest = 1500, .dns_silent = true},
     SHAKEN "dns        web.example: no DNS server answered\n" PINGED WHOLE,
     "DNS inside the tunnel (10.0.0.53): no DNS server answered"},
    {{.peers = 1, .answering = 1, .largest = 1500, .dns_err = ERR_NO_ROUTE},
     SHAKEN "dns        web.example: no peer's AllowedIPs contain the address\n" PINGED WHOLE,
     "DNS inside the tunnel (10.0.0.53): no peer's AllowedIPs contain the address"},
    {{.peers = 1, .answering = 1, .largest = 1500, .look_up_err = ERR_BAD_NAME},
     SHAKEN "dns        web.example: not a valid host name\n" PINGED WHOLE,
     "DNS inside the tunnel (10.0.0.53): not a valid host name"},
    {{.peers = 1, .answering = 1, .no_dns = true},
     SHAKEN "dns        no DNS in the file: names are refused -> set DNS = a server in the tunnel\n"
            "ping       nobody to ping: give an ADDRESS behind the tunnel\n",
     ""},
    {{.peers = 1, .answering = 1, .no_dns = true, .target = "10.0.0.53", .largest = 1420},
     SHAKEN
     "dns        no DNS in the file: names are refused -> set DNS = a server in the tunnel\n" PINGED
         WHOLE,
     ""},

    {{.peers = 1, .answering = 1},
     SHAKEN KNOWN "ping       10.0.0.53: does not answer pings\n" UNMEASURED,
     ""},
    {{.peers = 1, .answering = 1, .dns_silent = true},
     SHAKEN "dns        web.example: no DNS server answered\n"
            "ping       10.0.0.53: does not answer pings\n" UNMEASURED,
     "DNS inside the tunnel (10.0.0.53): no DNS server answered" SILENCE},
    {{.peers = 1, .answering = 1, .no_dns = true, .target = "10.0.0.53"},
     SHAKEN "dns        no DNS in the file: names are refused -> set DNS = a server in the tunnel\n"
            "ping       10.0.0.53: does not answer pings\n" UNMEASURED,
     "ping 10.0.0.53: does not answer pings" SILENCE},
    {{.peers = 1, .answering = 1, .no_dns = true, .target = "10.0.0.53", .ping_err = ERR_NO_ROUTE},
     SHAKEN "dns        no DNS in the file: names are refused -> set DNS = a server in the tunnel\n"
            "ping       10.0.0.53: no peer's AllowedIPs contain the address\n" UNMEASURED,
     "ping 10.0.0.53: no peer's AllowedIPs contain the address"},
    {{.peers = 1, .answering = 1, .pings_lost = 2, .largest = 1500}, SHAKEN KNOWN PINGED WHOLE, ""},
};

static void each_far_side_has_its_report_and_its_cause(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scene s;
        check(&s, &cases[i].far);
        assert_string_equal(s.report, cases[i].report);
        assert_string_equal(s.steps.cause, cases[i].cause);
        assert_true(s.stopped_looking == cases[i].far.dns_silent);
    }
}

/* Every size that a path may take is found to the byte, where it does not answer at all and where it tells. */
static void the_largest_packet_is_found_to_the_byte(void **state)
{
    (void)state;
    for (size_t largest = 84; largest < 1420; largest++) {
        struct scene s;
        char expected[CHECK_LINE];
        check(&s, &(struct far){
                      .peers = 1, .answering = 1, .largest = largest, .too_big_is_told = true});
        size_t advice = largest < 576 ? 576 : largest;
        snprintf(expected, sizeof expected, "set MTU = %zu%s", advice,
                 advice > largest ? ", the least there is" : "\n");
        assert_non_null(strstr(s.report, expected));
        assert_int_equal(s.largest_sent, 1420);
        assert_string_equal(s.steps.cause, "");
        if (largest >= 1280) {
            uint64_t took =
                check(&s, &(struct far){.peers = 1, .answering = 1, .largest = largest});
            assert_non_null(strstr(s.report, expected));
            assert_true(took < 18 * NS_PER_S);
        }
    }
}

static void one_lost_packet_does_not_make_the_path_look_narrow(void **state)
{
    (void)state;
    struct scene s;
    check(&s, &(struct far){.peers = 1, .answering = 1, .largest = 1420, .pings_lost = 1});
    assert_non_null(strstr(s.report, "1420 bytes pass, the whole MTU"));
}

/* With the handshake in the last second nothing is left for the rest to be slow. */
static void a_slow_check_is_cut_short_and_says_so(void **state)
{
    (void)state;
    struct scene s;
    check(&s, &(struct far){.peers = 1,
                            .answering = 1,
                            .answers_after = 15 * NS_PER_S,
                            .dns_silent = true,
                            .largest = 90,
                            .pings_lost = 2});
    assert_non_null(strstr(s.report, "do not; there was no time to look closer"));
}

static void answers_to_something_else_are_ignored(void **state)
{
    (void)state;
    struct scene s;
    check(&s, &(struct far){.peers = 2, .answering = 0});
    struct check_plan plan = {
        .n_peers = 1, .dns = &s.dns, .name = "web.example", .target = &s.target, .mtu = 1420};
    s.report[0] = '\0';
    check_steps_begin(&s.steps, &plan, &ops, &s, s.now);
    check_steps_replied(&s.steps, &s.target, 0, s.now);
    check_steps_answered(&s.steps, 0, &s.dns, 1, s.now);
    check_steps_undelivered(&s.steps, 0, ERR_LIMIT, s.now);
    assert_string_equal(s.report, "");
    check_steps_shaken(&s.steps, "peer a", s.now);
    check_steps_answered(&s.steps, 0, &s.dns, 1, s.now);
    assert_int_equal(s.steps.step, CHECK_PING);
    struct addr other;
    assert_true(addr_parse(&other, "10.0.0.54"));
    check_steps_replied(&s.steps, &other, s.seq, s.now);
    check_steps_replied(&s.steps, &s.target, (uint16_t)(s.seq + 1), s.now);
    check_steps_replied(&s.steps, &s.target, (uint16_t)(s.seq - 1), s.now);
    assert_int_equal(s.steps.step, CHECK_PING);
    check_steps_replied(&s.steps, &s.target, s.seq, s.now);
    assert_int_equal(s.steps.step, CHECK_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_far_side_has_its_report_and_its_cause),
        cmocka_unit_test(the_largest_packet_is_found_to_the_byte),
        cmocka_unit_test(one_lost_packet_does_not_make_the_path_look_narrow),
        cmocka_unit_test(a_slow_check_is_cut_short_and_says_so),
        cmocka_unit_test(answers_to_something_else_are_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
