/* SPDX-License-Identifier: MIT */
#include "config/listener.h"

#include "unit/test.h"

#define NO_FORM "must be a port, or address:port with an IPv6 address in brackets"

static const struct {
    const char *in;
    const char *out; /* NULL: refused */
    const char *why;
} rows[] = {
    {"1080", "127.0.0.1:1080", NULL},
    {"0", "127.0.0.1:0", NULL},
    {"127.0.0.1:25344", "127.0.0.1:25344", NULL},
    {"[::1]:1080", "[::1]:1080", NULL},
    {"localhost:1080", "127.0.0.1:1080", NULL},
    {"LocalHost:1080", "127.0.0.1:1080", NULL},
    {"0.0.0.0:1080", "0.0.0.0:1080", NULL},
    {"[::]:0", "[::]:0", NULL},
    {":1080", "0.0.0.0:1080", NULL},
    {"*:1080", "0.0.0.0:1080", NULL},
    {"*:", NULL, NO_FORM},
    {"*", NULL, NO_FORM},
    {"unix:/run/proxy.sock", "unix:/run/proxy.sock", NULL},
    {"unix:", NULL, "has no path"},
    {"fd:3", "fd:3", NULL},
    {"fd:2", NULL, "must be a descriptor from 3 on"},
    {"fd:", NULL, "must be the number or the name of a socket that was handed over"},
    {"", NULL, NO_FORM},
    {"65536", NULL, "must be a port, 0 to 65535"},
    {"-1", NULL, NO_FORM},
    {"127.0.0.1", NULL, NO_FORM},
    {"127.0.0.1:", NULL, NO_FORM},
    {"127.0.0.1:65536", NULL, NO_FORM},
    {"::1:1080", NULL, NO_FORM},
    {"[::1]", NULL, NO_FORM},
    {"localhost", NULL, NO_FORM},
    {"proxy.example:1080", NULL, "must have an IP address, not a name"},
    {"[127.0.0.1]:1080", NULL, "must have an IP address, not a name"},
    {"224.0.0.1:1080", NULL, "cannot be listened on"},
    {"[ff02::1]:1080", NULL, "cannot be listened on"},
};

static void a_listener_is_a_port_or_an_address_with_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct place at;
        char text[PLACE_TEXT];
        const char *why = listener_parse(&at, rows[i].in);
        if (rows[i].out != NULL) {
            assert_null(why);
            assert_string_equal(place_format(&at, text), rows[i].out);
        } else {
            assert_non_null(why);
            assert_string_equal(why, rows[i].why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listener_is_a_port_or_an_address_with_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
