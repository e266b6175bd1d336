/* SPDX-License-Identifier: MIT */
/* Places on this machine as they are written, behind BindAddress = and -D alike. */
#ifndef WGPROXY_CONFIG_LISTENER_H
#define WGPROXY_CONFIG_LISTENER_H

#include "base/macros.h"
#include "base/place.h"

#include <stdbool.h>

/* "PORT" (on 127.0.0.1), "ADDRESS:PORT", "[IPV6]:PORT", "localhost:PORT", ":PORT" and "*:PORT" (on
 * every IPv4 interface), "unix:PATH", "fd:NUMBER" or "fd:NAME" (a socket that was handed over: fd is -1 and
 * path the name where it is no number). NULL and *out, or what is wrong with it. */
const char *listener_parse(struct place *out, const char *text) MUST_USE;

/* Can only programs of this machine reach it? */
bool place_is_private(const struct place *p);

/* A port at all addresses of one family. */
bool place_is_everywhere(const struct place *p);

/* The same port at all addresses of the other one, of a place that is everywhere. */
struct place place_of_other_family(const struct place *p);

/* Could they not both be listened on? A port on every address takes it on each one; port 0 is any free one. */
bool place_clashes(const struct place *a, const struct place *b);

#endif
