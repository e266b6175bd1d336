/* SPDX-License-Identifier: MIT */
/* The visitor. */
#include "visit.h"

#include "unit/test.h"

void visit_begin(struct visit *v, struct ground_options options)
{
    v->g = ground_new(options);
    fake_client_init(&v->c);
    proxy_accept(v->g->proxy, &v->c.stream, v->g->now);
}

struct stack_tcp *visit_connected(struct visit *v)
{
    visit_begin(v, (struct ground_options){0});
    assert_int_equal(proxy_sessions(v->g->proxy), 1);
    visit_say(v, BYTES(HELLO));
    visit_say(v, BYTES(TO_V4));
    struct stack_tcp *t = fake_tcp(v->g->stack, 0);
    fake_tcp_connected(t);
    visit_settle(v);
    return t;
}

void visit_end(struct visit *v)
{
    ground_free(v->g);
    fake_client_fini(&v->c);
}

void visit_settle(struct visit *v)
{
    struct fake_client *const clients[] = {&v->c};
    ground_settle(v->g, clients, 1);
}

void visit_say(struct visit *v, const char *bytes, size_t len)
{
    fake_client_send(&v->c, bytes, len);
    visit_settle(v);
}

void visit_heard(const struct visit *v, const char *bytes, size_t len)
{
    assert_int_equal(v->c.output.len, len);
    assert_memory_equal(v->c.output.data, bytes, len);
}
