/* SPDX-License-Identifier: MIT */
/* A UDP relay over the real stack and resolver, in virtual time: clients' datagrams at a scripted port, and two ports inside,
 * 10.0.0.2:1000 and :1001. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_RELAY_SCENE_H
#define WGPROXY_TESTS_UNIT_PROXY_RELAY_SCENE_H

#include "fake_port.h"
#include "far_udp.h"
#include "proxy/udp_header.h"
#include "proxy/udp_relay.h"
#include "unit/test.h"

#define BYTES(s) (s), sizeof(s) - 1
#define CLIENT "127.0.0.1:4000"
#define TO_FAR "\0\0\0\x01\x0a\0\0\x02\x03\xe8"   /* 10.0.0.2:1000 */
#define TO_OTHER "\0\0\0\x01\x0a\0\0\x02\x03\xe9" /* 10.0.0.2:1001 */
#define TO_SIX "\0\0\0\x04\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x02\x03\xe8"
#define TO_NAME      \
    "\0\0\0\x03\x0b" \
    "far.example"    \
    "\x03\xe8"
#define TO_NOWHERE    \
    "\0\0\0\x03\x0f"  \
    "nowhere.example" \
    "\x03\xe8"

struct relay_scene {
    struct house *h;
    struct udp_relay *r;
    struct fake_port port;
    struct far_udp far, other;
    struct endpoint bound;
};

void relay_begin(struct relay_scene *p, struct udp_relay_config config);
void relay_end(struct relay_scene *p);

/* An association for the client at that address (NULL: of a Unix socket), which names `hint` (NULL: nothing). */
int relay_open_from(struct relay_scene *p, const char *client, const char *hint,
                    struct udp_association **a);
struct udp_association *relay_associate(
    struct relay_scene *p); /* of 127.0.0.1, or the test fails */

/* A datagram from there to the port, or from inside to an association's; and let it arrive. */
void relay_say(struct relay_scene *p, const char *from, const char *bytes, size_t len);
void relay_answer(struct relay_scene *p, struct far_udp *from, const struct endpoint *to,
                  const char *bytes, size_t len);

#endif
