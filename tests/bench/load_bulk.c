/* SPDX-License-Identifier: MIT */
/* As many bytes as go, one way; and connections that carry none. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define FLOWS_MAX 256

struct flow {
    const struct aim *aim;
    pthread_t thread;
    double end;
    uint64_t bytes;
    bool failed;
};

/* A timeout, so that a flow that stalls ends with the measurement. */
static int open_flow(const struct aim *aim)
{
    struct timeval patience = {.tv_sec = 20};
    int fd = aim_connect(aim);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    return fd;
}

static void *run_down(void *arg)
{
    struct flow *f = arg;
    char *piece = malloc(PIECE);
    int fd = open_flow(f->aim);
    f->failed = fd < 0 || piece == NULL;
    while (!f->failed && seconds_now() < f->end) {
        ssize_t n = recv(fd, piece, PIECE, 0);
        f->failed = n <= 0;
        f->bytes += n > 0 ? (uint64_t)n : 0;
    }
    if (fd >= 0) {
        close(fd);
    }
    free(piece);
    return NULL;
}

/* The far end says at the end how many bytes came: those count. */
static void *run_up(void *arg)
{
    struct flow *f = arg;
    char *piece = calloc(1, PIECE);
    int fd = open_flow(f->aim);
    f->failed = fd < 0 || piece == NULL;
    while (!f->failed && seconds_now() < f->end) {
        f->failed = !write_all(fd, piece, PIECE);
    }
    if (!f->failed) {
        shutdown(fd, SHUT_WR);
        f->failed = !read_all(fd, &f->bytes, sizeof f->bytes);
    }
    if (fd >= 0) {
        close(fd);
    }
    free(piece);
    return NULL;
}

static int run_flows(const struct aim *aim, void *(*run)(void *))
{
    static struct flow flows[FLOWS_MAX];
    unsigned n = aim->flows < FLOWS_MAX ? aim->flows : FLOWS_MAX;
    double begin = seconds_now();
    uint64_t bytes = 0;
    unsigned failed = 0;
    for (unsigned i = 0; i < n; i++) {
        flows[i] = (struct flow){.aim = aim, .end = begin + aim->seconds};
        if (pthread_create(&flows[i].thread, NULL, run, &flows[i]) != 0) {
            return 1;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(flows[i].thread, NULL);
        bytes += flows[i].bytes;
        failed += flows[i].failed;
    }
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"failed\": %u}\n", (unsigned long long)bytes, seconds_now() - begin,
           failed);
    return bytes == 0;
}

int load_down(const struct aim *aim)
{
    return run_flows(aim, run_down);
}

int load_up(const struct aim *aim)
{
    return run_flows(aim, run_up);
}

int load_hold(const struct aim *aim)
{
    unsigned open = 0;
    char c;
    double begin = seconds_now();
    for (unsigned i = 0; i < aim->flows; i++) {
        open += aim_connect(aim) >= 0;
    }
    printf("{\"open\": %u, \"wanted\": %u, \"seconds\": %.3f}\n", open, aim->flows, seconds_now() - begin);
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    return open != aim->flows;
}
