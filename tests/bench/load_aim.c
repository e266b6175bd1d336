/* SPDX-License-Identifier: MIT */
/* Ways to the far end (RFC 1928, without authentication), and durations. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

bool write_all(int fd, const void *data, size_t len)
{
    const char *at = data;
    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

bool read_all(int fd, void *data, size_t len)
{
    char *at = data;
    while (len > 0) {
        ssize_t n = recv(fd, at, len, 0);
        if (n <= 0) {
            return false;
        }
        at += n;
        len -= (size_t)n;
    }
    return true;
}

#define PATIENCE 10 /* s; so that what stalls ends with the measurement */

static int connect_to(const struct sockaddr_in *to)
{
    struct timeval patience = {.tv_sec = PATIENCE};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
        connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 &&
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

enum { COMMAND_CONNECT = 1, COMMAND_ASSOCIATE = 3, REQUEST = 10 };

/* Asks the proxy; the address of its reply, which must be IPv4, goes to *bound. */
static bool ask_proxy(int fd, uint8_t command, const struct sockaddr_in *to,
                      struct sockaddr_in *bound)
{
    uint8_t request[REQUEST] = {5, command, 0, 1}, reply[REQUEST];
    memcpy(request + 4, &to->sin_addr, 4);
    memcpy(request + 8, &to->sin_port, 2);
    if (!write_all(fd, "\5\1", 3) || !read_all(fd, reply, 2) || reply[1] != 0 ||
        !write_all(fd, request, sizeof request) || !read_all(fd, reply, 4) || reply[1] != 0) {
        return false;
    }
    uint8_t rest[18]; /* an IPv6 address and its port */
    if (!read_all(fd, rest, reply[3] == 1 ? 6 : 18)) {
        return false;
    }
    *bound = (struct sockaddr_in){.sin_family = AF_INET};
    if (reply[3] == 1) {
        memcpy(&bound->sin_addr, rest, 4);
        memcpy(&bound->sin_port, rest + 4, 2);
    }
    return true;
}

int aim_connect(const struct aim *aim)
{
    struct sockaddr_in bound;
    if (aim->socks.sin_port == 0) {
        return connect_to(&aim->to);
    }
    int fd = connect_to(&aim->socks);
    if (fd >= 0 && !ask_proxy(fd, COMMAND_CONNECT, &aim->to, &bound)) {
        close(fd);
        return -1;
    }
    return fd;
}

int aim_datagrams(const struct aim *aim, uint8_t header[32], size_t *header_len, int *control)
{
    struct sockaddr_in relay = aim->to, nobody = {.sin_family = AF_INET};
    *control = -1;
    *header_len = 0;
    if (aim->socks.sin_port != 0) {
        *control = connect_to(&aim->socks);
        if (*control < 0 || !ask_proxy(*control, COMMAND_ASSOCIATE, &nobody, &relay)) {
            return -1;
        }
        if (relay.sin_addr.s_addr == htonl(INADDR_ANY)) {
            relay.sin_addr = aim->socks.sin_addr;
        }
        memcpy(header, "\0\0\0\1", 4);
        memcpy(header + 4, &aim->to.sin_addr, 4);
        memcpy(header + 8, &aim->to.sin_port, 2);
        *header_len = REQUEST;
    }
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&relay, sizeof relay) == 0) {
        return fd;
    }
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

/* ---- durations ---- */

void samples_add(struct samples *s, double value)
{
    if (s->n == s->room) {
        s->room = s->room > 0 ? 2 * s->room : 4096;
        s->at = realloc(s->at, s->room * sizeof *s->at);
        if (s->at == NULL) {
            abort();
        }
    }
    s->at[s->n++] = value;
}

void samples_join(struct samples *s, struct samples *from)
{
    for (size_t i = 0; i < from->n; i++) {
        samples_add(s, from->at[i]);
    }
    samples_free(from);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double samples_percentile(struct samples *s, double p)
{
    if (s->n == 0) {
        return 0;
    }
    qsort(s->at, s->n, sizeof *s->at, by_value);
    size_t i = (size_t)(p / 100 * (double)(s->n - 1) + 0.5);
    return s->at[i];
}

void samples_free(struct samples *s)
{
    free(s->at);
    *s = (struct samples){0};
}
