/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "io/io.h"

/* Stands before the system's: gives little at a time, and is interrupted now and then. */
static unsigned calls;

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
    assert_int_equal(flags, 0); /* waits for the pool to be seeded */
    if (++calls % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    size_t n = len < 7 ? len : 7;
    memset(buf, (int)calls, n);
    return (ssize_t)n;
}

static void every_byte_is_filled_whatever_the_system_gives_at_once(void **state)
{
    (void)state;
    struct rng rng = io_rng();
    for (size_t len = 0; len <= 100; len++) {
        uint8_t out[104];
        memset(out, 0, sizeof out);
        calls = 0;
        rng_fill(&rng, out, len);
        for (size_t i = 0; i < sizeof out; i++) {
            assert_int_equal(out[i] != 0, i < len);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_is_filled_whatever_the_system_gives_at_once),
    };
    return cmocka_run_group_tests_name("io/entropy", tests, NULL, NULL);
}
