/* SPDX-License-Identifier: MIT */
/* A build without OpenSSL says so. */
#include "unit/test.h"

#include "base/err.h"
#include "io/io.h"

static void a_certificate_is_refused_by_a_build_without_tls(void **state)
{
    (void)state;
    char why[IO_TLS_WHY];
    struct io_tls *tls;
    assert_int_equal(io_tls_new("certificate", "key", &tls, why), ERR_INVALID);
    assert_null(tls);
    assert_string_equal(why, "this program was built without TLS (OpenSSL)");
    io_tls_free(tls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_is_refused_by_a_build_without_tls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
