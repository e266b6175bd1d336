/* SPDX-License-Identifier: MIT */
/* Theory of operation: a piece of work is a row of items, and whoever is awake takes the next few off
 * its front until there are none. The caller takes part, so the work is done even if no thread ever
 * wakes up. A thread that wakes up too late finds the work closed and goes back to sleep; the caller
 * waits only for those that are still busy with items they took. All fields but `next` are read and
 * written under the lock. */
#include "io/workers.h"

#include "base/err.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define ITEMS_AT_ONCE \
    8 /* few enough that nobody waits long for the last, many enough to keep apart */
#define USUAL_MOST \
    3 /* sealing and opening are no more than three quarters of what a packet costs */

struct thread {
    struct io_workers *workers;
    unsigned number;
    pthread_t thread;
};

struct io_workers {
    pthread_mutex_t lock;
    pthread_cond_t begun; /* there is work, or the end */
    pthread_cond_t ended; /* nobody is busy */
    bool open;            /* who wakes up may still take part */
    bool stop;
    uint64_t round; /* counts pieces of work: nobody takes part twice in one */
    unsigned busy;

    parallel_fn *work;
    void *arg;
    size_t items;
    atomic_size_t next; /* the first that nobody has taken */

    unsigned n;
    struct thread threads[];
};

unsigned io_cores(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 1 ? (unsigned)n : 1;
}

unsigned io_workers_usual(unsigned cores)
{
    unsigned spare = cores > 2 ? cores - 2 : 0;
    return spare < USUAL_MOST ? spare : USUAL_MOST;
}

static void take_part(struct io_workers *w, unsigned number, parallel_fn *work, void *arg,
                      size_t items)
{
    size_t from;
    while ((from = atomic_fetch_add_explicit(&w->next, ITEMS_AT_ONCE, memory_order_relaxed)) <
           items) {
        work(arg, number, from, items - from < ITEMS_AT_ONCE ? items : from + ITEMS_AT_ONCE);
    }
}

/* Where there is no core for it, a helper that wakes up must not push its own caller off one. */
static void stand_back(void)
{
    struct sched_param none = {0};
    pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

static void *thread_main(void *ctx)
{
    const struct thread *t = ctx;
    struct io_workers *w = t->workers;
    uint64_t seen = 0;
    stand_back();
    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->stop && (!w->open || w->round == seen)) {
            pthread_cond_wait(&w->begun, &w->lock);
        }
        if (w->stop) {
            break;
        }
        seen = w->round;
        w->busy++;
        parallel_fn *work = w->work;
        void *arg = w->arg;
        size_t items = w->items;
        pthread_mutex_unlock(&w->lock);
        take_part(w, t->number, work, arg, items);
        pthread_mutex_lock(&w->lock);
        if (--w->busy == 0 && !w->open) {
            pthread_cond_signal(&w->ended);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* The loop's thread is the one that signals are for. */
static int start_thread(struct io_workers *w, unsigned i)
{
    sigset_t all, before;
    w->threads[i] = (struct thread){.workers = w, .number = i + 1};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&w->threads[i].thread, NULL, thread_main, &w->threads[i]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return err == 0 ? 0 : ERR_LIMIT;
}

int io_workers_new(struct io_workers **out, unsigned n)
{
    struct io_workers *w = calloc(1, sizeof *w + n * sizeof w->threads[0]);
    int err = 0;
    *out = NULL;
    if (w == NULL) {
        return ERR_NOMEM;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->begun, NULL);
    pthread_cond_init(&w->ended, NULL);
    while (err == 0 && w->n < n) {
        err = start_thread(w, w->n);
        w->n += err == 0;
    }
    if (err != 0) {
        io_workers_free(w);
        return err;
    }
    *out = w;
    return 0;
}

void io_workers_free(struct io_workers *w)
{
    if (w == NULL) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    assert(!w->open && w->busy == 0);
    w->stop = true;
    pthread_cond_broadcast(&w->begun);
    pthread_mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->n; i++) {
        pthread_join(w->threads[i].thread, NULL);
    }
    pthread_cond_destroy(&w->ended);
    pthread_cond_destroy(&w->begun);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* No more threads than there are parts beside the caller's own. */
static void wake(struct io_workers *w, size_t items)
{
    size_t parts = (items - 1) / ITEMS_AT_ONCE;
    for (unsigned i = 0; i < w->n && i < parts; i++) {
        pthread_cond_signal(&w->begun);
    }
}

void io_workers_run(struct io_workers *w, parallel_fn *work, void *arg, size_t items)
{
    if (items == 0) {
        return;
    }
    pthread_mutex_lock(&w->lock);
    assert(!w->open && w->busy == 0);
    w->work = work;
    w->arg = arg;
    w->items = items;
    atomic_store_explicit(&w->next, 0, memory_order_relaxed);
    w->round++;
    w->open = true;
    pthread_mutex_unlock(&w->lock);
    wake(w, items);

    take_part(w, 0, work, arg, items);

    pthread_mutex_lock(&w->lock);
    w->open = false;
    while (w->busy > 0) {
        pthread_cond_wait(&w->ended, &w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}
