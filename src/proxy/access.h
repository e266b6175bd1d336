/* SPDX-License-Identifier: MIT */
/* Where a door's clients may go. Rules are asked in their order, the first that fits decides. Where none fits, all is
 * allowed if no rule allows anything, and nothing otherwise.
 *
 * A name is asked twice: by itself before it is looked up, where only rules about names and ports can fit, and each
 * of its addresses before it is dialled, together with the name. So "deny 10.0.0.0/8" holds for names that lead
 * there, and "allow .corp.example" for whatever those names lead to, unless a rule before it denies that network.
 * A name is what the client wrote: neither search domains nor aliases are looked through, so what must not be
 * reached is denied by its network. */
#ifndef WGPROXY_PROXY_ACCESS_H
#define WGPROXY_PROXY_ACCESS_H

#include "base/addr.h"
#include "base/macros.h"
#include "proxy/target.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct access;

/* Fits when everything that it names fits. */
struct access_rule {
    bool allow;
    bool has_net;
    struct prefix net; /* the destination's address, where has_net */
    const char *
        suffix; /* NULL: any. "corp.example" is that name and every one below it; case does not matter */
    uint16_t first, last; /* ports; 0..65535 for any */
    const char *user;     /* NULL: any, also nobody */
};

int access_new(struct access **out) MUST_USE; /* 0, ERR_NOMEM */
void access_free(struct access *a);           /* NULL is harmless */
/* copied; 0, ERR_NOMEM */
int access_add(struct access *a, const struct access_rule *rule) MUST_USE;

enum access_verdict { ACCESS_ALLOWED, ACCESS_DENIED, ACCESS_ASK_ADDRESS };

/* `a` NULL: everything is allowed. `user` may be NULL. With a target that is a name alone ACCESS_ASK_ADDRESS means that
 * it is to be asked again with each address (`to.addr` set and `to.name` kept); with an address it never comes. */
enum access_verdict access_ask(const struct access *a, const char *user, const struct target *to);

#endif
