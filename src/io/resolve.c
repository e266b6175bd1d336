/* SPDX-License-Identifier: MIT */
/* Names of the outside by getaddrinfo(), each on a detached thread. Theory of operation:
 *
 * getaddrinfo() cannot be interrupted and may hang for half a minute. libuv's thread pool is
 * joined when the process exits, so that SIGTERM would wait for it; a detached thread ends with
 * the process. Loop and threads share a struct resolver, which lives until the last of them has
 * let go. A lookup belongs to the loop; its thread has a struct job, and the mutex guards the
 * link between the two:
 *
 *   job->lookup         NULL once the lookup was cancelled: the thread throws its result away
 *   job on r->waiting   until a thread is free to take it
 *   job on r->done      from when the thread has finished until the loop takes it
 */
#include "io/resolve.h"

#include <assert.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "io/loop.h"
#include "io/sockaddr.h"

#define HOST_MAX 253 /* RFC 1035 2.3.4, in text without the last dot */
#define FOUND_MAX 16
#define THREADS_MAX 16
#define WAITING_MAX 1024        /* lookups without a thread yet */
#define STACK_BYTES (512 << 10) /* the system's resolver loads modules and uses alloca() */

struct resolver {
    pthread_mutex_t mutex;
    struct io_loop *loop; /* NULL once the loop is gone */
    uv_async_t *wakeup;   /* belongs to the loop; not touched once `loop` is NULL */
    struct list waiting;  /* struct job */
    struct list done;     /* struct job */
    unsigned threads, n_waiting;
    struct list lookups; /* the loop's thread only */
};

struct job {
    struct list link;
    struct resolver *resolver;
    struct io_lookup *lookup;
    bool waits;
    char host[HOST_MAX + 2];
    uint16_t port;
    int err;
    size_t n;
    struct endpoint found[FOUND_MAX];
};

struct io_lookup {
    struct list link;
    struct job *job;
    io_resolved_fn *done;
    void *ctx;
};

/* ---- on the lookup's thread ---- */

static int translate(int gai)
{
    switch (gai) {
    case 0:
        return 0;
    case EAI_NONAME:
    case EAI_NODATA:
    case EAI_ADDRFAMILY:
        return ERR_NO_NAME;
    default:
        return ERR_DNS_FAILED;
    }
}

/* AI_ADDRCONFIG stays off: it hides addresses while the machine's network is down, and then for
 * good. */
static void look_up(struct job *job)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *list = NULL;
    job->err = translate(getaddrinfo(job->host, NULL, &hints, &list));
    if (job->err != 0) {
        return;
    }
    for (struct addrinfo *a = list; a != NULL && job->n < FOUND_MAX; a = a->ai_next) {
        struct endpoint e = sockaddr_to_endpoint(a->ai_addr);
        if (e.addr.family != FAMILY_NONE) {
            e.port = job->port;
            job->found[job->n++] = e;
        }
    }
    freeaddrinfo(list);
    if (job->n == 0) {
        job->err = ERR_NO_NAME;
    }
}

static void free_if_last(struct resolver *r, bool last)
{
    if (last) {
        pthread_mutex_destroy(&r->mutex);
        free(r);
    }
}

static struct job *take_waiting(struct resolver *r)
{
    struct list *l = list_pop_front(&r->waiting);
    if (l == NULL) {
        return NULL;
    }
    struct job *job = list_item(l, struct job, link);
    job->waits = false;
    r->n_waiting--;
    return job;
}

/* What to do next; NULL: nothing, and the thread is not counted any more. */
static struct job *finish(struct resolver *r, struct job *job)
{
    pthread_mutex_lock(&r->mutex);
    if (job->lookup != NULL) {
        list_push_back(&r->done, &job->link);
        uv_async_send(r->wakeup);
    } else {
        free(job);
    }
    struct job *next = take_waiting(r);
    bool last = next == NULL && --r->threads == 0 && r->loop == NULL;
    pthread_mutex_unlock(&r->mutex);
    free_if_last(r, last);
    return next;
}

static void *thread_main(void *arg)
{
    struct job *job = arg;
    struct resolver *r = job->resolver;
    for (; job != NULL; job = finish(r, job)) {
        look_up(job);
    }
    return NULL;
}

/* The loop's thread is the one that signals are for. */
static int start_thread(struct job *job)
{
    pthread_attr_t attr;
    if (pthread_attr_init(&attr) != 0) {
        return ERR_NOMEM;
    }
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int rc = pthread_create(&thread, &attr, thread_main, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    return rc == 0 ? 0 : ERR_NOMEM;
}

/* ---- on the loop's thread ---- */

static struct job *take_done(struct resolver *r)
{
    pthread_mutex_lock(&r->mutex);
    struct list *l = list_pop_front(&r->done);
    pthread_mutex_unlock(&r->mutex);
    return l != NULL ? list_item(l, struct job, link) : NULL;
}

static void on_wakeup(uv_async_t *wakeup)
{
    struct resolver *r = wakeup->data;
    struct io_loop *loop = r->loop;
    struct now now = loop_enter(loop);
    for (struct job *job; (job = take_done(r)) != NULL;) {
        struct io_lookup *l = job->lookup;
        list_remove(&l->link);
        l->done(l->ctx, job->err, job->err == 0 ? job->found : NULL, job->n, now);
        free(l);
        free(job);
    }
}

static void on_wakeup_closed(uv_handle_t *handle)
{
    free(handle);
}

static int resolve_threads_new(struct io_loop *loop)
{
    struct resolver *r = calloc(1, sizeof *r);
    uv_async_t *wakeup = calloc(1, sizeof *wakeup);
    if (r == NULL || wakeup == NULL || uv_async_init(&loop->uv, wakeup, on_wakeup) != 0) {
        free(r);
        free(wakeup);
        return ERR_NOMEM;
    }
    wakeup->data = r;
    pthread_mutex_init(&r->mutex, NULL);
    r->loop = loop;
    r->wakeup = wakeup;
    list_init(&r->waiting);
    list_init(&r->done);
    list_init(&r->lookups);
    loop->resolver = r;
    return 0;
}

void resolve_threads_free(struct resolver *r)
{
    if (r == NULL) {
        return;
    }
    while (!list_empty(&r->lookups)) {
        io_resolve_cancel(list_item(r->lookups.next, struct io_lookup, link));
    }
    pthread_mutex_lock(&r->mutex);
    uv_close((uv_handle_t *)r->wakeup, on_wakeup_closed);
    r->loop = NULL;
    bool last = r->threads == 0;
    pthread_mutex_unlock(&r->mutex);
    free_if_last(r, last);
}

static struct job *job_new(struct resolver *r, struct io_lookup *l, const char *host, uint16_t port)
{
    struct job *job = calloc(1, sizeof *job);
    if (job != NULL) {
        job->resolver = r;
        job->lookup = l;
        job->port = port;
        memcpy(job->host, host, strlen(host));
        list_init(&job->link);
    }
    return job;
}

static bool is_host(const char *host)
{
    size_t n = strnlen(host, HOST_MAX + 2);
    bool dot = n > 0 && host[n - 1] == '.';
    return n > 0 && n <= HOST_MAX + (dot ? 1u : 0u);
}

/* Behind those that wait already. 0, ERR_LIMIT. */
static int wait_for_thread(struct resolver *r, struct job *job)
{
    if (r->n_waiting == WAITING_MAX) {
        return ERR_LIMIT;
    }
    job->waits = true;
    list_push_back(&r->waiting, &job->link);
    r->n_waiting++;
    return 0;
}

/* A thread counts from before it runs. */
static int start_job(struct resolver *r, struct job *job)
{
    pthread_mutex_lock(&r->mutex);
    bool has_thread = r->threads < THREADS_MAX;
    int err = has_thread ? 0 : wait_for_thread(r, job);
    r->threads += has_thread;
    pthread_mutex_unlock(&r->mutex);
    if (!has_thread) {
        return err;
    }
    err = start_thread(job);
    if (err != 0) {
        pthread_mutex_lock(&r->mutex);
        r->threads--;
        pthread_mutex_unlock(&r->mutex);
    }
    return err;
}

int io_resolve(struct io_loop *loop, const char *host, uint16_t port, io_resolved_fn *done,
               void *ctx, struct io_lookup **out)
{
    if (!is_host(host)) {
        return ERR_BAD_NAME;
    }
    if (loop->resolver == NULL) {
        int err = resolve_threads_new(loop);
        if (err != 0) {
            return err;
        }
    }
    struct resolver *r = loop->resolver;
    struct io_lookup *l = calloc(1, sizeof *l);
    struct job *job = l != NULL ? job_new(r, l, host, port) : NULL;
    int err = job != NULL ? start_job(r, job) : ERR_NOMEM;
    if (err != 0) {
        free(job);
        free(l);
        return err;
    }
    *l = (struct io_lookup){.job = job, .done = done, .ctx = ctx};
    list_push_back(&r->lookups, &l->link);
    *out = l;
    return 0;
}

void io_resolve_cancel(struct io_lookup *l)
{
    struct job *job = l->job;
    struct resolver *r = job->resolver;
    pthread_mutex_lock(&r->mutex);
    bool is_ours = list_linked(&job->link); /* no thread has it */
    list_remove(&job->link);
    r->n_waiting -= job->waits;
    job->lookup = NULL;
    pthread_mutex_unlock(&r->mutex);
    if (is_ours) {
        free(job);
    }
    list_remove(&l->link);
    free(l);
}
