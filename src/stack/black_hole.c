/* SPDX-License-Identifier: MIT */
/* Theory of operation. What vanishes cannot be seen; two things that it leaves behind can:
 *
 *   a hole     small segments arrived, large ones before them are missing and do not come although the sender repeats them.
 *              Nearly every TLS handshake ends so, and every page of a few segments.
 *   a silence  the peer took our request, perhaps began to answer, and nothing follows; while no large packet has ever
 *              arrived through this tunnel. That may as well be a server that thinks, or is done.
 *
 * After 3 s of either, the sender is told "too big" about what is missing, as a router with a smaller MTU would have done
 * (RFC 1191, RFC 8201). A sender in a black hole goes on at once, with segments of the size that it was told; the others
 * lose a few bytes a packet for a while. So a hole, and a silence that ends at once with such a segment, prove it: later
 * connections announce a smaller MSS, and those that are open are told as they get stuck. The first large packet that
 * arrives refutes it all.
 *
 * So that one may arrive although all were told, a connection that begins ten minutes later announces what the MTU allows,
 * and another one each ten minutes: the time that RFC 1191 6.3 and RFC 8899 5.1.1 give a path to become wider. It alone
 * waits while the black hole is still there; its silence counts as a trace, whatever has arrived before. Holes in between
 * put that off for nobody, or whoever leaves them would decide how large the segments of all others are. */
#include "stack/black_hole.h"

#include "base/bytes.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "stack/icmp_packet.h"

#define PATIENCE_NS (3 * NS_PER_S)
#define AT_ONCE_NS (100 * NS_PER_MS) /* and two round trips */
#define DOUBT_NS (600 * NS_PER_S)

enum { TELLS_MAX = 3 };     /* a connection */
enum { SILENCES_MAX = 16 }; /* a tunnel, whose peer may have nothing that is large to send */
/* The least payload of a packet larger than that, with options. */
enum { LARGE = BLACK_HOLE_PASSES - 100 };
enum { TOO_BIG4 = 3, NEEDS_FRAGMENTS = 4, TOO_BIG6 = 2 }; /* type and code, type */

void black_hole_large_arrived(struct stack *s)
{
    s->large_at = s->mono;
    if (s->black_hole) {
        s->black_hole = false;
        log_info(s->config.log, "packets larger than %d bytes arrive again -> full segments",
                 BLACK_HOLE_PASSES);
    }
}

static void conclude(struct stack *s)
{
    if (!s->black_hole && s->segment_mtu > BLACK_HOLE_PASSES) {
        s->black_hole = true;
        s->doubt_due = s->mono + DOUBT_NS;
        log_info(
            s->config.log,
            "large packets do not arrive through the tunnel -> connections ask for smaller ones; "
            "MTU = %d in the file would spare the wait",
            BLACK_HOLE_PASSES);
    }
}

/* ---- doubt ---- */

uint16_t black_hole_doubt(struct stack *s, uint16_t local_port, uint16_t remote_port)
{
    if (!s->black_hole || s->mono < s->doubt_due || s->segment_mtu <= BLACK_HOLE_PASSES) {
        return 0;
    }
    s->doubt_due = s->mono + DOUBT_NS;
    s->doubter.local_port = local_port;
    s->doubter.remote_port = remote_port;
    return (uint16_t)(s->segment_mtu - BLACK_HOLE_PASSES);
}

/* By its ports alone: to take another one for it costs a message. */
static bool is_doubter(const struct stack_tcp *t)
{
    const struct stack *s = t->stack;
    return s->black_hole && t->flow.key.local_port == s->doubter.local_port &&
           t->flow.key.remote_port == s->doubter.remote_port;
}

/* ---- what is left behind ---- */

/* Is what is missing large, and what came after it small? */
static bool has_hole(const struct tcp_pcb *pcb)
{
    const struct tcp_seg *seg = pcb->ooseq;
    if (!seg || seg->tcphdr->seqno - pcb->rcv_nxt < LARGE) {
        return false;
    }
    while (seg && seg->len < LARGE) {
        seg = seg->next;
    }
    return !seg;
}

/* May its silence mean anything? */
static bool is_suspicious(const struct stack_tcp *t)
{
    const struct stack *s = t->stack;
    return s->segment_mtu > BLACK_HOLE_PASSES &&
           (is_doubter(t) || (s->large_at == 0 && s->silences < SILENCES_MAX));
}

/* From now on more may follow. */
static void expect_more(struct stack_tcp *t)
{
    bool may = is_suspicious(t) && !t->got_fin;
    t->stuck_due = may ? t->stack->mono + PATIENCE_NS : NEVER;
}

void black_hole_asked(struct stack_tcp *t)
{
    expect_more(t);
}

void black_hole_answered(struct stack_tcp *t, size_t len)
{
    struct stack *s = t->stack;
    expect_more(t);
    if (t->tells > 0 && s->mono - t->told_at <= 2 * t->round_trip + AT_ONCE_NS && len >= LARGE &&
        len < BLACK_HOLE_PASSES) {
        conclude(s);
    }
}

/* ---- telling ---- */

static void tell(struct stack_tcp *t)
{
    const struct flow_key *k = &t->flow.key;
    bool v4 = k->local.family == FAMILY_V4;
    size_t quoted = v4 ? IP4_HEADER : IP6_HEADER;
    struct pbuf *q = icmp_packet_new(&k->local, &k->remote, 2 * quoted + 2 * ICMP_HEADER);
    if (!q) {
        return;
    }
    size_t len;
    uint8_t *icmp = icmp_packet_body(q, &len), *tcp = icmp + ICMP_HEADER + quoted;
    icmp[0] = v4 ? TOO_BIG4 : TOO_BIG6;
    icmp[1] = v4 ? NEEDS_FRAGMENTS : 0;
    store_be32(icmp + 4, BLACK_HOLE_PASSES);
    icmp_packet_header(icmp + ICMP_HEADER, &k->remote, &k->local, PROTO_TCP, t->stack->config.mtu);
    store_be16(tcp, k->remote_port);
    store_be16(tcp + 2, k->local_port);
    store_be32(tcp + 4, t->pcb->rcv_nxt);
    icmp_packet_send(t->stack, q);
}

/* Has no large packet come for as long as the hole is there? */
static bool is_proven(const struct stack *s)
{
    return s->large_at == 0 || s->mono - s->large_at >= PATIENCE_NS;
}

static void act(struct stack_tcp *t, bool hole)
{
    struct stack *s = t->stack;
    s->silences += !hole && !is_doubter(t);
    t->tells++;
    t->told_at = s->mono;
    tell(t);
    if (hole) {
        conclude(s);
    }
}

void black_hole_watch(struct stack_tcp *t)
{
    struct stack *s = t->stack;
    if (t->state != CONN_OPEN || t->tells == TELLS_MAX) {
        t->stuck_due = NEVER;
        return;
    }
    bool hole = has_hole(t->pcb);
    if (hole && t->stuck_due == NEVER) {
        t->stuck_due = s->mono + PATIENCE_NS;
    }
    if (s->mono < t->stuck_due) {
        return;
    }
    t->stuck_due = NEVER;
    if (hole ? is_proven(s) : is_suspicious(t)) {
        act(t, hole);
    }
}
