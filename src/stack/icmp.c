/* SPDX-License-Identifier: MIT */
/* ICMP errors: see icmp.h. */
#include "stack/icmp.h"

#include "base/bytes.h"
#include "base/err.h"
#include "stack/conn.h"
#include "stack/gate.h"
#include "stack/pings.h"
#include "stack/sockets.h"

enum {
    QUOTED_PORTS = 8
}; /* RFC 792 promises so many bytes behind the header: ports and, for TCP, the sequence */

/* What an error says, in the table of errors; 0 when it says nothing that we act on. */
static int meaning(const struct packet *p, bool *too_big)
{
    uint8_t type = p->payload[0], code = p->payload[1];
    bool v4 = p->proto == PROTO_ICMP;
    *too_big = v4 ? type == 3 && code == 4 : type == 2;
    if (*too_big) {
        return 0;
    }
    if (type == (v4 ? 11 : 3)) { /* time exceeded: on the way, not in reassembly */
        return code == 0 ? ERR_UNREACHABLE : 0;
    }
    bool port = code == (v4 ? 3 : 4);
    return port ? ERR_REFUSED : ERR_UNREACHABLE;
}

/* The packet that the error quotes: the beginning of one that we sent. */
struct quote {
    uint8_t proto;
    const uint8_t *payload;
    struct flow_key key;
};

static bool read_quote_v4(struct quote *q, const uint8_t *ip, size_t len)
{
    if (len < IP4_HEADER + QUOTED_PORTS || ip[0] != 0x45 || (load_be16(ip + 6) & 0x1fff) != 0) {
        return false;
    }
    q->proto = ip[9];
    q->payload = ip + IP4_HEADER;
    q->key.local = addr_from_bytes(FAMILY_V4, ip + 12);
    q->key.remote = addr_from_bytes(FAMILY_V4, ip + 16);
    return true;
}

static bool read_quote_v6(struct quote *q, const uint8_t *ip, size_t len)
{
    if (len < IP6_HEADER + QUOTED_PORTS || ip[0] >> 4 != 6) {
        return false;
    }
    q->proto = ip[6];
    q->payload = ip + IP6_HEADER;
    q->key.local = addr_from_bytes(FAMILY_V6, ip + 8);
    q->key.remote = addr_from_bytes(FAMILY_V6, ip + 24);
    if (q->proto == PROTO_FRAGMENT) { /* the first of a datagram of ours */
        if (len < IP6_HEADER + IP6_FRAGMENT_HEADER + QUOTED_PORTS ||
            (load_be16(q->payload + 2) & 0xfff8) != 0) {
            return false;
        }
        q->proto = q->payload[0];
        q->payload += IP6_FRAGMENT_HEADER;
    }
    return true;
}

static bool read_quote(struct quote *q, const struct packet *p)
{
    const uint8_t *ip = p->payload + ICMP_HEADER;
    size_t len = p->payload_len - ICMP_HEADER;
    *q = (struct quote){0};
    if (p->proto == PROTO_ICMP ? !read_quote_v4(q, ip, len) : !read_quote_v6(q, ip, len)) {
        return false;
    }
    q->key.local_port = load_be16(q->payload);
    q->key.remote_port = load_be16(q->payload + 2);
    return true;
}

/* RFC 5927 4.1: a quote of something that is not under way was made up by somebody who cannot see
 * the connection. */
static bool is_in_flight(const struct tcp_pcb *pcb, uint32_t seq)
{
    return TCP_SEQ_GEQ(seq, pcb->lastack) && TCP_SEQ_LT(seq, pcb->snd_nxt);
}

static uint32_t next_mtu(const struct packet *p)
{
    return p->proto == PROTO_ICMP ? load_be16(p->payload + 6) : load_be32(p->payload + 4);
}

static void about_tcp(struct stack *s, const struct packet *p, const struct quote *q, int err,
                      bool too_big)
{
    struct flow *f = flowtab_lookup(&s->flows, &q->key);
    struct stack_tcp *t = f ? container_of(f, struct stack_tcp, flow) : NULL;
    if (!t || !is_in_flight(t->pcb, load_be32(q->payload + 4))) {
        return;
    }
    if (t->state == CONN_CONNECTING && err) {
        conn_drop_pcb(t, false);
        conn_fail(t, err);
    } else if (t->state == CONN_OPEN && too_big) {
        conn_lower_mtu(t, next_mtu(p));
    }
}

static bool is_echo(const struct quote *q)
{
    return (q->proto == PROTO_ICMP && q->payload[0] == 8) ||
           (q->proto == PROTO_ICMP6 && q->payload[0] == 128);
}

void icmp_error(struct stack *s, const struct packet *p)
{
    bool too_big;
    int err = meaning(p, &too_big);
    struct quote q;
    if ((err == 0 && !too_big) || !read_quote(&q, p)) {
        return;
    }
    if (q.proto == PROTO_TCP) {
        about_tcp(s, p, &q, err, too_big);
    } else if (q.proto == PROTO_UDP && err) {
        struct endpoint to = {.addr = q.key.remote, .port = q.key.remote_port};
        sockets_undelivered(s, q.key.local_port, &to, err);
    } else if (is_echo(&q)) {
        pings_undelivered(s, &q.key.remote, load_be16(q.payload + 4), load_be16(q.payload + 6),
                          err ? err : ERR_LIMIT);
    }
}
