/* SPDX-License-Identifier: MIT */
#include "config/doors.h"

#include <stdio.h>
#include <string.h>

#include "unit/test.h"

/* A door in one line, to compare: kind, where, target. */
static const char *told(const struct config_door *d)
{
    static char out[512];
    char at[PLACE_TEXT] = "";
    if (d->kind == CONFIG_REVERSE) {
        snprintf(at, sizeof at, "%u", (unsigned)d->port);
    } else if (d->kind != CONFIG_STDIO) {
        place_format(&d->bind, at);
    }
    snprintf(out, sizeof out, "%s%s -> %s:%u", d->udp ? "udp " : "", at,
             d->target_path != NULL ? d->target_path : d->target_host, (unsigned)d->target_port);
    return out;
}

typedef const char *parse_fn(struct config_door *, const char *);

static const struct {
    parse_fn *parse;
    const char *in, *out; /* out NULL: refused with `why` */
    const char *why;
} forms[] = {
    {door_parse_forward, "8080:web.corp:80", "127.0.0.1:8080 -> web.corp:80", NULL},
    {door_parse_forward, "0.0.0.0:8080:10.0.0.1:80", "0.0.0.0:8080 -> 10.0.0.1:80", NULL},
    {door_parse_forward, "[::1]:8080:[fd00::1]:80", "[::1]:8080 -> fd00::1:80", NULL},
    {door_parse_forward, "8080:[fd00::1]:80", "127.0.0.1:8080 -> fd00::1:80", NULL},
    {door_parse_forward, "localhost:8080:a.b:80", "127.0.0.1:8080 -> a.b:80", NULL},
    {door_parse_forward, "unix:/tmp/s:db.corp:5432", "unix:/tmp/s -> db.corp:5432", NULL},
    {door_parse_forward, "udp:5353:10.0.0.53:53", "udp 127.0.0.1:5353 -> 10.0.0.53:53", NULL},
    {door_parse_forward, "UDP:0:10.0.0.53:53", "udp 127.0.0.1:0 -> 10.0.0.53:53", NULL},
    {door_parse_forward, "8080", NULL,
     "must be [address:]port:host:hostport, with IPv6 addresses in brackets"},
    {door_parse_forward, "web.corp:80", NULL,
     "must be [address:]port:host:hostport, with IPv6 addresses in brackets"},
    {door_parse_forward, "8080:web.corp:0", NULL, "port must be 1 to 65535"},
    {door_parse_forward, "x:web.corp:80", NULL,
     "must be a port, or address:port with an IPv6 address in brackets"},
    {door_parse_forward, "udp:unix:/tmp/s:a.b:1", NULL, "must be an address and a port for UDP"},
    {door_parse_reverse, "8080:localhost:80", "8080 -> localhost:80", NULL},
    {door_parse_reverse, "22:[::1]:22", "22 -> ::1:22", NULL},
    {door_parse_reverse, "80:unix:/run/web.sock", "80 -> /run/web.sock:0", NULL},
    {door_parse_reverse, "udp:53:127.0.0.1:5353", "udp 53 -> 127.0.0.1:5353", NULL},
    {door_parse_reverse, "0:localhost:80", NULL,
     "must begin with a port of the tunnel, 1 to 65535"},
    {door_parse_reverse, "80", NULL, "must be port:host:hostport"},
    {door_parse_reverse, "udp:80:unix:/x", NULL, "cannot be a Unix socket here: must be host:port"},
    {door_parse_stdio, "git.corp:22", " -> git.corp:22", NULL},
    {door_parse_stdio, "[fd00::1]:22", " -> fd00::1:22", NULL},
    {door_parse_stdio, "git.corp", NULL, "has no port: must be host:port"},
};

static void the_short_forms_are_those_of_ssh(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct config_door d;
        const char *why = forms[i].parse(&d, forms[i].in);
        if (forms[i].out != NULL) {
            assert_null(why);
            assert_string_equal(told(&d), forms[i].out);
        } else {
            assert_non_null(why);
            assert_string_equal(why, forms[i].why);
        }
        door_fini(&d);
    }
}

static void a_proxy_in_short_form_speaks_everything(void **state)
{
    (void)state;
    struct config_door d;
    char text[PLACE_TEXT];
    assert_null(door_parse_proxy(&d, "unix:/run/p"));
    assert_string_equal(place_format(&d.bind, text), "unix:/run/p");
    assert_int_equal(d.protocols, CONFIG_SOCKS4 | CONFIG_SOCKS5 | CONFIG_HTTP);
    assert_non_null(door_parse_proxy(&d, "proxy.example:1"));
}

static const struct {
    const char *in;
    const char *net, *suffix, *user;
    unsigned first, last;
} rules[] = {
    {"10.0.0.0/8", "10.0.0.0/8", NULL, NULL, 0, 65535},
    {"10.1.2.3 port=22", "10.1.2.3/32", NULL, NULL, 22, 22},
    {"fd00::/8 port=8000-8999", "fd00::/8", NULL, NULL, 8000, 8999},
    {".corp.example user=alice", NULL, "corp.example", "alice", 0, 65535},
    {"*.corp.example", NULL, "corp.example", NULL, 0, 65535},
    {"git.corp.example", NULL, "git.corp.example", NULL, 0, 65535},
    {"*", NULL, NULL, NULL, 0, 65535},
    {"port=25", NULL, NULL, NULL, 25, 25},
};

static void a_rule_is_made_of_terms(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        struct config_rule r = {.allow = true};
        char net[PREFIX_TEXT];
        assert_null(rule_parse(&r, rules[i].in));
        assert_true(r.allow);
        assert_int_equal(r.has_net, rules[i].net != NULL);
        assert_string_equal(r.has_net ? prefix_format(&r.net, net) : "",
                            rules[i].net != NULL ? rules[i].net : "");
        assert_string_equal(r.suffix != NULL ? r.suffix : "",
                            rules[i].suffix != NULL ? rules[i].suffix : "");
        assert_string_equal(r.user != NULL ? r.user : "",
                            rules[i].user != NULL ? rules[i].user : "");
        assert_int_equal(r.first_port, rules[i].first);
        assert_int_equal(r.last_port, rules[i].last);
        rule_fini(&r);
    }
}

static void what_is_no_rule_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "10.0.0.0/33", "10.0.0.0/8 a.b", "port=",     "port=9-1",
        "port=65536", "user=",       "a b c",          "http://x/", "1.2.3"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct config_rule r = {0};
        assert_non_null(rule_parse(&r, wrong[i]));
        rule_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_short_forms_are_those_of_ssh),
        cmocka_unit_test(a_proxy_in_short_form_speaks_everything),
        cmocka_unit_test(a_rule_is_made_of_terms),
        cmocka_unit_test(what_is_no_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
