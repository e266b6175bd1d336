/* SPDX-License-Identifier: MIT */
/* One scripted client at the door of a ground, and what it is told. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_VISIT_H
#define WGPROXY_TESTS_UNIT_PROXY_VISIT_H

#include "ground.h"

#define HELLO "\x05\x01\x00"
#define WELCOME "\x05\x00"
#define TO_V4 "\x05\x01\x00\x01\x0a\x00\x00\x01\x00\x50" /* 10.0.0.1:80 */
#define TO_NAME            \
    "\x05\x01\x00\x03\x0b" \
    "example.com"          \
    "\x01\xbb"
#define CONNECTED "\x05\x00\x00\x01\x0a\x09\x09\x09\xc3\x50"

/* A string literal and its length, NULs included. */
#define BYTES(s) (s), sizeof(s) - 1

struct visit {
    struct ground *g;
    struct fake_client c;
};

void visit_begin(struct visit *v, struct ground_options options);
/* Begin, ask for 10.0.0.1:80 and let it connect. */
struct stack_tcp *visit_connected(struct visit *v);
void visit_end(struct visit *v);
void visit_settle(struct visit *v);

/* Send, and let happen what happens. */
void visit_say(struct visit *v, const char *bytes, size_t len);

/* Everything that the client was sent is this. */
void visit_heard(const struct visit *v, const char *bytes, size_t len);

#endif
