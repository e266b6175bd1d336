/* SPDX-License-Identifier: MIT */
/* Where clients may come in, as written behind BindAddress = and -D alike. */
#include "config/listener.h"

#include <string.h>
#include <strings.h>

static const struct addr loopback = {.family = FAMILY_V4,
                                     .bytes = {127, 0, 0, 1}};

const char *listener_parse(struct endpoint *out, const char *text)
{
    char host[ADDR_TEXT];
    *out = (struct endpoint){.addr = loopback};
    if (port_parse(&out->port, text) || endpoint_parse(out, text)) {
        return addr_is_multicast(&out->addr) ? "cannot be listened on" : NULL;
    }
    out->addr = loopback;
    const char *colon = strrchr(text, ':');
    if (colon == text) {
        return "has no address: write 127.0.0.1 before it, or 0.0.0.0 for every interface";
    }
    if (!hostport_split(text, host, sizeof host, &out->port)) {
        return "must be a port, or address:port with an IPv6 address in brackets";
    }
    return strcasecmp(host, "localhost") == 0
               ? NULL
               : "must have an IP address, not a name";
}
