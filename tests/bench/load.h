/* SPDX-License-Identifier: MIT */
/* The bench's client: blocking sockets, a thread for each flow, so that it costs the same whoever is measured. Each
 * kind of load prints one line of JSON. */
#ifndef WGPROXY_BENCH_LOAD_H
#define WGPROXY_BENCH_LOAD_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The way to the far end. */
struct aim {
    struct sockaddr_in socks; /* sin_port 0: straight to the target */
    struct sockaddr_in to;
    struct sockaddr_in account; /* for load_up */
    unsigned flows;
    double seconds;
    size_t size; /* of a datagram or a ping */
};

double seconds_now(void); /* monotonic */

/* A connected blocking TCP socket, through the proxy where there is one; -1 when it failed at any step. It gives up what
 * takes longer than 10 s. */
int aim_connect(const struct aim *aim);

/* A connected UDP socket whose datagrams reach the target, with `header` bytes before each payload that the proxy wants
 * and gives (0 without a proxy). *control is the TCP connection that keeps it alive, or -1. -1 when it failed. */
int aim_datagrams(const struct aim *aim, uint8_t header[32], size_t *header_len, int *control);

/* All of it or false. */
bool write_all(int fd, const void *data, size_t len);
bool read_all(int fd, void *data, size_t len);

/* Durations in seconds; their percentiles. */
struct samples {
    double *at;
    size_t n, room;
};
void samples_add(struct samples *s, double value);
void samples_join(struct samples *s, struct samples *from); /* empties `from` */
double samples_percentile(struct samples *s, double p);     /* sorts; 0 when empty */
void samples_free(struct samples *s);

/* The kinds of load: 0, or 1 when nothing could be measured. */
int load_down(const struct aim *aim); /* from the source, port 19 */
int load_up(const struct aim *aim);   /* to the sink, port 9; its account is on port 10 */
int load_requests(const struct aim *aim,
                  bool kept);              /* HTTP, each on a new connection or all on one */
int load_pings(const struct aim *aim);     /* one byte to the echo and back */
int load_datagrams(const struct aim *aim); /* to the UDP echo, 64 on their way */
int load_hold(
    const struct aim
        *aim); /* `flows` connections to the echo, idle after a byte, until standard input ends */
int load_first(const struct aim *aim); /* how long until one byte came back, trying from now on */

#endif
