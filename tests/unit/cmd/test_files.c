/* SPDX-License-Identifier: MIT */
#include "cmd/files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "unit/test.h"

struct scene {
    char folder[64];
    struct files files;
    char said[1024]; /* the errors */
};

static void heard(void *ctx, bool is_error, const char *message)
{
    struct scene *s = ctx;
    if (is_error) {
        strcat(strcat(s->said, message), "\n");
    }
}

static int set_up(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    strcpy(s->folder, "/tmp/wgproxy-files-XXXXXX");
    assert_non_null(mkdtemp(s->folder));
    *state = s;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *s = *state;
    char command[128];
    files_free(&s->files);
    snprintf(command, sizeof command, "rm -r '%s'", s->folder);
    assert_int_equal(system(command), 0);
    free(s);
    return 0;
}

static const char *path_of(const struct scene *s, const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", s->folder, name);
    return path;
}

static void write_file(const struct scene *s, const char *name, const char *interface_line)
{
    const char *path = path_of(s, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "[Interface]\nPrivateKey = GAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHl8=\nAddress = "
            "10.0.0.2\n%s\n"
            "[Peer]\nPublicKey = CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nAllowedIPs = "
            "10.0.0.0/8\n"
            "Endpoint = 192.0.2.1:1\n",
            interface_line);
    fclose(f);
    chmod(path, 0600);
}

static void a_folder_gives_its_configurations_in_the_order_of_their_names(void **state)
{
    struct scene *s = *state;
    write_file(s, "b.conf", "");
    write_file(s, "a.conf", "");
    write_file(s, ".hidden.conf", "");
    write_file(s, "notes.txt", "");
    assert_int_equal(files_add(&s->files, s->folder, heard, s), 0);
    assert_int_equal(s->files.n, 2);
    assert_string_equal(s->files.file[0].name, "a");
    assert_string_equal(s->files.file[1].name, "b");
    assert_string_equal(s->said, "");
}

static void an_empty_folder_and_a_missing_file_are_told(void **state)
{
    struct scene *s = *state;
    assert_int_equal(files_add(&s->files, s->folder, heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "there is no *.conf in it"));
    assert_int_equal(files_add(&s->files, path_of(s, "none.conf"), heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "none.conf"));
    assert_int_equal(s->files.n, 0);
}

static void one_bad_file_of_a_folder_is_enough_to_fail(void **state)
{
    struct scene *s = *state;
    write_file(s, "a.conf", "MTU = twelve");
    write_file(s, "b.conf", "");
    assert_int_equal(files_add(&s->files, s->folder, heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "a.conf:4: MTU"));
}

static void a_carried_tunnel_comes_after_what_carries_it(void **state)
{
    struct scene *s = *state;
    write_file(s, "a.conf", "Through = b");
    write_file(s, "b.conf", "Through = c");
    write_file(s, "c.conf", "");
    assert_int_equal(files_add(&s->files, s->folder, heard, s), 0);
    assert_int_equal(files_sort(&s->files, heard, s), 0);
    assert_string_equal(s->files.file[0].name, "c");
    assert_string_equal(s->files.file[1].name, "b");
    assert_string_equal(s->files.file[2].name, "a");
}

static void a_circle_a_missing_carrier_and_a_twin_are_refused(void **state)
{
    struct scene *s = *state;
    write_file(s, "a.conf", "Through = b");
    assert_int_equal(files_add(&s->files, path_of(s, "a.conf"), heard, s), 0);
    assert_int_equal(files_sort(&s->files, heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "a.conf: Through: \"b\": no tunnel of that name is given"));
    write_file(s, "b.conf", "Through = a");
    assert_int_equal(files_add(&s->files, path_of(s, "b.conf"), heard, s), 0);
    assert_int_equal(files_sort(&s->files, heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "in a circle"));
    assert_int_equal(files_add(&s->files, path_of(s, "b.conf"), heard, s), 0);
    assert_int_equal(files_sort(&s->files, heard, s), ERR_INVALID);
    assert_non_null(strstr(s->said, "a tunnel named \"b\" is given already"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_folder_gives_its_configurations_in_the_order_of_their_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_empty_folder_and_a_missing_file_are_told, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(one_bad_file_of_a_folder_is_enough_to_fail, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_carried_tunnel_comes_after_what_carries_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_circle_a_missing_carrier_and_a_twin_are_refused, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
