/* SPDX-License-Identifier: MIT */
#include "app/pac.h"

#include <stdlib.h>
#include <string.h>

#include "unit/test.h"

static struct prefix net(const char *text)
{
    struct prefix p;
    assert_true(prefix_parse(&p, text));
    return p;
}

static char *written(struct prefix *nets, size_t n, char *domain)
{
    struct config_peer peer = {.allowed_ips = nets, .n_allowed_ips = n};
    struct config c = {.peers = &peer, .n_peers = 1, .search = &domain, .n_search = domain != NULL};
    const struct config *const configs[] = {&c};
    struct words w = {0};
    pac_write(&w, configs, 1, "PROXY p:1");
    assert_false(w.failed);
    assert_int_equal(strlen(w.text), w.len);
    return w.text;
}

static void only_what_belongs_in_the_tunnel_goes_there(void **state)
{
    (void)state;
    struct prefix nets[] = {net("10.1.0.0/16"), net("192.0.2.7/32"), net("fd00::/8")};
    char domain[] = "corp.example";
    char *text = written(nets, 3, domain);
    assert_non_null(strstr(text, "var tunnel = \"PROXY p:1\";"));
    assert_non_null(strstr(text, "dnsDomainIs(host, \".corp.example\")) return tunnel;"));
    assert_non_null(strstr(text, "isInNet(host, \"10.1.0.0\", \"255.255.0.0\")) return tunnel;"));
    assert_non_null(strstr(text, "isInNet(host, \"192.0.2.7\", \"255.255.255.255\")) return tunnel;"));
    assert_non_null(strstr(text, "isInNetEx(bare, \"fd00::/8\")) return tunnel;"));
    assert_string_equal(text + strlen(text) - strlen("  return \"DIRECT\";\n}\n"), "  return \"DIRECT\";\n}\n");
    free(text);
}

static void a_tunnel_for_everything_takes_everything(void **state)
{
    (void)state;
    struct prefix nets[] = {net("0.0.0.0/0")};
    char *text = written(nets, 1, NULL);
    assert_null(strstr(text, "isInNet"));
    assert_string_equal(text + strlen(text) - strlen("  return tunnel;\n}\n"), "  return tunnel;\n}\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_belongs_in_the_tunnel_goes_there),
        cmocka_unit_test(a_tunnel_for_everything_takes_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
