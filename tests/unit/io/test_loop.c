/* SPDX-License-Identifier: MIT */
#include "unit/io/drive.h"

#include <signal.h>
#include <sys/time.h>

#include "io/clock.h"
#include "io/loop.h"

/* ---- deadlines ---- */

struct schedule {
    struct io_loop *loop;
    uint64_t due[8];
    unsigned n, next, turns, early;
};

static uint64_t keep_schedule(void *ctx, struct now now)
{
    struct schedule *s = ctx;
    s->turns++;
    if (s->turns > 1 && now.mono < s->due[s->next]) {
        s->early++;
    }
    while (s->next < s->n && now.mono >= s->due[s->next]) {
        s->next++;
    }
    if (s->next == s->n) {
        io_loop_stop(s->loop);
        return NEVER;
    }
    return s->due[s->next];
}

static void deadlines_come_in_order_and_never_early(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct schedule s = {.loop = loop_or_fail(), .n = 6};
        uint64_t start = io_now(s.loop).mono;
        const unsigned after_us[] = {300, 1000, 2999, 7001, 12345, 30000};
        for (unsigned i = 0; i < s.n; i++) {
            s.due[i] = start + after_us[i] * NS_PER_US;
        }
        io_loop_set_turn(s.loop, keep_schedule, &s);
        io_loop_run(s.loop);
        assert_int_equal(s.early, 0);
        assert_in_range(s.turns, 1, s.n + 1); /* one, if all are due before the first */
        io_loop_free(s.loop);
    }
}

struct sooner {
    struct io_loop *loop;
    unsigned turns;
    uint64_t first, second;
};

/* One SIGTERM after `ms`. */
static void send_sigterm_after(unsigned ms)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM};
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    struct itimerspec when = {.it_value.tv_nsec = (long)(ms * NS_PER_MS)};
    assert_int_equal(timer_settime(timer, 0, &when, NULL), 0);
}

static uint64_t ask_for_less_time(void *ctx, struct now now)
{
    struct sooner *s = ctx;
    switch (++s->turns) {
    case 1:
        s->first = now.mono + 5 * NS_PER_MS;
        return s->first;
    case 2:
        send_sigterm_after(50);
        return now.mono + 3600 * NS_PER_S;
    case 3: /* brought here by what on_signal_take_turn put off */
        s->second = now.mono + 5 * NS_PER_MS;
        return s->second;
    default:
        io_loop_stop(s->loop);
        assert_true(now.mono >= s->second && now.mono < s->second + 10 * NS_PER_S);
        return NEVER;
    }
}

static void ignore_signal(void *ctx, int signum, struct now now)
{
    (void)ctx;
    (void)signum;
    (void)now;
}

static void an_earlier_deadline_replaces_a_later_one(void **state)
{
    (void)state;
    struct sooner s = {.loop = loop_or_fail()};
    assert_int_equal(io_loop_on_signal(s.loop, false, ignore_signal, NULL), 0);
    io_loop_set_turn(s.loop, ask_for_less_time, &s);
    io_loop_run(s.loop);
    assert_int_equal(s.turns, 4);
    io_loop_free(s.loop);
}

struct greedy {
    struct io_loop *loop;
    unsigned turns;
    uint64_t end; /* 0: 50 ms after the first turn */
};

static uint64_t want_the_past(void *ctx, struct now now)
{
    struct greedy *g = ctx;
    if (g->turns++ == 0) {
        g->end = now.mono + 50 * NS_PER_MS;
    }
    if (now.mono >= g->end) {
        io_loop_stop(g->loop);
    }
    return now.mono - 1;
}

static void a_deadline_in_the_past_does_not_spin(void **state)
{
    (void)state;
    struct greedy g = {.loop = loop_or_fail()};
    io_loop_set_turn(g.loop, want_the_past, &g);
    io_loop_run(g.loop);
    assert_in_range(g.turns, 2, 60);
    io_loop_free(g.loop);
}

/* "Again, and again at once": the same deadline, which stays in the past, is asked for by each
 * turn. */
static uint64_t want_the_same_past(void *ctx, struct now now)
{
    struct greedy *g = ctx;
    if (++g->turns == 5) {
        io_loop_stop(g->loop);
    }
    assert_true(now.mono > g->end);
    return g->end;
}

static void a_deadline_that_stays_is_kept_each_time(void **state)
{
    (void)state;
    struct greedy g = {.loop = loop_or_fail()};
    g.end = io_now(g.loop).mono - 1;
    io_loop_set_turn(g.loop, want_the_same_past, &g);
    io_loop_run(g.loop);
    assert_int_equal(g.turns, 5);
    io_loop_free(g.loop);
}

struct slow {
    struct io_loop *loop;
    uint64_t due, late;
    unsigned turns;
};

#define SLOW_TURN (300 * NS_PER_MS)

static uint64_t take_long(void *ctx, struct now now)
{
    struct slow *s = ctx;
    if (++s->turns == 2) {
        s->late = now.mono - s->due;
        io_loop_stop(s->loop);
        return NEVER;
    }
    s->due = now.mono + SLOW_TURN + 5 * NS_PER_MS;
    while (clock_read().mono < now.mono + SLOW_TURN) {
    }
    return s->due;
}

static void the_time_that_a_turn_takes_is_not_added_to_its_deadline(void **state)
{
    (void)state;
    struct slow s = {.loop = loop_or_fail()};
    io_loop_set_turn(s.loop, take_long, &s);
    io_loop_run(s.loop);
    assert_true(s.late < SLOW_TURN - 20 * NS_PER_MS);
    io_loop_free(s.loop);
}

/* ---- nothing to do ---- */

struct idle {
    struct io_loop *loop;
    unsigned turns, turns_at_signal;
    int signum;
    struct soon soon;
};

static void do_nothing(struct soon *soon, struct now now)
{
    (void)soon;
    (void)now;
}

/* The second turn, which a call put off brings about, takes back what the first one asked for. */
static uint64_t count_turn(void *ctx, struct now now)
{
    struct idle *i = ctx;
    if (++i->turns == 1) {
        loop_soon(i->loop, &i->soon);
        return now.mono + 20 * NS_PER_MS;
    }
    return NEVER;
}

static void stop_at_signal(void *ctx, int signum, struct now now)
{
    (void)now;
    struct idle *i = ctx;
    i->turns_at_signal = i->turns;
    i->signum = signum;
    io_loop_stop(i->loop);
}

static void an_idle_loop_takes_no_turn(void **state)
{
    (void)state;
    struct idle i = {.loop = loop_or_fail(), .soon.run = do_nothing};
    list_init(&i.soon.link);
    assert_int_equal(io_loop_on_signal(i.loop, false, stop_at_signal, &i), 0);
    io_loop_set_turn(i.loop, count_turn, &i);
    send_sigterm_after(100);
    io_loop_run(i.loop);
    assert_int_equal(i.signum, SIGTERM);
    assert_int_equal(i.turns_at_signal, 2);
    io_loop_free(i.loop);
}

/* ---- signals ---- */

struct signals {
    unsigned n;
    int seen[4];
};

static void note_signal(void *ctx, int signum, struct now now)
{
    (void)now;
    struct signals *s = ctx;
    s->seen[s->n++ % 4] = signum;
}

static bool two_signals(void *ctx)
{
    struct signals *s = ctx;
    if (s->n == 1 && s->seen[0] == SIGINT) {
        s->n = 1;
        s->seen[0] = -SIGINT; /* seen; now the second one */
        raise(SIGINT);
    }
    return s->n == 2;
}

static void both_interrupts_are_told(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    struct signals s = {0};
    assert_int_equal(io_loop_on_signal(loop, false, note_signal, &s), 0);
    raise(SIGINT);
    drive_until(loop, two_signals, &s);
    assert_int_equal(s.seen[1], SIGINT);
    io_loop_free(loop);
}

static bool a_signal(void *ctx)
{
    return ((struct signals *)ctx)->n > 0;
}

static void whatever_asks_for_the_end_is_told(void **state)
{
    (void)state;
    const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        struct io_loop *loop = loop_or_fail();
        struct signals s = {0};
        assert_int_equal(io_loop_on_signal(loop, false, note_signal, &s), 0);
        raise(ends[i]);
        drive_until(loop, a_signal, &s);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.seen[0], ends[i]);
        io_loop_free(loop);
    }
}

static void (*disposition(int signum))(int)
{
    struct sigaction now;
    assert_int_equal(sigaction(signum, NULL, &now), 0);
    return now.sa_handler;
}

/* As nohup(1) leaves it, and a shell for what it starts in the background. */
static void a_hangup_that_was_ignored_stays_so(void **state)
{
    (void)state;
    const int quiet[] = {SIGHUP, SIGQUIT};
    for (size_t i = 0; i < ARRAY_SIZE(quiet); i++) {
        signal(quiet[i], SIG_IGN);
        struct io_loop *loop = loop_or_fail();
        struct signals s = {0};
        assert_int_equal(io_loop_on_signal(loop, true, note_signal, &s), 0);
        assert_ptr_equal(disposition(quiet[i]), SIG_IGN);
        raise(quiet[i]);
        raise(SIGTERM);
        drive_until(loop, a_signal, &s);
        assert_int_equal(s.n, 1);
        assert_int_equal(s.seen[0], SIGTERM);
        io_loop_free(loop);
        signal(quiet[i], SIG_DFL);
    }
}

static void a_broken_pipe_is_not_the_end(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    raise(SIGPIPE);
    io_loop_free(loop);
}

/* ---- time and turns ---- */

struct arrivals {
    struct io_loop *loop;
    unsigned received, turns;
    unsigned received_at_turn[4];
    struct now at[2];
};

static void note_arrival(void *ctx, struct dgram_rx *batch, size_t n, struct now now)
{
    (void)batch;
    struct arrivals *a = ctx;
    assert_int_equal(n, 1);
    assert_int_equal(now.mono, io_now(a->loop).mono);
    a->at[a->received++ % 2] = now;
}

static uint64_t note_turn(void *ctx, struct now now)
{
    struct arrivals *a = ctx;
    assert_int_equal(now.mono, io_now(a->loop).mono);
    a->received_at_turn[a->turns++ % 4] = a->received;
    if (a->turns == 2) {
        assert_int_equal(now.mono, a->at[0].mono);
        io_loop_stop(a->loop);
    }
    return NEVER;
}

static void all_events_of_an_iteration_share_one_time_and_one_turn(void **state)
{
    (void)state;
    static const struct dgram_handler handler = {.received = note_arrival};
    struct arrivals a = {.loop = loop_or_fail()};
    struct dgram *ports[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(io_udp_open(a.loop, 0, &handler, &a, &ports[i]), 0);
        struct endpoint to = endpoint_of("127.0.0.1:0");
        to.port = ports[i]->ops->local_port(ports[i]);
        int fd = plain_connected(&to, SOCK_DGRAM);
        assert_int_equal(send(fd, "x", 1, 0), 1);
        close(fd);
    }
    io_loop_set_turn(a.loop, note_turn, &a);
    io_loop_run(a.loop);
    assert_int_equal(a.turns, 2);
    assert_int_equal(a.received_at_turn[0], 0);
    assert_int_equal(a.received_at_turn[1], 2);
    assert_int_equal(a.at[0].mono, a.at[1].mono);
    for (int i = 0; i < 2; i++) {
        ports[i]->ops->close(ports[i]);
    }
    io_loop_free(a.loop);
}

static void outside_the_loop_the_time_goes_on(void **state)
{
    (void)state;
    struct io_loop *loop = loop_or_fail();
    uint64_t first = io_now(loop).mono;
    while (io_now(loop).mono == first) {
    }
    assert_true(io_now(loop).mono > first);
    struct timeval wall;
    gettimeofday(&wall, NULL);
    assert_in_range(io_now(loop).wall / NS_PER_S, (uint64_t)wall.tv_sec, (uint64_t)wall.tv_sec + 2);
    io_loop_free(loop);
}

/* ---- calls put off ---- */

struct later {
    struct io_loop *loop;
    struct soon soon, other, cancelled;
    unsigned runs, other_runs;
    bool cancelled_ran;
};

static void run_and_cancel_the_other(struct soon *soon, struct now now)
{
    (void)now;
    struct later *l = container_of(soon, struct later, soon);
    loop_soon_cancel(&l->cancelled);
    if (++l->runs == 1) {
        loop_soon(l->loop, soon); /* in the next iteration, not for ever in this one */
    }
}

static void note_cancelled_ran(struct soon *soon, struct now now)
{
    (void)now;
    container_of(soon, struct later, cancelled)->cancelled_ran = true;
}

static void note_other_ran(struct soon *soon, struct now now)
{
    (void)now;
    container_of(soon, struct later, other)->other_runs++;
}

static bool ran_twice(void *ctx)
{
    return ((struct later *)ctx)->runs == 2;
}

static void a_call_put_off_runs_once_from_the_loop(void **state)
{
    (void)state;
    struct later l = {
        .loop = loop_or_fail(),
        .soon.run = run_and_cancel_the_other,
        .other.run = note_other_ran,
        .cancelled.run = note_cancelled_ran,
    };
    list_init(&l.soon.link);
    list_init(&l.other.link);
    list_init(&l.cancelled.link);
    loop_soon(l.loop, &l.soon);
    loop_soon(l.loop, &l.other);
    loop_soon(l.loop, &l.cancelled);
    loop_soon(l.loop, &l.soon);
    assert_int_equal(l.runs, 0);
    drive_until(l.loop, ran_twice, &l);
    drive_idly(l.loop);
    assert_int_equal(l.runs, 2);
    assert_int_equal(l.other_runs, 1);
    assert_false(l.cancelled_ran);
    io_loop_free(l.loop);
}

/* ---- life ---- */

static void a_loop_that_never_ran_or_was_stopped_again_is_freed(void **state)
{
    (void)state;
    io_loop_free(NULL);
    io_loop_free(loop_or_fail());
    struct io_loop *loop = loop_or_fail();
    drive_idly(loop);
    io_loop_stop(loop);
    io_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_come_in_order_and_never_early),
        cmocka_unit_test(an_earlier_deadline_replaces_a_later_one),
        cmocka_unit_test(a_deadline_in_the_past_does_not_spin),
        cmocka_unit_test(a_deadline_that_stays_is_kept_each_time),
        cmocka_unit_test(the_time_that_a_turn_takes_is_not_added_to_its_deadline),
        cmocka_unit_test(an_idle_loop_takes_no_turn),
        cmocka_unit_test(both_interrupts_are_told),
        cmocka_unit_test(whatever_asks_for_the_end_is_told),
        cmocka_unit_test(a_hangup_that_was_ignored_stays_so),
        cmocka_unit_test(a_broken_pipe_is_not_the_end),
        cmocka_unit_test(all_events_of_an_iteration_share_one_time_and_one_turn),
        cmocka_unit_test(outside_the_loop_the_time_goes_on),
        cmocka_unit_test(a_call_put_off_runs_once_from_the_loop),
        cmocka_unit_test(a_loop_that_never_ran_or_was_stopped_again_is_freed),
    };
    return cmocka_run_group_tests_name("io/loop", tests, NULL, NULL);
}
