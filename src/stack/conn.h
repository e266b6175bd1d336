/* SPDX-License-Identifier: MIT */
/* A TCP connection as the files of this module see it. Its public contract is stack_tcp.h.
 *
 *   stack_tcp.c   the contract's functions: queues in, queues out, the end
 *   conn.c        life and death, and lwIP's callbacks, which only take notes
 *   conn_open.c   connecting, listening, accepting, and the choice of local ports
 *   conn_flush.c  what the end of a turn does: copy what nobody took, credit, write, FIN
 *   conn_mtu.c    smaller segments for a narrower path
 *   black_hole.c  large packets of the peer that never arrive
 *   window.c      how much the peer may send ahead of the reader
 *   sender.c      how much we may send, and what is lost of it
 *   ticks.c       lwIP's timers and everything else that waits for time */
#ifndef WGPROXY_STACK_CONN_H
#define WGPROXY_STACK_CONN_H

#include "stack/internal.h"
#include "stack/sender.h"

#include <lwip/tcp.h>

/* What a connection is, whoever holds it.
 *
 *   HALF_OPEN   a SYN came to a listener; no user yet. -> OPEN, or freed
 *   CONNECTING  our SYN is out; what is committed waits. -> OPEN, FAILED
 *   OPEN        connected; either direction may have ended. -> OVER, FAILED
 *   OVER        both directions ended in order and lwIP let go; unread bytes may still be read.
 *               -> FAILED, when lwIP says only after freeing the pcb that it gave up
 *   FAILED      reset, refused, unreachable or timed out; `error` says which
 *
 * It lives until its user has given it up and lwIP has let go of the pcb. There is no pcb in OVER
 * and FAILED, and always one before. conn_set_state alone writes it. */
enum conn_state { CONN_HALF_OPEN, CONN_CONNECTING, CONN_OPEN, CONN_OVER, CONN_FAILED };

/* A peer that acknowledges nothing for so long is given up when nobody waits for it any more. */
#define CONN_ORPHAN_NS (60 * NS_PER_S)

/* Received pbufs that nobody has taken, in a list of our own: pbuf_cat would walk it each time. */
struct fresh {
    struct pbuf *head, *tail;
    size_t len;
};

struct stack_tcp {
    struct stack *stack;
    struct tcp_pcb *pcb;
    struct flow flow;    /* in stack->flows while there is a pcb */
    struct list all;     /* in stack->conns */
    struct list ready;   /* in stack->tcp_ready while `events` has something to say */
    struct list dirty;   /* in stack->tcp_dirty */
    struct list starved; /* in stack->tcp_starved */

    enum conn_state state;
    int error;
    bool has_user;   /* between connect or accept, and close or abort */
    bool got_fin;    /* the peer will send no more */
    bool fin_wanted; /* behind what is committed */
    bool fin_sent;   /* lwIP has it */
    bool fin_acked;
    bool closed;     /* lwIP knows that there is no user any more */
    bool want_space; /* reserve gave NULL */
    bool parked;     /* the pcb waits for nothing: lwIP's timers do not see it */

    stack_tcp_event_fn *event;
    void *ctx;
    unsigned events;                     /* that the handler has not heard of */
    struct stack_tcp_listener *listener; /* who has not shown it to a user yet */
    struct list pending; /* in listener->pending; or, long after that, in stack->time_wait */

    struct chunkq tx;
    struct chunkq rx;      /* unread bytes of earlier turns, before `fresh` */
    struct fresh fresh;    /* unread bytes of this turn, still in receive buffers */
    uint32_t tx_limit;     /* of tx.len */
    uint32_t round_trip;   /* of the handshake, ns, at most a second */
    uint32_t window;       /* what the peer may send ahead of the reader */
    uint32_t window_read;  /* taken by the reader since window_since */
    uint64_t window_since; /* before the connection is open: when its first SYN went or came */
    uint32_t acked;        /* up to where the peer's bytes are acknowledged */
    uint32_t ack_step;     /* so many bytes more are acknowledged before the turn ends */
    struct sender sender;
    uint64_t orphan_due; /* without a user: when to stop waiting for the peer */
    uint64_t stuck_due;  /* when what the peer should have sent is missed; see black_hole.c */
    uint64_t told_at;    /* when it was told that it is too large, the last time */
    unsigned tells;
};

struct stack_tcp_listener {
    struct stack *stack;
    struct tcp_pcb *pcb;
    struct list link;    /* in stack->listeners */
    struct list pending; /* half open, or open and not yet shown to the user */
    unsigned n_pending;
    stack_tcp_accept_fn *accepted;
    void *ctx;
};

/* ---- conn.c ---- */

/* A connection without user, pcb or place in the table; NULL without memory. */
struct stack_tcp *conn_new(struct stack *stack, enum conn_state state);

/* Tie the two together: lwIP's callbacks reach the connection until the pcb is freed. */
void conn_bind_pcb(struct stack_tcp *t, struct tcp_pcb *pcb);
void conn_set_callbacks(struct stack_tcp *t);
struct stack_tcp *conn_of_pcb(const struct tcp_pcb *pcb);

void conn_set_state(struct stack_tcp *t, enum conn_state state);
void conn_established(struct stack_tcp *t);

/* Something for the handler, or for the next flush. */
void conn_notify(struct stack_tcp *t, unsigned events);
void conn_mark_dirty(struct stack_tcp *t);

/* After each packet for it: what lwIP does not say, or does not notice. */
void conn_after_packet(struct stack_tcp *t);

/* End it without a callback, with an RST if asked. When it has no user it is freed. */
void conn_drop_pcb(struct stack_tcp *t, bool reset);

/* lwIP has let go, or is about to. */
void conn_fail(struct stack_tcp *t, int err);

/* The stack goes, and it with it, whatever its state. */
void conn_kill(struct stack_tcp *t);

/* The user has left: free it if lwIP has, too. */
void conn_release(struct stack_tcp *t);

/* ---- conn_open.c ---- */

void conn_show_accepted(struct stack_tcp *t, struct now now);

/* ---- conn_flush.c ---- */

size_t conn_tx_limit(const struct stack_tcp *t); /* how long its send queue may be now */

void conn_flush_all(struct stack *stack);
size_t conn_unread(const struct stack_tcp *t);
void conn_free_fresh(struct stack_tcp *t);

/* ---- conn_mtu.c ---- */

void conn_lower_mtu(struct stack_tcp *t, uint32_t mtu);

/* The largest segment that connections which begin now shall have; to be announced, and to be kept by this one. */
uint16_t conn_mss(const struct stack *s, bool v6);
/* The largest packet that fits and is made of config.segment_block. */
uint16_t conn_whole_blocks(const struct stack *s, uint16_t mtu);
void conn_clamp_mss(struct stack_tcp *t);

/* After a retransmission: a large segment that was sent some times in vain may be too large for the path. */
void conn_suspect_black_hole(struct stack_tcp *t);

/* ---- window.c ---- */

bool window_is_pressed(const struct stack *s); /* all queues together are above their budget */
void window_open(struct stack_tcp *t);         /* the connection is established */
void window_consumed(struct stack_tcp *t, size_t n);  /* the reader took n bytes */
void window_left(struct stack_tcp *t, size_t unread); /* unread bytes at the end of a turn */
void window_credit(struct stack_tcp *t);              /* let lwIP announce what is due */

/* ---- ticks.c ---- */

void ticks_init(struct stack *stack);
void ticks_arm(struct stack *stack);       /* something may wait from now on */
void ticks_wake(struct stack_tcp *t);      /* something happens to it: its time runs again */
void ticks_time_wait(struct stack_tcp *t); /* it is in TIME_WAIT, from now on */
void ticks_time_wait_over(struct stack_tcp *t);
void ticks_starve(struct stack_tcp *t); /* out of memory: try again after a while */
uint64_t ticks_next_deadline(const struct stack *stack);
void ticks_run(struct stack *stack);

#endif
