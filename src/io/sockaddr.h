/* SPDX-License-Identifier: MIT */
/* Between endpoints and the socket calls' form of them. */
#ifndef WGPROXY_IO_SOCKADDR_H
#define WGPROXY_IO_SOCKADDR_H

#include "base/addr.h"

#include <netinet/in.h>
#include <sys/socket.h>

union sockaddr_any {
    struct sockaddr sa;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* AF_INET, AF_INET6, or AF_UNSPEC for no address. */
int sockaddr_family(const struct endpoint *e);

/* Writes *out and returns its length; 0 for an endpoint without address. */
socklen_t sockaddr_from_endpoint(union sockaddr_any *out, const struct endpoint *e);

/* Family NONE for anything but IPv4 and IPv6. */
struct endpoint sockaddr_to_endpoint(const struct sockaddr *sa);

/* Where a socket stands; family NONE if the system does not say. */
struct endpoint sockaddr_local(int fd);

#endif
