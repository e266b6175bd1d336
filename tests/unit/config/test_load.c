/* SPDX-License-Identifier: MIT */
#include "config/config.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/config/heard.h"
#include "unit/test.h"

static char folder[] = "/tmp/wgproxy-load-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/client.conf", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static void assert_load(int expected, const char *from, const char *messages)
{
    struct heard h = {0};
    struct config *c;
    assert_int_equal(config_load(&c, from, false, heard_message, &h), expected);
    assert_int_equal(c != NULL, expected == 0);
    assert_string_equal(h.text, messages);
    config_free(c);
}

static void doors_stand_outside_loopback_where_the_command_line_says_so(void **state)
{
    (void)state;
    struct heard h = {0};
    struct config *c;
    char expected[512];
    write_file(INTERFACE PEER "[SNI]\nBindAddress = 0.0.0.0:443\n[Status]\nBindAddress = [::]:1\n",
               0600);
    snprintf(
        expected, sizeof expected,
        "E %s:9: BindAddress: \"0.0.0.0:443\": others could use the tunnel from there; if they "
        "may, add AllowLan = yes, or give --allow-lan\n"
        "E %s:11: BindAddress: \"[::]:1\": others could use the tunnel from there; if they may, "
        "add AllowLan = yes, or give --allow-lan\n",
        path, path);
    assert_load(ERR_INVALID, path, expected);
    assert_int_equal(config_load(&c, path, true, heard_message, &h), 0);
    assert_string_equal(h.text, "");
    assert_true(c->doors[0].allow_lan && c->status_allow_lan);
    config_free(c);
}

static void a_private_file_is_loaded_without_a_word(void **state)
{
    (void)state;
    write_file(INTERFACE PEER, 0600);
    assert_load(0, path, "");
}

static void a_file_that_others_may_read_is_loaded_with_a_warning(void **state)
{
    (void)state;
    char expected[256];
    write_file(INTERFACE PEER, 0640);
    snprintf(expected, sizeof expected,
             "W %s: others may read the secrets in it (mode 0640): chmod 600 it\n", path);
    assert_load(0, path, expected);
}

/* Another file beside the configuration. */
static void write_beside(const char *name, const char *text, mode_t mode, char whole[96])
{
    snprintf(whole, 96, "%s/%s", folder, name);
    FILE *f = fopen(whole, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(whole, mode), 0);
}

static void a_file_without_secrets_may_be_read_by_others(void **state)
{
    (void)state;
    char key[96];
    write_beside("key", PRIVATE_KEY "\n", 0600, key);
    write_file("[Interface]\nPrivateKeyFile = key\nAddress = 10.0.0.2\n" PEER, 0644);
    assert_load(0, path, "");
    setenv("WGPROXY_TEST_KEY", PRIVATE_KEY, 1);
    write_file("[Interface]\nPrivateKey = $WGPROXY_TEST_KEY\nAddress = 10.0.0.2\n" PEER, 0644);
    assert_load(0, path, "");
    write_file("[Interface]\nPrivateKey = $WGPROXY_TEST_KEY\nAddress = 10.0.0.2\n" PEER
               "[Proxy]\nBindAddress = 1\nUsername = u\nPassword = $$WGPROXY_TEST_KEY\n",
               0644); /* no variable: it is the password */
    char expected[256];
    snprintf(expected, sizeof expected,
             "W %s: others may read the secrets in it (mode 0644): chmod 600 it\n", path);
    assert_load(0, path, expected);
    unlink(key);
}

static void a_secrets_file_that_others_may_read_is_warned_of(void **state)
{
    (void)state;
    static const char *const files[] = {
        "[Interface]\nPrivateKeyFile = secret\nAddress = 10.0.0.2\n" PEER,
        "[Interface]\nPrivateKeyFile = secret\nAddress = 10.0.0.2\n" PEER
        "PresharedKeyFile = secret\n",
        "[Interface]\nPrivateKeyFile = secret\nAddress = 10.0.0.2\n" PEER
        "[Socks5]\nBindAddress = 1\nUsername = u\nPasswordFile = secret\n",
    };
    static const char warning[] =
        "W secret: others may read the secrets in it (mode 0644): chmod 600 it\n";
    char secret[96], expected[256] = "";
    write_beside("secret", PRIVATE_KEY "\n", 0644, secret);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        write_file(files[i], 0600);
        snprintf(expected, sizeof expected, "%s%s", warning, i > 0 ? warning : "");
        assert_load(0, path, expected);
    }
    unlink(secret);
}

static void a_tunnels_own_file_is_found_beside_the_other(void **state)
{
    (void)state;
    char tunnel[96], expected[512];
    write_beside("wg0.conf", INTERFACE PEER, 0600, tunnel);
    write_file("WGConfig = wg0.conf\n[Socks5]\nBindAddress = 1\n", 0644);
    assert_load(0, path, "");
    unlink(tunnel);
    snprintf(expected, sizeof expected,
             "E %s:1: WGConfig: \"wg0.conf\": No such file or directory\n", path);
    assert_load(ERR_INVALID, path, expected);
}

static void messages_name_the_file_as_it_was_given(void **state)
{
    (void)state;
    char expected[256];
    write_file(INTERFACE "MTU = 1\n" PEER, 0600);
    snprintf(expected, sizeof expected, "E %s:4: MTU: \"1\": must be 576 to 65535\n", path);
    assert_load(ERR_INVALID, path, expected);
}

static void a_missing_file_is_an_error_with_its_cause(void **state)
{
    (void)state;
    assert_load(ERR_INVALID, "/nonexistent/client.conf",
                "E /nonexistent/client.conf: cannot open: No such file or directory\n");
}

static void a_folder_cannot_be_read(void **state)
{
    (void)state;
    char expected[256];
    snprintf(expected, sizeof expected, "E %s: cannot read: Is a directory\n", folder);
    assert_load(ERR_INVALID, folder, expected);
}

static void an_endless_file_is_not_read_to_its_end(void **state)
{
    (void)state;
    assert_load(ERR_INVALID, "/dev/zero", "E /dev/zero: is larger than 1000000 bytes\n");
}

static void standard_input_is_a_file_too(void **state)
{
    (void)state;
    write_file(INTERFACE "MTU = 1\n" PEER, 0644);
    int saved = dup(STDIN_FILENO);
    assert_true(saved >= 0);
    assert_non_null(freopen(path, "r", stdin));
    assert_load(ERR_INVALID, "-", "E (standard input):4: MTU: \"1\": must be 576 to 65535\n");
    assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_stand_outside_loopback_where_the_command_line_says_so),
        cmocka_unit_test(a_private_file_is_loaded_without_a_word),
        cmocka_unit_test(a_file_that_others_may_read_is_loaded_with_a_warning),
        cmocka_unit_test(a_file_without_secrets_may_be_read_by_others),
        cmocka_unit_test(a_secrets_file_that_others_may_read_is_warned_of),
        cmocka_unit_test(a_tunnels_own_file_is_found_beside_the_other),
        cmocka_unit_test(messages_name_the_file_as_it_was_given),
        cmocka_unit_test(a_missing_file_is_an_error_with_its_cause),
        cmocka_unit_test(a_folder_cannot_be_read),
        cmocka_unit_test(an_endless_file_is_not_read_to_its_end),
        cmocka_unit_test(standard_input_is_a_file_too),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
