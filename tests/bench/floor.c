/* SPDX-License-Identifier: MIT */
/* The floor under every userspace WireGuard proxy: what cannot be left out. Local TCP on one side, ChaCha20-Poly1305
 * over packets of full size and batched UDP on the other, and no TCP/IP stack between them. Whoever carries bytes out
 * of a tunnel does at least this.
 *
 *   floor near DOWN-PORT UP-PORT ACCOUNT-PORT UDP-PORT   the measured side: clients are served one at a time; the account
 *                                                        tells how many bytes went up so far (8 bytes in host order)
 *   floor far UDP-PORT                                   makes and takes the packets
 *   floor suite                                          says which AEAD it has
 *
 * A datagram of the data path is 16 bytes of header, 1,360 of payload in 1,420 of plaintext, and the tag. At most two
 * super-datagrams are on their way: the receiver answers each burst with one byte, so that nothing is lost that a
 * socket's buffer holds; what is lost all the same is given up after 20 ms. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "wg/suite.h"

enum {
    HEADER = 16,
    INNER = 1424, /* padded to 16 bytes */
    HEADERS_INSIDE = 40 + 20,
    PAYLOAD = 1420 - HEADERS_INSIDE,
    PACKET = HEADER + INNER + SUITE_TAG,
    BURST = 44, /* packets in a super-datagram */
    ON_THEIR_WAY = 2,
    BUFFERS = 4,
    BUFFER = 65536,
};

static const uint8_t key[SUITE_KEY] = {1};
static uint64_t counter;

static int udp_socket(uint16_t port, uint16_t peer)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, size = 4 << 20,
        segment = PACKET;
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {.tv_usec = 20000};
    if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        return -1;
    }
    if (peer != 0) {
        at.sin_port = htons(peer);
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
            return -1;
        }
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0 ||
        setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) != 0) {
        return -1;
    }
    return fd;
}

/* ---- packets ---- */

static uint8_t *inner_at(uint8_t *burst, size_t i)
{
    return burst + i * PACKET + HEADER;
}

static void seal_burst(uint8_t *burst, size_t n)
{
    struct suite_job jobs[BURST];
    for (size_t i = 0; i < n; i++) {
        jobs[i] = (struct suite_job){
            .key = key, .counter = counter, .data = inner_at(burst, i), .len = INNER};
        memcpy(inner_at(burst, i) - 8, &counter, 8);
        counter++;
    }
    suite_seal_batch(jobs, n);
}

/* How many packets of `len` bytes were whole. */
static size_t open_burst(uint8_t *burst, size_t len)
{
    struct suite_job jobs[BURST];
    size_t n = len / PACKET < BURST ? len / PACKET : BURST, good = 0;
    for (size_t i = 0; i < n; i++) {
        jobs[i] =
            (struct suite_job){.key = key, .data = inner_at(burst, i), .len = INNER + SUITE_TAG};
        memcpy(&jobs[i].counter, inner_at(burst, i) - 8, 8);
    }
    suite_open_batch(jobs, n);
    for (size_t i = 0; i < n; i++) {
        good += jobs[i].ok;
    }
    return good;
}

struct bursts {
    uint8_t data[BUFFERS][BUFFER];
    struct iovec iov[BUFFERS];
    struct mmsghdr msgs[BUFFERS];
};

static int receive_bursts(int udp, struct bursts *b)
{
    for (int i = 0; i < BUFFERS; i++) {
        b->iov[i] = (struct iovec){b->data[i], BUFFER};
        b->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &b->iov[i], .msg_iovlen = 1};
    }
    return recvmmsg(udp, b->msgs, BUFFERS, MSG_WAITFORONE, NULL);
}

/* One byte for each burst that came. */
static void credit(int udp, int bursts)
{
    for (int i = 0; i < bursts; i++) {
        if (send(udp, "c", 1, 0) != 1) {
            return; /* given up by the other side in time */
        }
    }
}

/* Wait for room on the way. */
static void await_credit(int udp, unsigned *out)
{
    char c;
    while (*out >= ON_THEIR_WAY) {
        *out -= recv(udp, &c, 1, 0) == 1 ? 1 : *out;
    }
}

/* ---- the near side ---- */

static bool deliver(int client, uint8_t *burst, size_t n)
{
    struct iovec iov[BURST];
    for (size_t i = 0; i < n; i++) {
        iov[i] = (struct iovec){inner_at(burst, i) + HEADERS_INSIDE, PAYLOAD};
    }
    struct iovec *at = iov;
    int left = (int)n;
    while (left > 0) {
        ssize_t put = writev(client, at, left);
        if (put <= 0) {
            return false;
        }
        while (left > 0 && (size_t)put >= at->iov_len) {
            put -= (ssize_t)at->iov_len;
            at++;
            left--;
        }
        if (left > 0) {
            at->iov_base = (uint8_t *)at->iov_base + put;
            at->iov_len -= (size_t)put;
        }
    }
    return true;
}

static void serve_down(int udp, int client)
{
    static struct bursts b;
    bool going = send(udp, "d", 1, 0) == 1;
    while (going) {
        int n = receive_bursts(udp, &b);
        for (int i = 0; i < n && going; i++) {
            going = deliver(client, b.data[i], open_burst(b.data[i], b.msgs[i].msg_len));
        }
        credit(udp, n > 0 ? n : ON_THEIR_WAY);
    }
    if (send(udp, "s", 1, 0) != 1) {
        return;
    }
    while (receive_bursts(udp, &b) > 0) {
    }
}

static uint64_t taken; /* bytes from clients */

/* The client's bytes go where they are sealed, each read filling as many packets as it has bytes for. */
static void serve_up(int udp, int client)
{
    static uint8_t burst[BUFFER];
    unsigned out = 0;
    for (;;) {
        struct iovec iov[BURST];
        for (size_t i = 0; i < BURST; i++) {
            iov[i] = (struct iovec){inner_at(burst, i) + HEADERS_INSIDE, PAYLOAD};
        }
        ssize_t got = readv(client, iov, BURST);
        if (got <= 0) {
            break;
        }
        taken += (uint64_t)got;
        size_t n = ((size_t)got + PAYLOAD - 1) / PAYLOAD;
        seal_burst(burst, n);
        await_credit(udp, &out);
        out += send(udp, burst, n * PACKET, 0) > 0;
    }
}

static void serve_account(int udp, int client)
{
    (void)udp;
    if (write(client, &taken, sizeof taken) != sizeof taken) {
        return; /* the client has left */
    }
}

static int listen_at(const char *port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 16) == 0 ? fd : -1;
}

static int run_near(char **argv)
{
    static void (*const serve[])(int udp, int client) = {serve_down, serve_up, serve_account};
    struct pollfd listeners[3];
    int udp = udp_socket((uint16_t)(atoi(argv[5]) + 1), (uint16_t)atoi(argv[5]));
    for (int i = 0; i < 3; i++) {
        listeners[i] = (struct pollfd){.fd = listen_at(argv[2 + i]), .events = POLLIN};
        if (udp < 0 || listeners[i].fd < 0) {
            perror("floor");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    while (poll(listeners, 3, -1) > 0) {
        for (int i = 0; i < 3; i++) {
            int client = listeners[i].revents != 0 ? accept(listeners[i].fd, NULL, NULL) : -1;
            if (client >= 0) {
                serve[i](udp, client);
                close(client);
            }
        }
    }
    return 1;
}

/* ---- the far side ---- */

static int run_far(char **argv)
{
    static uint8_t burst[BUFFER];
    static struct bursts b;
    uint16_t port = (uint16_t)atoi(argv[2]);
    int udp = udp_socket(port, (uint16_t)(port + 1));
    unsigned out = 0;
    bool sending = false;
    if (udp < 0) {
        perror("floor");
        return 1;
    }
    for (;;) {
        while (sending && out < ON_THEIR_WAY) {
            seal_burst(burst, BURST);
            out += send(udp, burst, (size_t)BURST * PACKET, 0) > 0;
        }
        int n = receive_bursts(udp, &b), packets = 0;
        out = n > 0 ? out : 0;
        for (int i = 0; i < n; i++) {
            size_t len = b.msgs[i].msg_len;
            if (len >= PACKET) {
                open_burst(b.data[i], len);
                packets++;
            }
            for (size_t j = 0; len < PACKET && j < len; j++) {
                char c = (char)b.data[i][j];
                sending = c == 'd' || (c != 's' && sending);
                out = c == 'd' ? 0 : out - (c == 'c' && out > 0);
            }
        }
        credit(udp, packets);
    }
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    if (!suite_init()) {
        return 1;
    }
    if (argc == 6 && strcmp(argv[1], "near") == 0) {
        return run_near(argv);
    }
    if (argc == 3 && strcmp(argv[1], "far") == 0) {
        return run_far(argv);
    }
    if (argc == 2 && strcmp(argv[1], "suite") == 0) {
        puts(suite_name());
        return 0;
    }
    fputs("usage: floor near DOWN-PORT UP-PORT ACCOUNT-PORT UDP-PORT | floor far UDP-PORT | floor "
          "suite\n",
          stderr);
    return 2;
}
