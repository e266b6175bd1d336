/* SPDX-License-Identifier: MIT */
/* Which names are asked for, in which order, and what is never asked. */
#include "dns/resolver.h"

#include "unit/dns/ground.h"

static void a_name_without_a_dot_is_sought_in_the_domains_first(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan Example.ORG.", "4");
    ground_lookup(g, "wiki");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "!corp.lan SOA 60 60");
    ground_expect(g, "udp 10.0.0.1 A wiki.example.org\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "wiki A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_lookup(g, "wiki"); /* the first domain's no is known, and so is the end */
    ground_expect(g, "udp 10.0.0.1 A wiki.example.org\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_name_with_a_dot_is_sought_in_the_domains_last(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki.eu");
    ground_expect(g, "udp 10.0.0.1 A wiki.eu\n");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.eu.corp.lan\n");
    ground_answer(g, FAMILY_V4, RCODE_OK, "wiki.eu.corp.lan A 60 192.0.2.1");
    ground_expect(g, "= 192.0.2.1\n");
    ground_is_at_rest(g);
    ground_stop(g);
}

static void a_name_with_a_final_dot_means_itself(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"wiki.", "udp 10.0.0.1 A wiki\n"},
                                           {"wiki.eu.", "udp 10.0.0.1 A wiki.eu\n"}};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
        ground_lookup(g, names[i][0]);
        ground_expect(g, names[i][1]);
        ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
        ground_expect(g, "= ERR_NO_NAME\n");
        ground_is_at_rest(g);
        ground_stop(g);
    }
}

static void a_name_that_exists_anywhere_is_not_called_missing(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki");
    ground_answer(g, FAMILY_V4, RCODE_OK, "!corp.lan SOA 60 60");
    ground_answer(g, FAMILY_V4, RCODE_NXDOMAIN, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\nudp 10.0.0.1 A wiki\n= ERR_NO_DATA\n");
    ground_stop(g);
}

static void a_failure_at_the_end_says_that_it_is_not_known(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "wiki");
    ground_answer(g, FAMILY_V4, RCODE_OK, "!corp.lan SOA 60 60");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A wiki.corp.lan\nudp 10.0.0.1 A wiki\n= ERR_DNS_FAILED\n");
    ground_stop(g);
}

static void a_failure_does_not_lead_to_another_name(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "4");
    ground_lookup(g, "bank.example");
    ground_answer(g, FAMILY_V4, RCODE_SERVFAIL, "");
    ground_expect(g, "udp 10.0.0.1 A bank.example\n= ERR_DNS_FAILED\n");
    ground_stop(g);
}

static void names_that_stay_here_are_refused_without_a_word_to_the_server(void **state)
{
    (void)state;
    static const char *const names[] = {"localhost", "LocalHost.",   "www.localhost", "a.onion",
                                        "onion",     "host.invalid", "x.y.onion."};
    struct ground *g = ground_start("10.0.0.1", "corp.lan", "46");
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        ground_lookup(g, names[i]);
        ground_expect(g, "= ERR_NO_NAME\n");
    }
    ground_is_at_rest(g);
    ground_stop(g);
}

static void what_is_no_name_is_refused_at_once(void **state)
{
    (void)state;
    struct ground *g = ground_start("10.0.0.1", "", "46");
    struct resolver_query *q;
    assert_int_equal(resolver_lookup(g->resolver, "a b", ground_done, g, &q, g->now), ERR_BAD_NAME);
    assert_int_equal(resolver_lookup(g->resolver, "", ground_done, g, &q, g->now), ERR_BAD_NAME);
    ground_is_at_rest(g);
    ground_stop(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_without_a_dot_is_sought_in_the_domains_first),
        cmocka_unit_test(a_name_with_a_dot_is_sought_in_the_domains_last),
        cmocka_unit_test(a_name_with_a_final_dot_means_itself),
        cmocka_unit_test(a_name_that_exists_anywhere_is_not_called_missing),
        cmocka_unit_test(a_failure_at_the_end_says_that_it_is_not_known),
        cmocka_unit_test(a_failure_does_not_lead_to_another_name),
        cmocka_unit_test(names_that_stay_here_are_refused_without_a_word_to_the_server),
        cmocka_unit_test(what_is_no_name_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
