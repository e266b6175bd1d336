/* SPDX-License-Identifier: MIT */
/* Copies field by field; the only place that knows sockaddr's layouts. */
#include "io/sockaddr.h"

#include <string.h>

int sockaddr_family(const struct endpoint *e)
{
    switch (e->addr.family) {
    case FAMILY_V4:
        return AF_INET;
    case FAMILY_V6:
        return AF_INET6;
    default:
        return AF_UNSPEC;
    }
}

socklen_t sockaddr_from_endpoint(union sockaddr_any *out, const struct endpoint *e)
{
    switch (e->addr.family) {
    case FAMILY_V4:
        out->v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(e->port)};
        memcpy(&out->v4.sin_addr, e->addr.bytes, sizeof out->v4.sin_addr);
        return sizeof out->v4;

    case FAMILY_V6:
        out->v6 = (struct sockaddr_in6){
            .sin6_family = AF_INET6,
            .sin6_port = htons(e->port),
            .sin6_scope_id = e->scope,
        };
        memcpy(&out->v6.sin6_addr, e->addr.bytes, sizeof out->v6.sin6_addr);
        return sizeof out->v6;

    default:
        return 0;
    }
}

struct endpoint sockaddr_to_endpoint(const struct sockaddr *sa)
{
    struct endpoint e = {0};
    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)sa;
        e.addr = addr_from_bytes(FAMILY_V4, (const uint8_t *)&v4->sin_addr);
        e.port = ntohs(v4->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)sa;
        e.addr = addr_from_bytes(FAMILY_V6, (const uint8_t *)&v6->sin6_addr);
        e.port = ntohs(v6->sin6_port);
        e.scope = v6->sin6_scope_id;
    }
    return e;
}

struct endpoint sockaddr_local(int fd)
{
    union sockaddr_any sa = {.sa.sa_family = AF_UNSPEC};
    socklen_t len = sizeof sa;
    if (getsockname(fd, &sa.sa, &len) != 0) {
        return (struct endpoint){0};
    }
    return sockaddr_to_endpoint(&sa.sa);
}
