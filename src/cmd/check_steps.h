/* SPDX-License-Identifier: MIT */
/* What `wgproxy check` finds out about a tunnel once it is up: the handshakes, the DNS server inside, who answers pings, and the
 * largest packet that passes. Events go in; lines, and wishes to whoever runs the tunnel, come out through the operations. Knows no
 * tunnel and no clock. */
#ifndef WGPROXY_CMD_CHECK_STEPS_H
#define WGPROXY_CMD_CHECK_STEPS_H

#include "base/addr.h"
#include "base/macros.h"
#include "base/now.h"

#include <stdbool.h>

#define CHECK_LINE 512 /* as LOG_LINE_MAX: a line of the log may be the cause */

struct check_ops {
    void (*say)(void *ctx, const char *line); /* a step's result, without a newline */
    /* Ask the DNS servers inside; the answer comes as check_steps_answered. 0 or an error. */
    int (*look_up)(void *ctx, const char *name, struct now now);
    void (*stop_looking)(void *ctx);
    /* Send a request of `len` bytes; what comes of it is check_steps_replied or check_steps_undelivered. 0 or an error. */
    int (*ping)(void *ctx, const struct addr *to, uint16_t seq, size_t len);
    /* Why the peers are silent, as far as is known; empty when nothing is. */
    void (*explain)(void *ctx, char out[CHECK_LINE]);
};

/* What is to be checked; all is borrowed for life. */
struct check_plan {
    unsigned n_peers;          /* handshakes to wait for; 0 when no peer can be called */
    const struct addr *dns;    /* the first server inside; NULL: none */
    const char *name;          /* to be looked up there */
    const struct addr *target; /* to be pinged; NULL: nobody is known */
    size_t mtu;                /* of the tunnel */
    size_t least_mtu;          /* that its file may give */
};

/* HANDSHAKE  all peers were called and shall answer                       -> DNS, or OVER with a cause
 * DNS        the name is being looked up                                  -> PING
 * PING       small requests go to the target until one is answered        -> SIZE, OVER
 * SIZE       requests between `passed` and `blocked` bytes narrow the gap -> OVER
 * OVER       nothing more happens; `cause` is empty when all is well */
enum check_step { CHECK_HANDSHAKE, CHECK_DNS, CHECK_PING, CHECK_SIZE, CHECK_OVER };

struct check_steps {
    const struct check_ops *ops;
    void *ctx;
    struct check_plan plan;
    enum check_step step;
    uint64_t began;    /* the whole */
    uint64_t since;    /* this step */
    uint64_t deadline; /* of what is waited for */
    unsigned shaken;
    bool dns_works;
    bool is_silent; /* nothing has come through the tunnel yet but the handshake */
    uint16_t seq;   /* of the last request */
    unsigned sent;  /* requests of this size */
    uint64_t sent_at;
    size_t passed, blocked, trying; /* bytes of a packet */
    bool is_cut_short;              /* time ran out before the gap was closed */
    char cause[CHECK_LINE];         /* what does not work, first come */
};

/* The peers are being called. */
void check_steps_begin(struct check_steps *c, const struct check_plan *plan,
                       const struct check_ops *ops, void *ctx, struct now now);

/* One more peer, told by `who`, has completed its handshake. */
void check_steps_shaken(struct check_steps *c, const char *who, struct now now);
void check_steps_answered(struct check_steps *c, int err, const struct addr *addrs, size_t n,
                          struct now now);
void check_steps_replied(struct check_steps *c, const struct addr *from, uint16_t seq,
                         struct now now);
void check_steps_undelivered(struct check_steps *c, uint16_t seq, int err, struct now now);

uint64_t check_steps_next_deadline(const struct check_steps *c); /* NEVER when over */
void check_steps_tick(struct check_steps *c, struct now now);

#endif
