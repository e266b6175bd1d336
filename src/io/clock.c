/* SPDX-License-Identifier: MIT */
/* CLOCK_BOOTTIME goes on while the machine sleeps: keys must not outlive their time because a
 * lid was closed. */
#include "io/clock.h"

#include <assert.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
    struct timespec t;
    int rc = clock_gettime(id, &t);
    assert(rc == 0); /* both clocks exist since Linux 2.6.39 */
    (void)rc;
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

struct now clock_read(void)
{
    return (struct now){.mono = read_ns(CLOCK_BOOTTIME), .wall = read_ns(CLOCK_REALTIME)};
}
