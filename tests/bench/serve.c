/* SPDX-License-Identifier: MIT */
/* The services of far.c over the kernel's sockets, for contestants whose far end has an interface of its own:
 * serve ADDRESS. A thread for each connection. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define PAGE 512

typedef void serve_fn(int fd, char *piece);

struct service {
    in_port_t port;
    serve_fn *serve;
    int listener;
};

struct visit {
    serve_fn *serve;
    int fd;
};

static atomic_ullong sunk; /* bytes that the sink took */

static void serve_sink(int fd, char *piece)
{
    ssize_t n;
    while ((n = recv(fd, piece, PIECE, 0)) > 0) {
        atomic_fetch_add_explicit(&sunk, (unsigned long long)n, memory_order_relaxed);
    }
}

static void serve_account(int fd, char *piece)
{
    (void)piece;
    uint64_t taken = atomic_load_explicit(&sunk, memory_order_relaxed);
    send(fd, &taken, sizeof taken, MSG_NOSIGNAL);
}

static void serve_source(int fd, char *piece)
{
    while (send(fd, piece, PIECE, MSG_NOSIGNAL) > 0) {
    }
}

static void serve_echo(int fd, char *piece)
{
    ssize_t n;
    while ((n = recv(fd, piece, PIECE, 0)) > 0 && send(fd, piece, (size_t)n, MSG_NOSIGNAL) == n) {
    }
}

static void serve_web(int fd, char *piece)
{
    char page[PAGE + 256];
    int len =
        snprintf(page, sizeof page,
                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", PAGE);
    memset(page + len, 'w', PAGE);
    /* A request of the bench fits one segment. */
    while (recv(fd, piece, PIECE, 0) > 0 && send(fd, page, (size_t)len + PAGE, MSG_NOSIGNAL) > 0) {
    }
}

static void *visit(void *arg)
{
    struct visit v = *(struct visit *)arg;
    char *piece = calloc(1, PIECE);
    int on = 1;
    free(arg);
    setsockopt(v.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (piece != NULL) {
        v.serve(v.fd, piece);
    }
    free(piece);
    close(v.fd);
    return NULL;
}

static void *accept_all(void *arg)
{
    struct service *s = arg;
    for (;;) {
        struct visit *v = malloc(sizeof *v);
        pthread_t thread;
        if (v == NULL) {
            abort();
        }
        *v = (struct visit){.serve = s->serve, .fd = accept(s->listener, NULL, NULL)};
        if (v->fd < 0 || pthread_create(&thread, NULL, visit, v) != 0) {
            free(v);
            continue;
        }
        pthread_detach(thread);
    }
    return NULL;
}

static void echo_datagrams(struct sockaddr_in at)
{
    char data[2048];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    at.sin_port = htons(7);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0) {
        perror("serve: udp");
        exit(1);
    }
    for (;;) {
        struct sockaddr_in from;
        socklen_t len = sizeof from;
        ssize_t n = recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &len);
        if (n >= 0) {
            sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, len);
        }
    }
}

int main(int argc, char **argv)
{
    static struct service services[] = {
        {7, serve_echo, 0},    {9, serve_sink, 0}, {10, serve_account, 0},
        {19, serve_source, 0}, {80, serve_web, 0},
    };
    struct sockaddr_in at = {.sin_family = AF_INET};
    if (argc != 2 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
        fputs("usage: serve ADDRESS\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof services / sizeof *services; i++) {
        int on = 1;
        pthread_t thread;
        services[i].listener = socket(AF_INET, SOCK_STREAM, 0);
        setsockopt(services[i].listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        at.sin_port = htons(services[i].port);
        if (bind(services[i].listener, (struct sockaddr *)&at, sizeof at) != 0 ||
            listen(services[i].listener, 4096) != 0 ||
            pthread_create(&thread, NULL, accept_all, &services[i]) != 0) {
            perror("serve");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    echo_datagrams(at);
}
