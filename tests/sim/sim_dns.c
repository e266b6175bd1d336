/* SPDX-License-Identifier: MIT */
/* Answers with what RFC 1035 section 4 needs and no more: the header, the question, and one record or none. */
#include "sim_dns.h"

#include <string.h>
#include <strings.h>

#include "base/bytes.h"
#include "stack/stack_udp.h"
#include "unit/test.h"

#define HEADER 12
#define NAME_MAX_LEN 255
#define TYPE_A 1
#define NXDOMAIN 3

/* The question's name as text; returns where its type begins. */
static size_t read_name(const uint8_t *msg, size_t len, char text[NAME_MAX_LEN + 1])
{
    size_t at = HEADER, n = 0;
    while (at < len && msg[at] != 0) {
        size_t label = msg[at++];
        assert_true(at + label < len && n + label + 1 < NAME_MAX_LEN);
        memcpy(text + n, msg + at, label);
        n += label;
        at += label;
        text[n++] = '.';
    }
    text[n > 0 ? n - 1 : 0] = '\0';
    return at + 1;
}

static size_t put_record(uint8_t *at, const struct addr *a)
{
    static const uint8_t head[12] = {0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 60, 0, 4}; /* 60 s */
    memcpy(at, head, sizeof head);
    memcpy(at + sizeof head, a->bytes, 4);
    return sizeof head + 4;
}

static void asked(void *ctx, struct stack_udp *u, const struct endpoint *from, const uint8_t *data,
                  size_t len, struct now now)
{
    (void)now;
    struct sim_dns *d = ctx;
    char name[NAME_MAX_LEN + 1];
    uint8_t answer[512] = {0};
    size_t type_at = read_name(data, len, name);
    assert_true(type_at + 4 <= len && type_at + 4 + 16 <= sizeof answer);
    bool known = strcasecmp(name, d->name) == 0;
    size_t n = type_at + 4;
    memcpy(answer, data, n);
    memset(answer + 6, 0, 6);
    answer[2] = 0x81;
    answer[3] = (uint8_t)(0x80 | (known ? 0 : NXDOMAIN));
    if (known && load_be16(data + type_at) == TYPE_A) {
        answer[7] = 1;
        n += put_record(answer + n, &d->address);
    }
    d->asked++;
    assert_int_equal(stack_udp_send(u, from, answer, n), 0);
}

static const struct stack_udp_handler handler = {.received = asked};

void sim_dns_open(struct sim_dns *d, struct stack *stack, const char *name, const char *address)
{
    *d = (struct sim_dns){.name = name};
    assert_true(addr_parse(&d->address, address));
    assert_int_equal(stack_udp_open(stack, 53, &handler, d, &d->socket), 0);
}

void sim_dns_close(struct sim_dns *d)
{
    stack_udp_close(d->socket);
}
