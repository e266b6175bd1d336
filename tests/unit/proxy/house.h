/* SPDX-License-Identifier: MIT */
/* A door over the real stack and the real resolver, with servers at the other end of a wire, in
 * virtual time. */
#ifndef WGPROXY_TESTS_UNIT_PROXY_HOUSE_H
#define WGPROXY_TESTS_UNIT_PROXY_HOUSE_H

#include "fake_client.h"
#include "proxy/dial.h"
#include "proxy/names.h"
#include "proxy/proxy.h"
#include "unit/stack/wire.h"

#define HOUSE_CLIENTS 200

/* What a server does with its connections, all of which run at port 80 of the far end. */
enum far_manner {
    FAR_ECHO,     /* sends back what comes, and FIN after FIN */
    FAR_AFTERMATH /* takes everything, and answers `answer` bytes after the client's FIN */
};

struct far_conn {
    struct house *house;
    struct stack_tcp *t;
    struct fake_bytes received;
    size_t sent;
    int err;
    bool eof, done;
};

struct house {
    struct wire wire; /* the door at a, servers at b */
    struct resolver *resolver;
    struct names *names;
    struct dialer *dialer;
    struct proxy *proxy;
    struct stack_tcp_listener *web, *dns_tcp;
    struct stack_udp *dns;
    bool dns_truncates;
    unsigned dns_over_udp, dns_over_tcp;

    enum far_manner manner;
    size_t answer;
    struct far_conn conns[HOUSE_CLIENTS];
    unsigned n_conns;

    struct fake_client clients[HOUSE_CLIENTS];
    unsigned n_clients;
};

struct house *house_new(const struct wire_config *wire);
void house_free(struct house *h);

/* From now on the door is a forward to this address. */
void house_forwards(struct house *h, const char *target);

/* The far end connects to a port of ours inside. */
struct far_conn *house_call(struct house *h, const char *at);

/* A client comes to the door and sends this. */
struct fake_client *house_visit(struct house *h, const void *bytes, size_t len);

/* Let so much time pass, a millisecond at a time. */
void house_pass(struct house *h, uint64_t ns);

/* Byte `i` of every long stream in these tests. */
uint8_t house_byte(size_t i);

#endif
