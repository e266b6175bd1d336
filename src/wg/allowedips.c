/* SPDX-License-Identifier: MIT */
/* Theory of operation: a binary trie with compressed paths, one per family. A node stands for a
 * prefix; the bit after that prefix chooses the child, whose prefix is longer and begins with the
 * parent's. A node without a peer is only a fork and always has two children, so there are fewer
 * forks than prefixes. Addresses are two words with the first bit on top; IPv4 fills the upper
 * half of the first. */
#include "wg/allowedips.h"

#include "base/bytes.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdlib.h>

struct bits {
    uint64_t hi, lo;
};

struct allowedips_node {
    struct bits prefix; /* bits beyond `len` are zero */
    unsigned len;
    struct wg_peer *peer; /* NULL: a fork */
    struct allowedips_node *child[2];
};

static struct bits bits_of(const struct addr *a)
{
    return (struct bits){load_be64(a->bytes), load_be64(a->bytes + 8)};
}

static struct bits bits_mask(struct bits b, unsigned len)
{
    if (len < 64) {
        return (struct bits){len == 0 ? 0 : b.hi & UINT64_MAX << (64 - len), 0};
    }
    return (struct bits){b.hi, len == 64 ? 0 : b.lo & UINT64_MAX << (128 - len)};
}

/* Bit number `i` from the top, 0..127. */
static unsigned bits_at(struct bits b, unsigned i)
{
    return (unsigned)((i < 64 ? b.hi >> (63 - i) : b.lo >> (127 - i)) & 1);
}

/* How many leading bits are the same: 0..128. */
static unsigned bits_common(struct bits a, struct bits b)
{
    if (a.hi != b.hi) {
        return (unsigned)__builtin_clzll(a.hi ^ b.hi);
    }
    return a.lo != b.lo ? 64 + (unsigned)__builtin_clzll(a.lo ^ b.lo) : 128;
}

static bool node_covers(const struct allowedips_node *node, struct bits key)
{
    return bits_common(node->prefix, key) >= node->len;
}

static unsigned width(const struct addr *a)
{
    return (unsigned)addr_len(a) * 8;
}

static struct allowedips_node **root_of(struct allowedips *a, const struct addr *addr)
{
    return addr->family == FAMILY_V4 ? &a->root_v4 : &a->root_v6;
}

static struct allowedips_node *node_new(struct bits key, unsigned len, struct wg_peer *peer)
{
    struct allowedips_node *node = calloc(1, sizeof *node);
    if (node != NULL) {
        *node = (struct allowedips_node){.prefix = bits_mask(key, len), .len = len, .peer = peer};
    }
    return node;
}

static void node_free(struct allowedips_node *node)
{
    if (node != NULL) {
        node_free(node->child[0]);
        node_free(node->child[1]);
        free(node);
    }
}

/* The place where the prefix stands or would stand: below every node that covers it. */
static struct allowedips_node **find_place(struct allowedips_node **place, struct bits key,
                                           unsigned len)
{
    while (*place != NULL && (*place)->len < len && node_covers(*place, key)) {
        place = &(*place)->child[bits_at(key, (*place)->len)];
    }
    return place;
}

/* Put `fresh` at *place, above or beside what stands there. */
static int splice(struct allowedips_node **place, struct allowedips_node *fresh)
{
    struct allowedips_node *below = *place;
    if (below == NULL) {
        *place = fresh;
        return 0;
    }
    unsigned common = bits_common(fresh->prefix, below->prefix);
    if (common >= fresh->len) {
        fresh->child[bits_at(below->prefix, fresh->len)] = below;
        *place = fresh;
        return 0;
    }
    struct allowedips_node *fork = node_new(fresh->prefix, common, NULL);
    if (fork == NULL) {
        return ERR_NOMEM;
    }
    fork->child[bits_at(fresh->prefix, common)] = fresh;
    fork->child[bits_at(below->prefix, common)] = below;
    *place = fork;
    return 0;
}

/* Take `peer` off every node below *place, then drop nodes that have neither a peer nor two
 * children. */
static void prune(struct allowedips_node **place, const struct wg_peer *peer)
{
    struct allowedips_node *node = *place;
    if (node == NULL) {
        return;
    }
    prune(&node->child[0], peer);
    prune(&node->child[1], peer);
    if (node->peer == peer) {
        node->peer = NULL;
    }
    if (node->peer == NULL && (node->child[0] == NULL || node->child[1] == NULL)) {
        *place = node->child[0] != NULL ? node->child[0] : node->child[1];
        free(node);
    }
}

void allowedips_init(struct allowedips *a)
{
    *a = (struct allowedips){0};
}

void allowedips_fini(struct allowedips *a)
{
    node_free(a->root_v4);
    node_free(a->root_v6);
    allowedips_init(a);
}

int allowedips_insert(struct allowedips *a, const struct prefix *p, struct wg_peer *peer,
                      struct wg_peer **previous)
{
    if (width(&p->addr) == 0 || p->len > width(&p->addr)) {
        return ERR_INVALID;
    }
    struct wg_peer *had = NULL;
    struct bits key = bits_mask(bits_of(&p->addr), p->len);
    struct allowedips_node **place = find_place(root_of(a, &p->addr), key, p->len);
    struct allowedips_node *node = *place;
    if (node != NULL && node->len == p->len && bits_common(node->prefix, key) >= p->len) {
        had = node->peer;
        node->peer = peer;
    } else {
        struct allowedips_node *fresh = node_new(key, p->len, peer);
        if (fresh == NULL) {
            return ERR_NOMEM;
        }
        if (splice(place, fresh) < 0) {
            free(fresh);
            return ERR_NOMEM;
        }
    }
    if (previous != NULL) {
        *previous = had;
    }
    return 0;
}

void allowedips_remove_peer(struct allowedips *a, const struct wg_peer *peer)
{
    prune(&a->root_v4, peer);
    prune(&a->root_v6, peer);
}

struct wg_peer *allowedips_lookup(const struct allowedips *a, const struct addr *addr)
{
    const struct allowedips_node *node = addr->family == FAMILY_V4 ? a->root_v4 : a->root_v6;
    struct bits key = bits_of(addr);
    unsigned full = width(addr);
    struct wg_peer *found = NULL;
    while (node != NULL && node_covers(node, key)) {
        if (node->peer != NULL) {
            found = node->peer;
        }
        node = node->len < full ? node->child[bits_at(key, node->len)] : NULL;
    }
    return found;
}
