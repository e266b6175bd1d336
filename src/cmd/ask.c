/* SPDX-License-Identifier: MIT */
/* One request, one answer, with the plain calls of the system: there is nothing else to do meanwhile. */
#include "cmd/ask.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cmd/show.h"
#include "io/sockaddr.h"

#define PATIENCE 5 /* seconds */

struct answer {
    char *text; /* NUL-terminated */
    size_t len, room;
    unsigned status;
    const char *body;
};

/* ---- where ---- */

static const struct place *place_of(const struct files *f, const struct options *o)
{
    for (size_t i = 0; !o->has_status && i < f->n; i++) {
        if (f->file[i].config->status_line != 0) {
            return &f->file[i].config->status;
        }
    }
    return o->has_status ? &o->status : NULL;
}

static struct endpoint reachable(const struct endpoint *at)
{
    static const struct addr loopback4 = {.family = FAMILY_V4, .bytes = {127, 0, 0, 1}};
    static const struct addr loopback6 = {.family = FAMILY_V6, .bytes = {[15] = 1}};
    struct endpoint there = *at;
    if (addr_is_unspecified(&at->addr)) {
        there.addr = at->addr.family == FAMILY_V4 ? loopback4 : loopback6;
    }
    return there;
}

/* The descriptor, or -1 and errno. */
static int connect_to(const struct place *place)
{
    const struct timeval patience = {.tv_sec = PATIENCE};
    union {
        union sockaddr_any ip;
        struct sockaddr_un sun;
    } to = {.sun = {.sun_family = AF_UNIX}};
    socklen_t len = sizeof to.sun;
    if (place->kind == PLACE_IP) {
        struct endpoint at = reachable(&place->at);
        len = sockaddr_from_endpoint(&to.ip, &at);
    } else {
        static_assert(sizeof to.sun.sun_path >= PLACE_PATH, "it fits");
        memcpy(to.sun.sun_path, place->path, sizeof place->path);
    }
    int fd = socket(to.ip.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, &to.ip.sa, len) != 0) {
        int errnum = errno;
        close(fd);
        errno = errnum;
        return -1;
    }
    return fd;
}

/* ---- what ---- */

static bool make_room(struct answer *a)
{
    if (a->room - a->len > 1) {
        return true;
    }
    size_t room = 2 * a->room + 4096;
    char *text = realloc(a->text, room);
    if (text == NULL) {
        errno = ENOMEM;
        return false;
    }
    a->text = text;
    a->room = room;
    return true;
}

/* The whole of it, to its end. */
static bool exchange(struct answer *a, int fd, const char *page)
{
    char request[64];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.0\r\n\r\n", page);
    ssize_t n = send(fd, request, (size_t)len, MSG_NOSIGNAL);
    while (n > 0 && make_room(a)) {
        n = recv(fd, a->text + a->len, a->room - a->len - 1, 0);
        a->len += n > 0 ? (size_t)n : 0;
        a->text[a->len] = '\0';
    }
    return n == 0;
}

static bool is_understood(struct answer *a)
{
    a->body = a->text != NULL ? strstr(a->text, "\r\n\r\n") : NULL;
    if (a->body == NULL || sscanf(a->text, "HTTP/1.%*u %u ", &a->status) != 1) {
        return false;
    }
    a->body += 4;
    return a->status == 200 || a->status == 503;
}

static const char *reason(int errnum)
{
    switch (errnum) {
    case EAGAIN:
    case EINPROGRESS:
        return "no answer";
    case ECONNREFUSED:
    case ENOENT:
        return "nobody is there -> start wgproxy with -i, or with a [Status] in its file";
    default:
        return strerror(errnum);
    }
}

/* False after a line that says why not. */
static bool ask(struct answer *a, const struct place *at, const char *page)
{
    char where[PLACE_TEXT];
    place_format(at, where);
    int fd = connect_to(at);
    bool done = fd >= 0 && exchange(a, fd, page);
    if (!done) {
        fprintf(stderr, "wgproxy: cannot ask for the status at %s: %s\n", where, reason(errno));
    } else if (!is_understood(a)) {
        fprintf(stderr, "wgproxy: what answers at %s tells no status\n", where);
        done = false;
    }
    if (fd >= 0) {
        close(fd);
    }
    return done;
}

static bool find_and_ask(struct answer *a, const struct files *f, const struct options *o,
                         const char *page)
{
    const struct place *at = place_of(f, o);
    if (at == NULL || at->kind == PLACE_FD) {
        fprintf(stderr, "wgproxy: %s: say with -i where the wgproxy that runs tells its status\n",
                at == NULL ? "there is no [Status] in the configuration"
                           : "the status stands on a socket that was handed over");
        return false;
    }
    return ask(a, at, page);
}

int ask_ready(const struct files *f, const struct options *o)
{
    struct answer a = {0};
    bool answered = find_and_ask(&a, f, o, "/readyz");
    bool ready = answered && a.status == 200;
    if (answered) {
        puts(ready ? "ready" : "not ready");
    }
    free(a.text);
    return ready ? STATUS_OK : STATUS_FAILED;
}

int ask_show(const struct files *f, const struct options *o)
{
    struct answer a = {0};
    bool answered = find_and_ask(&a, f, o, "/metrics");
    if (answered) {
        show_print(stdout, a.body, (uint64_t)time(NULL));
    }
    free(a.text);
    return answered ? STATUS_OK : STATUS_FAILED;
}
