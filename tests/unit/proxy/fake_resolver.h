/* SPDX-License-Identifier: MIT */
/* The resolver as a puppet: look-ups wait until the test answers them, and messages to carry are
 * what the test says. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_FAKE_RESOLVER_H
#define WGPROXY_TESTS_UNIT_PROXY_FAKE_RESOLVER_H

#include "dns/resolver.h"

struct resolver *fake_resolver_new(void);
void fake_resolver_free(struct resolver *r); /* fails the test when a look-up is still running */

void fake_resolver_refuse(struct resolver *r, int err); /* what the next look-ups return at once */
unsigned fake_resolver_running(const struct resolver *r);
const char *fake_resolver_name(const struct resolver *r, unsigned i); /* of the i-th running one */

/* End the i-th running look-up: with addresses ("10.0.0.1 fd00::1"), or with `err`. */
void fake_resolver_answer(struct resolver *r, unsigned i, const char *addrs, struct now now);
void fake_resolver_fail(struct resolver *r, unsigned i, int err, struct now now);

/* ---- messages ---- */

void fake_resolver_emit(struct resolver *r, enum resolver_carry kind, uint32_t exchange,
                        const char *server, const void *message, size_t len);

/* What came back for exchanges: "7: 3 bytes abc" or "7: ERR_REFUSED", one line each, and forget
 * them. */
const char *fake_resolver_heard(const struct resolver *r);
void fake_resolver_clear(struct resolver *r);

#endif
