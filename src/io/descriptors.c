/* SPDX-License-Identifier: MIT */
/* Keeps head room below RLIMIT_NOFILE. */
#include "io/descriptors.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>
#include <unistd.h>

/* For the resolver's sockets, its files, further UDP ports, and children. */
#define HEAD_ROOM 32
#define RETRY_MS 1000
#define LIMIT_MAX 1048576 /* more than anyone needs */

static int raise_limit(rlim_t *before)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1024;
    }
    *before = limit.rlim_cur;
    rlim_t wanted = limit.rlim_max < LIMIT_MAX ? limit.rlim_max : LIMIT_MAX;
    if (wanted > limit.rlim_cur) {
        struct rlimit raised = {.rlim_cur = wanted, .rlim_max = limit.rlim_max};
        if (setrlimit(RLIMIT_NOFILE, &raised) == 0) {
            limit = raised;
        }
    }
    return limit.rlim_cur < INT_MAX ? (int)limit.rlim_cur : INT_MAX;
}

/* Is the number that the next descriptor would get below the ceiling? */
static bool is_room(const struct descriptors *d)
{
    int fd = fcntl(uv_backend_fd(d->retry.loop), F_DUPFD_CLOEXEC, 0);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 && fd < d->ceiling;
}

static void wake(struct descriptors *d)
{
    d->exhausted = false;
    uv_timer_stop(&d->retry);
    struct list woken;
    list_take(&woken, &d->waiting);
    for (struct list *l; (l = list_pop_front(&woken)) != NULL;) {
        struct descriptors_waiter *w = list_item(l, struct descriptors_waiter, link);
        w->resume(w);
    }
}

/* Whether there is room or not: who still finds none may know by now what can be done without, and waits again. */
static void on_retry(uv_timer_t *timer)
{
    wake(timer->data);
}

void descriptors_init(struct descriptors *d, uv_loop_t *uv)
{
    rlim_t before = RLIM_INFINITY;
    int limit = raise_limit(&before);
    int room = limit / 4 < HEAD_ROOM ? limit / 4 : HEAD_ROOM;
    *d = (struct descriptors){.ceiling = limit - room, .soft_limit = before};
    list_init(&d->waiting);
    uv_timer_init(uv, &d->retry);
    d->retry.data = d;
}

void descriptors_give_back(const struct descriptors *d)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && d->soft_limit < limit.rlim_cur) {
        limit.rlim_cur = d->soft_limit;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

void descriptors_opened(struct descriptors *d, int fd)
{
    d->open++;
    if (fd >= d->ceiling - 1) {
        d->near = true;
    }
}

void descriptors_exhausted(struct descriptors *d)
{
    d->exhausted = true;
}

bool descriptors_scarce(const struct descriptors *d)
{
    return d->exhausted || (d->near && !is_room(d));
}

void descriptors_close(struct descriptors *d, int fd)
{
    assert(d->open > 0);
    d->open--;
    close(fd);
    if (fd < d->ceiling && !list_empty(&d->waiting)) {
        wake(d);
    }
}

void descriptors_wait(struct descriptors *d, struct descriptors_waiter *w)
{
    list_push_back(&d->waiting, &w->link);
    if (!uv_is_active((uv_handle_t *)&d->retry)) {
        uv_timer_start(&d->retry, on_retry, RETRY_MS, 0);
    }
}

void descriptors_cancel(struct descriptors_waiter *w)
{
    list_remove(&w->link);
}
