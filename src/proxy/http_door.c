/* SPDX-License-Identifier: MIT */
/* Requests to the proxy, and its own answers. */
#include "proxy/http_door.h"

#include "base/bytes.h"
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST_ROOM 2048

void http_door_init(struct http_door *d, const struct door_terms *terms)
{
    *d = (struct http_door){.terms = terms};
}

static void drop_head(struct http_door *d)
{
    if (d->head != NULL) {
        wipe(d->head, d->have);
        free(d->head);
    }
    d->head = NULL;
    d->have = d->room = 0;
}

static void drop_forward(struct http_door *d)
{
    if (d->forward != NULL) {
        wipe(d->forward, d->forward_len);
        free(d->forward);
    }
    d->forward = NULL;
    d->forward_len = 0;
}

void http_door_fini(struct http_door *d)
{
    drop_head(d);
    drop_forward(d);
}

void http_door_again(struct http_door *d)
{
    const struct door_terms *terms = d->terms;
    http_door_fini(d);
    http_door_init(d, terms);
}

/* ---- answers ---- */

static const char *phrase(unsigned status)
{
    static const struct {
        unsigned status;
        const char *phrase;
    } phrases[] = {
        {400, "Bad Request"},
        {403, "Forbidden"},
        {407, "Proxy Authentication Required"},
        {431, "Request Header Fields Too Large"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (phrases[i].status == status) {
            return phrases[i].phrase;
        }
    }
    return "Error";
}

static void answer_status(struct door_answer *answer, unsigned status, bool keep, const char *why)
{
    char body[200];
    int n = snprintf(body, sizeof body, "wgproxy: %s\n", why);
    int len = snprintf(
        (char *)answer->bytes, sizeof answer->bytes,
        "HTTP/1.1 %u %s\r\n%sContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: %d\r\nConnection: %s\r\n\r\n%s",
        status, phrase(status),
        status == 407 ? "Proxy-Authenticate: Basic realm=\"wgproxy\", charset=\"UTF-8\"\r\n" : "",
        n, keep ? "keep-alive" : "close", body);
    assert(n < (int)sizeof body && len < (int)sizeof answer->bytes);
    answer->len = (uint16_t)len;
    answer->why = why;
}

static enum door_verdict refuse(struct door_answer *answer, unsigned status, const char *why)
{
    answer_status(answer, status, false, why);
    return DOOR_SHUT;
}

static unsigned status_of(int err)
{
    switch (err) {
    case ERR_DENIED:
    case ERR_PERM:
        return 403;
    case ERR_TIMED_OUT:
    case ERR_PEER_SILENT:
    case ERR_DNS_SILENT:
        return 504;
    case ERR_LIMIT:
    case ERR_NOMEM:
        return 503;
    default:
        return 502;
    }
}

void http_door_reply(const struct http_door *d, struct door_answer *answer, int err)
{
    static const char opened[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    answer->len = 0;
    if (err != 0) {
        answer_status(answer, status_of(err), false, err_text(err));
    } else if (d->forward == NULL) {
        answer->len = sizeof opened - 1;
        memcpy(answer->bytes, opened, answer->len);
    }
}

/* ---- who it is ---- */

static int sextet(char c)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c != '\0' ? strchr(alphabet, c) : NULL;
    return at != NULL ? (int)(at - alphabet) : -1;
}

/* RFC 4648 section 4; false for what is none or too long. */
static bool decode_base64(char *out, size_t size, size_t *len, struct http_text t)
{
    uint32_t bits = 0;
    unsigned n = 0;
    *len = 0;
    while (t.len > 0 && t.at[t.len - 1] == '=') {
        t.len--;
    }
    for (size_t i = 0; i < t.len; i++) {
        int v = sextet(t.at[i]);
        if (v < 0) {
            return false;
        }
        bits = bits << 6 | (unsigned)v;
        n += 6;
        if (n >= 8) {
            n -= 8;
            if (*len == size) {
                return false;
            }
            out[(*len)++] = (char)(bits >> n & 0xff);
        }
    }
    return true;
}

/* RFC 7617. */
static const struct user *authenticate(const struct http_door *d, const struct http_head *h)
{
    const struct http_field *f = http_head_find(h, "Proxy-Authorization");
    char pair[2 * USER_NAME_MAX + 2];
    size_t len;
    if (f == NULL || f->value.len < 6 || strncasecmp(f->value.at, "Basic ", 6) != 0) {
        return NULL;
    }
    struct http_text encoded = {f->value.at + 6, f->value.len - 6};
    while (encoded.len > 0 && encoded.at[0] == ' ') {
        encoded.at++;
        encoded.len--;
    }
    const struct user *user = NULL;
    if (decode_base64(pair, sizeof pair, &len, encoded)) {
        const char *colon = memchr(pair, ':', len);
        size_t name = colon != NULL ? (size_t)(colon - pair) : len;
        user = colon != NULL ? users_check(d->terms->users, pair, name, colon + 1, len - name - 1)
                             : NULL;
    }
    wipe(pair, sizeof pair);
    return user;
}

/* ---- the head for the server ---- */

struct writing {
    char *at, *end;
};

static void put(struct writing *w, struct http_text t)
{
    assert((size_t)(w->end - w->at) >= t.len);
    memcpy(w->at, t.at, t.len);
    w->at += t.len;
}

static void put_words(struct writing *w, const char *words)
{
    put(w, (struct http_text){words, strlen(words)});
}

static void put_fields(struct writing *w, const struct http_door *d, const struct http_head *h)
{
    for (size_t i = 0; i < h->n; i++) {
        const struct http_field *f = &h->fields[i];
        bool kept = d->upgrades && http_text_is(f->name, "Upgrade");
        if (http_text_is(f->name, "Host") || (http_field_is_ours(h, f) && !kept)) {
            continue;
        }
        put(w, f->name);
        put_words(w, ": ");
        put(w, f->value);
        put_words(w, "\r\n");
    }
}

/* Methods have their letters (RFC 9110 9.1). */
static bool has_method(const struct http_head *h, const char *method)
{
    return h->method.len == strlen(method) && memcmp(h->method.at, method, h->method.len) == 0;
}

/* What of "http://host" is left for the server: a path always begins with a slash, but for
 * OPTIONS of the whole server (RFC 9112 section 3.2.4). */
static void put_path(struct writing *w, const struct http_head *h, struct http_text path)
{
    const char *hash = memchr(path.at, '#', path.len);
    path.len = hash != NULL ? (size_t)(hash - path.at) : path.len;
    if (path.len == 0 && has_method(h, "OPTIONS")) {
        put_words(w, "*");
    } else if (path.len == 0 || path.at[0] != '/') {
        put_words(w, "/");
    }
    put(w, path);
}

static bool build_forward(struct http_door *d, const struct http_head *h,
                          const struct http_target *t)
{
    size_t room = d->have + 256; /* every line gets shorter or stays; ours are added */
    d->forward = malloc(room + 2 * h->n);
    if (d->forward == NULL) {
        return false;
    }
    struct writing w = {d->forward, d->forward + room + 2 * h->n};
    put(&w, h->method);
    put_words(&w, " ");
    put_path(&w, h, t->path);
    put_words(&w, h->minor == 0 ? " HTTP/1.0\r\nHost: " : " HTTP/1.1\r\nHost: ");
    put(&w, t->authority);
    put_words(&w, "\r\n");
    put_fields(&w, d, h);
    put_words(&w, d->upgrades          ? "Connection: Upgrade\r\n\r\n"
                  : d->server_may_keep ? "\r\n"
                                       : "Connection: close\r\n\r\n");
    d->forward_len = (size_t)(w.at - d->forward);
    return true;
}

/* ---- requests ---- */

static enum door_verdict ask_connect(const struct http_head *h, struct door_ask *ask,
                                     struct door_answer *answer)
{
    struct http_target t;
    if (!http_target_authority(&t, h->target)) {
        return refuse(answer, 400, "CONNECT needs host:port");
    }
    ask->request = DOOR_CONNECT;
    ask->target = t.target;
    return DOOR_OPEN;
}

/* RFC 9110 section 9.2.1, those of them that are in use. */
static bool is_safe(const struct http_head *h)
{
    return has_method(h, "GET") || has_method(h, "HEAD") || has_method(h, "OPTIONS");
}

static enum door_verdict ask_exchange(struct http_door *d, const struct http_head *h,
                                      struct door_ask *ask, struct door_answer *answer)
{
    struct http_target t;
    if (h->target.len > 0 && (h->target.at[0] == '/' || h->target.at[0] == '*')) {
        return refuse(
            answer, 400,
            "this is a proxy, not a web server: set it as the HTTP or SOCKS5 proxy of a client");
    }
    unsigned refused = http_target_absolute(&t, h->target);
    if (refused != 0) {
        return refuse(answer, refused,
                      refused == 501
                          ? "only http:// is fetched, everything else goes through CONNECT"
                          : "the request's target is not a URI with a host");
    }
    if (!http_body_of_request(&d->body, h)) {
        return refuse(answer, 400, "the length of the request's body can be read in two ways");
    }
    d->minor = h->minor;
    d->is_head = has_method(h, "HEAD");
    d->upgrades = h->minor > 0 && http_head_lists(h, "Connection", "upgrade") &&
                  http_head_find(h, "Upgrade") != NULL;
    d->server_may_keep = d->keeps && h->minor > 0 && !d->upgrades;
    d->may_be_repeated = d->body.done && is_safe(h);
    if (!build_forward(d, h, &t)) {
        return refuse(answer, 503, err_text(ERR_NOMEM));
    }
    ask->request = DOOR_EXCHANGE;
    ask->target = t.target;
    return DOOR_OPEN;
}

static bool wants_to_keep(const struct http_head *h)
{
    static const char *const names[] = {"Connection", "Proxy-Connection"};
    for (size_t i = 0; i < 2; i++) {
        if (http_head_lists(h, names[i], "close")) {
            return false;
        }
    }
    return h->minor > 0 || http_head_lists(h, names[0], "keep-alive") ||
           http_head_lists(h, names[1], "keep-alive");
}

/* The client may try again on this connection if its request has no body that would have to be
 * thrown away. */
static enum door_verdict ask_for_password(struct http_door *d, const struct http_head *h,
                                          struct door_answer *answer)
{
    struct http_body body;
    bool keep = d->keeps && http_body_of_request(&body, h) && body.done;
    answer_status(answer, 407, keep, "a user name and a password are needed");
    if (keep) {
        http_door_again(d);
    }
    return keep ? DOOR_ANSWER : DOOR_SHUT;
}

static enum door_verdict judge(struct http_door *d, struct door_ask *ask,
                               struct door_answer *answer)
{
    struct http_head h;
    unsigned refused = http_head_request(&h, d->head, d->have);
    if (refused != 0) {
        return refuse(answer, refused,
                      refused == 505   ? "HTTP/1.0 and HTTP/1.1 only"
                      : refused == 431 ? "the request has too many header fields"
                                       : "not a well-formed HTTP request");
    }
    *ask = (struct door_ask){0};
    d->keeps = wants_to_keep(&h);
    if (d->terms->users != NULL) {
        ask->user = authenticate(d, &h);
        if (ask->user == NULL) {
            return ask_for_password(d, &h, answer);
        }
    }
    enum door_verdict verdict =
        has_method(&h, "CONNECT") ? ask_connect(&h, ask, answer) : ask_exchange(d, &h, ask, answer);
    drop_head(d);
    return verdict;
}

static bool reserve(struct http_door *d, size_t len)
{
    size_t room = d->room > 0 ? d->room : FIRST_ROOM;
    while (room < len) {
        room *= 2;
    }
    if (room == d->room) {
        return true;
    }
    char *wider = malloc(room);
    if (wider == NULL) {
        return false;
    }
    size_t have = d->have;
    if (have > 0) {
        memcpy(wider, d->head, have);
    }
    drop_head(d);
    d->head = wider;
    d->have = have;
    d->room = room;
    return true;
}

enum door_verdict http_door_feed(struct http_door *d, const uint8_t *data, size_t len, size_t *used,
                                 struct door_ask *ask, struct door_answer *answer)
{
    *used = 0;
    /* Empty lines before a request line are skipped (RFC 9112 section 2.2). */
    while (d->have == 0 && *used < len && (data[*used] == '\r' || data[*used] == '\n')) {
        (*used)++;
    }
    size_t n = len - *used;
    if (n == 0) {
        return DOOR_MORE;
    }
    size_t before = d->have;
    if (before == 0 && !http_head_may_begin((char)data[*used])) {
        /* a client of SOCKS or TLS sends no line's end */
        return refuse(answer, 400, "this door speaks HTTP only");
    }
    n = n < HTTP_HEAD_MAX - before ? n : HTTP_HEAD_MAX - before;
    if (!reserve(d, before + n)) {
        return refuse(answer, 503, err_text(ERR_NOMEM));
    }
    memcpy(d->head + before, data + *used, n);
    d->have += n;
    size_t length = http_head_length(d->head, d->have, before);
    if (length == 0) {
        *used += n;
        return d->have < HTTP_HEAD_MAX
                   ? DOOR_MORE
                   : refuse(answer, 431, "the request's head is longer than 64 KiB");
    }
    *used += length - before;
    d->have = length;
    return judge(d, ask, answer);
}
