/* SPDX-License-Identifier: MIT */
/* SipHash-2-4 against the vectors of its authors' paper: key 00..0f, input 00..(n-1). */
#include "stack/siphash.h"
#include "unit/test.h"

static void the_vectors_of_the_paper_come_out(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, UINT64_C(0x726fdb47dd0e0e31)},  {1, UINT64_C(0x74f839c593dc67fd)},
        {7, UINT64_C(0xab0200f58b01d137)},  {8, UINT64_C(0x93f5f5799a932462)},
        {15, UINT64_C(0xa129ca6149be45e5)}, {63, UINT64_C(0x958a324ceb064572)},
    };
    uint8_t key[SIPHASH_KEY], in[64];
    for (unsigned i = 0; i < 64; i++) {
        in[i] = (uint8_t)i;
        key[i % SIPHASH_KEY] = (uint8_t)(i % SIPHASH_KEY);
    }
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_true(siphash(key, in, vectors[i].len) == vectors[i].hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_vectors_of_the_paper_come_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
