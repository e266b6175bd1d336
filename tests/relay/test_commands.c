/* SPDX-License-Identifier: MIT */
/* What the relay understands, and what it refuses. */
#include "commands.h"

#include <string.h>

#include "base/macros.h"
#include "unit/test.h"

static void values_reach_their_fields(void **state)
{
    (void)state;
    struct settings s = {0};
    assert_true(command_apply(&s, "listen", "127.0.0.1:0", true));
    assert_true(command_apply(&s, "to", "[2001:db8::1]:51820", true));
    assert_true(command_apply(&s, "seed", "7", true));
    assert_true(command_apply(&s, "loss", "0.5", true));
    assert_true(command_apply(&s, "duplicate", "100", false));
    assert_true(command_apply(&s, "delay", "50", false));
    assert_true(command_apply(&s, "jitter", "0.25", false));
    assert_true(command_apply(&s, "rate", "10000000", false));
    assert_true(command_apply(&s, "rebind-after", "12", false));
    assert_int_equal(s.listen.addr.family, FAMILY_V4);
    assert_int_equal(s.to.port, 51820);
    assert_int_equal(s.seed, 7);
    assert_true(s.rules.loss == 0.5 && s.rules.duplicate == 100);
    assert_int_equal(s.rules.delay, 50000000);
    assert_int_equal(s.rules.jitter, 250000);
    assert_int_equal(s.rules.rate, 10000000);
    assert_int_equal(s.rebind_after, 12);
}

static void nonsense_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *word, *value;
    } rows[] = {
        {"snow", "1"},
        {"loss", ""},
        {"loss", "101"},
        {"loss", "-1"},
        {"loss", "nan"},
        {"loss", "1x"},
        {"delay", "60001"},
        {"delay", "inf"},
        {"rate", "-1"},
        {"rate", "1.5"},
        {"rebind-after", "x"},
        {"seed", ""},
        {"to", "host:1"},
        {"listen", "1.2.3.4"},
        {"", "1"},
        {"rate", "99999999999999999999"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct settings s = {0};
        static const struct settings untouched = {0};
        assert_false(command_apply(&s, rows[i].word, rows[i].value, true));
        assert_memory_equal(&s, &untouched, sizeof s);
    }
}

static void what_is_fixed_at_start_stays(void **state)
{
    (void)state;
    struct settings s = {.seed = 7};
    assert_false(command_apply(&s, "seed", "8", false));
    assert_false(command_apply(&s, "to", "192.0.2.1:1", false));
    assert_int_equal(s.seed, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_reach_their_fields),
        cmocka_unit_test(nonsense_is_refused_and_changes_nothing),
        cmocka_unit_test(what_is_fixed_at_start_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
