/* SPDX-License-Identifier: MIT */
/* As many bytes as go, one way. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define FLOWS_MAX 1024
#define SETTLED 0.05 /* s without news of the account */

struct flow {
    const struct aim *aim;
    pthread_t thread;
    double end;
    uint64_t bytes;
    bool failed;
};

static void *run_down(void *arg)
{
    struct flow *f = arg;
    char *piece = malloc(PIECE);
    int fd = aim_connect(f->aim);
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

/* Ends in order, and waits until the other side has done so too. */
static void *run_up(void *arg)
{
    struct flow *f = arg;
    char *piece = calloc(1, PIECE);
    int fd = aim_connect(f->aim);
    f->failed = fd < 0 || piece == NULL;
    while (!f->failed && seconds_now() < f->end) {
        f->failed = !write_all(fd, piece, PIECE);
    }
    if (!f->failed) {
        shutdown(fd, SHUT_WR);
        while (recv(fd, piece, PIECE, 0) > 0) {
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    free(piece);
    return NULL;
}

/* Runs the flows to their end; what they counted goes to *bytes. How many failed, or -1. */
static int run_flows(const struct aim *aim, void *(*run)(void *), double begin, uint64_t *bytes)
{
    static struct flow flows[FLOWS_MAX];
    unsigned n = aim->flows < FLOWS_MAX ? aim->flows : FLOWS_MAX;
    int failed = 0;
    *bytes = 0;
    for (unsigned i = 0; i < n; i++) {
        flows[i] = (struct flow){.aim = aim, .end = begin + aim->seconds};
        if (pthread_create(&flows[i].thread, NULL, run, &flows[i]) != 0) {
            return -1;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(flows[i].thread, NULL);
        *bytes += flows[i].bytes;
        failed += flows[i].failed;
    }
    return failed;
}

static int tell(uint64_t bytes, double seconds, int failed)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"failed\": %d}\n", (unsigned long long)bytes, seconds, failed);
    return bytes == 0;
}

int load_down(const struct aim *aim)
{
    double begin = seconds_now();
    uint64_t bytes;
    int failed = run_flows(aim, run_down, begin, &bytes);
    return tell(bytes, seconds_now() - begin, failed);
}

/* How many bytes the far end's sink has taken so far, of everybody. */
static bool read_account(const struct aim *aim, uint64_t *bytes)
{
    struct aim to_account = *aim;
    to_account.to = aim->account;
    int fd = aim_connect(&to_account);
    bool ok = fd >= 0 && read_all(fd, bytes, sizeof *bytes);
    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

/* What the far end took counts, and the time until it had the last byte. A proxy may still hold bytes when its client has
 * seen the end, so the account is read until it stands still. */
int load_up(const struct aim *aim)
{
    uint64_t before, taken, sent;
    if (!read_account(aim, &before)) {
        return 1;
    }
    double begin = seconds_now();
    int failed = run_flows(aim, run_up, begin, &sent);
    double last = seconds_now(), at = last;
    uint64_t now = before;
    for (taken = UINT64_MAX; at - last < SETTLED; at = seconds_now()) {
        if (!read_account(aim, &now)) {
            return 1;
        }
        last = now != taken ? at : last;
        taken = now;
    }
    return tell(taken - before, last - begin, failed);
}
