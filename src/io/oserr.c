/* SPDX-License-Identifier: MIT */
/* A switch, so that the compiler refuses a number that is named twice. */
#include "io/oserr.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

int oserr(int errnum)
{
    switch (abs(errnum)) {
    case EAGAIN:
    case EINPROGRESS:
    case EALREADY:
        return ERR_AGAIN;

    case ENOMEM:
    case ENOBUFS:
        return ERR_NOMEM;

    case EINVAL:
    case EDESTADDRREQ:
        return ERR_INVALID;

    case EPERM:
    case EACCES:
        return ERR_PERM;

    case EADDRINUSE:
        return ERR_IN_USE;

    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENODEV: /* a link-local address whose interface is gone */
        return ERR_NO_ADDRESS;

    case ENOENT:
    case ENOTDIR:
        return ERR_NO_FILE;

    case EMFILE:
    case ENFILE:
    case ENOSPC: /* epoll's watches */
    case EMSGSIZE:
        return ERR_LIMIT;

    case ECONNREFUSED:
        return ERR_REFUSED;

    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
    case ENONET:
    case ENOPROTOOPT: /* ICMP protocol unreachable */
    case EPROTO:      /* ICMP parameter problem */
        return ERR_UNREACHABLE;

    case ETIMEDOUT:
        return ERR_TIMED_OUT;

    case ECONNRESET:
    case ECONNABORTED:
    case ENETRESET:
        return ERR_RESET;

    case EPIPE:
    case ENOTCONN:
        return ERR_CLOSED;

    case ECANCELED:
        return ERR_CANCELLED;

    default:
        return ERR_IO;
    }
}
