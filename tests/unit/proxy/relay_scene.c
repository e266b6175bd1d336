/* SPDX-License-Identifier: MIT */
/* A relay of datagrams between a port of this machine and two ports inside. */
#include "relay_scene.h"

#include "unit/test.h"

static const struct endpoint nobody;

void relay_begin(struct relay_scene *p, struct udp_relay_config config)
{
    static const struct wire_config near = {.delay = MS};
    p->h = house_new(&near);
    config.stack = p->h->wire.a.stack;
    config.dialer = p->h->dialer;
    assert_int_equal(udp_relay_new(&p->r, &config), 0);
    fake_port_init(&p->port, 1080, &udp_relay_handler, p->r);
    udp_relay_set_port(p->r, &p->port.dgram, &nobody, NULL);
    far_udp_open(&p->far, p->h, 1000);
    far_udp_open(&p->other, p->h, 1001);
}

void relay_end(struct relay_scene *p)
{
    udp_relay_free(p->r);
    stack_udp_close(p->far.u);
    stack_udp_close(p->other.u);
    house_free(p->h);
}

int relay_open_from(struct relay_scene *p, const char *client, const char *hint,
                    struct udp_association **a)
{
    struct endpoint from = nobody, named = nobody, local;
    assert_true(client == NULL || endpoint_parse(&from, client));
    assert_true(hint == NULL || endpoint_parse(&named, hint));
    assert_true(endpoint_parse(&local, "127.0.0.9:1080"));
    if (client == NULL) {
        local = nobody;
    }
    return udp_association_open(p->r, &from, &local, &named, NULL, a, &p->bound, p->h->wire.now);
}

struct udp_association *relay_associate(struct relay_scene *p)
{
    struct udp_association *a;
    assert_int_equal(relay_open_from(p, "127.0.0.1:40000", NULL, &a), 0);
    return a;
}

void relay_say(struct relay_scene *p, const char *from, const char *bytes, size_t len)
{
    fake_port_deliver(&p->port, from, bytes, len, p->h->wire.now);
    house_pass(p->h, 20 * MS);
    udp_relay_flush(p->r);
}

void relay_answer(struct relay_scene *p, struct far_udp *from, const struct endpoint *to,
                  const char *bytes, size_t len)
{
    far_udp_say(from, to, bytes, len);
    house_pass(p->h, 20 * MS);
    udp_relay_flush(p->r);
}
