/* SPDX-License-Identifier: MIT */
/* The demo's web page and name, served from inside the far end of its tunnel. */
#include "cmd/demo_far.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/list.h"
#include "stack/stack_tcp.h"
#include "stack/stack_udp.h"

const char demo_page[] =
    "<!doctype html>\n"
    "<html lang=\"en\"><head><title>Behind the tunnel</title></head>\n"
    "<body><h1>You are through.</h1>\n"
    "<p>This page exists only behind a WireGuard tunnel. Nothing on this machine listens on its\n"
    "address: the packets were sealed, carried, opened and answered by wgproxy itself.</p>\n"
    "</body></html>\n";

struct demo_far {
    struct stack_tcp_listener *web;
    struct stack_udp *dns;
    struct addr v4, v6;
    struct list visits;
    unsigned unanswered; /* queries whose answer found no memory */
};

/* ---- the page ---- */

/* One connection to the web server: its request is read up to the empty line, then answered, whatever it asked for. */
struct visit {
    struct list link;
    struct stack_tcp *tcp;
    unsigned matched; /* bytes of the empty line "\r\n\r\n" seen so far */
    bool answered;
};

static void visit_end(struct visit *v)
{
    list_remove(&v->link);
    stack_tcp_close(v->tcp);
    free(v);
}

static void answer(struct visit *v)
{
    char head[160];
    int n = snprintf(
        head, sizeof head,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %zu\r\n"
        "Connection: close\r\n\r\n",
        sizeof demo_page - 1);
    /* An empty send queue holds far more than this. */
    stack_tcp_write(v->tcp, head, (size_t)n);
    stack_tcp_write(v->tcp, demo_page, sizeof demo_page - 1);
    stack_tcp_shutdown(v->tcp);
    v->answered = true;
}

static void read_request(struct visit *v)
{
    static const char empty_line[] = "\r\n\r\n";
    struct iovec iov;
    while (stack_tcp_peek(v->tcp, &iov, 1) == 1) {
        const char *p = iov.iov_base;
        for (size_t i = 0; i < iov.iov_len && v->matched < 4; i++) {
            v->matched = p[i] == empty_line[v->matched] ? v->matched + 1 : p[i] == '\r';
        }
        stack_tcp_consume(v->tcp, iov.iov_len);
    }
}

static void visit_event(void *ctx, struct stack_tcp *t, unsigned events, struct now now)
{
    (void)now;
    struct visit *v = ctx;
    if (events & STACK_TCP_FAILED) {
        visit_end(v);
        return;
    }
    read_request(v);
    if (v->matched == 4 && !v->answered) {
        answer(v);
    }
    if (stack_tcp_eof(t)) {
        visit_end(v);
    }
}

static void visited(void *ctx, struct stack_tcp *t, struct now now)
{
    struct demo_far *far = ctx;
    struct visit *v = calloc(1, sizeof *v);
    if (v == NULL) {
        stack_tcp_abort(t);
        return;
    }
    v->tcp = t;
    list_push_back(&far->visits, &v->link);
    stack_tcp_set_handler(t, visit_event, v);
    visit_event(v, t, STACK_TCP_READABLE, now);
}

/* ---- the name (RFC 1035 4.1) ---- */

enum {
    DNS_HEADER = 12,
    DNS_ANSWER_MAX = 28,
    DNS_MESSAGE_MAX = DNS_HEADER + 255 + 4 + DNS_ANSWER_MAX,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    RCODE_NXDOMAIN = 3
};

/* DEMO_NAME in wire form. */
static const uint8_t wire_name[] = "\5hello\7wgproxy";

/* Append the answer for `type` to the question, which is `len` bytes long; returns the new length. */
static size_t append_address(const struct demo_far *far, uint8_t *msg, size_t len, unsigned type)
{
    const struct addr *a = type == TYPE_A ? &far->v4 : &far->v6;
    uint8_t *p = msg + len;
    store_be16(p, 0xc000 | DNS_HEADER); /* the name is the question's */
    store_be16(p + 2, (uint16_t)type);
    store_be16(p + 4, 1); /* IN */
    store_be32(p + 6, 60);
    store_be16(p + 10, (uint16_t)addr_len(a));
    memcpy(p + 12, a->bytes, addr_len(a));
    store_be16(msg + 6, 1);
    return len + 12 + addr_len(a);
}

/* Make the answer to a query in `msg`; returns its length, 0 for what is no query. */
static size_t make_answer(const struct demo_far *far, uint8_t msg[DNS_MESSAGE_MAX],
                          const uint8_t *data, size_t len)
{
    size_t end = DNS_HEADER;
    while (end < len && end < DNS_HEADER + 255 && data[end] != 0) {
        end += 1u + data[end];
    }
    end += 1 + 4; /* the root label, type and class */
    if (end > len || end > DNS_HEADER + 255 + 4 || load_be16(data + 4) != 1) {
        return 0;
    }
    memcpy(msg, data, end);
    memset(msg + 2, 0, DNS_HEADER - 2);
    msg[2] = 0x84 | (data[2] & 1); /* an answer, authoritative */
    store_be16(msg + 4, 1);
    unsigned type = load_be16(msg + end - 4);
    bool ours =
        end - 4 - DNS_HEADER == sizeof wire_name &&
        strncasecmp((const char *)msg + DNS_HEADER, (const char *)wire_name, sizeof wire_name) == 0;
    if (!ours) {
        msg[3] = RCODE_NXDOMAIN;
    } else if (type == TYPE_A || type == TYPE_AAAA) {
        end = append_address(far, msg, end, type);
    }
    return end;
}

static void asked(void *ctx, struct stack_udp *u, const struct endpoint *from, const uint8_t *data,
                  size_t len, struct now now)
{
    (void)now;
    struct demo_far *far = ctx;
    uint8_t msg[DNS_MESSAGE_MAX];
    size_t n = make_answer(far, msg, data, len);
    if (n > 0 && stack_udp_send(u, from, msg, n) != 0) {
        far->unanswered++; /* the client asks again */
    }
}

static const struct stack_udp_handler dns_handler = {.received = asked};

/* ---- life ---- */

int demo_far_start(struct demo_far **out, struct stack *stack, const struct addr *v4,
                   const struct addr *v6)
{
    struct demo_far *far = calloc(1, sizeof *far);
    if (far == NULL) {
        return ERR_NOMEM;
    }
    far->v4 = *v4;
    far->v6 = *v6;
    list_init(&far->visits);
    int err = stack_tcp_listen(stack, 80, visited, far, &far->web);
    if (err == 0) {
        err = stack_udp_open(stack, 53, &dns_handler, far, &far->dns);
    }
    if (err != 0) {
        demo_far_stop(far);
        return err;
    }
    *out = far;
    return 0;
}

void demo_far_stop(struct demo_far *far)
{
    if (far == NULL) {
        return;
    }
    while (!list_empty(&far->visits)) {
        visit_end(list_item(far->visits.next, struct visit, link));
    }
    if (far->dns != NULL) {
        stack_udp_close(far->dns);
    }
    if (far->web != NULL) {
        stack_tcp_listener_close(far->web);
    }
    free(far);
}
