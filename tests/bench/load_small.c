/* SPDX-License-Identifier: MIT */
/* Small things, many times: requests, pings, datagrams. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define USERS_MAX 256
#define BODY 512 /* of the far end's page */
#define ON_THEIR_WAY 64
#define DATAGRAM_MAX 1500

struct user {
    const struct aim *aim;
    pthread_t thread;
    double end;
    bool kept;
    unsigned long errors;
    struct samples took;
};

/* One request, answered whole; the page's length is known. */
static bool request(int fd, bool kept)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: far\r\n%s\r\n";
    char buf[BODY + 512];
    int len = snprintf(buf, sizeof buf, head, kept ? "" : "Connection: close\r\n");
    if (!write_all(fd, buf, (size_t)len)) {
        return false;
    }
    size_t have = 0;
    const char *body = NULL;
    while (body == NULL || have < (size_t)(body - buf) + BODY) {
        ssize_t n = recv(fd, buf + have, sizeof buf - 1 - have, 0);
        if (n <= 0) {
            return false;
        }
        have += (size_t)n;
        buf[have] = '\0';
        body = strstr(buf, "\r\n\r\n");
        body = body != NULL ? body + 4 : NULL;
    }
    return strncmp(buf, "HTTP/1.1 200", 12) == 0;
}

static void *run_requests(void *arg)
{
    struct user *u = arg;
    int fd = -1;
    while (seconds_now() < u->end) {
        double begin = seconds_now();
        if (fd < 0) {
            fd = aim_connect(u->aim);
        }
        bool ok = fd >= 0 && request(fd, u->kept);
        if (ok) {
            samples_add(&u->took, seconds_now() - begin);
        } else {
            u->errors++;
        }
        if (fd >= 0 && (!ok || !u->kept)) {
            close(fd);
            fd = -1;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return NULL;
}

static int tell(struct samples *took, double seconds, unsigned long errors)
{
    printf(
        "{\"n\": %zu, \"per_second\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"errors\": %lu}\n",
        took->n, (double)took->n / seconds, 1e6 * samples_percentile(took, 50),
        1e6 * samples_percentile(took, 99), errors);
    return took->n == 0;
}

int load_requests(const struct aim *aim, bool kept)
{
    static struct user users[USERS_MAX];
    unsigned n = aim->flows < USERS_MAX ? aim->flows : USERS_MAX;
    struct samples all = {0};
    unsigned long errors = 0;
    double begin = seconds_now();
    for (unsigned i = 0; i < n; i++) {
        users[i] = (struct user){.aim = aim, .end = begin + aim->seconds, .kept = kept};
        if (pthread_create(&users[i].thread, NULL, run_requests, &users[i]) != 0) {
            return 1;
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pthread_join(users[i].thread, NULL);
        samples_join(&all, &users[i].took);
        errors += users[i].errors;
    }
    int status = tell(&all, seconds_now() - begin, errors);
    samples_free(&all);
    return status;
}

/* A pause between pings: under load it is the latency that is asked for, not a rate. */
static void pause_ms(long ms)
{
    struct timespec t = {.tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

int load_pings(const struct aim *aim)
{
    struct samples took = {0};
    unsigned long errors = 0;
    uint8_t ping = 0, pong; /* each its own byte, so that no earlier one is taken for it */
    int fd = aim_connect(aim);
    if (fd < 0) {
        return 1;
    }
    double begin = seconds_now();
    while (errors == 0 && seconds_now() < begin + aim->seconds) {
        double at = seconds_now();
        if (write_all(fd, &ping, 1) && read_all(fd, &pong, 1) && pong == ping++) {
            samples_add(&took, seconds_now() - at);
        } else {
            errors++;
        }
        pause_ms(2);
    }
    close(fd);
    int status = tell(&took, seconds_now() - begin, errors);
    samples_free(&took);
    return status;
}

/* As many datagrams are on their way as the window says; one that is lost is given up after 100 ms of silence. */
int load_datagrams(const struct aim *aim)
{
    uint8_t out[32 + DATAGRAM_MAX] = {0}, in[32 + DATAGRAM_MAX];
    size_t header, size = aim->size <= DATAGRAM_MAX ? aim->size : DATAGRAM_MAX;
    int control, fd = aim_datagrams(aim, out, &header, &control);
    struct timeval patience = {.tv_usec = 100000};
    unsigned long sent = 0, back = 0, lost = 0;
    if (fd < 0) {
        return 1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    double begin = seconds_now();
    while (seconds_now() < begin + aim->seconds) {
        while (sent - back - lost < ON_THEIR_WAY) {
            sent += send(fd, out, header + size, 0) > 0;
        }
        if (recv(fd, in, sizeof in, 0) > 0) {
            back++;
        } else {
            lost = sent - back;
        }
    }
    double seconds = seconds_now() - begin;
    printf("{\"n\": %lu, \"per_second\": %.1f, \"lost\": %lu}\n", back, (double)back / seconds,
           lost);
    close(fd);
    if (control >= 0) {
        close(control);
    }
    return back == 0;
}

int load_first(const struct aim *aim)
{
    double begin = seconds_now();
    char c = 'f';
    while (seconds_now() < begin + aim->seconds) {
        int fd = aim_connect(aim);
        bool ok = fd >= 0 && write_all(fd, &c, 1) && read_all(fd, &c, 1);
        if (fd >= 0) {
            close(fd);
        }
        if (ok) {
            printf("{\"seconds\": %.6f}\n", seconds_now() - begin);
            return 0;
        }
        struct timespec t = {.tv_nsec = 200000};
        nanosleep(&t, NULL);
    }
    return 1;
}
