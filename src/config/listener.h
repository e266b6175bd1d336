/* SPDX-License-Identifier: MIT */
/* Where clients may come in, as written behind BindAddress = and -D alike. */
#ifndef WGPROXY_CONFIG_LISTENER_H
#define WGPROXY_CONFIG_LISTENER_H

#include "base/addr.h"
#include "base/macros.h"

/* "PORT" (on 127.0.0.1), "ADDRESS:PORT", "[IPV6]:PORT" or "localhost:PORT".
 * NULL and *out, or what is wrong with it. The form ":PORT" is refused: some
 * programs mean every interface by it and some mean none but loopback. */
const char *listener_parse(struct endpoint *out, const char *text) MUST_USE;

#endif
