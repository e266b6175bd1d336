/* SPDX-License-Identifier: MIT */
/* Carries UDP between a near side and one far side, through weather.
 *
 *     udp-relay --listen 127.0.0.1:4000 --to 192.0.2.2:51820 --loss 10 --seed 7
 *
 * The near side is whoever sent last to the listening port. Commands come on standard input, a
 * line each (commands.h), besides "rebind" and "stats"; each is answered by a line. The relay
 * ends when its standard input does, hence with the program that holds the other end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/macros.h"
#include "commands.h"
#include "io/sockaddr.h"
#include "queue.h"
#include "weather.h"

#define BATCH 64
#define BUFFER_BYTES (4 << 20)
#define NS_PER_S UINT64_C(1000000000)

/* One direction. Copies count as carried; what the weather or a full queue took is dropped. */
struct path {
    struct weather weather;
    struct queue *queue;
    uint64_t received, carried, dropped;
};

struct relay {
    struct settings settings;
    int near, far;
    int former; /* the port before a rebind: as behind a NAT, what still comes there is lost
                 * without a word, which a closed port would not be */
    union sockaddr_any near_address;
    socklen_t near_len; /* 0 until the near side has sent */
    struct path up, down;
    uint64_t to_far; /* datagrams since the last rebind */
    char line[256];  /* of the command that is being read */
    size_t line_len;
};

static uint64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "udp-relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- sockets ---- */

static int open_socket(const struct endpoint *e,
                       int (*place)(int, const struct sockaddr *, socklen_t))
{
    union sockaddr_any sa;
    socklen_t len = sockaddr_from_endpoint(&sa, e);
    int fd = socket(sa.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bytes = BUFFER_BYTES;
    if (fd < 0 || place(fd, &sa.sa, len) != 0) {
        die("socket");
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    return fd;
}

static void rebind(struct relay *r)
{
    if (r->former >= 0) {
        close(r->former);
    }
    r->former = r->far;
    r->far = open_socket(&r->settings.to, connect);
    r->to_far = 0;
}

/* ---- in ---- */

struct batch {
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    union sockaddr_any from[BATCH];
    uint8_t data[BATCH][QUEUE_BYTES];
};

/* Returns how many came; an ICMP error of an earlier datagram counts as none. */
static unsigned receive_batch(int fd, struct batch *b)
{
    for (unsigned i = 0; i < BATCH; i++) {
        b->iov[i] = (struct iovec){b->data[i], QUEUE_BYTES};
        b->msgs[i].msg_hdr = (struct msghdr){
            .msg_name = &b->from[i],
            .msg_namelen = sizeof b->from[i],
            .msg_iov = &b->iov[i],
            .msg_iovlen = 1,
        };
    }
    int n = recvmmsg(fd, b->msgs, BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (unsigned)n : 0;
}

static void enter(struct path *p, const struct weather_rules *rules, const struct mmsghdr *m,
                  uint64_t now)
{
    uint64_t due[WEATHER_COPIES];
    unsigned copies = weather_decide(&p->weather, rules, m->msg_len, now, due);
    bool whole = (m->msg_hdr.msg_flags & MSG_TRUNC) == 0;
    p->received++;
    p->dropped += copies == 0;
    for (unsigned i = 0; i < copies; i++) {
        if (!whole || !queue_push(p->queue, due[i], m->msg_hdr.msg_iov->iov_base, m->msg_len)) {
            p->dropped++;
        }
    }
}

static void receive(struct relay *r, struct path *p, int fd, uint64_t now)
{
    static struct batch b;
    unsigned n = receive_batch(fd, &b);
    for (unsigned i = 0; i < n; i++) {
        enter(p, &r->settings.rules, &b.msgs[i], now);
    }
    if (n > 0 && p == &r->up) {
        r->near_address = b.from[n - 1];
        r->near_len = b.msgs[n - 1].msg_hdr.msg_namelen;
    }
}

/* ---- out ---- */

static unsigned take_due(struct path *p, struct mmsghdr *msgs, struct iovec *iov, uint64_t now)
{
    unsigned n = 0;
    while (n < BATCH && queue_next_due(p->queue) <= now) {
        iov[n].iov_base = (void *)(uintptr_t)queue_pop(p->queue, &iov[n].iov_len); /* only read */
        msgs[n].msg_hdr = (struct msghdr){.msg_iov = &iov[n], .msg_iovlen = 1};
        n++;
    }
    return n;
}

/* An error may be an earlier datagram's ICMP, told once; who fails twice is dropped. */
static void send_all(struct path *p, int fd, struct mmsghdr *msgs, unsigned n)
{
    bool failed_before = false;
    for (unsigned at = 0; at < n;) {
        int sent = sendmmsg(fd, msgs + at, n - at, 0);
        if (sent > 0) {
            at += (unsigned)sent;
            p->carried += (unsigned)sent;
        } else if (failed_before) {
            at++;
            p->dropped++;
        }
        failed_before = sent <= 0 && !failed_before;
    }
}

static unsigned flush(struct relay *r, struct path *p, uint64_t now)
{
    struct mmsghdr msgs[BATCH];
    struct iovec iov[BATCH];
    unsigned n = take_due(p, msgs, iov, now);
    if (p == &r->up) {
        send_all(p, r->far, msgs, n);
        r->to_far += n;
    } else if (r->near_len != 0) {
        for (unsigned i = 0; i < n; i++) {
            msgs[i].msg_hdr.msg_name = &r->near_address;
            msgs[i].msg_hdr.msg_namelen = r->near_len;
        }
        send_all(p, r->near, msgs, n);
    }
    return n;
}

static void flush_due(struct relay *r, uint64_t now)
{
    while (flush(r, &r->up, now) == BATCH || flush(r, &r->down, now) == BATCH) {
    }
    if (r->settings.rebind_after != 0 && r->to_far >= r->settings.rebind_after) {
        r->settings.rebind_after = 0;
        rebind(r);
    }
}

/* ---- commands ---- */

static void print_stats(const char *name, const struct path *p)
{
    printf(" %s %llu %llu %llu", name, (unsigned long long)p->received,
           (unsigned long long)p->carried, (unsigned long long)p->dropped);
}

static bool execute(struct relay *r, const char *line)
{
    char word[32], value[ENDPOINT_TEXT], rest;
    int n = sscanf(line, "%31s %65s %c", word, value, &rest);
    if (n == 1 && strcmp(word, "rebind") == 0) {
        rebind(r);
        return true;
    }
    if (n == 1 && strcmp(word, "stats") == 0) {
        printf("received, carried, dropped:");
        print_stats("up", &r->up);
        print_stats("down", &r->down);
        printf("\n");
        return true;
    }
    return n == 2 && command_apply(&r->settings, word, value, false);
}

static void execute_line(struct relay *r, const char *line)
{
    printf("%s: %s\n", execute(r, line) ? "done" : "not understood", line);
    fflush(stdout);
}

/* False at the end of standard input. */
static bool read_commands(struct relay *r)
{
    ssize_t n = read(STDIN_FILENO, r->line + r->line_len, sizeof r->line - 1 - r->line_len);
    if (n <= 0) {
        return false;
    }
    r->line_len += (size_t)n;
    for (char *end; (end = memchr(r->line, '\n', r->line_len)) != NULL;) {
        *end = '\0';
        execute_line(r, r->line);
        r->line_len -= (size_t)(end + 1 - r->line);
        memmove(r->line, end + 1, r->line_len);
    }
    if (r->line_len == sizeof r->line - 1) {
        r->line_len = 0; /* no command is that long */
    }
    return true;
}

/* ---- life ---- */

static _Noreturn void usage(void)
{
    fprintf(stderr, "usage: udp-relay --listen ADDR:PORT --to ADDR:PORT [--seed N]\n"
                    "    [--loss PERCENT] [--duplicate PERCENT] [--delay MS] [--jitter MS]\n"
                    "    [--rate BITS] [--rebind-after N]\n");
    exit(2);
}

static void read_options(struct settings *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc ||
            !command_apply(s, argv[i] + 2, argv[i + 1], true)) {
            usage();
        }
    }
    if (s->listen.addr.family == FAMILY_NONE || s->to.addr.family == FAMILY_NONE) {
        usage();
    }
}

static void start(struct relay *r)
{
    r->near = open_socket(&r->settings.listen, bind);
    r->far = open_socket(&r->settings.to, connect);
    r->former = -1;
    weather_init(&r->up.weather, r->settings.seed);
    weather_init(&r->down.weather, ~r->settings.seed);
    r->up.queue = queue_new();
    r->down.queue = queue_new();
    if (r->up.queue == NULL || r->down.queue == NULL) {
        die("queue");
    }
    char text[ENDPOINT_TEXT];
    struct endpoint at = sockaddr_local(r->near);
    printf("relaying from %s\n", endpoint_format(&at, text));
    fflush(stdout);
}

static int wait_for_work(struct relay *r, struct pollfd fds[3])
{
    uint64_t up = queue_next_due(r->up.queue), down = queue_next_due(r->down.queue);
    uint64_t due = up < down ? up : down, now = clock_now();
    uint64_t wait = due > now ? due - now : 0;
    struct timespec timeout = {(time_t)(wait / NS_PER_S), (long)(wait % NS_PER_S)};
    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = r->near, .events = POLLIN};
    fds[2] = (struct pollfd){.fd = r->far, .events = POLLIN};
    return ppoll(fds, 3, due == QUEUE_NEVER ? NULL : &timeout, NULL);
}

int main(int argc, char **argv)
{
    static struct relay r;
    read_options(&r.settings, argc, argv);
    start(&r);
    struct pollfd fds[3];
    while (wait_for_work(&r, fds) >= 0) {
        if (fds[0].revents != 0 && !read_commands(&r)) {
            return 0;
        }
        uint64_t now = clock_now();
        receive(&r, &r.up, r.near, now);
        receive(&r, &r.down, r.far, now);
        flush_due(&r, now);
    }
    die("poll");
}
