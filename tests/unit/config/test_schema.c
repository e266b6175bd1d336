/* SPDX-License-Identifier: MIT */
#include "config/schema.h"

#include <stdbool.h>
#include <strings.h>

#include "unit/test.h"

static void each_key_stands_once_in_its_section(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_n_keys; i++) {
        const struct key_entry *key = &schema_keys[i];
        for (unsigned section = SECTION_NONE; section <= SECTION_STATUS; section <<= 1) {
            if (key->sections & section) {
                assert_ptr_equal(schema_find_key(section, key->name), key);
            }
        }
    }
}

static void each_key_has_what_its_kind_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < schema_n_keys; i++) {
        const struct key_entry *key = &schema_keys[i];
        bool is_set = key->kind == KEY_ONE || key->kind == KEY_LIST || key->kind == KEY_EACH;
        assert_int_equal(key->set != NULL, is_set);
        assert_false(key->kind == KEY_REFUSE && key->words == NULL);
        if (key->flags & KEY_FILE && key->words != NULL) {
            assert_non_null(schema_find_key(key->sections, key->words));
        }
        assert_false(key->kind == KEY_LIST && key->flags & KEY_SECRET);
    }
}

static void names_are_found_in_any_case_and_only_in_their_section(void **state)
{
    (void)state;
    assert_non_null(schema_find_key(SECTION_INTERFACE, "privatekey"));
    assert_non_null(schema_find_key(SECTION_PEER, "ALLOWEDIPS"));
    assert_null(schema_find_key(SECTION_PEER, "PrivateKey"));
    assert_null(schema_find_key(SECTION_INTERFACE, ""));
    assert_int_equal(schema_find_section("pEER")->section, SECTION_PEER);
    assert_null(schema_find_section("Peers"));
    assert_string_equal(schema_section_name(SECTION_SOCKS5), "Socks5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_stands_once_in_its_section),
        cmocka_unit_test(each_key_has_what_its_kind_needs),
        cmocka_unit_test(names_are_found_in_any_case_and_only_in_their_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
