/* SPDX-License-Identifier: MIT */
/* Stories about the way that datagrams take: roaming, narrow paths, several tunnels, one tunnel inside another, and names that
 * are asked for inside. */
#include <stdio.h>
#include <string.h>

#include "app/tunnel.h"
#include "base/err.h"
#include "sim_dns.h"
#include "sim_pair.h"
#include "unit/test.h"

#define S NS_PER_S
#define MS NS_PER_MS
#define THIRD 2

static const struct sim_pair_options plain = SIM_PAIR_PLAIN;

static void set_address(struct sim_pair *p, unsigned host, const char *text)
{
    assert_true(addr_parse(&p->sim->hosts[host].address, text));
}

/* ---- where datagrams go ---- */

static struct endpoint goes_to[SIM_HOSTS]; /* each host's last one */
static unsigned strays;                    /* of the client to any other host than the far one */

static void note_sent(void *ctx, const struct sim_host *by, const struct endpoint *to,
                      const uint8_t *data, size_t len)
{
    (void)data, (void)len;
    struct sim *s = ctx;
    goes_to[by->number] = *to;
    strays += by->number == CLIENT && !addr_equal(&to->addr, &s->hosts[FAR].address);
}

static void look_on(struct sim_pair *p)
{
    strays = 0;
    p->sim->watcher = (struct sim_watcher){.sent = note_sent, .ctx = p->sim};
}

static void assert_goes_to(unsigned host, const char *text)
{
    char is[ENDPOINT_TEXT];
    assert_string_equal(endpoint_format(&goes_to[host], is), text);
}

static void both_ends_may_roam_one_after_the_other(void **state)
{
    (void)state;
    static const struct sim_pair_options talkative = {
        .client_interface = "",
        .client_peer = "",
        .far_interface = "",
        .far_peer = "PersistentKeepalive = 5\n",
    };
    struct sim_pair p;
    sim_pair_init(&p, 60, &talkative);
    look_on(&p);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    sim_run_to(p.sim, 10 * S);

    p.sim->hosts[FAR].outside_port = 60000; /* a translator before the far host forgets */
    sim_client_send(c, "a", 1);
    sim_run_to(p.sim, 10 * S + 100 * MS);
    assert_goes_to(CLIENT, "192.0.2.2:51820"); /* nobody has told it */
    assert_true(sim_pair_wait(&p, c, 1, 20 * S));
    assert_goes_to(CLIENT, "192.0.2.2:60000");

    set_address(&p, FAR, "192.0.2.77");
    sim_client_send(c, "b", 1);
    assert_true(sim_pair_wait(&p, c, 2, 30 * S));
    assert_goes_to(CLIENT, "192.0.2.77:60000");

    sim_run_to(p.sim, 45 * S);
    set_address(&p, CLIENT, "198.51.100.1");
    sim_run_to(p.sim, 51 * S);
    assert_goes_to(FAR, "192.0.2.1:51821");
    sim_client_send(c, "c", 1);
    assert_true(sim_pair_wait(&p, c, 3, 52 * S)); /* it follows with the first packet */
    assert_goes_to(FAR, "198.51.100.1:51821");

    p.sim->hosts[CLIENT].outside_port = 1024;
    sim_client_send(c, "d", 1);
    assert_true(sim_pair_wait(&p, c, 4, 53 * S));
    assert_goes_to(FAR, "198.51.100.1:1024");
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, 53 * S), 1); /* all of it in one session */
    sim_client_free(c);
    sim_pair_fini(&p);
}

/* In the middle of a download the peer hears nothing from us: it sends to where we were. */
static void a_machine_that_moved_says_so_within_two_seconds(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 67, &plain);
    look_on(&p);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    sim_run_to(p.sim, 10 * S);
    set_address(&p, CLIENT, "198.51.100.1");
    app_machine_changed(p.sim->hosts[CLIENT].app, sim_now(&p.sim->hosts[CLIENT]));
    sim_stir(p.sim, 10 * S + 1);
    sim_run_to(p.sim, 12 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 4, 10 * S, 12 * S), 1);
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 10 * S, 12 * S), 0);
    sim_run_to(p.sim, 400 * S); /* without a session there is nothing to say */
    app_machine_changed(p.sim->hosts[CLIENT].app, sim_now(&p.sim->hosts[CLIENT]));
    sim_stir(p.sim, 400 * S + 1);
    sim_run_to(p.sim, 410 * S);
    assert_int_equal(sim_sent(p.sim, CLIENT, 0, 400 * S, 410 * S), 0);
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void no_datagram_is_larger_than_the_path(void **state)
{
    (void)state;
    struct sim_pair p = {.sim = sim_new(61)};
    p.sim->hosts[CLIENT].path_mtu = 1400;
    sim_pair_far_on(&p, &plain);
    sim_pair_client_on(&p, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 500000, 30 * S));
    unsigned largest = 0;
    for (size_t i = 0; i < p.sim->n_wire; i++) {
        largest = p.sim->wire[i].len > largest ? p.sim->wire[i].len : largest;
    }
    assert_in_range(largest, 1400 - 28 - 15, 1400 - 28); /* the inside is a multiple of 16 */
    sim_client_free(c);
    sim_pair_fini(&p);
}

/* Several datagrams were on their way when the path became narrow, and each is told of. */
static void what_left_before_it_became_narrow_is_no_news(void **state)
{
    (void)state;
    struct sim_pair p = {.sim = sim_new(62)};
    sim_pair_far_on(&p, &plain);
    sim_pair_client_on(&p, &plain);
    struct sim_client *c = sim_pair_ask(&p, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);

    struct sim_host *h = &p.sim->hosts[CLIENT];
    const struct dgram *port = sim_host_port(h);
    struct endpoint to = {.port = 51820};
    assert_true(addr_parse(&to.addr, "192.0.2.2"));
    h->path_mtu = 1400;
    for (int i = 0; i < 3; i++) {
        port->handler->undelivered(port->ctx, &to, ERR_LIMIT, sim_now(h));
    }
    assert_int_equal(tunnel_mtu(h->tunnel), 1328); /* 1400 less 60, in blocks of 16 */
    assert_int_equal(h->fragmenting, 0);

    sim_run_to(p.sim,
               12 * S); /* if it still is too much then, the machine does not know the path */
    port->handler->undelivered(port->ctx, &to, ERR_LIMIT, sim_now(h));
    assert_int_equal(tunnel_mtu(h->tunnel), 1328);
    assert_int_equal(h->fragmenting, 1);
    sim_client_free(c);
    sim_pair_fini(&p);
}

static void lives_with_a_path_that_swallows(unsigned client, unsigned far, const char *address)
{
    struct sim_pair p;
    sim_pair_init(&p, 66, &plain);
    p.sim->hosts[CLIENT].out.swallow = client;
    p.sim->hosts[FAR].out.swallow = far;
    struct sim_client *c = sim_pair_ask(&p, address, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 300000, 60 * S));
    uint64_t later = sim_time(p.sim);
    struct sim_client *d = sim_pair_ask(&p, address, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, d, later + 1 * S), 0);
    assert_true(sim_pair_echo(&p, d, 300000, later + (client > 0 ? 60 : 5) * S));
    sim_client_free(c);
    sim_client_free(d);
    sim_pair_fini(&p);
}

/* Nobody is told, and no ICMP comes. */
static void a_path_may_swallow_what_is_large_in_each_direction(void **state)
{
    (void)state;
    static const char *const inside[] = {FAR_V4, FAR_V6};
    for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
        lives_with_a_path_that_swallows(0, 1400, inside[i]);
        lives_with_a_path_that_swallows(1400, 0, inside[i]);
        lives_with_a_path_that_swallows(1400, 1400, inside[i]);
    }
}

/* ---- names ---- */

static void names_are_asked_for_inside(void **state)
{
    (void)state;
    static const struct sim_pair_options with_dns = {
        .client_interface = "DNS = 10.9.0.1\n",
        .client_peer = "",
        .far_interface = "",
        .far_peer = "",
    };
    struct sim_pair p;
    struct sim_dns dns;
    sim_pair_init(&p, 62, &with_dns);
    sim_dns_open(&dns, tunnel_stack(p.sim->hosts[FAR].tunnel), "echo.test", FAR_V4);
    struct sim_client *c = sim_pair_ask_name(&p, "echo.test", ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 2 * S), 0);
    assert_true(sim_pair_echo(&p, c, 1000, 5 * S));
    struct sim_client *d = sim_pair_ask_name(&p, "nowhere.test", ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, d, 10 * S), 4);
    assert_in_range(dns.asked, 2, 4);
    assert_int_equal(p.sim->name.asked, 0); /* nothing outside */
    sim_client_free(c);
    sim_client_free(d);
    sim_dns_close(&dns);
    sim_pair_fini(&p);
}

static void without_dns_a_name_is_nowhere_and_asked_of_nobody(void **state)
{
    (void)state;
    struct sim_pair p;
    sim_pair_init(&p, 63, &plain);
    struct sim_client *c = sim_pair_ask_name(&p, "echo.test", ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 4);
    assert_int_equal(p.sim->name.asked, 0);
    assert_int_equal(p.sim->n_wire, 0);
    sim_client_free(c);
    sim_pair_fini(&p);
}

/* ---- several tunnels ---- */

/* A tunnel of the key `own` to the key `peer`; the strings end in newlines or are "". */
static void write_config(char *out, size_t size, unsigned own, unsigned peer, const char *interface,
                         const char *of_peer)
{
    char private_text[KEY_TEXT], public_text[KEY_TEXT];
    sim_pair_keys(own, peer, private_text, public_text);
    snprintf(out, size, "[Interface]\nPrivateKey = %s\n%s[Peer]\nPublicKey = %s\n%s", private_text,
             interface, public_text, of_peer);
}

static void two_tunnels_share_inner_addresses_and_nothing_else(void **state)
{
    (void)state;
    struct sim_pair p = {.sim = sim_new(64)};
    char first[512], second[512], third[512];
    write_config(first, sizeof first, CLIENT, FAR, "Address = " CLIENT_V4 "\nListenPort = 51821\n",
                 "AllowedIPs = 0.0.0.0/0\nEndpoint = 192.0.2.2:51820\n");
    write_config(second, sizeof second, CLIENT, THIRD, "Address = " CLIENT_V4 "\n",
                 "AllowedIPs = 0.0.0.0/0\nEndpoint = 198.51.100.3:51820\n");
    write_config(third, sizeof third, THIRD, CLIENT, "Address = " FAR_V4 "\nListenPort = 51820\n",
                 "AllowedIPs = " CLIENT_V4 "\n");
    sim_pair_far_on(&p, &plain);
    sim_host_on(p.sim, THIRD, third, false);
    sim_host_boot(p.sim, CLIENT);
    sim_host_add(p.sim, CLIENT, "one", first, NULL, 1081);
    sim_host_add(p.sim, CLIENT, "two", second, NULL, 1082);
    sim_host_start(p.sim, CLIENT);

    struct sim_client *c = sim_pair_ask_door(&p, 1081, FAR_V4, ECHO_PORT);
    struct sim_client *d = sim_pair_ask_door(&p, 1082, FAR_V4, ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_int_equal(sim_pair_reply(&p, d, 1 * S),
                     5); /* the third host has the address, but no echo */
    assert_true(sim_pair_echo(&p, c, 50000, 10 * S));
    sim_host_off(p.sim, THIRD);
    assert_true(sim_pair_echo(&p, c, 50000, 20 * S)); /* what befalls one is nothing to the other */
    sim_client_free(c);
    sim_client_free(d);
    sim_pair_fini(&p);
}

static void a_tunnel_inside_a_tunnel_shows_nothing_of_itself(void **state)
{
    (void)state;
    struct sim_pair p = {.sim = sim_new(65)};
    char outer[512], inner[512], far_outer[512], far_inner[512];
    write_config(outer, sizeof outer, CLIENT, FAR, "Address = " CLIENT_V4 "\nListenPort = 51821\n",
                 "AllowedIPs = 10.9.0.0/24\nEndpoint = 192.0.2.2:51820\n");
    write_config(inner, sizeof inner, 2, 3, "Address = 10.77.0.2\n",
                 "AllowedIPs = 10.77.0.0/24\nEndpoint = 10.9.0.1:51900\n");
    write_config(far_outer, sizeof far_outer, FAR, CLIENT,
                 "Address = " FAR_V4 "\nListenPort = 51820\n", "AllowedIPs = " CLIENT_V4 "\n");
    write_config(far_inner, sizeof far_inner, 3, 2, "Address = 10.77.0.1\nListenPort = 51900\n",
                 "AllowedIPs = 10.77.0.2\n");
    look_on(&p);
    sim_host_boot(p.sim, FAR);
    struct tunnel *below = sim_host_add(p.sim, FAR, "outer", far_outer, NULL, 0);
    struct tunnel *above = sim_host_add(p.sim, FAR, "inner", far_inner, below, 0);
    p.far = sim_far_new(tunnel_stack(above));
    sim_host_start(p.sim, FAR);
    sim_host_boot(p.sim, CLIENT);
    below = sim_host_add(p.sim, CLIENT, "outer", outer, NULL, 0);
    sim_host_add(p.sim, CLIENT, "inner", inner, below, SIM_SOCKS_PORT);
    sim_host_start(p.sim, CLIENT);

    struct sim_client *c = sim_pair_ask(&p, "10.77.0.1", ECHO_PORT);
    assert_int_equal(sim_pair_reply(&p, c, 1 * S), 0);
    assert_true(sim_pair_echo(&p, c, 200000, 20 * S));
    assert_int_equal(strays, 0);
    assert_int_equal(sim_sent(p.sim, CLIENT, 1, 0, NEVER),
                     1); /* the inner handshake is data to whoever looks */
    assert_int_equal(sim_sent(p.sim, FAR, 2, 0, NEVER), 1);
    for (size_t i = 0; i < p.sim->n_wire; i++) {
        assert_true(p.sim->wire[i].len <= 1500 - 28 - 20);
    }
    sim_client_free(c);
    sim_pair_fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_may_roam_one_after_the_other),
        cmocka_unit_test(a_machine_that_moved_says_so_within_two_seconds),
        cmocka_unit_test(no_datagram_is_larger_than_the_path),
        cmocka_unit_test(what_left_before_it_became_narrow_is_no_news),
        cmocka_unit_test(a_path_may_swallow_what_is_large_in_each_direction),
        cmocka_unit_test(names_are_asked_for_inside),
        cmocka_unit_test(without_dns_a_name_is_nowhere_and_asked_of_nobody),
        cmocka_unit_test(two_tunnels_share_inner_addresses_and_nothing_else),
        cmocka_unit_test(a_tunnel_inside_a_tunnel_shows_nothing_of_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
