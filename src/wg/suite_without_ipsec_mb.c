/* SPDX-License-Identifier: MIT */
/* Stands in for suite_ipsec_mb.c in a program that was built without the library. */
#include "wg/suite_aead.h"

static const char *start(void)
{
    return "this wgproxy was built without intel-ipsec-mb";
}

/* `start` said no, so the rest is never called. */
const struct suite_aead suite_aead_ipsec_mb_avx512 = {
    .name = "ipsec-mb-avx512",
    .library = "ipsec-mb",
    .start = start,
};

const struct suite_aead suite_aead_ipsec_mb_avx2 = {
    .name = "ipsec-mb-avx2",
    .library = "ipsec-mb",
    .start = start,
};
