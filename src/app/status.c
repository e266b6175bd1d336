/* SPDX-License-Identifier: MIT */
/* Reads one request, writes one answer, closes. The parser is the proxy's own. */
#include "app/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "app/metrics.h"
#include "app/pac.h"
#include "app/words.h"
#include "base/err.h"
#include "base/list.h"
#include "proxy/http_head.h"

#define TUNNELS_MAX 64
#define HEAD_MAX 8192
#define PATIENCE (10 * NS_PER_S)
#define VISITS_MAX 64
#define LISTENERS_MAX 2

struct status {
    const struct env *env;
    struct env_listener *listeners[LISTENERS_MAX];
    size_t n_listeners;
    struct alive *tunnels[TUNNELS_MAX];
    struct pac_proxies proxies[TUNNELS_MAX]; /* of each */
    size_t n;
    bool has_pac;
    struct list visits; /* in the order of their deadlines */
    unsigned n_visits;
};

struct visit {
    struct list link;
    struct status *status;
    struct stream *client;
    uint64_t deadline;
    struct words answer;
    size_t sent;
    bool answering;
    size_t have;
    char head[HEAD_MAX];
};

/* ---- what is told ---- */

static bool all_ready(const struct status *s, struct now now)
{
    for (size_t i = 0; i < s->n; i++) {
        if (!alive_is_ready(s->tunnels[i], now)) {
            return false;
        }
    }
    return true;
}

/* One object for all tunnels: {"10.0.0.1":1712796899,"10.0.0.2":0}. */
static void write_ready(const struct status *s, struct words *out)
{
    const char *comma = "";
    words_add(out, "{");
    for (size_t i = 0; i < s->n; i++) {
        size_t n;
        const struct alive_target *t = alive_targets(s->tunnels[i], &n);
        for (size_t k = 0; k < n; k++, comma = ",") {
            char text[ADDR_TEXT];
            words_add(out, "%s\"%s\":%" PRIu64, comma, addr_format(&t[k].addr, text),
                      t[k].last_pong / NS_PER_S);
        }
    }
    words_add(out, "}\n");
}

static void write_pac(const struct status *s, const struct http_head *h, struct words *out)
{
    struct pac_tunnel tunnels[TUNNELS_MAX];
    const struct http_field *called = http_head_find(h, "Host");
    char host[PAC_HOST_SIZE];
    for (size_t i = 0; i < s->n; i++) {
        tunnels[i] = (struct pac_tunnel){alive_config(s->tunnels[i]), &s->proxies[i]};
    }
    pac_host(host, called != NULL ? called->value.at : "", called != NULL ? called->value.len : 0);
    pac_write(out, tunnels, s->n, host);
}

/* Without a query, and without slashes behind it. */
static struct http_text page_of(const struct http_head *h)
{
    struct http_text path = h->target;
    const char *query = memchr(path.at, '?', path.len);
    path.len = query != NULL ? (size_t)(query - path.at) : path.len;
    while (path.len > 1 && path.at[path.len - 1] == '/') {
        path.len--;
    }
    return path;
}

static bool has_word(struct http_text text, const char *word)
{
    return memmem(text.at, text.len, word, strlen(word)) != NULL;
}

/* Whoever scrapes for Prometheus says so. */
static bool wants_exposition(const struct http_head *h)
{
    const struct http_field *accept = http_head_find(h, "Accept");
    return accept != NULL && (has_word(accept->value, "version=0.0.4") ||
                              has_word(accept->value, "application/openmetrics-text"));
}

/* The body of a page, and its status; 404 for one that there is not. */
static unsigned write_page(const struct status *s, const struct http_head *h, struct words *out,
                           const char **type, struct now now)
{
    struct http_text path = page_of(h);
    *type = "text/plain; charset=utf-8";
    if (http_text_is(path, "/readyz")) {
        *type = "application/json";
        write_ready(s, out);
        return all_ready(s, now) ? 200 : 503;
    }
    if (http_text_is(path, "/metrics") && wants_exposition(h)) {
        *type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_write_exposition(out, s->env, s->tunnels, s->n, now);
        return 200;
    }
    if (http_text_is(path, "/metrics")) {
        metrics_write(out, s->env, s->tunnels, s->n);
        return 200;
    }
    if (http_text_is(path, "/proxy.pac") && s->has_pac) {
        *type = "application/x-ns-proxy-autoconfig";
        write_pac(s, h, out);
        return 200;
    }
    words_add(out, "there is /readyz, /metrics%s\n", s->has_pac ? " and /proxy.pac" : "");
    return 404;
}

/* ---- for whom ---- */

static bool ends_with(const char *text, const char *tail)
{
    size_t n = strlen(text), k = strlen(tail);
    return n >= k && strcasecmp(text + n - k, tail) == 0;
}

/* An address, or a name that is every machine's own (RFC 6761 6.3), with a port or without. */
static bool is_our_name(struct http_text called)
{
    char text[ADDR_TEXT + sizeof "[]:65535"] = "", host[sizeof text];
    uint16_t port;
    if (called.len >= sizeof text) {
        return false;
    }
    memcpy(text, called.at, called.len);
    bool in_brackets = text[0] == '[';
    if (in_brackets && text[called.len - 1] == ']') {
        snprintf(host, sizeof host, "%.*s", (int)called.len - 2, text + 1);
    } else if (!hostport_split(text, host, sizeof host, &port)) {
        snprintf(host, sizeof host, "%s", text);
    }
    size_t n = strlen(host);
    if (n > 1 && host[n - 1] == '.') {
        host[n - 1] = '\0';
    }
    struct addr literal;
    return addr_parse(&literal, host)
               ? in_brackets == (literal.family == FAMILY_V6)
               : strcasecmp(host, "localhost") == 0 || ends_with(host, ".localhost");
}

/* A web page that gave its own name our address, to read here what is none of its business (DNS rebinding), sends that name
 * along. Only where nobody but this machine's programs can come in; elsewhere we may have any name. */
static bool is_lured(const struct visit *v, const struct http_head *h)
{
    const struct http_field *called = http_head_find(h, "Host");
    return addr_is_loopback(&v->client->local.addr) && called != NULL &&
           !is_our_name(called->value);
}

static const char *phrase(unsigned status)
{
    return status == 200   ? "OK"
           : status == 404 ? "Not Found"
           : status == 405 ? "Method Not Allowed"
           : status == 421 ? "Misdirected Request"
           : status == 503 ? "Service Unavailable"
                           : "Bad Request";
}

static void write_answer(struct visit *v, const struct http_head *h, struct now now)
{
    struct words body = {0};
    const char *type = "text/plain; charset=utf-8";
    unsigned status = 400;
    bool head_only = h != NULL && http_text_is(h->method, "HEAD");
    if (h == NULL) {
        words_add(&body, "not a well-formed request\n");
    } else if (is_lured(v, h)) {
        status = 421;
        words_add(&body, "Host must be an IP address or localhost\n");
    } else if (!head_only && !http_text_is(h->method, "GET")) {
        status = 405;
        words_add(&body, "only GET and HEAD\n");
    } else {
        status = write_page(v->status, h, &body, &type, now);
    }
    words_add(&v->answer,
              "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: "
              "no-store\r\nConnection: "
              "close\r\n\r\n%s",
              status, phrase(status), type, body.len,
              head_only || body.text == NULL ? "" : body.text);
    v->answer.failed |= body.failed;
    free(body.text);
}

/* ---- one visit ---- */

static void visit_end(struct visit *v)
{
    stream_close(v->client);
    list_remove(&v->link);
    v->status->n_visits--;
    free(v->answer.text);
    free(v);
}

static void answer_step(struct visit *v)
{
    while (v->sent < v->answer.len) {
        struct iovec rest = {v->answer.text + v->sent, v->answer.len - v->sent};
        ssize_t n = stream_writev(v->client, &rest, 1);
        if (n == ERR_AGAIN) {
            stream_want(v->client, STREAM_WRITABLE);
            return;
        }
        if (n < 0) {
            break;
        }
        v->sent += (size_t)n;
    }
    visit_end(v);
}

static void answer(struct visit *v, const struct http_head *h, struct now now)
{
    v->answering = true;
    write_answer(v, h, now);
    if (v->answer.failed) {
        visit_end(v);
        return;
    }
    answer_step(v);
}

static void read_step(struct visit *v, struct now now)
{
    ssize_t n = stream_read(v->client, v->head + v->have, sizeof v->head - v->have);
    if (n == ERR_AGAIN) {
        return;
    }
    if (n <= 0) {
        visit_end(v);
        return;
    }
    size_t before = v->have;
    v->have += (size_t)n;
    size_t len = http_head_length(v->head, v->have, before);
    struct http_head h;
    if (len > 0) {
        answer(v, http_head_request(&h, v->head, len) == 0 ? &h : NULL, now);
    } else if (v->have == sizeof v->head) {
        answer(v, NULL, now);
    }
}

static void ready(void *ctx, unsigned events, struct now now)
{
    struct visit *v = ctx;
    if (events & STREAM_BROKEN) {
        visit_end(v);
    } else if (v->answering) {
        answer_step(v);
    } else {
        read_step(v, now);
    }
}

static void accepted(void *ctx, struct stream *client, struct now now)
{
    static const struct stream_handler handler = {.ready = ready};
    struct status *s = ctx;
    if (s->n_visits == VISITS_MAX) { /* those who say nothing keep nobody out */
        visit_end(list_item(s->visits.next, struct visit, link));
    }
    struct visit *v = calloc(1, sizeof *v);
    if (v == NULL) {
        stream_abort(client);
        return;
    }
    v->status = s;
    v->client = client;
    v->deadline = now.mono + PATIENCE;
    list_push_back(&s->visits, &v->link);
    s->n_visits++;
    client->handler = &handler;
    client->ctx = v;
    stream_want(client, STREAM_READABLE);
}

/* ---- life ---- */

int status_new(struct status **out, const struct env *env)
{
    struct status *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return ERR_NOMEM;
    }
    s->env = env;
    list_init(&s->visits);
    *out = s;
    return 0;
}

int status_listen(struct status *s, const struct place *at, bool may_lack_family,
                  struct place *bound)
{
    int err = s->n_listeners == LISTENERS_MAX
                  ? ERR_LIMIT
                  : s->env->ops->listen(s->env->world, at, accepted, s, bound,
                                        &s->listeners[s->n_listeners]);
    if (err == 0) {
        s->n_listeners++;
    } else {
        char text[PLACE_TEXT];
        log_line(s->env->log, may_lack_family && err == ERR_NO_ADDRESS ? LOG_DEBUG : LOG_ERROR,
                 "cannot listen on %s for the status: %s", place_format(at, text), err_text(err));
    }
    return err;
}

void status_free(struct status *s)
{
    if (s == NULL) {
        return;
    }
    while (s->n_listeners > 0) {
        s->env->ops->listener_close(s->listeners[--s->n_listeners]);
    }
    while (!list_empty(&s->visits)) {
        visit_end(list_item(s->visits.next, struct visit, link));
    }
    for (size_t i = 0; i < s->n; i++) {
        alive_free(s->tunnels[i]);
    }
    free(s);
}

int status_add(struct status *s, struct tunnel *tunnel, const struct config *config,
               const struct pac_proxies *proxies, struct now now)
{
    if (s->n == TUNNELS_MAX) {
        return ERR_LIMIT;
    }
    int err = alive_new(&s->tunnels[s->n], tunnel, config, now);
    if (err == 0) {
        s->proxies[s->n] = *proxies;
        s->has_pac = s->has_pac || pac_proxies_exist(proxies);
        s->n++;
    }
    return err;
}

uint64_t status_next_deadline(const struct status *s)
{
    uint64_t at =
        list_empty(&s->visits) ? NEVER : list_item(s->visits.next, struct visit, link)->deadline;
    for (size_t i = 0; i < s->n; i++) {
        at = deadline_min(at, alive_next_deadline(s->tunnels[i]));
    }
    return at;
}

void status_tick(struct status *s, struct now now)
{
    while (!list_empty(&s->visits) &&
           list_item(s->visits.next, struct visit, link)->deadline <= now.mono) {
        visit_end(list_item(s->visits.next, struct visit, link));
    }
    for (size_t i = 0; i < s->n; i++) {
        if (alive_next_deadline(s->tunnels[i]) <= now.mono) {
            alive_tick(s->tunnels[i], now);
        }
    }
}
