/* SPDX-License-Identifier: MIT */
/* The one table of errors. Codes are negative ints; 0 is success. They travel unchanged from where
 * they arise to whoever decides what happens next, and are put into words only there. */
#ifndef WGPROXY_BASE_ERR_H
#define WGPROXY_BASE_ERR_H

/* X(name, code, words): the code is part of the contract between modules, never of the wire. */
#define ERR_TABLE(X)                                                    \
    X(ERR_AGAIN, -1, "not now, try again")                              \
    X(ERR_NOMEM, -2, "out of memory")                                   \
    X(ERR_INVALID, -3, "invalid argument")                              \
    X(ERR_EXISTS, -4, "already exists")                                 \
    X(ERR_IO, -5, "input/output error")                                 \
    X(ERR_PERM, -6, "permission denied")                                \
    X(ERR_IN_USE, -7, "address already in use")                         \
    X(ERR_NO_ADDRESS, -8, "address not available on this machine")      \
    X(ERR_LIMIT, -9, "limit reached")                                   \
    X(ERR_NO_FILE, -10, "no such file or directory")                    \
    /* how a connection ends, or fails to begin */                      \
    X(ERR_REFUSED, -20, "connection refused")                           \
    X(ERR_UNREACHABLE, -21, "destination unreachable")                  \
    X(ERR_NO_ROUTE, -22, "no peer's AllowedIPs contain the address")    \
    X(ERR_NO_FAMILY, -23, "the tunnel has no address of that family")   \
    X(ERR_TIMED_OUT, -24, "timed out")                                  \
    X(ERR_RESET, -25, "connection reset")                               \
    X(ERR_CLOSED, -26, "connection closed")                             \
    X(ERR_CANCELLED, -27, "cancelled")                                  \
    X(ERR_DENIED, -28, "denied by the access rules")                    \
    X(ERR_PEER_SILENT, -29, "the tunnel's peer does not answer")        \
    /* names */                                                         \
    X(ERR_NO_NAME, -40, "no such name")                                 \
    X(ERR_NO_DATA, -41, "the name has no address")                      \
    X(ERR_NO_DNS, -42, "no DNS server is configured inside the tunnel") \
    X(ERR_DNS_FAILED, -43, "the DNS server could not answer")           \
    X(ERR_DNS_SILENT, -44, "no DNS server answered")                    \
    X(ERR_BAD_NAME, -45, "not a valid host name")

#define ERR_ENUM(name, code, words) name = (code),
enum err { ERR_TABLE(ERR_ENUM) };
#undef ERR_ENUM

/* The words for `err`; never NULL. 0 gives "success". */
const char *err_text(int err);

/* The name of the code, as "ERR_REFUSED"; "ERR_UNKNOWN" for a number outside the table. */
const char *err_name(int err);

#endif
