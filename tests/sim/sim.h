/* SPDX-License-Identifier: MIT */
/* A whole world in virtual time: hosts that run the real application, a link between them with seeded weather, and a
 * record of every datagram on it. Nothing here reads a clock; the same seed gives the same record, byte for byte.
 *
 * There is one time. What a host sees of it are its own clocks: its wall clock may be wrong by any amount, and it may sleep,
 * which loses what arrives meanwhile and wakes it to a monotonic clock that has leapt. */
#ifndef WGPROXY_TESTS_SIM_SIM_H
#define WGPROXY_TESTS_SIM_SIM_H

#include "app/app.h"
#include "base/list.h"
#include "base/now.h"
#include "base/outbox.h"
#include "base/rng.h"
#include "sim_events.h"
#include "unit/shuffler.h"

#include <stdbool.h>
#include <stdint.h>

#define SIM_HOSTS 3
#define SIM_WALL_START (UINT64_C(1700000000) * NS_PER_S)

/* What the link does to a datagram; the same in both directions unless a test changes one. */
struct sim_weather {
    unsigned loss, duplicate, corrupt; /* per thousand */
    uint64_t delay, jitter;            /* ns; jitter is added uniformly and so reorders */
    bool down;                         /* everything is lost */
    unsigned
        /* and so is what is larger than so many bytes, headers outside included; 0: nothing */
        swallow;
};

/* One line of the record. */
struct sim_wire {
    uint64_t at;  /* ns since the start */
    uint8_t from; /* host */
    uint8_t type; /* first byte of the datagram: 1 initiation, 2 response, 3 cookie, 4 data */
    uint16_t len;
    bool lost;
};

struct sim_host;

/* Whoever looks on: told of each datagram as it is sent (whether or not the weather takes it) and as a host's application
 * gets it. `genuine`: as a host sent it, from where that host was, its first arrival or a copy made by the link. */
struct sim_watcher {
    void (*sent)(void *ctx, const struct sim_host *by, const struct endpoint *to,
                 const uint8_t *data, size_t len);
    void (*arrives)(void *ctx, const struct sim_host *at, const struct endpoint *from,
                    const uint8_t *data, size_t len, bool genuine);
    void *ctx;
};

struct sim_host {
    struct sim *sim;
    unsigned number;
    const char *name;
    struct addr address;
    struct env env;
    struct log log;
    struct shuffler shuffler; /* its other cores */
    struct app *app;          /* NULL while the host is off */
    struct tunnel *tunnel;    /* the first */
    int64_t wall_ahead;       /* ns; how wrong its wall clock is. A test sets it. */
    uint16_t outside_port;    /* a translator's before its port; 0: none. A test sets it. */
    bool asleep;
    unsigned ports_given;  /* to sockets that asked for any */
    struct list ports;     /* sim_port */
    struct list listeners; /* sim_listener */
    struct list streams;   /* sim_stream: the local ends that the application holds */
    uint64_t deadline;     /* when its turn must run next */
    uint64_t wakes;        /* turns that ran because of time alone */
    uint64_t datagrams;    /* that it sent */
    char *said;            /* its log, line by line */
    size_t said_len;
    struct sim_weather out; /* of what it sends */
    unsigned path_mtu;      /* as its system would tell; 0: it does not know */
    unsigned fragmenting;   /* how often a port was told that fragments may be */
};

/* A name of the world outside, as the hosts' resolvers know it. */
#define SIM_NAME_ADDRESSES 4
struct sim_name {
    const char *name; /* NULL: nothing can be resolved, as without a network */
    struct addr found[SIM_NAME_ADDRESSES];
    size_t n;
    unsigned asked;
};

struct sim {
    struct now now;
    struct sim_name name; /* the only one there is; a test sets it */
    uint64_t start;
    uint64_t seed; /* moves on: the state of `rng` */
    struct rng rng;
    struct sim_host hosts[SIM_HOSTS];
    struct sim_events events;
    struct rxbuf_pool pool;
    struct sim_wire *wire;
    size_t n_wire, wire_size;
    bool forgetful; /* keep no record, for long runs; the fingerprint needs none */
    uint64_t fingerprint;
    struct sim_watcher watcher; /* members may be NULL */
    bool talk;                  /* print the hosts' log lines and the wire */
};

/* Three hosts, "client" 192.0.2.1, "far" 192.0.2.2 and "third" 198.51.100.3, all off, 10 ms apart and in fair weather. */
struct sim *sim_new(uint64_t seed);
void sim_free(struct sim *s);

/* Switch a host on with a configuration; `socks` opens a SOCKS5 door that sim_connect reaches. Off loses all memory. */
void sim_host_on(struct sim *s, unsigned host, const char *config, bool socks);
void sim_host_off(struct sim *s, unsigned host);

/* The same in steps, for a host with several tunnels. `through` may be NULL; `socks_port` 0 opens no door. */
void sim_host_boot(struct sim *s, unsigned host);
struct tunnel *sim_host_add(struct sim *s, unsigned host, const char *name, const char *config,
                            struct tunnel *through, uint16_t socks_port);
void sim_host_start(struct sim *s, unsigned host);

/* A lid that is closed: nothing runs, and what arrives is lost. */
void sim_host_sleep(struct sim *s, unsigned host);
void sim_host_wake(struct sim *s, unsigned host);

struct dgram *sim_host_port(struct sim_host *h); /* of its first tunnel */
struct now sim_now(const struct sim_host *h);    /* as its clocks show it */

/* Run until now.mono is `at` after the start; or until `done(ctx)`, which is asked after each event: false when `at` came
 * first. */
void sim_run_to(struct sim *s, uint64_t at);
void sim_stir(struct sim *s,
              uint64_t at); /* an event at that time that does nothing, so that `done` is asked */
bool sim_run_until(struct sim *s, bool (*done)(void *ctx), void *ctx, uint64_t at);
uint64_t sim_time(const struct sim *s); /* since the start */

/* A datagram from nowhere: as if `from` had sent it to the host's first port. */
void sim_inject(struct sim *s, unsigned host, const struct endpoint *from, const void *data,
                size_t len);

/* One bit becomes wrong, but none of a handshake message's mac2, which nobody reads who is not under load (paper 5.4.4). */
void sim_flip_bit(struct sim *s, uint8_t *data, size_t len);

/* How many datagrams of `type` (0: any) the host sent in [from, to). */
unsigned sim_sent(const struct sim *s, unsigned host, unsigned type, uint64_t from, uint64_t to);

/* The time of the host's n-th (from 0) datagram of `type` at or after `from`; NEVER when there is none. */
uint64_t sim_when(const struct sim *s, unsigned host, unsigned type, unsigned n, uint64_t from);

/* How many lines of the host's log hold `part`. */
unsigned sim_said(const struct sim *s, unsigned host, const char *part);

/* One number for the whole record, contents included. */
uint64_t sim_fingerprint(const struct sim *s);

/* ---- for the parts of the world (sim_net.c, sim_client.c) ---- */

extern const struct env_ops sim_env_ops;
void sim_schedule(struct sim *s, uint64_t at_mono, sim_event_fn *fn, void *arg, const void *owner);
void sim_unschedule(
    struct sim *s,
    const void *owner); /* every event of this owner; their args are freed with free() */
void sim_record(struct sim *s, unsigned from, const uint8_t *data, size_t len, bool lost);
unsigned sim_chance(struct sim *s); /* 0..999 */

#endif
