/* SPDX-License-Identifier: MIT */
#include "cmd/options.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

#define WORDS_MAX 40

/* A command line of its own memory, since getopt moves words: `line` cut at blanks, "wgproxy"
 * before it. */
struct words {
    char text[256];
    char *argv[WORDS_MAX + 1];
    int argc;
};

static void split(struct words *w, const char *line)
{
    *w = (struct words){.argc = 1};
    w->argv[0] = w->text;
    snprintf(w->text, sizeof w->text, "wgproxy %s", line);
    for (char *p = w->text; (p = strchr(p, ' ')) != NULL && p[1] != '\0';) {
        *p++ = '\0';
        assert_true(w->argc < WORDS_MAX);
        w->argv[w->argc++] = p;
    }
}

static void parse_well(struct words *w, struct options *o, const char *line)
{
    char problem[OPTIONS_PROBLEM];
    split(w, line);
    int err = options_parse(o, w->argc, w->argv, problem);
    if (err != 0) {
        print_error("%s: %s\n", line, problem);
    }
    assert_int_equal(err, 0);
    assert_string_equal(problem, "");
}

static const struct {
    const char *line;
    enum command command;
    enum log_level level;
    const char *config;
    const char *socks; /* the first */
    bool configtest, once;
} rows[] = {
    {"-c a.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, false, false},
    {"-ca.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, false, false},
    {"--config a.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, false, false},
    {"--config=a.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, false, false},
    {"-c -", COMMAND_RUN, LOG_INFO, "-", NULL, false, false},
    {"-nc a.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, true, false},
    {"--configtest -c a.conf", COMMAND_RUN, LOG_INFO, "a.conf", NULL, true, false},
    {"-c a.conf -q", COMMAND_RUN, LOG_WARN, "a.conf", NULL, false, false},
    {"-c a.conf -qqqq", COMMAND_RUN, LOG_ERROR, "a.conf", NULL, false, false},
    {"-c a.conf -v", COMMAND_RUN, LOG_DEBUG, "a.conf", NULL, false, false},
    {"-c a.conf -vvv", COMMAND_RUN, LOG_DEBUG, "a.conf", NULL, false, false},
    {"-c a.conf --quiet --verbose", COMMAND_RUN, LOG_INFO, "a.conf", NULL, false, false},
    {"-c a.conf -D 9050", COMMAND_RUN, LOG_INFO, "a.conf", "127.0.0.1:9050", false, false},
    {"-c a.conf -D 0", COMMAND_RUN, LOG_INFO, "a.conf", "127.0.0.1:0", false, false},
    {"-c a.conf --proxy=[::1]:9050", COMMAND_RUN, LOG_INFO, "a.conf", "[::1]:9050", false, false},
    {"-c a.conf -D 0.0.0.0:1 --allow-lan", COMMAND_RUN, LOG_INFO, "a.conf", "0.0.0.0:1", false,
     false},
    {"demo", COMMAND_DEMO, LOG_INFO, NULL, NULL, false, false},
    {"demo --once -D 0", COMMAND_DEMO, LOG_INFO, NULL, "127.0.0.1:0", false, true},
    {"-v --once demo", COMMAND_DEMO, LOG_DEBUG, NULL, NULL, false, true},
    {"check -c a.conf", COMMAND_CHECK, LOG_INFO, "a.conf", NULL, false, false},
    {"show -c a.conf", COMMAND_SHOW, LOG_INFO, "a.conf", NULL, false, false},
    {"ready -i 0.0.0.0:9080 -c a.conf", COMMAND_READY, LOG_INFO, "a.conf", NULL, false, false},
    {"-c a.conf check -q", COMMAND_CHECK, LOG_WARN, "a.conf", NULL, false, false},
    {"genkey", COMMAND_GENKEY, LOG_INFO, NULL, NULL, false, false},
    {"pubkey", COMMAND_PUBKEY, LOG_INFO, NULL, NULL, false, false},
    {"genpsk", COMMAND_GENPSK, LOG_INFO, NULL, NULL, false, false},
    {"help", COMMAND_HELP, LOG_INFO, NULL, NULL, false, false},
    {"-h", COMMAND_HELP, LOG_INFO, NULL, NULL, false, false},
    {"genkey --help", COMMAND_HELP, LOG_INFO, NULL, NULL, false, false},
    {"--help --nonsense", COMMAND_HELP, LOG_INFO, NULL, NULL, false, false},
    {"version", COMMAND_VERSION, LOG_INFO, NULL, NULL, false, false},
    {"-V", COMMAND_VERSION, LOG_INFO, NULL, NULL, false, false},
};

static void words_become_options(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct words w;
        struct options o;
        char text[PLACE_TEXT];
        parse_well(&w, &o, rows[i].line);
        assert_int_equal(o.command, rows[i].command);
        assert_int_equal(o.level, rows[i].level);
        assert_int_equal(o.configtest, rows[i].configtest);
        assert_int_equal(o.once, rows[i].once);
        assert_int_equal(o.n_config, rows[i].config != NULL);
        assert_int_equal(o.n_doors, rows[i].socks != NULL);
        if (rows[i].config != NULL) {
            assert_string_equal(o.config_path[0], rows[i].config);
        }
        if (rows[i].socks != NULL) {
            assert_string_equal(place_format(&o.doors[0].bind, text), rows[i].socks);
        }
    }
}

static void configurations_keep_their_order(void **state)
{
    (void)state;
    struct words w;
    struct options o;
    parse_well(&w, &o, "-c a.conf -c folder --config=-");
    assert_int_equal(o.n_config, 3);
    assert_string_equal(o.config_path[0], "a.conf");
    assert_string_equal(o.config_path[1], "folder");
    assert_string_equal(o.config_path[2], "-");
}

static void a_check_may_have_a_target(void **state)
{
    (void)state;
    struct words w;
    struct options o;
    parse_well(&w, &o, "check -c a.conf");
    assert_null(o.target);
    parse_well(&w, &o, "check web.example -c a.conf");
    assert_string_equal(o.target, "web.example");
    parse_well(&w, &o, "-c a.conf check 10.0.0.1");
    assert_string_equal(o.target, "10.0.0.1");
    assert_int_equal(o.n_config, 1);
}

static void listeners_keep_their_order(void **state)
{
    (void)state;
    struct words w;
    struct options o;
    char text[PLACE_TEXT];
    parse_well(&w, &o, "-c a -D 1 -D [::1]:2 -D 127.0.0.1:0 -D 0");
    assert_int_equal(o.n_doors, 4);
    assert_string_equal(place_format(&o.doors[0].bind, text), "127.0.0.1:1");
    assert_string_equal(place_format(&o.doors[1].bind, text), "[::1]:2");
}

static void forwards_and_commands_are_taken(void **state)
{
    (void)state;
    struct words w;
    struct options o;
    parse_well(&w, &o,
               "-c a -L 8080:web:80 -R 22:localhost:22 -i 9080 --wait 5m --unix --aead libsodium "
               "-- curl -v x");
    assert_int_equal(o.n_doors, 2);
    assert_false(o.has_proxy);
    assert_int_equal(o.doors[0].kind, CONFIG_FORWARD);
    assert_string_equal(o.doors[0].target_host, "web");
    assert_int_equal(o.doors[1].kind, CONFIG_REVERSE);
    assert_true(o.has_status && o.private_unix);
    assert_int_equal(o.wait, 300);
    assert_string_equal(o.aead, "libsodium");
    assert_string_equal(o.words[0], "curl");
    assert_string_equal(o.words[1], "-v");
    options_fini(&o);
    parse_well(&w, &o, "-c a -W git.corp:22");
    assert_string_equal(o.stdio.target_host, "git.corp");
    assert_null(o.words);
    options_fini(&o);
}

static void v_alone_asks_for_the_version(void **state)
{
    (void)state;
    struct words w;
    struct options o;
    parse_well(&w, &o, "-v");
    assert_int_equal(o.command, COMMAND_VERSION);
}

#define KEY "oK56DE9Ue9zK76rAc8pBl6opph+1v36lm7cXXsQKrQM="

static const struct {
    const char *line;
    const char *problem; /* between "wgproxy: " and the hint */
} wrong[] = {
    {"", "no configuration: give -c FILE, or try 'wgproxy demo'"},
    {"-v -v", "no configuration: give -c FILE, or try 'wgproxy demo'"},
    {"show", "where is it told? Give the -i or the -c FILE of the one that runs"},
    {"ready -i x", "-i \"x\": must be a port, or address:port with an IPv6 address in brackets"},
    {"show -i 1 -D 1", "-D does not go with 'show'"},
    {"check", "no configuration: give -c FILE, or try 'wgproxy demo'"},
    {"check a.conf",
     "no configuration: \"a.conf\" is what to look up, and the file is given with -c"},
    {"check -c a b c", "unexpected \"c\""},
    {"check -c a -D 1", "-D does not go with 'check'"},
    {"check -n -c a", "-n does not go with 'check'"},
    {"-x", "unknown option -x"},
    {"-\033", "unknown option"},
    {"-c a -qx", "unknown option -x"},
    {"--nonsense", "unknown option \"--nonsense\""},
    {"--confg a", "unknown option \"--confg\", did you mean --config?"},
    {"--porxy=1", "unknown option \"--porxy=1\", did you mean --proxy?"},
    {"--quiet=yes", "option --quiet takes no argument"},
    {"-c", "option -c needs FILE"},
    {"--config", "option -c needs FILE"},
    {"-c a -D", "option -D needs [ADDR:]PORT"},
    {"-c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a -c a",
     "-c was given more than 16 times"},
    {"-c a b", "unknown command \"b\"; a tunnel runs without one: wgproxy -c FILE"},
    {"a.conf", "unknown command \"a.conf\"; a file is given with -c"},
    {"./a", "unknown command \"./a\"; a file is given with -c"},
    {"gnekey", "unknown command \"gnekey\", did you mean genkey?"},
    {"demo demo", "unexpected \"demo\""},
    {"pubkey " KEY, "unexpected (not shown, it may be a key)"},
    {KEY,
     "unknown command (not shown, it may be a key); a tunnel runs without one: wgproxy -c FILE"},
    {"-c a --", "there is no command behind --"},
    {"demo -- ls", "-- COMMAND does not go with 'demo'"},
    {"-c a -d -- ls", "-d does not go with -- COMMAND"},
    {"-c a -W x", "-W \"x\": has no port: must be host:port"},
    {"-c a -W a:1 -W b:2", "-W was given twice: there is one standard input"},
    {"-c a -W a:1 -D 1", "-W goes alone: not with -D, -L, -R, -i, -d or -- COMMAND"},
    {"-c a -W a:1 -i 1", "-W goes alone: not with -D, -L, -R, -i, -d or -- COMMAND"},
    {"-c - -W a:1", "-W and -c - both want standard input"},
    {"-c a -W a:1 -- ls", "-W goes alone: not with -D, -L, -R, -i, -d or -- COMMAND"},
    {"-c a -L 1",
     "-L \"1\": must be [address:]port:host:hostport, with IPv6 addresses in brackets"},
    {"-c a -L 0.0.0.0:1:a:1",
     "-L 0.0.0.0:1: others could use the tunnel from there; if they may, add --allow-lan"},
    {"-c a -R 0:a:1", "-R \"0:a:1\": must begin with a port of the tunnel, 1 to 65535"},
    {"-c a -i 0.0.0.0:1", "-i 0.0.0.0:1: others could read it there; if they may, add --allow-lan"},
    {"-c a --wait 0", "--wait \"0\": must be at least a second, at most a year"},
    {"--once", "--once goes with 'demo' only"},
    {"-c a --once", "--once goes with 'demo' only"},
    {"demo -c a", "-c does not go with 'demo'"},
    {"-n demo", "-n does not go with 'demo'"},
    {"genkey -v", "-v does not go with 'genkey'"},
    {"genpsk -D 1", "-D does not go with 'genpsk'"},
    {"demo -D 1 -D 2", "'demo' takes one -D, with a port"},
    {"-c a -D x", "-D \"x\": must be a port, or address:port with an IPv6 address in brackets"},
    {"-c a -D :1080",
     "-D 0.0.0.0:1080: others could use the tunnel from there; if they may, add --allow-lan"},
    {"-c a -D 0.0.0.0:1080",
     "-D 0.0.0.0:1080: others could use the tunnel from there; if they may, add --allow-lan"},
    {"-c a -D [::]:1080",
     "-D [::]:1080: others could use the tunnel from there; if they may, add --allow-lan"},
    {"demo -D 192.0.2.1:1080",
     "-D 192.0.2.1:1080: others could use the tunnel from there; if they may, add --allow-lan"},
    {"-c a -D 1080 -D localhost:1080", "127.0.0.1:1080 was given twice"},
    {"-c a -D 1080 -L 1080:a:1", "127.0.0.1:1080 was given twice"},
    {"-c a -L udp:1:a:1 -L udp:1:b:1", "127.0.0.1:1 was given twice"},
    {"-c a -D unix:/s -L unix:/s:a:1", "unix:/s was given twice"},
    {"-c a -D 1 -i 1", "127.0.0.1:1 was given twice"},
    {"-c a --allow-lan -D :1 -L 1:a:1", "127.0.0.1:1 was given twice"},
    {"-c a -R 1:a:1 -R 1:b:1", "-R with port 1 was given twice"},
    {"demo -D unix:/s", "'demo' takes one -D, with a port"},
};

/* What looks alike and is not the same place. */
static void other_places_are_no_twins(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "-c a -D 0 -D 0",
        "-c a -L 1:a:1 -L udp:1:a:1",
        "-c a -D 1 -R 1:a:1",
        "-c a -D 1 -D [::1]:1 -i 2",
        "-c a -L udp:1:a:1 -i 1",
        "-c a -R 1:a:1 -R udp:1:a:1",
        "-c a -D unix:/s -D unix:/t -D 1",
    };
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct words w;
        struct options o;
        parse_well(&w, &o, lines[i]);
        options_fini(&o);
    }
}

static void wrong_words_are_explained_in_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct words w;
        struct options o;
        char problem[OPTIONS_PROBLEM], expected[OPTIONS_PROBLEM];
        split(&w, wrong[i].line);
        snprintf(expected, sizeof expected, "wgproxy: %s; see 'wgproxy --help'", wrong[i].problem);
        assert_int_equal(options_parse(&o, w.argc, w.argv, problem), ERR_INVALID);
        assert_string_equal(problem, expected);
    }
}

static void more_listeners_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    struct options o;
    char problem[OPTIONS_PROBLEM];
    char name[] = "wgproxy", c[] = "-c", a[] = "a", socks[] = "-D0";
    char *argv[3 + OPTIONS_DOORS_MAX + 2] = {name, c, a};
    for (size_t i = 0; i <= OPTIONS_DOORS_MAX; i++) {
        argv[3 + i] = socks;
    }
    assert_int_equal(options_parse(&o, 3 + OPTIONS_DOORS_MAX, argv, problem), 0);
    assert_int_equal(options_parse(&o, 3 + OPTIONS_DOORS_MAX + 1, argv, problem), ERR_INVALID);
    assert_non_null(strstr(problem, "-D, -L and -R were given more than 32 times"));
}

/* What a printing function prints; to be freed. */
static char *capture_help(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    options_print_help(f);
    fclose(f);
    return text;
}

static void help_fits_a_terminal(void **state)
{
    (void)state;
    char *text = capture_help();
    unsigned lines = 0;
    for (const char *p = text; *p != '\0'; p++) {
        size_t width = strcspn(p, "\n");
        assert_true(width <= 80);
        assert_int_not_equal(width > 0 ? p[width - 1] : 'x', ' ');
        p += width;
        lines++;
    }
    assert_true(lines <= 44 /* a window that is not small */);
    free(text);
}

static void help_tells_of_every_command_and_option(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "\n  check ",
        "\n  show, ready ",
        "\n  demo ",
        "\n  genkey, genpsk, pubkey ",
        "\n  help, version ",
        "-c, --config FILE ",
        "-n, --configtest ",
        "-D, --proxy [ADDR:]PORT ",
        "-L, --forward FORWARD ",
        "-R, --reverse FORWARD ",
        "-W, --stdio HOST:PORT ",
        "-i, --info ",
        "-d, --daemon ",
        "    --aead NAME ",
        "    --wait SECONDS ",
        "    --unix ",
        "    --allow-lan ",
        "-q, --quiet ",
        "-v, --verbose ",
        "-h, --help ",
        "-V, --version ",
        "    --once ",
    };
    char *text = capture_help();
    for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
        assert_non_null(strstr(text, expected[i]));
    }
    free(text);
}

static void version_names_the_parts(void **state)
{
    (void)state;
    static const struct options_versions versions = {
        .wgproxy = "1", .lwip = "2", .libuv = "3", .libsodium = "4", .aead = "five"};
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    assert_non_null(f);
    options_print_version(f, &versions);
    fclose(f);
    assert_string_equal(text, "wgproxy 1 (lwIP 2, libuv 3, libsodium 4, AEAD: five)\n");
    free(text);
}

static void socks_is_offered_on_loopback_unless_told_otherwise(void **state)
{
    (void)state;
    char text[PLACE_TEXT];
    struct endpoint e = options_default_socks();
    assert_string_equal(endpoint_format(&e, text), "127.0.0.1:1080");
}

/* No configuration of whoever runs the tests. */
static int leave_home(void **state)
{
    (void)state;
    return unsetenv("HOME") | unsetenv("XDG_CONFIG_HOME") | unsetenv("WGPROXY_CONFIG");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_options),
        cmocka_unit_test(configurations_keep_their_order),
        cmocka_unit_test(a_check_may_have_a_target),
        cmocka_unit_test(listeners_keep_their_order),
        cmocka_unit_test(forwards_and_commands_are_taken),
        cmocka_unit_test(v_alone_asks_for_the_version),
        cmocka_unit_test(wrong_words_are_explained_in_one_line),
        cmocka_unit_test(other_places_are_no_twins),
        cmocka_unit_test(more_listeners_than_there_is_room_for_are_refused),
        cmocka_unit_test(help_fits_a_terminal),
        cmocka_unit_test(help_tells_of_every_command_and_option),
        cmocka_unit_test(version_names_the_parts),
        cmocka_unit_test(socks_is_offered_on_loopback_unless_told_otherwise),
    };
    return cmocka_run_group_tests(tests, leave_home, NULL);
}
