/* SPDX-License-Identifier: MIT */
/* Lives by the thousand, each in a process of its own, so that every seed finds the same untouched world and a crash ends only
 * itself.
 *
 *   SIM_SEED=n    that one, in this process; with SIM_TALK=1 it tells what happens
 *   SIM_SEEDS=n   so many (EXPLORER_SEEDS of the build when it is not given)
 *   SIM_FIRST=n   beginning with this one instead of 1
 *
 * The seeds in seeds.txt have failed once; they come first. Every hundredth life is lived twice and must be the same. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "explorer_life.h"
#include "unit/test.h"

#define WORKERS_MAX 16
#define FAILURES_MAX 20
#define TWICE_EVERY 100

/* ---- one life ---- */

static uint64_t seed_to_live;
static bool live_twice;

static void everything_holds(void **state)
{
    (void)state;
    uint64_t fingerprint = explorer_live(seed_to_live);
    if (live_twice && explorer_live(seed_to_live) != fingerprint) {
        fail_msg("the same seed told another story the second time");
    }
}

static int live(uint64_t seed, bool twice)
{
    static const struct CMUnitTest test[] = {cmocka_unit_test(everything_holds)};
    seed_to_live = seed;
    live_twice = twice;
    return cmocka_run_group_tests(test, NULL, NULL);
}

/* ---- many ---- */

struct worker {
    pid_t pid; /* 0: none */
    uint64_t seed;
    FILE *said;
};

static struct worker workers[WORKERS_MAX];
static unsigned failures;
static const char *program;

static void start(struct worker *w, uint64_t seed)
{
    w->seed = seed;
    w->said = tmpfile();
    assert_non_null(w->said);
    fflush(stdout);
    w->pid = fork();
    assert_true(w->pid >= 0);
    if (w->pid == 0) {
        dup2(fileno(w->said), STDOUT_FILENO);
        dup2(fileno(w->said), STDERR_FILENO);
        alarm(300); /* a life that hangs in real time */
        exit(live(seed, seed % TWICE_EVERY == 0));
    }
}

/* What a test says is between the marks of its framework. */
static bool is_news(const char *line)
{
    static const char *const frame[] = {"[=",         "[ RUN", "[  PASSED", "[  FAILED",
                                        "[       OK", "\n",    " 1 FAILED"};
    for (size_t i = 0; i < sizeof frame / sizeof *frame; i++) {
        if (strncmp(line, frame[i], strlen(frame[i])) == 0) {
            return false;
        }
    }
    return true;
}

static void tell_failure(struct worker *w)
{
    char line[512];
    rewind(w->said);
    printf("explorer: seed %llu: ", (unsigned long long)w->seed);
    for (unsigned n = 0; n < 40 && fgets(line, sizeof line, w->said) != NULL;) {
        if (is_news(line)) {
            const char *text = strncmp(line, "[  ERROR   ] --- ", 17) == 0 ? line + 17 : line;
            printf("%s%s", n++ > 0 ? "    " : "", text);
        }
    }
    printf("    replay: SIM_SEED=%llu SIM_TALK=1 %s\n", (unsigned long long)w->seed, program);
    failures++;
}

static void wait_for_one(void)
{
    int status;
    pid_t pid = wait(&status);
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        struct worker *w = &workers[i];
        if (pid > 0 && w->pid == pid) {
            if (status != 0) {
                tell_failure(w);
            }
            fclose(w->said);
            *w = (struct worker){0};
        }
    }
}

static struct worker *idle_worker(unsigned n)
{
    for (;;) {
        for (unsigned i = 0; i < n; i++) {
            if (workers[i].pid == 0) {
                return &workers[i];
            }
        }
        wait_for_one();
    }
}

static bool any_works(void)
{
    for (unsigned i = 0; i < WORKERS_MAX; i++) {
        if (workers[i].pid != 0) {
            return true;
        }
    }
    return false;
}

static unsigned worker_count(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t live_known(unsigned at_once)
{
    uint64_t n = 0;
    unsigned long long seed;
    char line[256];
    FILE *f = fopen(WGPROXY_SOURCE_DIR "/tests/sim/seeds.txt", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        if (sscanf(line, "%llu", &seed) == 1) {
            start(idle_worker(at_once), seed);
            n++;
        }
    }
    fclose(f);
    return n;
}

static uint64_t live_all(void)
{
    unsigned at_once = worker_count();
    uint64_t first = setting("SIM_FIRST", 1), n = setting("SIM_SEEDS", EXPLORER_SEEDS);
    uint64_t lived = live_known(at_once);
    for (uint64_t seed = first; seed < first + n && failures < FAILURES_MAX; seed++, lived++) {
        start(idle_worker(at_once), seed);
    }
    while (any_works()) {
        wait_for_one();
    }
    return lived;
}

int main(int argc, char **argv)
{
    (void)argc;
    program = argv[0];
    if (getenv("SIM_SEED") != NULL) {
        return live(setting("SIM_SEED", 1), false);
    }
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    uint64_t lived = live_all();
    clock_gettime(CLOCK_MONOTONIC, &end);
    double s = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("explorer: %llu seeds in %.1f s, %u failed\n", (unsigned long long)lived, s, failures);
    return failures > 0;
}
