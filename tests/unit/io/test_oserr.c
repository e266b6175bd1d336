/* SPDX-License-Identifier: MIT */
#include "unit/test.h"

#include <errno.h>

#include "base/err.h"
#include "io/oserr.h"

static void each_number_has_its_word_in_both_signs(void **state)
{
    (void)state;
    static const struct {
        int errnum, err;
    } table[] = {
        {EAGAIN, ERR_AGAIN},
        {EINPROGRESS, ERR_AGAIN},
        {ENOMEM, ERR_NOMEM},
        {ENOBUFS, ERR_NOMEM},
        {EINVAL, ERR_INVALID},
        {EPERM, ERR_PERM},
        {EACCES, ERR_PERM},
        {EADDRINUSE, ERR_IN_USE},
        {EADDRNOTAVAIL, ERR_NO_ADDRESS},
        {EAFNOSUPPORT, ERR_NO_ADDRESS},
        {EMFILE, ERR_LIMIT},
        {ENFILE, ERR_LIMIT},
        {EMSGSIZE, ERR_LIMIT},
        {ECONNREFUSED, ERR_REFUSED},
        {ENETUNREACH, ERR_UNREACHABLE},
        {EHOSTUNREACH, ERR_UNREACHABLE},
        {ETIMEDOUT, ERR_TIMED_OUT},
        {ECONNRESET, ERR_RESET},
        {EPIPE, ERR_CLOSED},
        {ECANCELED, ERR_CANCELLED},
        {EIO, ERR_IO},
        {ELOOP, ERR_IO},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(oserr(table[i].errnum), table[i].err);
        assert_int_equal(oserr(-table[i].errnum), table[i].err);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_number_has_its_word_in_both_signs),
    };
    return cmocka_run_group_tests_name("io/oserr", tests, NULL, NULL);
}
