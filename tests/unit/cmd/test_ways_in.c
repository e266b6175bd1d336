/* SPDX-License-Identifier: MIT */
#include "cmd/ways_in.h"

#include <string.h>

#include "config/doors.h"
#include "unit/test.h"

#define NO_TUNNEL                                                                                \
    "wgproxy: -D, -L, -R, -W and -- COMMAND do not say into which of several tunnels: give one " \
    "-c, or each file its "                                                                      \
    "sections\n"

static char said[2048];

static void heard(void *ctx, bool is_error, const char *message)
{
    (void)ctx;
    assert_true(is_error);
    strcat(strcat(said, message), "\n");
}

struct scene {
    struct files files;
    struct config config[2];
    struct config_door doors[2][2];
    struct options options;
};

/* Two files, a.conf and b.conf, with the doors of these lists: "udp:PORT", a place for a proxy, or NULL. */
static void begin(struct scene *s, const char *const doors[2][2])
{
    static char paths[2][8] = {"a.conf", "b.conf"};
    *s = (struct scene){.files = {.n = 2}};
    said[0] = '\0';
    for (size_t i = 0; i < 2; i++) {
        struct config *c = &s->config[i];
        c->path = paths[i];
        c->doors = s->doors[i];
        s->files.file[i].config = c;
        for (; c->n_doors < 2 && doors[i][c->n_doors] != NULL; c->n_doors++) {
            struct config_door *d = &c->doors[c->n_doors];
            const char *at = doors[i][c->n_doors];
            bool udp = strncmp(at, "udp:", 4) == 0;
            assert_null(door_parse_proxy(d, udp ? at + 4 : at));
            d->kind = udp ? CONFIG_FORWARD : CONFIG_PROXY;
            d->udp = udp;
            d->line = (unsigned)(10 + c->n_doors);
        }
    }
}

static void files_whose_doors_stand_apart_go_together(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, (const char *const[2][2]){{"1080", "0"}, {"udp:1080", "0"}});
    assert_int_equal(ways_in_check(&s.files, &s.options, heard, NULL), STATUS_OK);
    assert_string_equal(said, "");
}

static void a_place_that_another_file_has_is_taken(void **state)
{
    (void)state;
    struct scene s;
    begin(&s,
          (const char *const[2][2]){{"127.0.0.1:1080", "unix:/a"}, {"0.0.0.0:1080", "unix:/a"}});
    assert_int_equal(ways_in_check(&s.files, &s.options, heard, NULL), STATUS_CONFIG);
    assert_string_equal(said, "b.conf:10: BindAddress: \"0.0.0.0:1080\" is taken by a.conf:10\n"
                              "b.conf:11: BindAddress: \"unix:/a\" is taken by a.conf:11\n");
}

static void without_a_door_there_is_no_way_into_several_tunnels(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, (const char *const[2][2]){{NULL}, {NULL}});
    assert_int_equal(ways_in_check(&s.files, &s.options, heard, NULL), STATUS_CONFIG);
    assert_string_equal(said, "wgproxy: none of the tunnels has a section such as [Proxy] with a "
                              "BindAddress: there is no "
                              "way in\n");
    s.files.n = 1; /* one has the usual proxy */
    assert_int_equal(ways_in_check(&s.files, &s.options, heard, NULL), STATUS_OK);
}

static void a_door_of_the_command_line_does_not_say_into_which_tunnel(void **state)
{
    (void)state;
    struct scene s;
    begin(&s, (const char *const[2][2]){{"1080"}, {NULL}});
    s.options.n_doors = 1;
    assert_int_equal(ways_in_check(&s.files, &s.options, heard, NULL), STATUS_USAGE);
    assert_string_equal(said, NO_TUNNEL);
}

static const char *other_of(struct scene *s, char text[PLACE_TEXT])
{
    struct config_door other;
    return ways_in_other_family(&s->files, &s->options, &s->doors[0][0], &other)
               ? place_format(&other.bind, text)
               : "none";
}

static void all_addresses_of_one_family_bring_those_of_the_other(void **state)
{
    (void)state;
    struct scene s;
    struct config_door other;
    begin(&s, (const char *const[2][2]){{"0.0.0.0:1080"}, {"udp:[::]:1080"}});
    assert_false(ways_in_other_family(&s.files, &s.options, &s.doors[0][0], &other));
    s.doors[0][0].is_for_both_families = s.doors[1][0].is_for_both_families = true;
    char text[PLACE_TEXT];
    s.doors[0][0].allow_lan = true;
    assert_true(ways_in_other_family(&s.files, &s.options, &s.doors[0][0], &other));
    assert_string_equal(place_format(&other.bind, text), "[::]:1080");
    assert_true(other.may_lack_family && other.allow_lan && other.kind == CONFIG_PROXY);
    /* IPv4 every machine has */
    assert_true(ways_in_other_family(&s.files, &s.options, &s.doors[1][0], &other));
    assert_string_equal(place_format(&other.bind, text), "0.0.0.0:1080");
    assert_true(!other.may_lack_family && other.udp);
}

static void what_is_named_has_its_place_before_what_comes_along(void **state)
{
    (void)state;
    struct scene s;
    char text[PLACE_TEXT];
    static const char *const named[] = {"[::]:1080", "[::1]:1080"};
    for (size_t i = 0; i < ARRAY_SIZE(named); i++) {
        begin(&s, (const char *const[2][2]){{"0.0.0.0:1080"}, {named[i]}});
        s.doors[0][0].is_for_both_families = true;
        assert_string_equal(other_of(&s, text), "none");
        struct config_door optional = s.doors[1][0];
        s.config[1].n_doors = 0;
        assert_string_equal(other_of(&s, text), "[::]:1080");
        s.config[1].status_line = 9;
        s.config[1].status = optional.bind;
        assert_string_equal(other_of(&s, text), "none");
        s.config[1].status_line = 0;
        s.options.has_status = true;
        s.options.status = optional.bind;
        assert_string_equal(other_of(&s, text), "none");
        s.options.has_status = false;
        s.options.n_doors = 1;
        s.options.doors[0] = optional;
        assert_string_equal(other_of(&s, text), "none");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_whose_doors_stand_apart_go_together),
        cmocka_unit_test(a_place_that_another_file_has_is_taken),
        cmocka_unit_test(without_a_door_there_is_no_way_into_several_tunnels),
        cmocka_unit_test(a_door_of_the_command_line_does_not_say_into_which_tunnel),
        cmocka_unit_test(all_addresses_of_one_family_bring_those_of_the_other),
        cmocka_unit_test(what_is_named_has_its_place_before_what_comes_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
