/* SPDX-License-Identifier: MIT */
/* Connections that are open and idle. */
#include "load.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define OPENERS 16
#define FAILURES_MAX 3 /* one after the other: there is no more room */

/* Opens its share of the connections; they stay open until the process ends. */
struct opener {
    const struct aim *aim;
    pthread_t thread;
    double end;
    unsigned wanted, open;
};

/* One byte to the echo and back shows that it leads to the far end. */
static bool open_one(const struct aim *aim)
{
    char c = 'h';
    int fd = aim_connect(aim);
    if (fd >= 0 && write_all(fd, &c, 1) && read_all(fd, &c, 1)) {
        return true;
    }
    if (fd >= 0) {
        close(fd);
    }
    return false;
}

static void *run_opener(void *arg)
{
    struct opener *o = arg;
    unsigned failures = 0;
    while (o->open < o->wanted && failures < FAILURES_MAX && seconds_now() < o->end) {
        bool opened = open_one(o->aim);
        o->open += opened;
        failures = opened ? 0 : failures + 1;
    }
    return NULL;
}

int load_hold(const struct aim *aim)
{
    static struct opener openers[OPENERS];
    double begin = seconds_now();
    unsigned open = 0;
    char c;
    for (unsigned i = 0; i < OPENERS; i++) {
        unsigned share = aim->flows / OPENERS + (i < aim->flows % OPENERS);
        openers[i] = (struct opener){.aim = aim, .wanted = share, .end = begin + aim->seconds};
        if (pthread_create(&openers[i].thread, NULL, run_opener, &openers[i]) != 0) {
            return 1;
        }
    }
    for (unsigned i = 0; i < OPENERS; i++) {
        pthread_join(openers[i].thread, NULL);
        open += openers[i].open;
    }
    printf("{\"open\": %u, \"wanted\": %u, \"seconds\": %.3f}\n", open, aim->flows,
           seconds_now() - begin);
    fflush(stdout);
    while (read(STDIN_FILENO, &c, 1) > 0) {
    }
    return open != aim->flows;
}
