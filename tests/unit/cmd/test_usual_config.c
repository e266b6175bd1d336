/* SPDX-License-Identifier: MIT */
#include "cmd/usual_config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/test.h"

static char home[64], elsewhere[64];

static void make_file(char out[160], const char *folder, const char *name)
{
    snprintf(out, 160, "%s/%s", folder, name);
    FILE *f = fopen(out, "w");
    assert_non_null(f);
    fclose(f);
}

/* The two places in /etc belong to the machine: where one of them exists, what comes behind it is not reached. */
static bool machine_has_one(const char *path)
{
    return access(path, F_OK) == 0;
}

static void the_first_place_that_has_one_is_taken(void **state)
{
    (void)state;
    char wireproxys[160], ours[160], named[160];
    if (machine_has_one("/etc/wgproxy/wgproxy.conf") ||
        machine_has_one("/etc/wireproxy/wireproxy.conf")) {
        skip_because("this machine has a configuration of its own in /etc");
    }
    assert_null(usual_config());
    make_file(wireproxys, home, ".config/wireproxy.conf");
    assert_string_equal(usual_config(), wireproxys);
    make_file(ours, home, ".config/wgproxy.conf");
    assert_string_equal(usual_config(), ours);
    make_file(named, elsewhere, "wgproxy.conf");
    setenv("XDG_CONFIG_HOME", elsewhere, 1);
    assert_string_equal(usual_config(), named);
    unlink(wireproxys);
    unlink(ours);
    unlink(named);
    assert_null(usual_config());
}

static void what_the_variable_names_is_taken_even_if_it_is_not_there(void **state)
{
    (void)state;
    setenv("WGPROXY_CONFIG", "/no/such/file", 1);
    assert_string_equal(usual_config(), "/no/such/file");
    setenv("WGPROXY_CONFIG", "", 1);
    assert_true(usual_config() == NULL || strcmp(usual_config(), "") != 0);
    unsetenv("WGPROXY_CONFIG");
}

static int set_up(void **state)
{
    char config[80];
    (void)state;
    strcpy(home, "/tmp/wgproxy-test-XXXXXX");
    strcpy(elsewhere, home);
    if (mkdtemp(home) == NULL || mkdtemp(elsewhere) == NULL) {
        return -1;
    }
    snprintf(config, sizeof config, "%s/.config", home);
    unsetenv("WGPROXY_CONFIG");
    unsetenv("XDG_CONFIG_HOME");
    return mkdir(config, 0700) | setenv("HOME", home, 1);
}

static int tear_down(void **state)
{
    char config[80];
    (void)state;
    snprintf(config, sizeof config, "%s/.config", home);
    return rmdir(config) | rmdir(home) | rmdir(elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_place_that_has_one_is_taken),
        cmocka_unit_test(what_the_variable_names_is_taken_even_if_it_is_not_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
