/* SPDX-License-Identifier: MIT */
/* Reassembly of fragments: see reass.h. */
#include "stack/reass.h"

#include "base/bytes.h"
#include "base/now.h"
#include "stack/gate.h"

#include <assert.h>
#include <stdlib.h>

struct fragment {
    struct list link;
    uint32_t offset, len;
    uint8_t data[];
};

struct partial {
    struct list link;
    struct addr src, dst;
    uint32_t id;
    uint8_t proto;
    uint64_t deadline;
    struct list fragments; /* by offset, none overlapping */
    unsigned n_fragments;
    size_t memory;              /* of this and all of them */
    uint32_t have;              /* payload bytes */
    uint32_t total;             /* of the payload; 0 until the last fragment came */
    uint8_t header[IP6_HEADER]; /* of the first fragment, once it came */
};

void reass_init(struct reass *r)
{
    *r = (struct reass){0};
    list_init(&r->partial);
}

static void forget(struct reass *r, struct partial *d)
{
    for (struct list *l; (l = list_pop_front(&d->fragments));) {
        free(list_item(l, struct fragment, link));
    }
    list_remove(&d->link);
    r->bytes -= d->memory;
    r->n--;
    free(d);
}

static struct partial *oldest(const struct reass *r)
{
    return list_item(r->partial.next, struct partial, link);
}

void reass_fini(struct reass *r)
{
    while (r->n > 0) {
        forget(r, oldest(r));
    }
}

static struct partial *lookup(const struct reass *r, const struct packet *p)
{
    list_foreach(l, &r->partial) {
        struct partial *d = list_item(l, struct partial, link);
        if (d->id == p->fragment_id && d->proto == p->proto && addr_equal(&d->src, &p->src) &&
            addr_equal(&d->dst, &p->dst)) {
            return d;
        }
    }
    return NULL;
}

static struct partial *begin(struct reass *r, const struct packet *p, uint64_t mono)
{
    if (r->n == REASS_PACKETS_MAX) {
        forget(r, oldest(r));
    }
    struct partial *d = calloc(1, sizeof *d);
    if (!d) {
        return NULL;
    }
    d->src = p->src;
    d->dst = p->dst;
    d->id = p->fragment_id;
    d->proto = p->proto;
    d->deadline = mono + REASS_SECONDS * NS_PER_S;
    d->memory = sizeof *d;
    list_init(&d->fragments);
    list_init(&d->link);
    list_push_back(&r->partial, &d->link);
    r->bytes += d->memory;
    r->n++;
    return d;
}

static size_t header_len(const struct partial *d)
{
    return d->src.family == FAMILY_V4 ? IP4_HEADER : IP6_HEADER;
}

/* Where the fragment belongs: the link that it goes behind, or NULL when it overlaps or exceeds the
 * limits. An exact duplicate is its own predecessor. */
static struct list *place(struct partial *d, const struct packet *p)
{
    uint32_t begin = p->fragment_offset, end = begin + (uint32_t)p->payload_len;
    if (d->n_fragments == REASS_FRAGMENTS_MAX || (d->total && end > d->total)) {
        return NULL;
    }
    struct list *l = d->fragments.prev; /* from the end: they mostly come in order */
    for (; l != &d->fragments; l = l->prev) {
        const struct fragment *f = list_item(l, struct fragment, link);
        if (f->offset + f->len <= begin) {
            break;
        }
        if (f->offset == begin && f->len == p->payload_len) {
            return l;
        }
        if (f->offset < end) {
            return NULL;
        }
    }
    bool is_behind_all = l == d->fragments.prev;
    if (!p->fragment_more && (!is_behind_all || (d->total && d->total != end))) {
        return NULL;
    }
    return l;
}

static bool is_duplicate(const struct partial *d, const struct list *behind, const struct packet *p)
{
    return behind != &d->fragments &&
           list_item(behind, struct fragment, link)->offset == p->fragment_offset;
}

static bool insert(struct reass *r, struct partial *d, struct list *behind, const struct packet *p)
{
    struct fragment *f = malloc(sizeof *f + p->payload_len);
    if (!f) {
        return false;
    }
    f->offset = p->fragment_offset;
    f->len = (uint32_t)p->payload_len;
    memcpy(f->data, p->payload, p->payload_len);
    list_init(&f->link);
    list_push_back(behind->next, &f->link);
    d->n_fragments++;
    d->have += f->len;
    d->memory += sizeof *f + f->len;
    r->bytes += sizeof *f + f->len;
    if (f->offset == 0) {
        memcpy(d->header, p->ip, header_len(d));
    }
    if (!p->fragment_more) {
        d->total = f->offset + f->len;
    }
    return true;
}

/* The header says again what it would have said without fragmentation. Nobody verifies its
 * checksum. */
static uint8_t *assemble(const struct partial *d, size_t *len)
{
    size_t header = header_len(d);
    *len = header + d->total;
    uint8_t *ip = malloc(*len);
    if (!ip) {
        return NULL;
    }
    memcpy(ip, d->header, header);
    if (d->src.family == FAMILY_V4) {
        store_be16(ip + 2, (uint16_t)*len);
        store_be16(ip + 6, 0);
        store_be16(ip + 10, 0);
    } else {
        store_be16(ip + 4, (uint16_t)d->total);
        ip[6] = d->proto;
    }
    list_foreach(l, &d->fragments) {
        const struct fragment *f = list_item(l, struct fragment, link);
        memcpy(ip + header + f->offset, f->data, f->len);
    }
    return ip;
}

/* RFC 6946: an IPv6 packet that is its only fragment has nothing to do with others of its name. */
static bool is_atomic(const struct packet *p)
{
    return p->fragment_offset == 0 && !p->fragment_more;
}

enum reass_result reass_add(struct reass *r, const struct packet *p, uint8_t **ip, size_t *len,
                            uint64_t mono)
{
    struct partial *d = is_atomic(p) ? NULL : lookup(r, p);
    if (!d && !(d = begin(r, p, mono))) {
        return REASS_NOMEM;
    }
    struct list *behind = place(d, p);
    if (!behind) {
        forget(r, d);
        return REASS_BAD;
    }
    if (is_duplicate(d, behind, p)) {
        return REASS_WAITS;
    }
    while (r->bytes + p->payload_len > REASS_BYTES_MAX && oldest(r) != d) {
        forget(r, oldest(r));
    }
    if (!insert(r, d, behind, p)) {
        return REASS_NOMEM;
    }
    if (d->total == 0 || d->have < d->total) {
        return REASS_WAITS;
    }
    *ip = assemble(d, len);
    forget(r, d);
    return *ip ? REASS_WHOLE : REASS_NOMEM;
}

uint64_t reass_next_deadline(const struct reass *r)
{
    return r->n > 0 ? oldest(r)->deadline : NEVER;
}

void reass_tick(struct reass *r, uint64_t mono)
{
    while (reass_next_deadline(r) <= mono) {
        forget(r, oldest(r));
    }
}
