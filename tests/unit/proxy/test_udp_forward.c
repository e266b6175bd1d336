/* SPDX-License-Identifier: MIT */
#include "proxy/udp_forward.h"

#include <stdio.h>

#include "base/err.h"
#include "unit/test.h"

static struct access *deny(const char *net, const char *suffix)
{
    struct access *a;
    struct access_rule rule = {.suffix = suffix, .last = UINT16_MAX};
    rule.has_net = net != NULL;
    assert_true(net == NULL || prefix_parse(&rule.net, net));
    assert_int_equal(access_new(&a), 0);
    assert_int_equal(access_add(a, &rule), 0);
    return a;
}

static int open_to(const char *addr, const char *name, const struct access *access)
{
    struct udp_forward *f = NULL;
    struct udp_forward_config c = {.target.port = 53, .access = access};
    if (name != NULL) {
        snprintf(c.target.name, sizeof c.target.name, "%s", name);
    } else {
        assert_true(addr_parse(&c.target.addr, addr));
    }
    int err = udp_forward_new(&f, &c);
    if (err == 0) {
        udp_forward_free(f);
    }
    return err;
}

static void a_target_that_the_rules_deny_is_refused_at_once(void **state)
{
    (void)state;
    struct access *net = deny("10.0.0.0/8", NULL), *name = deny(NULL, "corp.example");
    assert_int_equal(open_to("10.0.0.5", NULL, net), ERR_DENIED);
    assert_int_equal(open_to("192.0.2.5", NULL, net), 0);
    assert_int_equal(open_to(NULL, "dns.corp.example", name), ERR_DENIED);
    assert_int_equal(open_to(NULL, "dns.corp.example", net), 0); /* its addresses are judged when they are known */
    assert_int_equal(open_to("10.0.0.5", NULL, NULL), 0);
    access_free(net);
    access_free(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_that_the_rules_deny_is_refused_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
