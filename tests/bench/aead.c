/* SPDX-License-Identifier: MIT */
/* What sealing and opening cost, by every implementation that runs here, in CPU time: ns per packet.
 *
 * usage: bench-aead [ROUNDS]            a table of sizes and batches
 *        bench-aead sizes [ROUNDS]      sizes of inner packets around a full one
 *        bench-aead workers N [ROUNDS]  batches shared with N helpers: wall clock and CPU of all threads */
#include "base/parallel.h"
#include "io/workers.h"
#include "wg/batch.h"
#include "wg/wg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROOM = 9216, ROUNDS_USUAL = 15 };

static uint8_t memory[WG_BATCH * ROOM];
static uint8_t keys[2][64];

static double clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Datagrams one behind the other, as they stand in the outbox and in what GRO gives. */
static void prepare(struct suite_job *jobs, size_t n, size_t payload, size_t len)
{
    size_t datagram = WG_HEADROOM + payload + SUITE_TAG;
    for (size_t i = 0; i < n; i++) {
        uint8_t *data = memory + i * datagram + WG_HEADROOM;
        jobs[i] = (struct suite_job){.key = keys[i % 2], .counter = i, .data = data, .len = len};
    }
}

/* Sealed anew before each opening, whose cost is the difference. */
static void one_round(const struct parallel *p, size_t len, size_t n, clockid_t id, double out[2])
{
    struct suite_job jobs[WG_BATCH];
    size_t repeat = 200000 / (len + 200) / n + 1;
    double seal = 0, open = 0;
    for (size_t r = 0; r < repeat; r++) {
        prepare(jobs, n, len, len);
        double start = clock_ns(id);
        batch_seal(p, jobs, n);
        seal += clock_ns(id) - start;
        prepare(jobs, n, len, len + SUITE_TAG);
        start = clock_ns(id);
        batch_open(p, jobs, n);
        open += clock_ns(id) - start;
        for (size_t i = 0; i < n; i++) {
            if (!jobs[i].ok) {
                abort();
            }
        }
    }
    out[0] = seal / (double)(repeat * n);
    out[1] = open / (double)(repeat * n);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void median(const struct parallel *p, size_t len, size_t n, clockid_t id, unsigned rounds,
                   double out[2])
{
    double all[2][1000];
    for (unsigned i = 0; i < rounds; i++) {
        double one[2];
        one_round(p, len, n, id, one);
        all[0][i] = one[0];
        all[1][i] = one[1];
    }
    for (int k = 0; k < 2; k++) {
        qsort(all[k], rounds, sizeof all[k][0], by_value);
        out[k] = all[k][rounds / 2];
    }
}

/* What one reading of the clock adds. */
static double clock_alone(void)
{
    double all[999];
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        double start = clock_ns(CLOCK_THREAD_CPUTIME_ID);
        all[i] = clock_ns(CLOCK_THREAD_CPUTIME_ID) - start;
    }
    qsort(all, ARRAY_SIZE(all), sizeof all[0], by_value);
    return all[ARRAY_SIZE(all) / 2];
}

static void table(const size_t *lens, size_t n_lens, const size_t *batches, size_t n_batches,
                  unsigned rounds)
{
    double none = clock_alone();
    printf("the clock itself: %.0f ns, taken off\n%-16s %6s %6s %8s %8s\n", none, "aead", "bytes",
           "batch", "seal", "open");
    for (size_t l = 0; l < n_lens; l++) {
        for (size_t b = 0; b < n_batches; b++) {
            for (size_t i = 0; suite_aead_name(i) != NULL; i++) {
                double ns[2];
                if (suite_choose(suite_aead_name(i)) != NULL) {
                    continue;
                }
                median(NULL, lens[l], batches[b], CLOCK_THREAD_CPUTIME_ID, rounds, ns);
                double off = none / (double)batches[b];
                printf("%-16s %6zu %6zu %8.0f %8.0f\n", suite_name(), lens[l], batches[b],
                       ns[0] - off, ns[1] - off);
            }
        }
    }
}

static void run_parallel(void *ctx, parallel_fn *work, void *arg, size_t n)
{
    io_workers_run(ctx, work, arg, n);
}

static int with_workers(unsigned n, unsigned rounds)
{
    static const size_t batches[] = {16, 32, 64, 128, 256};
    struct io_workers *w;
    if (io_workers_new(&w, n) != 0) {
        return 1;
    }
    struct parallel p = {.run = run_parallel, .ctx = w, .workers = n, .least = 0};
    printf("%u workers, packets of 1,420 bytes, ns each: wall clock alone and shared, CPU of all "
           "threads alone and shared\n",
           n);
    for (size_t i = 0; suite_aead_name(i) != NULL; i++) {
        for (size_t b = 0; b < ARRAY_SIZE(batches) && suite_choose(suite_aead_name(i)) == NULL;
             b++) {
            double wall[2], wall_shared[2], cpu[2], cpu_shared[2];
            median(NULL, 1420, batches[b], CLOCK_MONOTONIC, rounds, wall);
            median(&p, 1420, batches[b], CLOCK_MONOTONIC, rounds, wall_shared);
            median(NULL, 1420, batches[b], CLOCK_PROCESS_CPUTIME_ID, rounds, cpu);
            median(&p, 1420, batches[b], CLOCK_PROCESS_CPUTIME_ID, rounds, cpu_shared);
            printf(
                "%-16s batch %3zu  seal %5.0f %5.0f  %5.0f %5.0f   open %5.0f %5.0f  %5.0f %5.0f\n",
                suite_name(), batches[b], wall[0], wall_shared[0], cpu[0], cpu_shared[0], wall[1],
                wall_shared[1], cpu[1], cpu_shared[1]);
        }
    }
    io_workers_free(w);
    return 0;
}

int main(int argc, char **argv)
{
    static const size_t lens[] = {64, 256, 1420, 8900}, batches[] = {1, 8, 32, 64};
    static const size_t full[] = {1280, 1328, 1344, 1360, 1376, 1392, 1400,
                                  1404, 1408, 1412, 1416, 1420, 1424, 1440};
    static const size_t large[] = {64};
    bool sizes = argc > 1 && strcmp(argv[1], "sizes") == 0,
         workers = argc > 2 && strcmp(argv[1], "workers") == 0;
    int at = workers ? 3 : sizes ? 2 : 1;
    unsigned rounds = argc > at ? (unsigned)atoi(argv[at]) : ROUNDS_USUAL;
    rounds = rounds < 1 ? 1 : rounds > 1000 ? 1000 : rounds;
    if (!suite_init()) {
        return 1;
    }
    memset(keys, 7, sizeof keys);
    if (workers) {
        int n = atoi(argv[2]);
        return with_workers(n < 0 ? 0 : n > WG_WORKERS_MAX ? WG_WORKERS_MAX : (unsigned)n, rounds);
    }
    if (sizes) {
        table(full, ARRAY_SIZE(full), large, ARRAY_SIZE(large), rounds);
    } else {
        table(lens, ARRAY_SIZE(lens), batches, ARRAY_SIZE(batches), rounds);
    }
    return 0;
}
