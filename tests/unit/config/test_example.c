/* SPDX-License-Identifier: MIT */
/* The commented example in config/ is taken as it stands, and names every key there is. */
#include "config/schema.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "unit/config/heard.h"
#include "unit/test.h"

static char text[16384];

static int read_example(void **state)
{
    (void)state;
    FILE *f = fopen(WGPROXY_SOURCE_DIR "/config/client.conf.example", "r");
    if (f == NULL) {
        return -1;
    }
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    return n > 0 && n < sizeof text - 1 ? 0 : -1;
}

static void assert_taken_without_a_word(void)
{
    struct heard h;
    struct config *c;
    heard_parse(&h, &c, text, strlen(text));
    assert_string_equal(h.text, "");
    assert_non_null(c);
    config_free(c);
}

static void the_example_is_taken(void **state)
{
    (void)state;
    assert_taken_without_a_word();
}

/* A key that names a file, which there is not. */
static bool names_a_file(const char *key)
{
    for (size_t i = 0; i < schema_n_keys; i++) {
        size_t n = strlen(schema_keys[i].name);
        if (schema_keys[i].flags & KEY_FILE && strncmp(key, schema_keys[i].name, n) == 0 &&
            key[n] == ' ') {
            return true;
        }
    }
    return false;
}

/* Bob's comes from a file. */
static void give_bob_a_password(char *key)
{
    char *line = strstr(key, "\n#PasswordFile = bob.password");
    assert_non_null(line);
    memcpy(line, "\nPassword = 1 #", 15);
}

/* "#Key = value" is a key to be uncommented; "# Words" are words. */
static void the_example_is_taken_with_all_its_keys(void **state)
{
    (void)state;
    unsigned uncommented = 0;
    give_bob_a_password(text);
    for (char *p = text; (p = strstr(p, "\n#")) != NULL; p++) {
        if (isalpha((unsigned char)p[2]) && !names_a_file(p + 2)) {
            p[1] = ' ';
            uncommented++;
        }
    }
    assert_true(uncommented > 0);
    assert_taken_without_a_word();
}

static void the_example_has_every_key(void **state)
{
    (void)state;
    char line[64];
    for (size_t i = 0; i < schema_n_keys; i++) {
        if (schema_keys[i].set != NULL) {
            snprintf(line, sizeof line, "%s = ", schema_keys[i].name);
            bool elsewhere = strcmp(schema_keys[i].name, "WGConfig") == 0;
            if (!elsewhere && strstr(text, line) == NULL) {
                fail_msg("the example lacks %s", schema_keys[i].name);
            }
        }
    }
}

static void the_example_has_every_section(void **state)
{
    (void)state;
    char line[64];
    for (size_t i = 0; i < schema_n_sections; i++) {
        snprintf(line, sizeof line, "[%s]\n", schema_sections[i].name);
        if (strstr(text, line) == NULL) {
            fail_msg("the example lacks [%s]", schema_sections[i].name);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_is_taken),
        cmocka_unit_test(the_example_has_every_key),
        cmocka_unit_test(the_example_has_every_section),
        cmocka_unit_test(the_example_is_taken_with_all_its_keys),
    };
    return cmocka_run_group_tests(tests, read_example, NULL);
}
