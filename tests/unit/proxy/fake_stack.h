/* SPDX-License-Identifier: MIT */
/* The stack's streams and sockets as puppets: what the module under test calls is recorded, what
 * the far side does is said by the test, in any order. Streams stay readable for the test after
 * they were given up, and any use after that fails the test. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_STACK_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_STACK_H

#include "fake_bytes.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"

struct stack *fake_stack_new(void);
void fake_stack_free(struct stack *s); /* fails the test when a stream or socket was not given up */

/* Answer connects and datagrams to `addr` with `err` at once; NULL: to every address. */
void fake_stack_forbid(struct stack *s, const char *addr, int err);

/* Has no address of this family, for who asks. */
void fake_stack_lacks(struct stack *s, enum family family);

/* Run the handlers of everything that has news; true when any ran. */
bool fake_stack_dispatch(struct stack *s, struct now now);

/* ---- streams, in the order in which they were connected ---- */

unsigned fake_tcp_count(const struct stack *s);
struct stack_tcp *fake_tcp(const struct stack *s, unsigned i);
const char *fake_tcp_where(const struct stack_tcp *t); /* "10.0.0.1:80" */
enum fake_fate fake_tcp_fate(const struct stack_tcp *t);

/* The send queue holds `room` bytes, and one reserve gives `piece` at most. */
void fake_tcp_set_room(struct stack_tcp *t, size_t room, size_t piece);
void fake_tcp_connected(struct stack_tcp *t);
void fake_tcp_failed(struct stack_tcp *t, int err);
void fake_tcp_deliver(struct stack_tcp *t, const void *data, size_t len);
void fake_tcp_deliver_fin(struct stack_tcp *t);
void fake_tcp_acknowledge(struct stack_tcp *t, size_t n); /* at most what is unsent */

const struct fake_bytes *fake_tcp_sent(const struct stack_tcp *t); /* everything ever committed */
bool fake_tcp_has_fin(const struct stack_tcp *t);
size_t fake_tcp_unread(
    const struct stack_tcp *t); /* delivered, not consumed: it shuts the window */

/* ---- listeners, in the order in which they were opened; without a port they have 40000 and up ---- */

unsigned fake_listener_count(const struct stack *s);
bool fake_listener_is_open(const struct stack *s, unsigned i);

/* Somebody connects from "10.0.0.1:80": the stream, as the listener's user left it. */
struct stack_tcp *fake_listener_show(struct stack *s, unsigned i, const char *from, struct now now);

/* ---- sockets ---- */

unsigned fake_udp_count(const struct stack *s);
struct stack_udp *fake_udp(const struct stack *s, unsigned i);
bool fake_udp_is_open(const struct stack_udp *u);
const struct fake_bytes *fake_udp_sent(const struct stack_udp *u);
void fake_udp_deliver(struct stack_udp *u, const char *from, const void *data, size_t len,
                      struct now now);
void fake_udp_fail(struct stack_udp *u, const char *to, int err, struct now now);

#endif
