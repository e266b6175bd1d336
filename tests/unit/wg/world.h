/* SPDX-License-Identifier: MIT */
/* Two WireGuard interfaces and the wire between them in virtual time. Everything that leaves is
 * counted, may be looked at, lost, delayed or kept for later; everything is decided by a seed. */
#ifndef WGPROXY_TESTS_WG_WORLD_H
#define WGPROXY_TESTS_WG_WORLD_H

#include "wg/device.h"
#include "wg/messages.h"
#include "wg/wg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORLD_INNER_MAX 9000
#define MS NS_PER_MS
#define SEC NS_PER_S

enum { A = 0, B = 1 };

struct world;

/* Looks at a datagram that leaves node `from`; false loses it. It may change the bytes. */
typedef bool (*world_filter_fn)(struct world *w, int from, uint8_t *data, size_t len);

struct node {
    struct wg *wg;
    struct wg_peer *peer; /* the other one */
    struct wg_peer *extra;
    struct endpoint at; /* where its datagrams come from */
    struct outbox out;
    uint8_t private_key[KEY_LEN], public_key[KEY_LEN];
    struct rng rng;
    uint64_t seed;
    uint64_t wall_offset; /* added to the virtual time; may be changed */
    struct log log;
    char lines[65536]; /* what it logged, a line each with its second in front */
    size_t lines_len;

    unsigned sent[5]; /* messages by type; keepalives also below */
    unsigned sent_keepalives;
    uint64_t last_sent_at;
    struct outbox_msg last_msg;          /* of the last that left */
    unsigned got;                        /* inner packets delivered */
    uint32_t got_id;                     /* of the last */
    uint8_t got_packet[WORLD_INNER_MAX]; /* the last one itself */
    size_t got_len;
    enum wg_rx verdict;   /* of the last datagram */
    struct wg_peer *from; /* that the last verdict named */
};

struct flight {
    struct flight *next;
    uint64_t at;
    int to;
    struct endpoint from;
    uint8_t tos;
    size_t len;
    uint8_t data[];
};

struct world {
    struct node node[2];
    struct flight *flights; /* by time of arrival */
    uint64_t mono;
    uint64_t delay;  /* one way; a filter may change it for each message */
    unsigned copies; /* of the message that leaves; as delay, but 1 again for the next */
    world_filter_fn filter;
    /* each inner packet that arrives; may be NULL */
    void (*delivered)(struct world *w, int to, uint32_t id);
    void *ctx;
    uint8_t psk[KEY_LEN];
    uint16_t keepalive[2];
    uint8_t tos;          /* what the path makes of the outer ECN bits; 0xff: leaves them */
    bool endpointless[2]; /* the node does not know where the other one is */
    uint64_t wakeups;     /* ticks that deadlines asked for */
};

/* A and B know each other; A owns 10.0.0.1 and fd00::1, B 10.0.0.2 and fd00::2; 10 ms one way.
 * Fields that set-up reads (psk, keepalive, endpointless) are to be set between world_init and
 * world_start. */
void world_init(struct world *w, uint64_t seed);
void world_start(struct world *w);
void world_fini(struct world *w);

/* Throw a node's state away and begin anew with the same keys. */
void world_restart(struct world *w, int who);

struct now world_now(const struct world *w, int who);

/* Send an inner IPv4 packet of `len` bytes (28 or more) that carries `id`. */
enum wg_tx world_send(struct world *w, int who, uint32_t id, size_t len);

/* Let time pass: deliver what is under way and tick what is due. */
void world_run(struct world *w, uint64_t duration);
/* Set the clock to `at` without asking for deadlines, as after a sleep, then tick both. */
void world_tick_at(struct world *w, uint64_t at);

/* Hand a datagram to a node now. */
enum wg_rx world_inject(struct world *w, int to, const struct endpoint *from, const uint8_t *data,
                        size_t len, uint8_t tos);

/* All that a node knows, as it stands. */
struct snapshot {
    struct wg wg;
    struct wg_peer peer;
    uint64_t seed;
};
void world_snapshot(const struct world *w, int who, struct snapshot *s);
/* Did nothing change but counters of verdicts? And does nothing wait to be sent? */
bool world_unchanged(const struct world *w, int who, const struct snapshot *s);

/* Shut in a box: the datagrams that leave a node are kept instead of sent. */
struct captured {
    size_t len;
    uint8_t data[2048];
};
/* A filter: loses everything and keeps the last datagram of each node in w->ctx, a struct
 * captured[2]. */
bool world_capture(struct world *w, int from, uint8_t *data, size_t len);

/* A world on the heap, to be started; and one with a session that A began, in which A sent packet
 * 1. */
struct world *world_new(uint64_t seed);
struct world *world_connected(uint64_t seed);
void world_free(struct world *w);

/* What stands in a node's outbox leaves. */
void world_flush(struct world *w, int who);

bool world_logged(const struct node *n, const char *words);

/* Build an inner packet at `p`: IPv4 or IPv6 with UDP, src and dst by last byte; returns `len`. */
size_t inner_v4(uint8_t *p, uint8_t src, uint8_t dst, uint32_t id, size_t len, uint8_t tos);
size_t inner_v6(uint8_t *p, uint8_t src, uint8_t dst, uint32_t id, size_t len, uint8_t tos);

uint64_t splitmix(uint64_t *state);
struct rng seeded_rng(uint64_t *state);

struct endpoint endpoint_of(const char *text);
struct prefix prefix_of(const char *text);
struct addr addr_of(const char *text);

#endif
