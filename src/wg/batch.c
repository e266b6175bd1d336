/* SPDX-License-Identifier: MIT */
#include "wg/batch.h"

static void seal_part(void *arg, unsigned worker, size_t from, size_t to)
{
    suite_seal_part(worker, (struct suite_job *)arg + from, to - from);
}

static void open_part(void *arg, unsigned worker, size_t from, size_t to)
{
    suite_open_part(worker, (struct suite_job *)arg + from, to - from);
}

/* A few small packets are done before anybody else has woken up. */
static bool is_worth_sharing(const struct parallel *parallel, const struct suite_job *jobs,
                             size_t n)
{
    if (parallel == NULL || n < 2) {
        return false;
    }
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += jobs[i].len;
    }
    return bytes >= parallel->least;
}

void batch_seal(const struct parallel *parallel, struct suite_job *jobs, size_t n)
{
    if (is_worth_sharing(parallel, jobs, n)) {
        parallel->run(parallel->ctx, seal_part, jobs, n);
    } else {
        suite_seal_batch(jobs, n);
    }
}

void batch_open(const struct parallel *parallel, struct suite_job *jobs, size_t n)
{
    if (is_worth_sharing(parallel, jobs, n)) {
        parallel->run(parallel->ctx, open_part, jobs, n);
    } else {
        suite_open_batch(jobs, n);
    }
}
