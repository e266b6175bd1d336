/* SPDX-License-Identifier: MIT */
/* As many bytes as go, one way. */
#include "load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PIECE ((size_t)256 * 1024)
#define FLOWS_MAX 1024
#define SETTLED 0.05 /* s without news of the account */

struct flow {
    const struct aim *aim;
    pthread_t thread;
    pthread_barrier_t *start;
    atomic_bool *over;
    int fd;
    uint64_t bytes;
    bool failed; /* before the time was over */
};

/* Connects, and waits until all have: the time of the measurement begins then. */
static char *begin(struct flow *f)
{
    char *piece = calloc(1, PIECE);
    f->fd = piece != NULL ? aim_connect(f->aim) : -1;
    f->failed = f->fd < 0;
    pthread_barrier_wait(f->start);
    return piece;
}

static void *run_down(void *arg)
{
    struct flow *f = arg;
    char *piece = begin(f);
    while (!f->failed && !*f->over) {
        ssize_t n = recv(f->fd, piece, PIECE, 0);
        f->failed = n <= 0 && !*f->over;
        f->bytes += n > 0 ? (uint64_t)n : 0;
    }
    free(piece);
    return NULL;
}

/* After its end it waits until the other side has ended too. */
static void *run_up(void *arg)
{
    struct flow *f = arg;
    char *piece = begin(f);
    while (!f->failed && !*f->over) {
        f->failed = !write_all(f->fd, piece, PIECE) && !*f->over;
    }
    while (!f->failed && recv(f->fd, piece, PIECE, 0) > 0) {
    }
    free(piece);
    return NULL;
}

static void sleep_for(double seconds)
{
    struct timespec t = {.tv_sec = (time_t)seconds,
                         .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}

struct outcome {
    double begin;   /* when the flows were connected */
    double seconds; /* from then until they were told to end */
    uint64_t bytes; /* that they counted */
    int failed;     /* flows; -1: they could not even be started */
};

/* Runs the flows for the time asked for; then `how` shuts them down, so that none is waited for that stalls. */
static struct outcome run_flows(const struct aim *aim, void *(*run)(void *), int how)
{
    static struct flow flows[FLOWS_MAX];
    static atomic_bool over;
    unsigned n = aim->flows < FLOWS_MAX ? aim->flows : FLOWS_MAX;
    pthread_barrier_t start;
    struct outcome out = {.failed = -1};
    if (pthread_barrier_init(&start, NULL, n + 1) != 0) {
        return out;
    }
    for (unsigned i = 0; i < n; i++) {
        flows[i] = (struct flow){.aim = aim, .start = &start, .over = &over};
        if (pthread_create(&flows[i].thread, NULL, run, &flows[i]) != 0) {
            return out;
        }
    }
    pthread_barrier_wait(&start);
    out = (struct outcome){.begin = seconds_now()};
    sleep_for(aim->seconds);
    over = true;
    out.seconds = seconds_now() - out.begin;
    for (unsigned i = 0; i < n; i++) {
        if (flows[i].fd >= 0) {
            shutdown(flows[i].fd, how);
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(flows[i].thread, NULL);
        out.bytes += flows[i].bytes;
        out.failed += flows[i].failed;
        if (flows[i].fd >= 0) {
            close(flows[i].fd);
        }
    }
    return out;
}

static int tell(uint64_t bytes, double seconds, int failed)
{
    printf("{\"bytes\": %llu, \"seconds\": %.6f, \"failed\": %d}\n", (unsigned long long)bytes,
           seconds, failed);
    return bytes == 0;
}

int load_down(const struct aim *aim)
{
    struct outcome out = run_flows(aim, run_down, SHUT_RDWR);
    return tell(out.bytes, out.seconds, out.failed);
}

#define ACCOUNT_TRIES 2

/* How many bytes the far end's sink has taken so far, of everybody. */
static bool read_account(const struct aim *aim, uint64_t *bytes)
{
    struct aim to_account = *aim;
    to_account.to = aim->account;
    for (int i = 0; i < ACCOUNT_TRIES; i++) {
        int fd = aim_connect(&to_account);
        bool ok = fd >= 0 && read_all(fd, bytes, sizeof *bytes);
        if (fd >= 0) {
            close(fd);
        }
        if (ok) {
            return true;
        }
    }
    fputs("a new connection to the far end's account does not come through", stderr);
    return false;
}

/* What the far end took counts, and the time until it had the last byte. A proxy may still hold bytes when its client has
 * seen the end, so the account is read until it stands still. */
int load_up(const struct aim *aim)
{
    uint64_t before, taken;
    if (!read_account(aim, &before)) {
        return 1;
    }
    struct outcome out = run_flows(aim, run_up, SHUT_WR);
    double last = seconds_now(), at = last;
    uint64_t now = before;
    for (taken = UINT64_MAX; at - last < SETTLED; at = seconds_now()) {
        if (!read_account(aim, &now)) {
            return 1;
        }
        last = now != taken ? at : last;
        taken = now;
    }
    return tell(taken - before, last - out.begin, out.failed);
}
